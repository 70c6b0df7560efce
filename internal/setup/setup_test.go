package setup_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/golden"
	"parvis/internal/lang"
	"parvis/internal/machine"
	"parvis/internal/setup"
)

func iface(name string, addresses ...string) machine.Interface {
	i := machine.Interface{Name: name, Kind: "device", Up: true, Carrier: true, Loopback: name == "lo"}
	for _, a := range addresses {
		i.Addresses = append(i.Addresses, netip.MustParsePrefix(a))
	}
	return i
}

func route(network, iface string) machine.Route {
	return machine.Route{Network: netip.MustParsePrefix(network), Interface: iface}
}

// facts is a machine with those interfaces, whose line is eth0.
func facts(interfaces ...machine.Interface) machine.Facts {
	return machine.Facts{
		Interfaces: append([]machine.Interface{iface("lo", "127.0.0.1/8"), iface("eth0", "192.168.1.20/24", "2001:db8::20/64")}, interfaces...),
		Routes:     []machine.Route{route("0.0.0.0/0", "eth0"), route("192.168.1.0/24", "eth0")},
		Wall:       clock.NewFake().Wall(),
	}
}

var answers = setup.Answers{
	Name: "Maison des habitants", Contact: "accueil@parvis.example", Portal: "portail.parvis.example", Lang: lang.FR,
}

func TestThePlanSaysWhatItWillDoOrWhyNot(t *testing.T) {
	with := func(change func(*setup.Answers)) setup.Answers {
		a := answers
		change(&a)
		return a
	}
	bridge := iface("br-lan", "192.168.8.1/24")
	bridge.Kind = "bridge"
	docker := iface("docker0", "172.17.0.1/16")
	docker.Kind = "bridge"
	unplugged := iface("eth1")
	unplugged.Carrier = false
	radio := iface("wlan0")
	radio.Wireless = true
	port := iface("lan1")
	port.Master = "br-lan"

	for _, c := range []struct {
		name    string
		facts   machine.Facts
		answers setup.Answers
		change  func(*machine.Facts)
		refused bool
	}{
		{name: "one-port", facts: facts(), answers: answers, refused: true},
		{name: "two-ports", facts: facts(iface("eth1")), answers: answers, change: func(f *machine.Facts) { f.SSH = "eth0" }},
		{name: "nothing-said", facts: facts(unplugged), answers: setup.Answers{}, refused: true},
		{name: "no-domain", facts: facts(unplugged), answers: with(func(a *setup.Answers) { a.Portal = "" })},
		{name: "docker-and-ufw", facts: facts(iface("eth1"), docker), answers: answers, change: func(f *machine.Facts) {
			f.Docker, f.UFW = true, true
			f.Routes = append(f.Routes, route("172.17.0.0/16", "docker0"))
			f.Programs = []machine.Program{{Name: "dockerd", PID: 700}, {Name: machine.Resolved, PID: 400}}
		}},
		{name: "ssh-on-the-public-port", facts: facts(iface("eth1", "192.168.9.1/24")), answers: answers, change: func(f *machine.Facts) { f.SSH = "eth1" }, refused: true},
		{name: "ssh-on-a-third-port", facts: facts(iface("eth1", "192.168.9.1/24"), iface("eth2")), answers: answers, change: func(f *machine.Facts) { f.SSH = "eth1" }},
		{name: "overlapping-network", facts: facts(iface("eth1")), answers: answers, change: func(f *machine.Facts) {
			f.Routes = append(f.Routes, route("10.0.0.0/8", "tun0"))
		}},
		{name: "overlapping-network-asked-for", facts: facts(iface("eth1")), answers: with(func(a *setup.Answers) { a.Address = netip.MustParsePrefix("192.168.1.1/25") }), refused: true},
		{name: "existing-configuration", facts: facts(iface("eth1")), answers: answers, change: func(f *machine.Facts) { f.Config, f.SiteKey.Exists = true, true }, refused: true},
		{
			name: "existing-configuration-forced", facts: facts(iface("eth1")), answers: with(func(a *setup.Answers) { a.Force = true }),
			change: func(f *machine.Facts) { f.Config, f.SiteKey.Exists = true, true },
		},
		{name: "damaged-key", facts: facts(iface("eth1")), answers: answers, change: func(f *machine.Facts) {
			f.SiteKey = machine.SiteKey{Exists: true, Err: machine.ErrKeyShape}
		}, refused: true},
		{name: "openwrt", facts: facts(bridge, port, radio), answers: with(func(a *setup.Answers) { a.Guests = "br-lan" }), change: func(f *machine.Facts) {
			f.FW4 = true
			f.Programs = []machine.Program{{Name: "dnsmasq", PID: 1800}, {Name: "odhcpd", PID: 1700}}
		}},
		{name: "several-ports", facts: facts(iface("eth1"), radio), answers: answers, refused: true},
		{name: "radio-with-networkmanager", facts: facts(radio), answers: answers, change: func(f *machine.Facts) { f.Managed = []string{"wlan0"} }},
		{name: "port-of-a-bridge", facts: facts(bridge, port), answers: with(func(a *setup.Answers) { a.Guests = "lan1" }), refused: true},
		{name: "the-line-as-guests", facts: facts(iface("eth1")), answers: with(func(a *setup.Answers) { a.Guests = "eth0" }), refused: true},
		{name: "a-second-line-as-guests", facts: facts(iface("wwan0")), answers: with(func(a *setup.Answers) { a.Guests = "wwan0" }), change: func(f *machine.Facts) {
			f.Routes = append(f.Routes, route("0.0.0.0/0", "wwan0"))
		}, refused: true},
		{name: "unknown-names", facts: facts(iface("eth1")), answers: with(func(a *setup.Answers) { a.WAN, a.Guests = "wan", "lan" }), refused: true},
		{name: "no-route", facts: facts(iface("eth1")), answers: answers, change: func(f *machine.Facts) { f.Routes = nil }, refused: true},
		{name: "every-network-taken", facts: facts(iface("eth1")), answers: answers, change: func(f *machine.Facts) {
			f.Routes = append(f.Routes, route("10.0.0.0/8", "tun0"), route("172.16.0.0/12", "tun0"), route("192.168.0.0/16", "tun0"))
		}, refused: true},
		{name: "portal-of-one-word", facts: facts(iface("eth1")), answers: with(func(a *setup.Answers) { a.Portal = "portail" }), refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.change != nil {
				c.change(&c.facts)
			}
			plan, problems := setup.Make(c.facts, c.answers)
			if config.HasErrors(problems) != c.refused {
				t.Errorf("refused: %v", !c.refused)
			}
			for _, l := range []lang.Lang{lang.EN, lang.FR} {
				text := plan.Text(l)
				if n := strings.Count(text, "\n"); n > 25 {
					t.Errorf("%d lines", n)
				}
				next := strings.HasSuffix(text, "\n  parvis check\n  parvis serve --confirm 120\n")
				if !c.refused && !next {
					t.Error("the next two commands are not at the end")
				}
				for _, p := range problems {
					text += p.In(l) + "\n"
				}
				golden.Check(t, c.name+"."+string(l)+".golden", text)
			}
			if c.refused {
				return
			}
			for _, l := range []lang.Lang{lang.EN, lang.FR} {
				c.answers.Lang = l
				plan, _ := setup.Make(c.facts, c.answers)
				cfg, ps := config.Parse(config.Path, []byte(plan.Source))
				if cfg == nil || len(ps) > 0 {
					t.Fatalf("the written configuration has problems: %v", ps)
				}
				if cfg.WAN.Interface != plan.WAN || cfg.Guests.Interface != plan.Guests || cfg.Guests.Address != plan.Address || cfg.Site.Name != c.answers.Name {
					t.Errorf("%+v", cfg)
				}
			}
		})
	}
}

