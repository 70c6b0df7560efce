package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/hub/intake"
	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/store"
	"parvis/internal/lab"
	"parvis/internal/lab/kiosk"
	"parvis/internal/lab/postgres"
)

// trueHub is a hub on a real PostgreSQL, behind the lab's internet.
type trueHub struct {
	t     *testing.T
	store *store.Hub
	site  string
}

func (p *place) trueHub() *trueHub {
	p.t.Helper()
	must := func(err error) {
		p.t.Helper()
		if err != nil {
			p.t.Fatal(err)
		}
	}
	db, err := postgres.Start("", "fsync=off", "full_page_writes=off")
	must(err)
	p.t.Cleanup(func() { db.Close() })
	must(db.Run("postgres", "CREATE DATABASE centre OWNER "+postgres.Owner))
	must(store.Migrate(p.t.Context(), db.Connect(postgres.Owner, "centre")))
	h := &trueHub{t: p.t}
	h.store, err = store.Open(p.t.Context(), db.Connect(postgres.Program, "centre"))
	must(err)
	p.t.Cleanup(h.store.Close)
	must(h.store.AddTenant(p.t.Context(), "ville", "Ville"))
	h.in(func(t *store.Tenant) error {
		s, err := t.AddSite(p.t.Context(), "La Maison des habitants", "Europe/Paris")
		h.site = s.ID
		return err
	})
	_, sign, err := ed25519.GenerateKey(nil)
	must(err)
	system, err := clock.NewSystem()
	must(err)
	cert, key, err := p.CA.Issue(lab.Trials)
	must(err)
	pair, err := tls.X509KeyPair(cert, key)
	must(err)
	ln, err := p.Internet.Listen(":8440")
	must(err)
	server := &http.Server{
		Handler:   intake.New(intake.Options{Hub: h.store, Sign: sign, Clock: system, Log: slog.New(slog.DiscardHandler)}),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}, ErrorLog: stdlog.New(io.Discard, "", 0),
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.ServeTLS(ln, "", "") }()
	p.t.Cleanup(func() { server.Close(); <-done })
	return h
}

func (h *trueHub) in(do func(*store.Tenant) error) {
	h.t.Helper()
	if err := h.store.Tenant(context.Background(), "ville", do); err != nil {
		h.t.Fatal(err)
	}
}

func (h *trueHub) code() (code string) {
	h.t.Helper()
	h.in(func(t *store.Tenant) (err error) {
		code, _, err = t.Code(context.Background(), h.site, time.Hour)
		return err
	})
	return code
}

// heard is when the site last spoke, and how often profiles were opened.
func (h *trueHub) heard() (at time.Time, sessions uint64) {
	h.t.Helper()
	h.in(func(t *store.Tenant) error {
		s, err := t.Site(context.Background(), h.site)
		if err != nil {
			return err
		}
		if s.Contact != nil {
			at = s.Contact.At
		}
		months, err := t.Months(context.Background(), h.site, 202001, 209912)
		for _, m := range months {
			sessions += m.Use.Sum("sessions")
		}
		return err
	})
	return at, sessions
}

// recoveryFile makes a recovery key as an operator does, and returns its file and public part.
func (p *place) recoveryFile(name string) (file, public string) {
	p.t.Helper()
	file = filepath.Join(p.t.TempDir(), name)
	out := p.says("copy", "key", file)
	_, after, _ := strings.Cut(out, `key = "`)
	public, _, found := strings.Cut(after, `"`)
	if !found {
		p.t.Fatal(out)
	}
	return file, public
}

