package setup_test

import (
	"strings"
	"testing"

	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/machine"
	"parvis/internal/setup"
)

// copied is the configuration of a site whose box had other ports.
func copied(t *testing.T, more string) *config.Config {
	t.Helper()
	cfg, problems := config.Parse("parvis.toml", []byte(`[site]
name = "Maison"
contact = "accueil@parvis.example"
[wan]
interface = "wan"
[guests]
interface = "br-guest"
address = "10.77.0.1/16"
[portal]
name = "portail.parvis.example"
[[profile]]
name = "visite"
label = "Visite"
duration = "2h"
`+more))
	if cfg == nil {
		t.Fatal(problems)
	}
	return cfg
}

const withPosts = "[terminals]\ninterface = \"br-posts\"\naddress = \"10.30.0.1/24\"\n"

func TestAPortOfAnotherBoxIsToldOrAskedFor(t *testing.T) {
	port := iface("lan1")
	port.Master = "br-lan"
	inner := iface("eth3", "10.77.5.1/24")
	for name, tt := range map[string]struct {
		more    string
		facts   machine.Facts
		said    setup.Wires
		alike   bool
		ssh     string
		want    setup.Wires
		unsaid  string // flags
		refused string // part of the problem
	}{
		"one port is left":                  {"", facts(iface("eth1")), setup.Wires{}, false, "", setup.Wires{WAN: "eth0", Guests: "eth1"}, "", ""},
		"two are left":                      {"", facts(iface("eth1"), iface("eth2")), setup.Wires{}, false, "", setup.Wires{WAN: "eth0"}, "--guests", ""},
		"a name of old on another model":    {"", facts(iface("br-guest"), iface("eth2")), setup.Wires{}, false, "", setup.Wires{WAN: "eth0"}, "--guests", ""},
		"a name of old on the same model":   {"", facts(iface("br-guest"), iface("eth2")), setup.Wires{}, true, "", setup.Wires{WAN: "eth0", Guests: "br-guest"}, "", ""},
		"the operator's own is no choice":   {"", facts(iface("eth1"), iface("eth2")), setup.Wires{}, false, "eth2", setup.Wires{WAN: "eth0", Guests: "eth1"}, "", ""},
		"terminals get what is left":        {withPosts, facts(iface("eth1"), iface("eth2")), setup.Wires{Guests: "eth1"}, false, "", setup.Wires{WAN: "eth0", Guests: "eth1", Terminals: "eth2"}, "", ""},
		"both are asked for":                {withPosts, facts(iface("eth1"), iface("eth2")), setup.Wires{}, false, "", setup.Wires{WAN: "eth0"}, "--guests --terminals", ""},
		"no port for terminals":             {withPosts, facts(iface("eth1")), setup.Wires{Guests: "eth1"}, false, "", setup.Wires{WAN: "eth0", Guests: "eth1"}, "--terminals", ""},
		"one for two networks":              {withPosts, facts(iface("eth1"), iface("eth2")), setup.Wires{Guests: "eth1", Terminals: "eth1"}, false, "", setup.Wires{}, "", "named for two networks"},
		"the line":                          {"", facts(iface("eth1")), setup.Wires{Guests: "eth0"}, false, "", setup.Wires{}, "", "is the line"},
		"the operator's":                    {"", facts(iface("eth1")), setup.Wires{Guests: "eth1"}, false, "eth1", setup.Wires{}, "", "shut you out"},
		"none of this machine's":            {"", facts(iface("eth1")), setup.Wires{Guests: "br-guest"}, false, "", setup.Wires{}, "", "no interface br-guest"},
		"a port of a bridge":                {"", facts(port, iface("eth1")), setup.Wires{Guests: "lan1"}, false, "", setup.Wires{}, "", "is a port of br-lan"},
		"the site's network is here":        {"", facts(iface("eth1"), inner), setup.Wires{Guests: "eth1"}, false, "", setup.Wires{}, "", "meets 10.77.5.0/24"},
		"a network that the site has not":   {"", facts(iface("eth1")), setup.Wires{Guests: "eth1", Terminals: "eth2"}, false, "", setup.Wires{}, "", "no such network"},
		"a line that nobody can tell apart": {"", machine.Facts{Interfaces: facts(iface("eth1")).Interfaces}, setup.Wires{}, false, "", setup.Wires{}, "", "no route leads to the internet"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.facts.SSH = tt.ssh
			w, unsaid, problems := setup.Adopt(tt.facts, copied(t, tt.more), tt.said, tt.alike)
			if tt.refused != "" {
				if len(problems) != 1 || !strings.Contains(problems[0].In(lang.EN), tt.refused) {
					t.Errorf("%v; want %q", problems, tt.refused)
				}
				return
			}
			var flags []string
			for _, u := range unsaid {
				flags = append(flags, u.Flag)
			}
			if len(problems) != 0 || w != tt.want || strings.Join(flags, " ") != tt.unsaid {
				t.Errorf("%+v, unsaid %v, %v; want %+v, unsaid %q", w, flags, problems, tt.want, tt.unsaid)
			}
		})
	}
}

func TestAConfigurationIsRewired(t *testing.T) {
	source := "[wan]\ninterface = \"wan\" # the line\n[guests]\ninterface = \"br-guest\"\n[portal]\nkey = \"/old/portal.key\"\n"
	got := setup.Rewire(source, setup.Wires{WAN: "eth0", Guests: "lan1"}, map[string]string{"portal.key": "/etc/parvis/portal.key"})
	want := "[wan]\ninterface = \"eth0\" # the line\n[guests]\ninterface = \"lan1\"\n[portal]\nkey = \"/etc/parvis/portal.key\"\n"
	if got != want {
		t.Errorf("%s", got)
	}
}
