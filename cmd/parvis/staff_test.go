package main

import (
	"encoding/json"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/control"
	"parvis/internal/lab"
)

const (
	consoleName   = "equipe.lab.test"
	staffPassword = "girafe lampe ruisseau"
)

// consoleSite has a console with a certificate of its own.
func consoleSite() lab.Site {
	return lab.Site{More: "[staff]\nname = \"" + consoleName + "\"\ncertificate = \"STAFF.crt\"\nkey = \"STAFF.key\"\n"}
}

// openConsole raises a town whose Parvis has a console.
func openConsole(t *testing.T, options ...func(*lab.Site)) *place {
	t.Helper()
	lab.NeedsLab(t)
	s := consoleSite()
	for _, o := range options {
		o(&s)
	}
	files := filepath.Join(t.TempDir(), "equipe")
	s.More = strings.ReplaceAll(s.More, "STAFF", files)
	p := town(t, lab.Options{}, s)
	if err := p.CA.WriteCertificate(files+".crt", files+".key", consoleName); err != nil {
		t.Fatal(err)
	}
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	return p
}

// staffClient is a browser of a device: it keeps cookies and follows nothing by itself.
func staffClient(g *lab.Guest) *http.Client {
	c := g.Client()
	c.Jar, _ = cookiejar.New(nil) // fails only on a bad option
	return c
}

func (p *place) ask(c *http.Client, method, address string, form url.Values) (status int, to, body string) {
	p.t.Helper()
	var content io.Reader
	if form != nil {
		content = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx(p.t), method, address, content)
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := c.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), html.UnescapeString(string(b))
}

// staffLink runs a verb that prints a link.
func (p *place) staffLink(args ...string) (link, secret string) {
	p.t.Helper()
	out, err := p.parvis.Output(ctx(p.t), append(append([]string{"staff"}, args...), "--json")...)
	if err != nil {
		p.t.Fatal(err, out)
	}
	var a control.StaffAnswer
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		p.t.Fatal(err, out)
	}
	u, err := url.Parse(a.Link)
	if err != nil || u.Host != consoleName {
		p.t.Fatal(a.Link, err)
	}
	return a.Link, u.Query().Get("j")
}

// colleague makes an account by its link, on a device of the public Wi-Fi that nobody knows yet, and enters.
func (p *place) colleague(g *lab.Guest, role string) *http.Client {
	p.t.Helper()
	link, secret := p.staffLink("add", "--role", role, "Leïla")
	c := staffClient(g)
	base := "https://" + consoleName
	step := func(method, address string, form url.Values, status int, to, says string) {
		p.t.Helper()
		s, l, body := p.ask(c, method, address, form)
		if s != status || l != to || !strings.Contains(body, says) {
			p.t.Fatalf("%s %s: %d to %q, want %d to %q:\n%s", method, address, s, l, status, to, body)
		}
	}
	step(http.MethodGet, link, nil, 200, "", "Inscrire cet appareil")
	step(http.MethodPost, base+"/invitation", url.Values{"j": {secret}}, 303, link, "")
	step(http.MethodGet, link, nil, 200, "", "Créer votre compte")
	step(http.MethodPost, base+"/invitation", url.Values{
		"j": {secret}, "nom": {"Leïla"}, "identifiant": {"informaticienne"}, "mot-de-passe": {staffPassword}, "encore": {staffPassword},
	}, 303, "/entrer?fait=compte", "")
	step(http.MethodGet, base+"/attente", nil, 303, "/entrer?suite=%2Fattente", "")
	step(http.MethodPost, base+"/entrer", url.Values{"identifiant": {"informaticienne"}, "mot-de-passe": {staffPassword}, "suite": {"/attente"}}, 303, "/attente", "")
	return c
}

