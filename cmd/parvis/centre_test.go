package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parvis/internal/hub/rollout"
	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
	"parvis/internal/lab"
	"parvis/internal/lab/postgres"
	"parvis/internal/secrets"
	"parvis/internal/upgrade"
)

// centre is the town's true hub: the real parvis-hub with a PostgreSQL of its own, beyond the line and behind a reverse proxy, as it is
// installed.
type centre struct {
	*place
	config, binary string
	store          *store.Hub
	site           string
	people         *http.Client

	mu    sync.Mutex
	asked []string // paths that the site has asked for
	deaf  func(path string) bool
}

// compiled are real programs of this code, in a directory of the test's.
func compiled(t *testing.T, flags string, programs ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := append([]string{"build", "-tags", "nomsgpack", "-ldflags", flags, "-o", dir + "/"}, programs...)
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// trueCentre raises one with a commune, and configures the place to have it.
func trueCentre(p *place) *centre {
	p.t.Helper()
	must := func(err error) {
		p.t.Helper()
		if err != nil {
			p.t.Fatal(err)
		}
	}
	c := &centre{place: p, binary: filepath.Join(compiled(p.t, "", "parvis/cmd/parvis-hub"), "parvis-hub")}
	// /run is the lab's own and in memory.
	db, err := postgres.Start("/run", "fsync=off", "shared_buffers=32MB", "max_connections=40", "max_wal_size=64MB", "dynamic_shared_memory_type=mmap")
	must(err)
	p.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			p.t.Error(err)
		}
	})
	must(db.Run("postgres", "CREATE DATABASE centre OWNER "+postgres.Owner))
	dir := p.t.TempDir()
	c.config = filepath.Join(dir, "parvis-hub.toml")
	must(os.WriteFile(c.config, fmt.Appendf(nil, "url = %q\nlisten = \"127.0.0.1:8441\"\nsign-key = %q\n[database]\nprogram = %q\nowner = %q\n",
		hubURL, filepath.Join(dir, "sign.key"), db.Connect(postgres.Program, "centre"), db.Connect(postgres.Owner, "centre")), 0o600))
	c.verb("migrate")
	hub, err := p.Internet.Spawn(exec.Command(c.binary, "--config", c.config, "serve"))
	must(err)
	p.t.Cleanup(func() {
		if p.t.Failed() {
			p.t.Logf("the hub's log:\n%s", hub.Log())
		}
		if err := hub.Kill(); err != nil {
			p.t.Error(err)
		}
	})
	must(hub.WaitPort(ctx(p.t), p.Internet, "127.0.0.1:8441"))
	c.store, err = store.Open(ctx(p.t), db.Connect(postgres.Program, "centre"))
	must(err)
	p.t.Cleanup(c.store.Close)
	c.proxy()
	site, files := consoleSite(), filepath.Join(dir, "equipe")
	must(p.CA.WriteCertificate(files+".crt", files+".key", consoleName))
	site.More = strings.ReplaceAll(site.More, "STAFF", files) + fmt.Sprintf("\n[hub]\nurl = %q\nca = %q\n", hubURL, p.CAFile())
	must(p.parvis.Configure(site))
	c.verb("admin", "commune", "add", "lac", "Saint-Lac")
	return c
}

// proxy is what stands before the hub; it writes down what the site asks for.
func (c *centre) proxy() {
	c.t.Helper()
	ln, err := c.Internet.Listen(":8440")
	if err != nil {
		c.t.Fatal(err)
	}
	cert, key, err := c.CA.Issue(lab.Trials)
	if err != nil {
		c.t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		c.t.Fatal(err)
	}
	through := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return c.Internet.Dial(ctx, "tcp", "127.0.0.1:8441")
	}}
	forward := &httputil.ReverseProxy{
		Transport: through, ErrorLog: stdlog.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "127.0.0.1:8441"})
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
	}
	server := &http.Server{
		ErrorLog: stdlog.New(io.Discard, "", 0), TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			deaf := c.deaf != nil && c.deaf(r.URL.Path)
			if strings.HasPrefix(r.URL.Path, "/v1/") {
				c.asked = append(c.asked, r.URL.Path)
			}
			c.mu.Unlock()
			if deaf {
				http.Error(w, "not now", http.StatusServiceUnavailable)
				return
			}
			forward.ServeHTTP(w, r)
		}),
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.ServeTLS(ln, "", "") }()
	c.t.Cleanup(func() {
		server.Close()
		<-done
		through.CloseIdleConnections()
	})
	jar, _ := cookiejar.New(nil) // fails only on a bad option
	c.people = &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.CA.Pool()}, DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return c.Internet.Dial(ctx, "tcp", "127.0.0.1:8440")
		}},
	}
}

