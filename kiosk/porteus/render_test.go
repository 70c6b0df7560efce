package porteus_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parvis/internal/golden"
	"parvis/internal/lang"
	"parvis/kiosk/porteus"
)

// place is a place with three posts.
func place() porteus.Settings {
	return porteus.Settings{
		Address: netip.MustParseAddr("10.20.0.1"), PortalName: "wifi.commune.fr",
		Browser: porteus.Firefox, SessionIdle: 10 * time.Minute, Zone: "Europe/Paris",
		Notice: "Ce poste n'est pas encore prêt. Allez à l’accueil.",
		Terminals: []porteus.Post{
			{PCID: "1-B3-D5E-4C-2A", Host: "poste-1", Prints: true, USB: true},
			{PCID: "CC-44-B8-54-20-43", Host: "poste-2", Prints: true},
			{PCID: "ABCD1234", Host: "poste-3"},
		},
	}
}

func render(t interface {
	Helper()
	Fatal(...any)
}, s porteus.Settings,
) []byte {
	t.Helper()
	b, err := porteus.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRenderGolden(t *testing.T) {
	firefox, chrome, empty := place(), place(), place()
	chrome.Browser = porteus.Chrome
	chrome.Restart = true
	empty.Terminals = nil
	for name, s := range map[string]porteus.Settings{"firefox": firefox, "chrome": chrome, "no-post": empty} {
		t.Run(name, func(t *testing.T) { golden.Check(t, name+".conf", string(render(t, s))) })
	}
}

func TestTheOrderOfPostsIsNoChange(t *testing.T) {
	one, other := place(), place()
	slices.Reverse(other.Terminals)
	if a, b := render(t, one), render(t, other); string(a) != string(b) {
		t.Errorf("the same posts in another order give other bytes:\n%s", cmp.Diff(string(a), string(b)))
	}
}

func TestWhatCannotBeWrittenIsRefused(t *testing.T) {
	tests := map[string]func(*porteus.Settings){
		"no address":               func(s *porteus.Settings) { s.Address = netip.Addr{} },
		"an IPv6 address":          func(s *porteus.Settings) { s.Address = netip.MustParseAddr("fd00::1") },
		"a name with a blank":      func(s *porteus.Settings) { s.PortalName = "wifi commune.fr" },
		"a name with a line":       func(s *porteus.Settings) { s.PortalName = "wifi\nroot_password=x" },
		"another browser":          func(s *porteus.Settings) { s.Browser = "lynx" },
		"seconds of idleness":      func(s *porteus.Settings) { s.SessionIdle = 90 * time.Second },
		"less than no idleness":    func(s *porteus.Settings) { s.SessionIdle = -time.Minute },
		"a zone with a line":       func(s *porteus.Settings) { s.Zone = "Europe/Paris\nssh_port=22" },
		"a notice without letters": func(s *porteus.Settings) { s.Notice = "…" },
		"a PCID with a blank":      func(s *porteus.Settings) { s.Terminals[0].PCID = "A B C D" },
		"a PCID with a dot":        func(s *porteus.Settings) { s.Terminals[0].PCID = "A.CD" },
		"a PCID within GLOBAL":     func(s *porteus.Settings) { s.Terminals[0].PCID = "GLOB" },
		"a PCID with GLOBAL in it": func(s *porteus.Settings) { s.Terminals[0].PCID = "XGLOBALX" },
		"one PCID twice":           func(s *porteus.Settings) { s.Terminals[0].PCID = s.Terminals[2].PCID },
		"one PCID within another":  func(s *porteus.Settings) { s.Terminals[0].PCID = "BCD1" },
		"a host name with a dot":   func(s *porteus.Settings) { s.Terminals[0].Host = "a.b" },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			s := place()
			spoil(&s)
			if b, err := porteus.Render(s); !errors.Is(err, porteus.ErrSettings) {
				t.Errorf("got %v and\n%s", err, b)
			}
		})
	}
}

