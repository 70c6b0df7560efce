package lab

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Site is what may differ in the configuration of the town's Parvis; the zero value is a usual place.
type Site struct {
	Name     string // "La Maison des habitants"
	Duration string // of the one profile: "1h"
	Idle     string // "15m"
	Down, Up string // rates of one guest: "10mbit", "5mbit"
	Line     string // rate of the line, both ways: "1gbit"
	Capacity int    // 240
	Lease    string // "2h"
	Allow    []string
	IPv6     bool
	// Staff gives the place a console, under ConsoleName with a certificate of its own.
	Staff bool
	// Posts gives the place a network of terminals.
	Posts bool
	// Names are more hosts that the place's own catalogue opens on terminals; with Posts.
	Names []string
	// Printer is the address of the terminals' printer, "" none; with Posts.
	Printer string
	// Hours are when it is open: `["lun-ven 9:00-17:00"]`; "" always.
	Hours string
	// NoTLS leaves the certificate out, and with it the RFC 8908 API.
	NoTLS bool
	// Portal is more lines of [portal].
	Portal string
	// More is appended as it is: other profiles, other sections.
	More string
}

// SSID is the Wi-Fi's name in what the place prints; the lab's guests are on cables.
const SSID = "Maison-Public"

// Parvis is an installed Parvis of the town's router: the real binary and its files.
type Parvis struct {
	Binary string
	Config string // parvis.toml; site.key and the portal's certificate are beside it
	State  string
	Socket string

	town *Town
}

// Install writes a configuration for the binary at path.
func (t *Town) Install(binary string, s Site) (*Parvis, error) {
	p := &Parvis{
		Binary: binary,
		Config: filepath.Join(t.Dir, "etc", "parvis.toml"),
		State:  filepath.Join(t.Dir, "var"),
		Socket: filepath.Join(runDir, "parvis.sock"),
		town:   t,
	}
	return p, p.Configure(s)
}

// Configure writes the configuration anew, for the next start. The site's key stays.
func (p *Parvis) Configure(s Site) error {
	etc := filepath.Dir(p.Config)
	keyFile := filepath.Join(etc, "site.key")
	if _, err := os.Stat(keyFile); os.IsNotExist(err) {
		var key [32]byte
		rand.Read(key[:]) // does not fail
		if err := os.WriteFile(keyFile, []byte(hex.EncodeToString(key[:])+"\n"), 0o600); err != nil {
			return fmt.Errorf("lab: write site key: %w", err)
		}
	}
	cert, key := filepath.Join(etc, "portal.crt"), filepath.Join(etc, "portal.key")
	if !s.NoTLS {
		if err := p.town.CA.WriteCertificate(cert, key, PortalName); err != nil {
			return err
		}
	}
	if s.Staff {
		if err := p.town.CA.WriteCertificate(filepath.Join(etc, "console.crt"), filepath.Join(etc, "console.key"), ConsoleName); err != nil {
			return err
		}
	}
	if s.Posts {
		if err := s.writeCatalogue(filepath.Join(etc, "catalogue")); err != nil {
			return err
		}
	}
	if err := os.WriteFile(p.Config, []byte(s.toml(p.town, cert, key)), 0o644); err != nil {
		return fmt.Errorf("lab: write configuration: %w", err)
	}
	return nil
}

func (s Site) toml(t *Town, cert, key string) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	w("[site]\nname = %q\ncontact = \"accueil@laboratoire.test\"", cmp.Or(s.Name, "La Maison des habitants"))
	if s.Hours != "" {
		w("hours = %s", s.Hours)
	}
	line := cmp.Or(s.Line, "1gbit")
	w("[wan]\ninterface = %q\ndown = %q\nup = %q", WAN, line, line)
	w("[guests]\ninterface = %q\naddress = %q\nlease = %q\ncapacity = %d\nssid = %q",
		GuestBridge, t.Options.Guests, cmp.Or(s.Lease, "2h"), cmp.Or(s.Capacity, 240), SSID)
	if len(s.Allow) > 0 {
		w("allow = [\"%s\"]", strings.Join(s.Allow, `", "`))
	}
	if s.IPv6 {
		w("ipv6 = true")
	}
	w("[portal]\nname = %q", PortalName)
	if !s.NoTLS {
		w("certificate = %q\nkey = %q", cert, key)
	}
	b.WriteString(s.Portal)
	if s.Staff {
		etc := filepath.Join(t.Dir, "etc")
		w("[staff]\nname = %q\ncertificate = %q\nkey = %q", ConsoleName, filepath.Join(etc, "console.crt"), filepath.Join(etc, "console.key"))
	}
	if s.Posts {
		w("[terminals]\ninterface = %q\naddress = %q", PostBridge, postV4)
		if s.Printer != "" {
			w("printer = %q", s.Printer)
		}
		w("profile = \"poste\"")
		w("[gate]\ncatalogue = %q", filepath.Join(t.Dir, "etc", "catalogue"))
	}
	w("[[profile]]\nname = \"visite\"\nlabel = \"Visite\"\nduration = %q\nidle = %q\ndown = %q\nup = %q",
		cmp.Or(s.Duration, "1h"), cmp.Or(s.Idle, "15m"), cmp.Or(s.Down, "10mbit"), cmp.Or(s.Up, "5mbit"))
	if s.Posts {
		w("[[profile]]\nname = \"poste\"\nlabel = \"Poste\"\nduration = \"30m\"\nidle = \"0s\"\nterminal = true")
	}
	b.WriteString(s.More)
	return b.String()
}