// says runs a verb that succeeds.
func (p *place) says(args ...string) string {
	p.t.Helper()
	out, err := p.parvis.Output(ctx(p.t), args...)
	if err != nil {
		p.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return out
}

// refuses runs a verb that does not, and returns what it said.
func (p *place) refuses(args ...string) string {
	p.t.Helper()
	cmd, err := p.parvis.Command(args...)
	if err != nil {
		p.t.Fatal(err)
	}
	proc, err := p.Router.Spawn(cmd)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := proc.Wait(ctx(p.t)); err == nil {
		p.t.Errorf("%v succeeds:\n%s", args, proc.Log())
	}
	return proc.Log()
}

// memoryDisk is a directory on another file system than the tests'.
func memoryDisk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "parvis-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// lived is a place that has copies, colleagues, tickets and a terminal.
type lived struct {
	*place
	key, wrong string // files of recovery keys: the town's, another one
	disk       string // where copies go
	tickets    []string
	terminal   *kiosk.Terminal
	config     map[string]string // as the terminal reads it
	browser    *http.Client // of a colleague whose device is enrolled
}

// live raises a place and lets it be used; hub is its configuration's part about a hub.
func live(t *testing.T, hub func(*place) string) *lived {
	t.Helper()
	lab.NeedsLab(t)
	files := filepath.Join(t.TempDir(), "equipe") // elsewhere than the configuration
	s := consoleSite()
	s.Posts, s.Lease = true, "24h"
	p := &lived{place: town(t, lab.Options{}, s), disk: memoryDisk(t)}
	if err := p.CA.WriteCertificate(files+".crt", files+".key", consoleName); err != nil {
		t.Fatal(err)
	}
	var public string
	p.key, public = p.recoveryFile("recovery.txt")
	p.wrong, _ = p.recoveryFile("another.txt")
	s.More = strings.ReplaceAll(s.More, "STAFF", files) + hub(p.place) + fmt.Sprintf("\n[copy]\nkey = %q\ndirectory = %q\n", public, p.disk)
	if err := p.parvis.Configure(s); err != nil {
		t.Fatal(err)
	}
	p.serve()
	p.resolvers()
	if err := p.client.SetClock(ctx(t), time.Now()); err != nil { // nothing is counted before
		t.Fatal(err)
	}
	p.tickets = strings.Fields(p.says("voucher", "make", "3", "--for", "30m"))
	if len(p.tickets) != 3 {
		t.Fatal(p.tickets)
	}
	used := p.guest()
	if to, body := p.types(used, "/code", p.tickets[0]); !strings.HasPrefix(to, "/ouvert") {
		t.Fatalf("led to %q: %s", to, body)
	}
	p.browser = p.colleague(p.guest(), "dsi")
	var err error
	if p.terminal, err = kiosk.New(ctx(t), p.Town, "un", "ABCD1234"); err != nil {
		t.Fatal(err)
	}
	p.boot(p.terminal)
	p.register(p.terminal)
	p.place.config(control.TerminalConfigRequest{Do: control.ConfigPublish, Now: true})
	p.config = p.boot(p.terminal)
	return p
}

func (p *place) resolvers() {
	p.t.Helper()
	for _, start := range []func(context.Context) (*lab.Process, error){p.parvis.Dnsmasq, p.parvis.DnsmasqTerminals} {
		if _, err := start(ctx(p.t)); err != nil {
			p.t.Fatal(err)
		}
	}
}

// dies puts a bare box of another model in the place of the one that ran.
func (p *place) dies() (old *lab.Parvis) {
	p.t.Helper()
	old = p.parvis
	next, err := p.OtherBox(self, lab.OtherPorts)
	if err != nil {
		p.t.Fatal(err)
	}
	p.parvis, p.daemon = next, nil
	return old
}

// same says that the place is what it was.
func (p *lived) same() {
	t := p.t
	t.Helper()
	a, b, c := p.guest(), p.guest(), p.guest()
	if to, body := p.types(a, "/code", p.tickets[0]); to != "" || !strings.Contains(body, "déjà utilisé") {
		t.Errorf("a ticket that was used before the copy leads to %q: %s", to, body)
	}
	p.passes(a, false)
	if to, body := p.types(b, "/code", p.tickets[2]); !strings.HasPrefix(to, "/ouvert") {
		t.Errorf("a printed ticket leads to %q: %s", to, body)
	}
	p.passes(b, true)
	// Somebody used this one after the copy: the place cannot know, and honours it once more.
	if to, _ := p.types(c, "/code", p.tickets[1]); !strings.HasPrefix(to, "/ouvert") {
		t.Errorf("a ticket of which the copy knows no use leads to %q", to)
	}
	var posts []control.TerminalAnswer
	p.json(&posts, "terminal", "list")
	if len(posts) != 1 || posts[0].ID != "poste-1" || posts[0].MAC.String() != p.terminal.Guest.MAC.String() {
		t.Errorf("terminals: %+v", posts)
	}
	now := p.boot(p.terminal)
	if fmt.Sprint(now) != fmt.Sprint(p.config) || now["hostname"] == "" {
		t.Errorf("the terminal reads another configuration and makes a new image: %v; was %v", now, p.config)
	}
	// The colleague's device is still enrolled, and her password is still hers.
	console := "https://" + consoleName
	p.browser.CloseIdleConnections()
	if status, to, _ := p.ask(p.browser, http.MethodGet, console+"/", nil); status != 303 || to != console+"/" {
		t.Errorf("the door: %d to %q", status, to)
	}
	if status, to, body := p.ask(p.browser, http.MethodGet, console+"/attente", nil); status != 303 || !strings.HasPrefix(to, "/entrer") {
		t.Errorf("a login that the other box has known: %d to %q %s", status, to, body)
	}
	form := url.Values{"identifiant": {"informaticienne"}, "mot-de-passe": {staffPassword}, "suite": {"/attente"}}
	if status, to, body := p.ask(p.browser, http.MethodPost, console+"/entrer", form); status != 303 || to != "/attente" {
		t.Errorf("the colleague's password: %d to %q %s", status, to, body)
	}
}

func TestABoxOfAnotherModelBecomesThePlaceByItsHub(t *testing.T) {
	var hub *trueHub
	p := live(t, func(p *place) string {
		hub = p.trueHub()
		return fmt.Sprintf("\n[hub]\nurl = %q\nca = %q\n", hubURL, p.CAFile())
	})
	p.says("hub", "enrol", hub.code())
	p.passing("the hub has heard of the first ticket", func() bool { _, n := hub.heard(); return n == 1 })
	if out := p.says("copy", "now"); strings.Count(out, "kB") != 2 {
		t.Fatal(out)
	}
	if s, err := p.client.Status(ctx(t)); err != nil || s.Copies == nil || s.Copies.Made == nil || s.Copies.Old || s.Condition.Copied == nil {
		t.Fatalf("%+v, %v", s.Copies, err)
	}
	late := p.guest() // what is done after the copy is not in it
	if to, _ := p.types(late, "/code", p.tickets[1]); !strings.HasPrefix(to, "/ouvert") {
		t.Fatal(to)
	}
	code := hub.code()
	old := p.dies()

	by := []string{"replace", code, "--hub", hubURL, "--ca", p.CAFile()}
	ports := []string{"--guests", lab.OtherPorts.Guests, "--terminals", lab.OtherPorts.Posts, "--yes"}
	with := func(more ...string) []string { return append(append(append([]string(nil), by...), "--key", p.key), more...) }
	for _, no := range []struct {
		args []string
		says string
	}{
		{[]string{"replace"}, "expected a code"},
		{[]string{"replace", code, "--key", p.key}, "address of the hub"},
		{by, "recovery key"},
		{append([]string{"replace", "AAAA-BBBB-CCCC-DDDD", "--key", p.key}, by[2:]...), "ask for a new code"},
		{append(append([]string(nil), by...), append([]string{"--key", p.wrong}, ports...)...), "not encrypted to this key"},
		{with("--yes"), "--guests INTERFACE"},
		{with("--yes", "--guests", lab.OtherPorts.WAN, "--terminals", lab.OtherPorts.Posts), "is the line"},
		{with("--yes", "--guests", "nowhere", "--terminals", lab.OtherPorts.Posts), "no interface nowhere"},
	} {
		if said := p.refuses(no.args...); !strings.Contains(said, no.says) {
			t.Errorf("%v says %q, not %q", no.args, said, no.says)
		}
	}
	if out := p.says(with(append(ports, "--dry-run")...)...); !strings.Contains(out, "nothing was changed") || !strings.Contains(out, lab.OtherPorts.Guests) {
		t.Error(out)
	}
	if _, err := os.Stat(p.parvis.Config); !os.IsNotExist(err) {
		t.Errorf("a trial has written a configuration: %v", err)
	}
	if out := p.says(with(ports...)...); !strings.Contains(out, "La Maison des habitants now") {
		t.Fatal(out)
	}
	if said := p.refuses(with(ports...)...); !strings.Contains(said, "is a site already") {
		t.Error(said)
	}
	p.serve()
	p.resolvers()
	if err := p.client.SetClock(ctx(t), time.Now()); err != nil {
		t.Fatal(err)
	}
	p.same()

	before, _ := hub.heard()
	p.passing("the hub hears the new box, and counts nothing twice", func() bool {
		at, n := hub.heard()
		// Four tickets were used on the two boxes. Of the hour of both the hub keeps the newer box's part, which has not seen one of them.
		return at.After(before) && (n == 3 || n == 4)
	})
	var was struct{ Token string }
	if err := json.Unmarshal(read(t, filepath.Join(old.State, "hub.json")), &was); err != nil {
		t.Fatal(err)
	}
	body := []byte("age-encryption.org/v1\n")
	sum := sha256.Sum256(body)
	elsewhere := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return p.Internet.Dial(ctx, network, net.JoinHostPort(p.Host(lab.Trials).V4.String(), "8440"))
		},
		TLSClientConfig: &tls.Config{RootCAs: p.CA.Pool()},
	}}
	defer elsewhere.CloseIdleConnections()
	ghost := &intaketest.Box{URL: hubURL, Client: elsewhere, Token: was.Token}
	a, err := ghost.Do(ctx(t), http.MethodPut, "/v1/copy", http.Header{"Content-Digest": {"sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"}}, body)
	if err != nil || a.Status != http.StatusUnauthorized {
		t.Errorf("the old box is answered %d, %v", a.Status, err)
	}
	hub.in(func(tn *store.Tenant) error {
		b, err := tn.Boxes(context.Background(), hub.site)
		if b.Replaced.IsZero() || b.Refused.IsZero() {
			t.Errorf("%+v", b)
		}
		return err
	})
	if out := p.says("copy", "now"); strings.Count(out, "kB") != 2 {
		t.Error("the new box makes no copies: ", out)
	}
}