// settings draws places that can be written.
func settings() *rapid.Generator[porteus.Settings] {
	return rapid.Custom(func(t *rapid.T) porteus.Settings {
		s := porteus.Settings{
			Address:     netip.AddrFrom4([4]byte{10, rapid.Byte().Draw(t, "a"), rapid.Byte().Draw(t, "b"), 1}),
			PortalName:  rapid.StringMatching(`[a-z][a-z0-9]{0,10}\.[a-z]{2,6}`).Draw(t, "name"),
			Browser:     rapid.SampledFrom([]porteus.Browser{porteus.Firefox, porteus.Chrome}).Draw(t, "browser"),
			SessionIdle: time.Duration(rapid.IntRange(0, 1440).Draw(t, "idle")) * time.Minute,
			Zone:        rapid.SampledFrom([]string{"Europe/Paris", "Indian/Reunion", "UTC"}).Draw(t, "zone"),
			Notice:      "A" + rapid.StringN(0, 30, -1).Draw(t, "notice"),
			Restart:     rapid.Bool().Draw(t, "restart"),
		}
		for _, id := range rapid.SliceOfNDistinct(rapid.StringMatching(`[0-9A-F]{6}`), 0, 6, rapid.ID[string]).Draw(t, "pcids") {
			s.Terminals = append(s.Terminals, porteus.Post{
				PCID: id, Host: rapid.StringMatching(`[a-z]{1,8}-[0-9]{1,2}`).Draw(t, "host"),
				Prints: rapid.Bool().Draw(t, "prints"), USB: rapid.Bool().Draw(t, "usb"),
			})
		}
		return s
	})
}

func TestWhatIsRenderedIsReadAsItWasMeant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := settings().Draw(t, "settings")
		if len(s.Notice) > 40 {
			t.Skip("more letters than a notice has once it is spelt out")
		}
		config := render(t, s)
		if again := render(t, s); string(again) != string(config) {
			t.Fatal("the same settings gave other bytes")
		}
		for _, p := range porteus.Lint(config) {
			if !p.Warning || !strings.Contains(p.What.EN, "run_command") {
				t.Fatalf("lint: %s\n%s", p.In(lang.EN), config)
			}
		}
		nobody := porteus.For(config, "0000-unknown")
		if nobody["removable_devices"] != "" || nobody["printer_connection"] != "" || nobody["hostname"] != "" {
			t.Fatalf("a terminal that nobody knows reads %v", nobody)
		}
		for _, p := range s.Terminals {
			got := porteus.For(config, p.PCID)
			if got["hostname"] != p.Host || (got["removable_devices"] == "yes") != p.USB || (got["printer_connection"] != "") != p.Prints {
				t.Fatalf("%+v reads %v", p, got)
			}
			if _, has := got["scheduled_action"]; has {
				t.Fatal("scheduled_action belongs to nobody")
			}
			if got["proxy"] != s.Address.String()+":3128" || got["browser"] != string(s.Browser) {
				t.Fatalf("%+v reads %v", p, got)
			}
			part := porteus.Extract(config, p.PCID)
			if diff := cmp.Diff(got, porteus.For(part, p.PCID)); diff != "" {
				t.Fatalf("its part alone is read otherwise:\n%s", diff)
			}
			for _, q := range s.Terminals {
				if q != p && strings.Contains(string(part), q.PCID) {
					t.Fatalf("the part of %s names %s", p.PCID, q.PCID)
				}
			}
		}
	})
}

func TestAnotherPostIsNoChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := settings().Draw(t, "settings")
		if len(s.Notice) > 40 {
			t.Skip()
		}
		before := render(t, s)
		more := s
		more.Terminals = append(slices.Clone(s.Terminals), porteus.Post{PCID: "ZZZZZZ", Host: "new", USB: true})
		after := render(t, more)
		for _, p := range s.Terminals {
			if porteus.Reburns(before, after, p.PCID) {
				t.Fatalf("%s would restart because of another", p.PCID)
			}
		}
		want := []porteus.Change{{PCID: "ZZZZZZ", Key: "hostname", New: "new"}, {PCID: "ZZZZZZ", Key: "removable_devices", New: "yes"}}
		if diff := cmp.Diff(want, porteus.Diff(before, after)); diff != "" {
			t.Fatal(diff)
		}
	})
}
