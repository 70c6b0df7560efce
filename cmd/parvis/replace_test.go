package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/internal/lab/kiosk"
)

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
	browser    *http.Client      // of a colleague whose device is enrolled
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