// writeCatalogue writes the place's own services: the procedure of the lab's internet, and its mailbox, which is open only
// when it is asked for.
func (s Site) writeCatalogue(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	text := fmt.Sprintf(`[[service]]
id = "caf-lab"
need = "aides"
title = "Les allocations du laboratoire"
address = "https://%s/"
hosts = ["%[1]s", %q]
with = ["connexion-lab"]
needs = ["franceconnect", "mailbox"]
drawing = "gift"

[[bundle]]
id = "connexion-lab"
title = "Connexion du laboratoire"
hosts = [%q, %q]

[[more]]
of = "messagerie"
hosts = [%q]
`, CAF, Account, Connect, Identity, Mailbox)
	if len(s.Names) > 0 {
		text += fmt.Sprintf("\n[[more]]\nof = \"caf-lab\"\nhosts = [\"%s\"]\n", strings.Join(s.Names, `", "`))
	}
	if err := os.WriteFile(filepath.Join(dir, "laboratoire.toml"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("lab: write catalogue: %w", err)
	}
	return nil
}

// Command is a command of the binary with its files given, to be run on the router.
func (p *Parvis) Command(args ...string) (*exec.Cmd, error) {
	return p.town.RouterCommand(p.Binary, append([]string{"--config", p.Config, "--state", p.State, "--socket", p.Socket}, args...)...)
}

// Output runs a short command of the binary on the router and returns what it printed.
func (p *Parvis) Output(ctx context.Context, args ...string) (string, error) {
	cmd, err := p.Command(args...)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	cmd.Stdout = &out
	proc, err := p.town.Router.Spawn(cmd)
	if err != nil {
		return "", err
	}
	if err := proc.Wait(ctx); err != nil {
		proc.Kill()
		return out.String(), err
	}
	return out.String(), nil
}

// Hardware is the directory that the daemon takes for the root of its box's /sys, /proc and /tmp: nothing is in it but what a test puts there,
// so that no test sees the machine that it runs on.
func (p *Parvis) Hardware() string { return filepath.Join(p.town.Dir, "hardware") }

// Serve starts the daemon with a clock that the lab can move, and waits until its socket answers.
func (p *Parvis) Serve(ctx context.Context) (*Process, error) {
	cmd, err := p.Command("serve", "--lab-clock", "--lab-hardware", p.Hardware())
	if err != nil {
		return nil, err
	}
	proc, err := p.town.StartRouterProgram(cmd)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, Patient(20*time.Second))
	defer cancel()
	return proc, proc.WaitReady(ctx, p.Socket)
}

// Dnsmasq starts the guest network's dnsmasq, with the configuration that the binary prints, and waits until it answers.
func (p *Parvis) Dnsmasq(ctx context.Context) (*Process, error) {
	return p.dnsmasq(ctx, "dnsmasq.conf", p.town.GuestAddress(), "dnsmasq")
}

// DnsmasqTerminals starts that of the terminals' network in the same way.
func (p *Parvis) DnsmasqTerminals(ctx context.Context) (*Process, error) {
	return p.dnsmasq(ctx, "dnsmasq-terminals.conf", PostAddress(), "dnsmasq", "--terminals")
}

func (p *Parvis) dnsmasq(ctx context.Context, file string, at netip.Addr, verb ...string) (*Process, error) {
	conf, err := p.Output(ctx, verb...)
	if err != nil {
		return nil, err
	}
	proc, err := spawnDnsmasq(p.town.Router, filepath.Join(runDir, file), conf)
	if err != nil {
		return nil, err
	}
	p.town.mu.Lock()
	p.town.programs = append(p.town.programs, proc)
	p.town.mu.Unlock()
	return proc, p.town.waitNames(ctx, proc, at, PortalName)
}
