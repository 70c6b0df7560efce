package main

import (
	"database/sql"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"parvis/internal/golden"
	"parvis/internal/lab"
	_ "parvis/sessions/sqlite" // registers the driver
)

// What stops the daemon from starting, and what it then says, in both languages.
func TestServeRefusesPlainly(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*testing.T, *place)
		wrap  []string // before the command
		code  int
	}{
		{name: "interface-missing", code: exitNotRight, spoil: func(t *testing.T, p *place) {
			rewrite(t, p.parvis.Config, `interface = "wan"`, `interface = "absent0"`)
		}},
		{
			name: "no-cap-net-admin", code: exitNotRight,
			wrap:  []string{"setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"},
			spoil: func(*testing.T, *place) {},
		},
		{name: "second-daemon", code: exitRefused, spoil: func(_ *testing.T, p *place) { p.serve() }},
		{name: "port-in-use", code: exitNotRight, spoil: func(t *testing.T, p *place) {
			ln, err := p.Router.Listen("0.0.0.0:8080")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { ln.Close() })
		}},
		{name: "no-secret", code: exitNotRight, spoil: func(t *testing.T, p *place) {
			remove(t, filepath.Join(filepath.Dir(p.parvis.Config), "site.key"))
		}},
		{name: "secret-of-others", code: exitRefused, spoil: func(t *testing.T, p *place) {
			p.serve()
			p.accept(p.withDHCP())
			stop(t, p)
			write(t, filepath.Join(filepath.Dir(p.parvis.Config), "site.key"), strings.Repeat("ab", 32)+"\n")
		}},
		{name: "database-corrupt", code: exitRefused, spoil: func(t *testing.T, p *place) {
			write(t, filepath.Join(p.parvis.State, "parvis.db"), "this is not a database, but it has some length\n"+strings.Repeat("x", 4096))
		}},
		{name: "database-newer", code: exitRefused, spoil: func(t *testing.T, p *place) {
			p.serve()
			stop(t, p)
			db, err := sql.Open("sqlite3", filepath.Join(p.parvis.State, "parvis.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "database-read-only", code: exitNotRight, spoil: func(t *testing.T, p *place) {
			p.serve()
			stop(t, p)
			mount(t, p.parvis.State, p.parvis.State, "", unix.MS_BIND, "")
			mount(t, "", p.parvis.State, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := town(t, lab.Options{}, lab.Site{})
			tt.spoil(t, p)
			before := rules(t, p)
			for _, lang := range []string{"en", "fr"} {
				cmd, err := p.parvis.Command("serve")
				if err != nil {
					t.Fatal(err)
				}
				if len(tt.wrap) > 0 {
					env := cmd.Env
					exe, err := os.Executable() // /proc/self/exe would be the wrapper
					if err != nil {
						t.Fatal(err)
					}
					cmd = exec.Command(tt.wrap[0], slices.Concat(tt.wrap[1:], []string{exe}, cmd.Args[1:])...)
					cmd.Env = env
				}
				cmd.Env = append(cmd.Env, "LC_ALL="+lang)
				var out strings.Builder
				cmd.Stdout, cmd.Stderr = &out, &out
				proc, err := p.Router.Spawn(cmd)
				if err != nil {
					t.Fatal(err)
				}
				err = proc.Wait(ctx(t))
				if code := cmd.ProcessState.ExitCode(); code != tt.code {
					t.Errorf("exit code %d, want %d (%v)", code, tt.code, err)
				}
				golden.Check(t, "refusals/"+tt.name+"."+lang+".golden", p.withoutPlaces(out.String()))
			}
			if d := cmp.Diff(before, rules(t, p)); d != "" {
				t.Errorf("a refused start has changed the rules (-before +after):\n%s", d)
			}
		})
	}
}

// A certificate that phones refuse costs the API and not the portal; check says so.
func TestWrongCertificateKeepsNobodyOut(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	etc := filepath.Dir(p.parvis.Config)
	if err := p.CA.WriteCertificate(filepath.Join(etc, "portal.crt"), filepath.Join(etc, "portal.key"), "another.lab.test"); err != nil {
		t.Fatal(err)
	}
	if out, err := p.parvis.Output(ctx(t), "check"); err == nil {
		t.Errorf("check has nothing to say: %s", out)
	}
	p.serve()
	g := p.withDHCP()
	p.accept(g)
	if status, _ := p.get(g, "http://"+lab.ServicePublic+"/"); status != http.StatusOK {
		t.Errorf("the web answers %d", status)
	}
}

// People who are in stay in when the disk fills up, whoever wants in is told so, and all heals by itself.
func TestFullDiskCutsNobody(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	mount(t, "tmpfs", p.parvis.State, "tmpfs", 0, "size=4m")
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	in, out := p.guest(), p.guest()
	p.accept(in)

	ballast := filepath.Join(p.parvis.State, "ballast")
	write(t, ballast, "")
	f, err := os.OpenFile(ballast, os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 4096); ; {
		if _, err := f.Write(chunk); err != nil {
			break // full
		}
	}
	f.Close()

	resp, err := out.Client().PostForm(portalURL+"/ouvrir", url.Values{"l": {"fr"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a tap on a full disk is answered by %s", resp.Status)
	}
	if status, _ := p.get(out, "http://"+lab.ServicePublic+"/"); status != http.StatusFound {
		t.Errorf("refused, and the web answers %d", status)
	}
	if status, _ := p.get(in, "http://"+lab.ServicePublic+"/"); status != http.StatusOK {
		t.Errorf("who was in is answered %d", status)
	}
	s, err := p.client.Status(ctx(t))
	if err != nil || s.Ready || s.Sessions.Open != 1 {
		t.Errorf("status says %+v, %v", s, err)
	}
	remove(t, ballast)
	p.accept(out)
}

// An interface that goes: said in the status, nothing passes, and all comes back with it.
func TestInterfaceVanishesAndComesBack(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	g := p.guest()
	p.accept(g)
	if err := p.RemoveLine(false); err != nil {
		t.Fatal(err)
	}
	p.until("say that the line's interface is gone", func() bool {
		s, err := p.client.Status(ctx(t))
		return err == nil && !s.Ready
	})
	if err := p.RemoveLine(true); err != nil {
		t.Fatal(err)
	}
	p.until("be ready again", func() bool {
		s, err := p.client.Status(ctx(t))
		return err == nil && s.Ready
	})
	if status, _ := p.get(g, "http://"+lab.ServicePublic+"/"); status != http.StatusOK {
		t.Errorf("back, and the web answers %d", status)
	}
}

// The connection that it is typed through is given back when nobody confirms.
func TestServeTakesEverythingBackUnlessConfirmed(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	before := rules(t, p)
	cmd, err := p.parvis.Command("serve", "--confirm", "2")
	if err != nil {
		t.Fatal(err)
	}
	proc, err := p.StartRouterProgram(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := proc.WaitReady(ctx(t), p.parvis.Socket); err != nil {
		t.Fatal(err)
	}
	if rules(t, p) == before {
		t.Error("nothing was put in force")
	}
	<-proc.Done()
	if code := cmd.ProcessState.ExitCode(); code != exitRefused {
		t.Errorf("exit code %d\n%s", code, proc.Log())
	}
	if d := cmp.Diff(before, rules(t, p)); d != "" {
		t.Errorf("not everything was taken back (-before +after):\n%s", d)
	}
}

func TestConfirmedStays(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	cmd, err := p.parvis.Command("serve", "--confirm", "3600", "--lab-clock")
	if err != nil {
		t.Fatal(err)
	}
	proc, err := p.StartRouterProgram(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := proc.WaitReady(ctx(t), p.parvis.Socket); err != nil {
		t.Fatal(err)
	}
	if s, err := p.client.Status(ctx(t)); err != nil || s.ConfirmSeconds < 3500 {
		t.Errorf("status before: %+v, %v", s, err)
	}
	if err := p.client.Confirm(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if err := p.client.Shift(ctx(t), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if s, err := p.client.Status(ctx(t)); err != nil || s.ConfirmSeconds != 0 || !s.Ready {
		t.Errorf("status after: %+v, %v", s, err)
	}
	if err := p.client.Confirm(ctx(t)); err == nil {
		t.Error("confirmed twice")
	}
}

func TestDownLeavesNothing(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	before := rules(t, p)
	p.serve()
	if out, err := p.parvis.Output(ctx(t), "down"); err == nil {
		t.Errorf("down under a running daemon: %s", out)
	}
	stop(t, p)
	if out, err := p.parvis.Output(ctx(t), "down"); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	if d := cmp.Diff(before, rules(t, p)); d != "" {
		t.Errorf("left behind (-before +after):\n%s", d)
	}
}

// rules is everything that Parvis changes in the kernel, as text without counters.
func rules(t *testing.T, p *place) string {
	t.Helper()
	var all strings.Builder
	for _, c := range [][]string{
		{"iptables-save"},
		{"ip6tables-save"},
		{"ipset", "save"},
		{"tc", "class", "show", "dev", lab.GuestBridge},
		{"tc", "qdisc", "show", "dev", lab.GuestBridge},
		{"tc", "qdisc", "show", "dev", lab.WAN},
		{"sysctl", "net.ipv4.ip_forward"},
	} {
		out, err := p.RouterOutput(ctx(t), c[0], c[1:]...)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out) {
			// An empty table differs from one that was never asked for, and is the same to every packet.
			if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "*") || strings.HasPrefix(line, "COMMIT") {
				continue
			}
			if i := strings.LastIndex(line, " ["); i > 0 && strings.HasPrefix(line, ":") {
				if strings.HasSuffix(line[:i], " ACCEPT") {
					continue
				}
				line = line[:i] + "\n"
			}
			all.WriteString(remaining.ReplaceAllString(line, " timeout LEFT packets"))
		}
	}
	return all.String()
}

var (
	bootID    = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	remaining = regexp.MustCompile(` timeout \d+ packets`) // of an entry
	program   = regexp.MustCompile(`[\w.]+ \((process|processus) \d+\)`)
)

// withoutPlaces takes what differs from run to run and from machine to machine out of a message: paths, the log, and
// warnings, which tell what this kernel lacks.
func (p *place) withoutPlaces(s string) string {
	s = strings.ReplaceAll(s, p.Dir, "DIR")
	s = bootID.ReplaceAllString(s, "BOOT-ID")
	s = program.ReplaceAllString(s, "PROGRAM ($1 N)")
	var kept []string
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(line, "time=") && !strings.Contains(line, "warning: ") && !strings.Contains(line, "avertissement : ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// withDHCP joins a guest where dnsmasq does not run yet.
func (p *place) withDHCP() *lab.Guest {
	p.t.Helper()
	if _, err := p.parvis.Dnsmasq(ctx(p.t)); err != nil {
		p.t.Fatal(err)
	}
	return p.guest()
}

// until asks again until ok, and says what was not seen.
func (p *place) until(what string, ok func() bool) {
	p.t.Helper()
	deadline := time.After(lab.Patient(15 * time.Second))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			p.t.Fatalf("the daemon does not %s", what)
		case <-tick.C:
		}
	}
}

func stop(t *testing.T, p *place) {
	t.Helper()
	if err := p.daemon.Stop(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func rewrite(t *testing.T, path, old, by string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		t.Fatalf("%s has no %q", path, old)
	}
	write(t, path, strings.Replace(string(b), old, by, 1))
}

// mount is seen by this lab alone, and undone with the test.
func mount(t *testing.T, from, to, fs string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(from, to, fs, flags, data); err != nil {
		t.Fatal(err)
	}
	if flags&unix.MS_REMOUNT == 0 {
		t.Cleanup(func() {
			if err := unix.Unmount(to, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
}