func TestAColleaguesPhoneReachesTheConsoleAndNobodyElses(t *testing.T) {
	p := openConsole(t)
	phone, stranger := p.guest(), p.guest()
	console := "https://" + consoleName + "/"
	nobody := func(what string) {
		t.Helper()
		if status, _, body := p.ask(staffClient(stranger), http.MethodGet, console, nil); status != 403 || !strings.Contains(body, "Cet appareil n'est pas inscrit") {
			t.Errorf("%s, a stranger: %d %s", what, status, body)
		}
		if c, err := stranger.Dial(ctx(t), "tcp", net.JoinHostPort(p.GuestAddress().String(), "8444")); err == nil {
			c.Close()
			t.Errorf("%s, a stranger reaches the console's port", what)
		}
	}
	nobody("before")
	c := p.colleague(phone, "dsi")
	in := func(what string) {
		t.Helper()
		if status, _, body := p.ask(c, http.MethodGet, console+"attente", nil); status != 200 || !strings.Contains(body, "<h1>") || !strings.Contains(body, "Leïla") {
			t.Errorf("%s: %d %s", what, status, body)
		}
	}
	in("entered")
	nobody("with a colleague inside")

	// The portal never stops it, and its own name is still the portal.
	if status, _ := p.get(phone, "http://"+lab.ServicePublic+"/"); status != 200 {
		t.Errorf("the internet answers the colleague's phone with %d", status)
	}
	if status, _, body := p.ask(c, http.MethodGet, "https://"+lab.PortalName+"/aide", nil); status != 200 || strings.Contains(body, "Leïla") {
		t.Errorf("the portal's name: %d", status)
	}
	if status, to, _ := p.ask(c, http.MethodGet, "http://"+consoleName+"/attente", nil); status != 303 || to != console+"attente" {
		t.Errorf("plain HTTP: %d to %q", status, to)
	}

	if err := p.daemon.Kill(); err != nil {
		t.Fatal(err)
	}
	p.serve()
	in("after kill -9 and a new start")
	nobody("after a new start")

	out, err := p.parvis.Output(ctx(t), "staff", "enrolled", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var devices []control.StaffDevice
	if err := json.Unmarshal([]byte(out), &devices); err != nil || len(devices) != 1 {
		t.Fatal(err, out)
	}
	if out, err := p.parvis.Output(ctx(t), "staff", "forget", devices[0].ID); err != nil {
		t.Fatal(err, out)
	}
	if status, _, body := p.ask(c, http.MethodGet, console+"attente", nil); status != 403 || !strings.Contains(body, "n'est pas inscrit") {
		t.Errorf("forgotten, and still: %d %s", status, body)
	}
	p.captured(phone)

	log, err := p.parvis.Output(ctx(t), "staff", "log", "--json")
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"invite-dsi", "enrol", "account", "enter-password", "forget"} {
		if !strings.Contains(log, what) {
			t.Errorf("the log does not say %q:\n%s", what, log)
		}
	}
	if m := phone.Lease().Address.Addr().String(); strings.Contains(log+out, m) {
		t.Errorf("a device's address is printed: %s", m)
	}
}

func TestACertificateIsShownForItsOwnNameAlone(t *testing.T) {
	lab.NeedsLab(t)
	s := consoleSite()
	s.NoTLS = true // the portal has none
	files := filepath.Join(t.TempDir(), "equipe")
	s.More = strings.ReplaceAll(s.More, "STAFF", files)
	p := town(t, lab.Options{}, s)
	if err := p.CA.WriteCertificate(files+".crt", files+".key", consoleName); err != nil {
		t.Fatal(err)
	}
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	g := p.guest()
	if status, _, _ := p.ask(staffClient(g), http.MethodGet, "https://"+consoleName+"/", nil); status != 403 {
		t.Errorf("the door answers %d", status)
	}
	if resp, err := g.Client().Get("https://" + lab.PortalName + "/"); err == nil {
		resp.Body.Close()
		t.Error("the portal's name is served with another name's certificate")
	} else if strings.Contains(err.Error(), "certificate is valid for") {
		t.Errorf("a browser would show a warning: %v", err)
	}
}
