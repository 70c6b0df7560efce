package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"parvis/internal/config"
	"parvis/internal/golden"
	"parvis/internal/lang"
	"parvis/kiosk/names"
	"parvis/sessions/hours"
)

// values lets two configurations be compared whatever their files looked like.
var values = []cmp.Option{
	cmpopts.IgnoreUnexported(config.Config{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
}

func paris(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func say(ps []config.Problem, l lang.Lang) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.In(l) + "\n")
	}
	return b.String()
}

func TestEveryProblemIsToldWithItsPlaceInBothLanguages(t *testing.T) {
	files, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cfg, ps := config.Parse("parvis.toml", src)
			if (cfg == nil) != config.HasErrors(ps) {
				t.Errorf("configuration %v with errors %v", cfg != nil, config.HasErrors(ps))
			}
			golden.Check(t, name+".en.golden", say(ps, lang.EN))
			golden.Check(t, name+".fr.golden", say(ps, lang.FR))
		})
	}
}

// least is the shortest configuration that can be used.
const least = `
[site]
name = "Médiathèque"
contact = "mediatheque@example.org"
[wan]
interface = "wan"
[guests]
interface = "br-guest"
address = "10.77.0.1/16"
[portal]
name = "Portail.Example.ORG"
[[profile]]
name = "visite"
label = "Visite"
duration = "2h"
`

func TestTheShortestConfigurationHasTheDecidedDefaults(t *testing.T) {
	got, ps := config.Parse("parvis.toml", []byte(least))
	if len(ps) != 0 {
		t.Fatal(say(ps, lang.EN))
	}
	want := &config.Config{
		Site: config.Site{
			Name: "Médiathèque", Desk: "l'accueil", Contact: "mediatheque@example.org",
			Publisher: "Médiathèque", Languages: []string{"fr", "en", "ar"}, Hours: hours.Config{Zone: paris(t)},
		},
		WAN:    config.WAN{Interface: "wan", Down: 1_000_000_000, Up: 1_000_000_000},
		Guests: config.Guests{Interface: "br-guest", Address: netip.MustParsePrefix("10.77.0.1/16"), Lease: 2 * time.Hour, Capacity: 240},
		Portal: config.Portal{Name: "portail.example.org", Profile: "visite", Open: config.ByClick},
		Staff:  config.Staff{RoleClaim: "realm_access.roles", PKCE: true}, // and no console
		Profiles: []config.Profile{{
			Name: "visite", Label: "Visite", Duration: 2 * time.Hour, Runs: config.WhileUsed, Idle: 15 * time.Minute,
			Down: 10_000_000, Up: 5_000_000, Keep: 12 * time.Hour, Extensions: 1, Devices: 1, LineStops: true,
		}},
		Terminals: config.Terminals{ // and none of them
			Lease: 12 * time.Hour, Offers: []time.Duration{30 * time.Minute, time.Hour}, Grace: 5 * time.Minute, Idle: 10 * time.Minute,
			Browser: config.Firefox, PorteusHosts: []names.Rule{".porteus-kiosk.org"},
		},
		Gate:    config.Gate{Services: []string{"all"}},
		Monitor: config.Monitor{Disk: 90},
		HW:      config.HW{WatchdogTimeout: time.Minute, Hot: 85, Worn: 80, ClockError: 5 * time.Second, Paper: 80, Cut: true}, // watched by nobody
	}
	if diff := cmp.Diff(want, got, values...); diff != "" {
		t.Error(diff)
	}
}

func TestTerminalsHaveAProfileOfTheirOwnOrTheOneThatIsNamed(t *testing.T) {
	const terminals = "[terminals]\ninterface = \"br-postes\"\naddress = \"10.78.0.1/24\"\n"
	const seat = "[[profile]]\nname = \"assis\"\nlabel = \"Poste\"\nduration = \"45m\"\nterminal = true\n"
	for src, want := range map[string]time.Duration{terminals: 30 * time.Minute, seat + terminals: 45 * time.Minute} {
		cfg, ps := config.Parse("parvis.toml", []byte(least+src))
		if cfg == nil || len(ps) > 0 {
			t.Fatal(say(ps, lang.EN))
		}
		i := slices.IndexFunc(cfg.Profiles, func(p config.Profile) bool { return p.Name == cfg.Terminals.Profile })
		if i < 0 || !cfg.Profiles[i].Terminal || cfg.Profiles[i].Duration != want || cfg.Profiles[i].Keep != 0 || cfg.Portal.Profile != "visite" {
			t.Errorf("%+v", cfg)
		}
	}
}