func TestAFullHouseStillFitsOnOneScreen(t *testing.T) {
	f := facts(iface("eth1", "10.5.0.1/16"))
	f.Interfaces[2].Wireless = true
	f.FW4, f.UFW, f.Docker, f.Managed, f.SSH = true, true, true, []string{"eth1"}, "eth0"
	for i, n := range []string{"dnsmasq", "odhcpd", "dhcpd", machine.Resolved, "firewalld"} {
		f.Programs = append(f.Programs, machine.Program{Name: n, PID: 100 + i})
	}
	a := answers
	a.Portal = ""
	plan, ps := setup.Make(f, a)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	for _, l := range []lang.Lang{lang.EN, lang.FR} {
		text := plan.Text(l)
		golden.Check(t, "full-house."+string(l)+".golden", text)
		if n := strings.Count(text, "\n"); n > 25 {
			t.Errorf("%d lines", n)
		}
	}
}

func TestWordsOfAnyKindAreWrittenAsTheyWereSaid(t *testing.T) {
	for _, name := range []string{`L'"Escale" \ quai 3`, "Médiathèque 中央", "# pas une remarque", `fin de \`, "a = \"b\""} {
		a := answers
		a.Name = name
		plan, ps := setup.Make(facts(iface("eth1")), a)
		if len(ps) > 0 {
			t.Errorf("%q: %s", name, ps[0].In(lang.EN))
			continue
		}
		if cfg, _ := config.Parse("", []byte(plan.Source)); cfg == nil || cfg.Site.Name != name {
			t.Errorf("%q was written as\n%s", name, plan.Source)
		}
	}
	for _, name := range []string{"two\nlines", "bell\a", strings.Repeat("x", 200)} {
		a := answers
		a.Name = name
		if _, ps := setup.Make(facts(iface("eth1")), a); !config.HasErrors(ps) {
			t.Errorf("%s: accepted", fmt.Sprintf("%q", name))
		}
	}
}
