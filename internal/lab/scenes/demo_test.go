package scenes

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"parvis/internal/control"
	"parvis/internal/lab"
)

// From outside, the portal is visited as the demonstration's guest, the daemon is spoken to, and the hub is entered, which hears the place;
// Ctrl-C leaves nothing.
func TestDemoIsVisitedFromOutside(t *testing.T) {
	lab.NeedsLab(t)
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "PARVIS_LAB_STAGE=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, demoBinary+"="+file, "TMPDIR="+tmp)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C"); {
		said.WriteString(lines.Text() + "\n")
	}

	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page := func(path string) string {
		resp, err := client.Get("http://" + demoListen + path)
		if err != nil {
			t.Fatalf("%v\n%s", err, &said)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if got := page("/"); !strings.Contains(got, "Ici, internet est gratuit.") || !strings.Contains(got, communeMain) {
		t.Errorf("the first page is\n%s", got)
	}
	resp, err := client.Post("http://"+demoListen+"/ouvrir", "application/x-www-form-urlencoded", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/ouvert" {
		t.Errorf("the button leads to %s %q", resp.Status, resp.Header.Get("Location"))
	}
	if got := page("/ouvert"); !strings.Contains(got, "Internet est ouvert.") {
		t.Errorf("then the page is\n%s", got)
	}
	socket := regexp.MustCompile(`--socket (\S+)`).FindStringSubmatch(said.String())
	if socket == nil {
		t.Fatalf("no socket is named:\n%s", &said)
	}
	if list, err := control.NewClient(socket[1]).Sessions(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("sessions as the command line sees them: %v, %v", list, err)
	}
	enter(t, said.String())

	if err := cmd.Process.Signal(unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if left, _ := filepath.Glob(tmp + "/*"); len(left) != 0 {
		t.Errorf("files are left: %v", left)
	}
}

// enter makes an account by the link that the demonstration has said, enters, and looks at the commune's places.
func enter(t *testing.T, said string) {
	t.Helper()
	link := regexp.MustCompile(`http://127\.0\.0\.1:18440/\S+\?j=(\S+)`).FindStringSubmatch(said)
	if link == nil {
		t.Fatalf("no link to the hub is said:\n%s", said)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	ask := func(path string, form url.Values) string {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, "http://"+demoCentre+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", "http://"+demoCentre)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	const password = "hibou nuage escalier"
	ask("/invitation", url.Values{"j": {link[1]}, "nom": {"La DSI"}, "identifiant": {"dsi"}, "mot-de-passe": {password}, "encore": {password}})
	places := ask("/entrer", url.Values{"identifiant": {"dsi"}, "mot-de-passe": {password}, "suite": {"/sites"}})
	for _, m := range madeSites() {
		if !strings.Contains(m.name, "(exemple)") || !strings.Contains(places, m.name) {
			t.Errorf("%q does not say that it is made up, or is not among the places:\n%s", m.name, places)
		}
	}
	if !strings.Contains(places, homeName) {
		t.Errorf("the place itself is missing:\n%s", places)
	}
}

// A cookie for HTTPS alone goes through under a name that a browser keeps without it.
func TestProxyCarriesSecureCookies(t *testing.T) {
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "__Host-login", Value: "new", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
		fmt.Fprint(w, r.Header.Get("Cookie"))
	}))
	defer hub.Close()
	front := httptest.NewServer(proxy("centre.lab.test:8440", func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", hub.Listener.Addr().String())
	}))
	defer front.Close()
	req, err := http.NewRequest(http.MethodGet, front.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", "demo-login=old; other=1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(body), "__Host-login=old; other=1"; got != want {
		t.Errorf("the hub is given the cookies %q, expected %q", got, want)
	}
	if got, want := resp.Header.Get("Set-Cookie"), "demo-login=new; Path=/; HttpOnly; SameSite=Strict"; got != want {
		t.Errorf("the browser is given %q, expected %q", got, want)
	}
}

// The portal behind the proxy thinks that it is visited under its own name; its visitor never leaves theirs.
func TestProxyKeepsBothWorldsApart(t *testing.T) {
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/absolu":
			http.Redirect(w, r, "http://wifi.lab.test/ouvert?l=fr", http.StatusFound)
		case "/relatif":
			http.Redirect(w, r, "/ouvert", http.StatusSeeOther)
		case "/ailleurs":
			http.Redirect(w, r, "https://www.caf.lab.test/", http.StatusFound)
		default:
			fmt.Fprintf(w, "%s|%s|%s", r.Host, r.Header.Get("Origin"), r.URL)
		}
	}))
	defer portal.Close()
	front := httptest.NewServer(proxy(lab.PortalName, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", portal.Listener.Addr().String())
	}))
	defer front.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	for _, c := range []struct{ name, path, origin, location, body string }{
		{"the portal's own name", "/aide?l=fr", "", "", "wifi.lab.test||/aide?l=fr"},
		{"our origin becomes the portal's", "/", front.URL, "", "wifi.lab.test|http://wifi.lab.test|/"},
		{"another site's origin stays", "/", "http://mechant.test", "", "wifi.lab.test|http://mechant.test|/"},
		{"to the portal", "/absolu", "", "/ouvert?l=fr", ""},
		{"within the portal", "/relatif", "", "/ouvert", ""},
		{"elsewhere", "/ailleurs", "", "https://www.caf.lab.test/", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequest(http.MethodGet, front.URL+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if c.body != "" && string(body) != c.body {
				t.Errorf("the portal saw %q, expected %q", body, c.body)
			}
			if got := resp.Header.Get("Location"); got != c.location {
				t.Errorf("the visitor is led to %q, expected %q", got, c.location)
			}
		})
	}
}