func TestValuesAreReadInTheirUnits(t *testing.T) {
	src := least + `
runs = "from-opening"
idle = "0s"
volume = "2 GiB"
down = "2,5mbit"
up = "512kbit"
keep = "1h30m"
[[profile]]
name = "atelier"
label = "Atelier"
duration = "3h"
volume = "500MB"
`
	src = strings.Replace(src, "address = ", "allow = [\"192.168.1.9\", \"fd00:1::/64\"]\ncapacity = 960\nlease = \"45m\"\naddress = ", 1)
	src = strings.Replace(src, "[wan]", "[wan]\nfavour = [\"198.51.100.9\", \"2001:db8:51::/48\"]", 1)
	src = strings.Replace(src, "[portal]", "[portal]\nprofile = \"atelier\"", 1)
	got, ps := config.Parse("parvis.toml", []byte(src))
	if len(ps) != 0 {
		t.Fatal(say(ps, lang.EN))
	}
	p := got.Profiles[0]
	if p.Runs != config.FromOpening || p.Idle != 0 || p.Volume != 2<<30 || p.Down != 2_500_000 || p.Up != 512_000 || p.Keep != 90*time.Minute {
		t.Errorf("first profile: %+v", p)
	}
	if v := got.Profiles[1].Volume; v != 500_000_000 {
		t.Errorf("volume %d", v)
	}
	if got.Portal.Profile != "atelier" || got.Guests.Capacity != 960 || got.Guests.Lease != 45*time.Minute {
		t.Errorf("%+v %+v", got.Portal, got.Guests)
	}
	want := []netip.Prefix{netip.MustParsePrefix("192.168.1.9/32"), netip.MustParsePrefix("fd00:1::/64")}
	if diff := cmp.Diff(want, got.Guests.Allow, values...); diff != "" {
		t.Error(diff)
	}
	want = []netip.Prefix{netip.MustParsePrefix("198.51.100.9/32"), netip.MustParsePrefix("2001:db8:51::/48")}
	if diff := cmp.Diff(want, got.WAN.Favour, values...); diff != "" {
		t.Error(diff)
	}
}

func TestWhereIsTheValueOrItsSection(t *testing.T) {
	cfg, _ := config.Parse("parvis.toml", []byte(least))
	for key, want := range map[string][2]int{
		"guests.address": {9, 11}, "guests.lease": {7, 1}, "profile.0.label": {14, 9}, "profile.0.idle": {12, 1}, "hub.url": {0, 0},
	} {
		file, line, col := cfg.Where(key)
		if file != "parvis.toml" || line != want[0] || col != want[1] {
			t.Errorf("%s: %s:%d:%d, want %v", key, file, line, col, want)
		}
	}
}

func TestCapacityDecidesThePortsOfEachSession(t *testing.T) {
	for capacity, want := range map[int]int{240: 256, 480: 128, 960: 64, 500: 0, 10000: 0} {
		if got := (config.Guests{Capacity: capacity}).Blocks(); got != want {
			t.Errorf("%d sessions: %d ports, want %d", capacity, got, want)
		}
	}
}

func TestLoadSaysWhyAFileCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.toml"): "parvis init", dir: "cannot be read (is a directory)", "/dev/zero": "longer than",
	} {
		cfg, ps := config.Load(path)
		if cfg != nil || len(ps) != 1 || !strings.Contains(ps[0].In(lang.EN), want) {
			t.Errorf("%s: %v %s", path, cfg, say(ps, lang.EN))
		}
	}
}

func TestTheConsoleHasThePortalsCertificateUnlessItHasItsOwn(t *testing.T) {
	tls := "certificate = \"/etc/parvis/p.crt\"\nkey = \"/etc/parvis/p.key\"\n"
	src := strings.Replace(least, "[[profile]]", tls+"[staff]\nname = \"Equipe.example.org\"\n#own\n[[profile]]", 1)
	for own, want := range map[string]string{"": "/etc/parvis/p.crt", "certificate = \"/e.crt\"\nkey = \"/e.key\"": "/e.crt"} {
		cfg, ps := config.Parse("parvis.toml", []byte(strings.Replace(src, "#own", own, 1)))
		if len(ps) != 0 {
			t.Fatal(say(ps, lang.EN))
		}
		if cfg.Staff.Name != "equipe.example.org" || cfg.Staff.Certificate != want {
			t.Errorf("%+v", cfg.Staff)
		}
	}
}