func TestABoxBecomesThePlaceByACopyOnAKey(t *testing.T) {
	p := live(t, func(*place) string { return "" })
	p.says("copy", "now")
	files, err := filepath.Glob(filepath.Join(p.disk, "parvis-la-maison-des-habitants-*.age"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	copied := files[0]
	if out := p.says("copy", "check", copied, "--key", p.key); !strings.Contains(out, "La Maison des habitants") || !strings.Contains(out, "state/parvis.db") || strings.Contains(out, "hub.json") {
		t.Error(out)
	}

	// Three days go by in which the key is not there.
	aside := p.disk + "-pulled-out"
	if err := os.Rename(p.disk, aside); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(aside) })
	for range 4 {
		if err := p.client.Shift(ctx(t), 20*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	p.passing("the place says that its copy is three days old", func() bool {
		s, err := p.client.Status(ctx(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range s.Condition.Problems {
			if x.Code == "copy" {
				return s.Copies.Old && s.Copies.Places[0].Error != "" && s.Ready
			}
		}
		return false
	})
	if out := p.says("status"); !strings.Contains(out, "older than 3 days") {
		t.Error(out)
	}
	if err := os.Rename(aside, p.disk); err != nil {
		t.Fatal(err)
	}
	p.dies()

	from := func(file string, more ...string) []string {
		return append([]string{"replace", "--from", file, "--key", p.key, "--guests", lab.OtherPorts.Guests, "--terminals", lab.OtherPorts.Posts, "--yes"}, more...)
	}
	good := read(t, copied)
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)/2] ^= 1
	for name, bad := range map[string][]byte{"cut off": good[:len(good)-100], "flipped": flipped, "empty": nil} {
		file := filepath.Join(t.TempDir(), "bad.age")
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if said := p.refuses(from(file)...); !strings.Contains(said, "cut off or damaged") {
			t.Errorf("%s: %s", name, said)
		}
		if _, err := os.Stat(p.parvis.Config); !os.IsNotExist(err) {
			t.Errorf("%s: a configuration is there: %v", name, err)
		}
	}

	// The power goes while the copy is laid out, and later again: whatever was done, the same words make the place.
	laid := filepath.Join(p.parvis.State, "replacing", "state", "usage.db")
	cmd, err := p.parvis.Command(from(copied)...)
	if err != nil {
		t.Fatal(err)
	}
	proc, err := p.Router.Spawn(cmd)
	if err != nil {
		t.Fatal(err)
	}
	for cut := false; !cut; {
		select {
		case <-proc.Done(): // it was faster: then it is the place
			cut = true
		default:
			if _, err := os.Stat(laid); err == nil {
				if err := proc.Kill(); err != nil {
					t.Fatal(err)
				}
				cut = true
			}
		}
	}
	if _, err := os.Stat(p.parvis.Config); os.IsNotExist(err) {
		p.says(from(copied)...)
	}
	if said := p.refuses(from(copied)...); !strings.Contains(said, "is a site already") {
		t.Error(said)
	}
	p.serve()
	p.resolvers()
	p.same()

	// Another site's box becomes this one only when it is said, and keeps what it had.
	if err := p.daemon.Stop(); err != nil {
		t.Fatal(err)
	}
	if out := p.says(from(copied, "--force")...); !strings.Contains(out, "moved aside") {
		t.Error(out)
	}
	for _, dir := range []string{filepath.Dir(p.parvis.Config), p.parvis.State} {
		if kept, err := filepath.Glob(filepath.Join(dir, "before-*", "*")); err != nil || len(kept) == 0 {
			t.Errorf("nothing is kept in %s: %v", dir, err)
		}
	}
}

func TestAReplacementThatAPowerCutHasCutIsFinishedByTheNextStart(t *testing.T) {
	root := t.TempDir()
	a := &app{cli: &CLI{Config: filepath.Join(root, "etc", "parvis.toml"), State: filepath.Join(root, "var"), Socket: filepath.Join(root, "run", "parvis.sock")}}
	if err := a.finishReplacement(); err != nil {
		t.Fatal("where there is none: ", err)
	}
	if err := os.MkdirAll(a.cli.State, 0o700); err != nil {
		t.Fatal(err)
	}
	dir, _, err := a.box().Begin()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"etc/parvis.toml": "new", "state/parvis.db": "new"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.box().Commit(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := a.finishReplacement(); err != nil {
		t.Fatal(err)
	}
	if string(read(t, a.cli.Config)) != "new" || string(read(t, filepath.Join(a.cli.State, "parvis.db"))) != "new" {
		t.Error("it is not finished")
	}
}