// hears sets which paths the proxy answers with 503; nil: none.
func (c *centre) hears(deaf func(path string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaf, c.asked = deaf, nil
}

// paths are what the site has asked for since hears.
func (c *centre) paths() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.asked)
}

// verb runs one of the hub's, on its machine.
func (c *centre) verb(args ...string) string {
	c.t.Helper()
	cmd := exec.Command(c.binary, append([]string{"--config", c.config}, args...)...)
	var out bytes.Buffer
	cmd.Stdout = &out
	p, err := c.Internet.Spawn(cmd)
	if err == nil {
		err = p.Wait(ctx(c.t))
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return out.String()
}

// person makes the first account of the commune's team, and enters.
func (c *centre) person() {
	c.t.Helper()
	link, _, _ := strings.Cut(c.verb("admin", "link", "lac"), "\n")
	u, err := url.Parse(link)
	if err != nil {
		c.t.Fatal(link, err)
	}
	if status, _, body := c.ask(c.people, http.MethodPost, hubURL+"/invitation", url.Values{
		"j": {u.Query().Get("j")}, "nom": {"Administration"}, "identifiant": {"administration"}, "mot-de-passe": {staffPassword}, "encore": {staffPassword},
	}); status != http.StatusSeeOther {
		c.t.Fatalf("%d %s", status, body)
	}
	if status, _, body := c.ask(c.people, http.MethodPost, hubURL+"/entrer", url.Values{"identifiant": {"administration"}, "mot-de-passe": {staffPassword}}); status != http.StatusSeeOther {
		c.t.Fatalf("%d %s", status, body)
	}
}

// page is one of the hub's, after a turn of the hub's that nobody has to wait for.
func (c *centre) page(path string) string {
	c.t.Helper()
	err := c.store.Tenant(c.t.Context(), "lac", func(t *store.Tenant) error { return rollout.Advance(c.t.Context(), t, time.Now()) })
	if err != nil {
		c.t.Fatal(err)
	}
	status, to, body := c.ask(c.people, http.MethodGet, hubURL+path, nil)
	if status != http.StatusOK {
		c.t.Fatalf("%s: %d to %q", path, status, to)
	}
	return body
}

// posts sends a form that leads on, and returns where to.
func (c *centre) posts(path string, form url.Values) string {
	c.t.Helper()
	status, to, body := c.ask(c.people, http.MethodPost, hubURL+path, form)
	if status != http.StatusSeeOther {
		c.t.Fatalf("%s: %d %s", path, status, body)
	}
	to, _, _ = strings.Cut(to, "?")
	return to
}

var readMark = regexp.MustCompile(`name="lu" value="([^"]*)"`)

// publishes writes the commune's layer and publishes it, by its pages.
func (c *centre) publishes(layer string) (at string) {
	c.t.Helper()
	m := readMark.FindStringSubmatch(c.page("/reglages"))
	if m == nil {
		c.t.Fatal("no form")
	}
	c.posts("/reglages", url.Values{"texte": {layer}, "lu": {m[1]}})
	return c.posts("/publications", url.Values{})
}

// keeps reports whether the site's bundle.json has a text.
func (c *centre) keeps(text string) bool {
	b, err := os.ReadFile(filepath.Join(c.parvis.State, "bundle.json"))
	return err == nil && strings.Contains(string(b), text)
}

// A place, its true hub, and the people of both: what is decided at the centre, and what becomes of it when the line is cut in the middle.
func TestAPlaceAndItsTrueHub(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	c := trueCentre(p)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	code := regexp.MustCompile(`(?m)^([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})\n\S+ ([0-9a-f]{16})`).FindStringSubmatch(c.verb("admin", "site", "add", "lac", "Maison du Lac"))
	if code == nil {
		t.Fatal("no code")
	}
	c.site = code[2]
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	must(p.client.SetClock(ctx(t), time.Now()))
	if out, err := p.parvis.Output(ctx(t), "hub", "enrol", code[1]); err != nil {
		t.Fatal(err, out)
	}
	if _, err := p.parvis.Output(ctx(t), "hub", "enrol", code[1]); err == nil {
		t.Error("a code works twice")
	}
	c.person()
	p.passing("the hub has heard the place", func() bool { return strings.Contains(c.page("/sites/"+c.site), "Maison du Lac") && len(c.paths()) > 1 })

	// What is published reaches it and is confirmed.
	good := c.publishes("[site]\ndesk = \"le comptoir\"\n")
	p.passing("the publication is confirmed", func() bool { return strings.Contains(c.page(good), "marche avec depuis") })
	inForceNow := func() string {
		b, err := os.ReadFile(filepath.Join(p.parvis.State, inForce))
		must(err)
		return string(b)
	}
	if !strings.Contains(inForceNow(), "le comptoir") {
		t.Errorf("in force:\n%s", inForceNow())
	}

	// One during whose trial the line is cut is gone back from, and the page says why.
	var told bool // under c.mu: the proxy is deaf from the moment when the bundle has gone out
	c.hears(func(path string) bool {
		if told {
			return true
		}
		told = path == wire.PathBundle
		return false
	})
	bad := c.publishes("[site]\ndesk = \"le bureau\"\n")
	p.passing("it is being tried", func() bool { return c.keeps(`"trial"`) && strings.Contains(inForceNow(), "le bureau") })
	must(p.CutLine(true))
	p.minute(t, "knows that the line is down", func() bool {
		s, err := p.client.Status(ctx(t))
		return err == nil && !s.Condition.Line.Up
	})
	p.passing("it is gone back from", func() bool { return c.keeps(`"why":"line"`) })
	must(p.CutLine(false))
	c.hears(nil)
	p.passing("the hub says why", func() bool {
		return strings.Contains(c.page(bad), "La ligne internet s'est coupée pendant l'essai")
	})
	if !strings.Contains(inForceNow(), "le comptoir") {
		t.Errorf("in force:\n%s", inForceNow())
	}

	// A colleague who came by the hub works at the place; closed while it is offline, she is out at its first contact, before anything else.
	hash, err := secrets.NewHasher().Make(t.Context(), []byte(staffPassword))
	must(err)
	var colleague store.Colleague
	must(c.store.Tenant(t.Context(), "lac", func(tt *store.Tenant) (err error) {
		if colleague, err = tt.AddColleague(t.Context(), store.Colleague{Login: "mediatrice", Name: "Médiatrice", Role: "mediator", Password: hash}); err != nil {
			return err
		}
		return tt.SendColleague(t.Context(), colleague.ID, []string{c.site})
	}))
	phone := p.guest()
	desk := p.colleague(phone, "dsi")
	enters := func() bool {
		status, to, _ := p.ask(desk, http.MethodPost, "https://"+consoleName+"/entrer", url.Values{"identifiant": {"mediatrice"}, "mot-de-passe": {staffPassword}})
		return status == http.StatusSeeOther && !strings.Contains(to, "refus")
	}
	p.passing("she has her account", func() bool {
		out, err := p.parvis.Output(ctx(t), "staff", "list", "--json")
		return err == nil && strings.Contains(out, "mediatrice")
	})
	p.ask(desk, http.MethodPost, "https://"+consoleName+"/sortir", url.Values{})
	if !enters() {
		t.Fatal("she does not get in")
	}
	inside := func() bool {
		status, _, body := p.ask(desk, http.MethodGet, "https://"+consoleName+"/attente", nil)
		return status == http.StatusOK && strings.Contains(body, "Médiatrice")
	}
	must(p.CutLine(true))
	c.hears(nil)
	c.posts("/personnes/"+colleague.ID+"/fermer", url.Values{})
	c.posts("/publications", url.Values{}) // who went back is told again: there is something else to do, too
	if page := c.page("/personnes/" + colleague.ID); !strings.Contains(page, "Maison du Lac") {
		t.Error("the hub does not name the place that does not know yet")
	}
	if !inside() {
		t.Error("while the line is cut the place does not go on as it was")
	}
	must(p.CutLine(false))
	// The daemon may be beginning anew with what was published: then nobody answers, which says nothing.
	console := func(method, path string, form url.Values) (status int, body string) {
		req, err := http.NewRequestWithContext(ctx(t), method, "https://"+consoleName+path, strings.NewReader(form.Encode()))
		must(err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		resp, err := desk.Do(req)
		if err != nil {
			return 0, ""
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			return 0, ""
		}
		return resp.StatusCode, string(b)
	}
	p.passing("she is out", func() bool {
		status, body := console(http.MethodGet, "/attente", nil)
		return status != 0 && !strings.Contains(body, "Médiatrice")
	})
	p.passing("she is refused at the door", func() bool {
		status, _ := console(http.MethodPost, "/entrer", url.Values{"identifiant": {"mediatrice"}, "mot-de-passe": {staffPassword}})
		if status == http.StatusSeeOther {
			t.Fatal("she gets in again")
		}
		return status != 0
	})
	p.passing("the publication is tried too", func() bool { c.page("/publications"); return slices.Contains(c.paths(), wire.PathBundle) })
	all := c.paths()
	if s, b := slices.Index(all, wire.PathStaff), slices.Index(all, wire.PathBundle); s < 0 || s > b {
		t.Errorf("the place asked for %q: who works there does not come first", all)
	}
}

// A version goes from the hub's pages to the place, is tried there and gone back from; the hub says why. The next one works and stays.
func TestVersionsComeByTheTrueHub(t *testing.T) {
	v := openVersions(t)
	if err := v.daemon.Stop(); err != nil {
		t.Fatal(err)
	}
	c := trueCentre(v.place)
	for version, fault := range map[string]string{"1.1": "crashes", "1.2": "none"} {
		f, err := os.Open(v.build(version, fault))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := c.store.AddRelease(t.Context(), version, map[string]io.ReadSeeker{arch(): f}); err != nil {
			t.Fatal(err)
		}
	}
	code := regexp.MustCompile(`(?m)^([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})\n`).FindStringSubmatch(c.verb("admin", "site", "add", "lac", "Maison du Lac"))
	if code == nil {
		t.Fatal("no code")
	}
	v.serve()
	if out, err := v.parvis.Output(ctx(t), "hub", "enrol", code[1]); err != nil {
		t.Fatal(err, out)
	}
	c.person()
	v.passing("the hub knows what the place can run", func() bool { return strings.Contains(c.page("/mise-a-jour"), "1 lieu va la recevoir") })
	asked := filepath.Join(v.parvis.State, "upgrade", "wanted.json")
	isAsked := func() bool { c.page("/parc"); _, err := os.Stat(asked); return err == nil }

	// Held at the centre before anything has begun, it is taken back at the place.
	c.posts("/mise-a-jour", url.Values{"version": {"1.1"}})
	v.passing("the place has asked for it", isAsked)
	v.passing("the hub says that the place has it", func() bool { return strings.Contains(c.page("/mise-a-jour"), "reçoit le fichier") })
	at := regexp.MustCompile(`action="(/publications/\d+/arreter)"`).FindStringSubmatch(c.page("/mise-a-jour"))
	if at == nil {
		t.Fatal("it cannot be ended")
	}
	c.posts(at[1], url.Values{})
	v.passing("it is taken back", func() bool { return !isAsked() })

	// Decided once more, it is tried at once, falls, and is gone back from: no other place would be told.
	c.posts("/mise-a-jour", url.Values{"version": {"1.1"}, "ouvert": {"oui"}})
	v.passing("the place has asked for it again", isAsked)
	if r := v.ends(v.begin(5*time.Second, time.Second, "run")); r.State != upgrade.Back || r.Why != upgrade.WhyStart || r.Number == 0 {
		t.Fatalf("%+v", r)
	}
	v.runs("1.0")
	v.passing("the hub says why", func() bool {
		page := c.page("/mise-a-jour")
		return strings.Contains(page, "Arrêtée : un lieu est revenu en arrière") && strings.Contains(page, "La nouvelle version n'a pas démarré.")
	})
	if isAsked() {
		t.Error("what was gone back from is asked for again")
	}

	c.posts("/mise-a-jour", url.Values{"version": {"1.2"}, "ouvert": {"oui"}})
	v.passing("the place has asked for the next one", isAsked)
	if r := v.ends(v.begin(2*time.Minute, time.Second, "run")); r.State != "" || r.Running != "1.2" {
		t.Fatalf("%+v", r)
	}
	v.runs("1.2")
	v.passing("the hub says that it runs", func() bool {
		page := c.page("/mise-a-jour")
		return strings.Contains(page, "marche avec depuis") && strings.Contains(page, "Tous les lieux joignables ont cette version")
	})
}
