package machine_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/machine"
)

// What keeps terminals from working is told, and keeps nobody else out.
func TestTerminalsNetworkIsLookedAt(t *testing.T) {
	posts := func() machine.Interface {
		return machine.Interface{Name: "br-postes", Up: true, Carrier: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.78.0.1/24")}}
	}
	for _, tc := range []struct {
		name   string
		change func(*machine.Interface, *machine.Facts)
		want   string
	}{
		{"right", func(*machine.Interface, *machine.Facts) {}, ""},
		{"not there", func(i *machine.Interface, _ *machine.Facts) { i.Name, i.Addresses = "eth9", nil }, "there is no interface br-postes"},
		{"a port of a bridge", func(i *machine.Interface, _ *machine.Facts) { i.Master = "br-lan" }, "br-postes is a port of br-lan"},
		{"switched off", func(i *machine.Interface, _ *machine.Facts) { i.Up = false }, "br-postes is switched off"},
		{"without the address", func(i *machine.Interface, _ *machine.Facts) { i.Addresses = nil }, "does not have the address 10.78.0.1/24"},
		{"overlap", func(_ *machine.Interface, f *machine.Facts) {
			f.Routes = append(f.Routes, machine.Route{Network: netip.MustParsePrefix("10.78.0.0/16"), Interface: "wg0"})
		}, "meets 10.78.0.0/16, which is on wg0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, ps := config.Parse("parvis.toml", []byte(source+"[terminals]\ninterface = \"br-postes\"\naddress = \"10.78.0.1/24\"\n"))
			if cfg == nil {
				t.Fatal(ps)
			}
			f, i := router(), posts()
			tc.change(&i, &f)
			f.Interfaces = append(f.Interfaces, i)
			var told []string
			for _, p := range machine.Check(cfg, f, []machine.Feature{{Name: "ipset", Present: true, Needed: true}}) {
				if p.Severity == config.Error {
					t.Errorf("nobody would be let in: %s", p.In(lang.EN))
				}
				told = append(told, p.In(lang.EN))
			}
			if tc.want == "" && len(told) > 0 || tc.want != "" && (len(told) != 1 || !strings.Contains(told[0], tc.want)) {
				t.Errorf("%q, expected %q", told, tc.want)
			}
		})
	}
}

// What stands between terminals and the gate is told with its remedy. What Parvis cannot start without is an error.
func TestWhatStandsBeforeTheGateIsTold(t *testing.T) {
	at := func(proto, address string, pid int, program string) machine.Socket {
		return machine.Socket{Proto: proto, Local: netip.MustParseAddrPort(address), PID: pid, Program: program}
	}
	ours := machine.Program{Name: "dnsmasq", PID: 72, Interfaces: []string{"br-postes"}, Ours: true}
	serves := []machine.Socket{
		at("tcp", "10.77.0.1:8080", 70, "parvis"), at("tcp", "10.78.0.1:8080", 70, "parvis"), at("tcp", "10.78.0.1:3128", 70, "parvis"),
		at("tcp", "10.78.0.1:631", 70, "parvis"), at("udp", "10.78.0.1:53", 72, "dnsmasq"), at("udp", "0.0.0.0:67", 72, "dnsmasq"),
	}
	without := func(port uint16) []machine.Socket {
		return slices.DeleteFunc(slices.Clone(serves), func(s machine.Socket) bool { return s.Local.Port() == port })
	}
	for _, tc := range []struct {
		name     string
		sockets  []machine.Socket
		programs []machine.Program
		change   func(*machine.Facts)
		want     []string // each with its severity
	}{
		{name: "Parvis serves, with its two dnsmasq", sockets: serves, programs: []machine.Program{ours}},
		{name: "nothing runs yet"},
		{
			name: "Parvis serves another configuration", sockets: without(3128), programs: []machine.Program{ours},
			want: []string{"W nothing listens on 10.78.0.1 port 3128", "restart Parvis"},
		},
		{name: "no dnsmasq of the terminals", sockets: without(67), want: []string{"W nothing gives addresses on br-postes", "parvis dnsmasq --terminals"}},
		{
			name: "a system's dnsmasq", programs: []machine.Program{{Name: "dnsmasq", PID: 71, Except: []string{"eth1"}}},
			sockets: []machine.Socket{at("udp", "10.78.0.1:53", 71, "dnsmasq"), at("udp", "0.0.0.0:67", 71, "dnsmasq")},
			want:    []string{"W port 53 (udp) is needed for the terminals' names", "except-interface=br-postes", "W dnsmasq (process 71) gives addresses too, and may do so to terminals"},
		},
		{name: "a proxy", sockets: []machine.Socket{at("tcp", "[::]:3128", 80, "squid")}, want: []string{"E port 3128 (tcp) is needed for the terminals' gate and is held by squid"}},
		{name: "a print server", sockets: []machine.Socket{at("tcp", "0.0.0.0:631", 81, "cupsd")}, want: []string{"E port 631 (tcp) is needed for the terminals' printer and is held by cupsd"}},
		{name: "a print server of this machine alone", sockets: []machine.Socket{at("tcp", "127.0.0.1:631", 81, "cupsd")}},
		{name: "a web server on their address", sockets: []machine.Socket{at("tcp", "10.78.0.1:8080", 82, "nginx")}, want: []string{"E port 8080 (tcp) is needed for the terminals' pages and is held by nginx"}},
		{name: "NetworkManager", change: func(f *machine.Facts) { f.Managed = []string{"br-postes"} }, want: []string{"W NetworkManager keeps br-postes"}},
		{name: "firewalld", programs: []machine.Program{{Name: "firewalld", PID: 60}}, want: []string{"W firewalld runs: it may keep terminals from their gate", "--add-interface=br-postes"}},
		{name: "OpenWrt's firewall", change: func(f *machine.Facts) { f.FW4 = true }, want: []string{"W OpenWrt's firewall (fw4) runs: it may keep terminals from their gate"}},
		{name: "no dnsmasq installed", change: func(f *machine.Facts) { delete(f.Tools, "dnsmasq") }, want: []string{"E the program dnsmasq is not installed", "dnsmasq-base"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, ps := config.Parse("parvis.toml", []byte(source+"[terminals]\ninterface = \"br-postes\"\naddress = \"10.78.0.1/24\"\nprinter = \"ipp://192.168.1.40\"\n"))
			if cfg == nil {
				t.Fatal(ps)
			}
			f := router()
			f.Interfaces = append(f.Interfaces, machine.Interface{Name: "br-postes", Up: true, Carrier: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.78.0.1/24")}})
			f.Sockets, f.Programs = tc.sockets, tc.programs
			if tc.change != nil {
				tc.change(&f)
			}
			var told []string
			for _, p := range machine.Check(cfg, f, nil) {
				told = append(told, map[config.Severity]string{config.Error: "E ", config.Warning: "W "}[p.Severity]+p.In(lang.EN))
			}
			for _, want := range tc.want {
				severity, text, has := strings.Cut(want, " ")
				if !has || len(severity) > 1 {
					severity, text = "", want
				}
				if !slices.ContainsFunc(told, func(p string) bool { return strings.HasPrefix(p, severity) && strings.Contains(p, text) }) {
					t.Errorf("not told: %q in %q", want, told)
				}
			}
			if len(tc.want) == 0 && len(told) > 0 {
				t.Errorf("told: %q", told)
			}
		})
	}
}
