package machine_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/golden"
	"parvis/internal/lang"
	"parvis/internal/machine"
)

const source = `[site]
name = "Maison des habitants"
contact = "accueil@parvis.example"
[wan]
interface = "eth0"
[guests]
interface = "eth1"
address = "10.77.0.1/16"
[portal]
name = "portail.parvis.example"
certificate = "/etc/parvis/portal.crt"
key = "/etc/parvis/portal.key"
[[profile]]
name = "visite"
label = "Visite"
duration = "2h"
`

func parsed(t *testing.T) *config.Config {
	t.Helper()
	cfg, ps := config.Parse("parvis.toml", []byte(source))
	if cfg == nil || len(ps) > 0 {
		t.Fatal(ps)
	}
	return cfg
}

// router is a machine on which source serves without a word.
func router() machine.Facts {
	p := netip.MustParsePrefix
	now := clock.NewFake().Wall()
	return machine.Facts{
		Interfaces: []machine.Interface{
			{Name: "lo", Kind: "device", Up: true, Carrier: true, Loopback: true, Addresses: []netip.Prefix{p("127.0.0.1/8")}},
			{Name: "eth0", Kind: "device", Up: true, Carrier: true, Addresses: []netip.Prefix{p("192.168.1.1/24"), p("fe80::1/64")}},
			{Name: "eth1", Kind: "device", Up: true, Carrier: true, Addresses: []netip.Prefix{p("10.77.0.1/16")}},
		},
		Routes: []machine.Route{
			{Network: p("0.0.0.0/0"), Interface: "eth0", Metric: 100},
			{Network: p("192.168.1.0/24"), Interface: "eth0"},
			{Network: p("10.77.0.0/16"), Interface: "eth1"},
		},
		Tools:    map[string]string{"iptables-restore": "/usr/sbin/iptables-restore", "ip6tables-restore": "/usr/sbin/ip6tables-restore", "dnsmasq": "/usr/sbin/dnsmasq"},
		NetAdmin: true, NetRaw: true,
		State:   machine.State{Path: "/var/lib/parvis", Exists: true, Writable: true, Free: 1 << 30},
		Config:  true,
		SiteKey: machine.SiteKey{Path: machine.SiteKeyPath, Exists: true, Mode: 0o600},
		Cert:    &machine.Certificate{NotBefore: now.Time.AddDate(0, -1, 0), NotAfter: now.Time.AddDate(0, 2, 0), Chain: true},
		Wall:    now,
	}
}

func TestARouterThatIsRightIsSilent(t *testing.T) {
	ps := machine.Check(parsed(t), router(), []machine.Feature{{Name: "ipset", Present: true, Needed: true}})
	for _, p := range ps {
		t.Error(p.In(lang.EN))
	}
}

func TestWhatIsWrongIsToldWithItsPlaceAndRemedy(t *testing.T) {
	addr := netip.MustParseAddrPort
	var features []machine.Feature
	cases := []struct {
		name   string
		change func(*machine.Facts)
	}{
		{"no such interface", func(f *machine.Facts) { f.Interfaces[2].Name = "eth7" }},
		{"switched off", func(f *machine.Facts) { f.Interfaces[1].Up, f.Interfaces[2].Up = false, false }},
		{"nothing connected", func(f *machine.Facts) { f.Interfaces[2].Carrier = false }},
		{"port of a bridge", func(f *machine.Facts) { f.Interfaces[2].Master = "br-lan" }},
		{"a radio", func(f *machine.Facts) { f.Interfaces[2].Wireless = true }},
		{"a radio in the guests' bridge", func(f *machine.Facts) {
			f.Interfaces = append(f.Interfaces, machine.Interface{Name: "wlan0", Master: f.Interfaces[2].Name, Wireless: true, Up: true, Carrier: true})
		}},
		{"without the address", func(f *machine.Facts) { f.Interfaces[2].Addresses = nil }},
		{"no way to the internet", func(f *machine.Facts) { f.Routes = f.Routes[1:] }},
		{"the line is another", func(f *machine.Facts) { f.Routes[0].Interface = "wwan0" }},
		{"two lines", func(f *machine.Facts) {
			f.Routes = append(f.Routes, machine.Route{Network: netip.MustParsePrefix("0.0.0.0/0"), Interface: "wwan0", Metric: 700})
		}},
		{"the guests' port leads to the internet", func(f *machine.Facts) { f.Routes[0].Interface = "eth1" }},
		{"connected through the guests' port", func(f *machine.Facts) { f.SSH = "eth1" }},
		{"overlap with an interface", func(f *machine.Facts) {
			f.Interfaces = append(f.Interfaces, machine.Interface{Name: "docker0", Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.77.9.1/24")}})
		}},
		{"overlap with a route", func(f *machine.Facts) {
			f.Routes = append(f.Routes, machine.Route{Network: netip.MustParsePrefix("10.0.0.0/8"), Interface: "wg0"})
		}},
		{"another dnsmasq on every address", func(f *machine.Facts) {
			f.Programs = []machine.Program{{Name: "dnsmasq", PID: 71}}
			f.Sockets = []machine.Socket{
				{Proto: "udp", Local: addr("0.0.0.0:53"), PID: 71, Program: "dnsmasq"},
				{Proto: "tcp", Local: addr("0.0.0.0:53"), PID: 71, Program: "dnsmasq"},
				{Proto: "udp", Local: addr("0.0.0.0:67"), PID: 71, Program: "dnsmasq"},
			}
		}},
		{"a dnsmasq that leaves the guests out, ours and resolved's stub", func(f *machine.Facts) {
			f.Programs = []machine.Program{{Name: "dnsmasq", PID: 71, Except: []string{"eth1"}}, {Name: "dnsmasq", PID: 72, Ours: true}}
			f.Sockets = []machine.Socket{
				{Proto: "udp", Local: addr("192.168.1.1:53"), PID: 71, Program: "dnsmasq"},
				{Proto: "udp", Local: addr("0.0.0.0:67"), PID: 71, Program: "dnsmasq"},
				{Proto: "udp", Local: addr("10.77.0.1:53"), PID: 72, Program: "dnsmasq"},
				{Proto: "udp", Local: addr("0.0.0.0:67"), PID: 72, Program: "dnsmasq"},
				{Proto: "udp", Local: addr("127.0.0.53:53"), PID: 73, Program: machine.Resolved},
				{Proto: "tcp", Local: addr("[::]:8080"), PID: 74, Program: "parvis"},
			}
		}},
		{"the portal's ports are taken", func(f *machine.Facts) {
			f.Sockets = []machine.Socket{{Proto: "tcp", Local: addr("[::]:8080"), PID: 80, Program: "nginx"}, {Proto: "tcp", Local: addr("10.77.0.1:8443")}}
		}},
		{"our own dnsmasq, to a daemon that is not root", func(f *machine.Facts) {
			f.Blind = true
			f.Sockets = []machine.Socket{
				{Proto: "udp", Local: addr("10.77.0.1:53")},
				{Proto: "tcp", Local: addr("10.77.0.1:53")},
				{Proto: "udp", Local: addr("0.0.0.0:67")},
				{Proto: "tcp", Local: addr("10.77.0.1:8443")},
			}
		}},
		{"another DHCP server", func(f *machine.Facts) {
			f.Sockets = []machine.Socket{{Proto: "udp", Local: addr("0.0.0.0:67"), PID: 90, Program: "dhcpd"}}
		}},
		{"NetworkManager keeps the guests' port", func(f *machine.Facts) { f.Managed = []string{"eth1"} }},
		{"firewalld", func(f *machine.Facts) { f.Programs = []machine.Program{{Name: "firewalld", PID: 60}} }},
		{"OpenWrt's firewall", func(f *machine.Facts) { f.FW4 = true }},
		{"radvd", func(f *machine.Facts) { f.RADaemon = []string{"eth1"} }},
		{"Docker and ufw, of which nothing need be said", func(f *machine.Facts) { f.Docker, f.UFW = true, true }},
		{"no rights", func(f *machine.Facts) { f.NetRaw = false }},
		{"no programs", func(f *machine.Facts) { f.Tools = nil }},
		{"kernel", func(*machine.Facts) {
			features = []machine.Feature{
				{Name: "ip_set_bitmap_ipmac", Needed: true, Costs: lang.Text{EN: "kmod-ipt-ipset", FR: "kmod-ipt-ipset"}},
				{Name: "fq_codel", Costs: lang.Text{EN: "one download slows the others of its device", FR: "un téléchargement ralentit les autres du même appareil"}},
			}
		}},
		{"read-only disk", func(f *machine.Facts) { f.State.Writable = false }},
		{"full disk", func(f *machine.Facts) { f.State.Free = 512 << 10 }},
		{"nearly full disk", func(f *machine.Facts) { f.State.Free = 40 << 20 }},
		{"no secret", func(f *machine.Facts) { f.SiteKey = machine.SiteKey{Path: machine.SiteKeyPath, Err: fs.ErrNotExist} }},
		{"open secret", func(f *machine.Facts) { f.SiteKey.Mode, f.SiteKey.Err = 0o644, machine.ErrKeyOpen }},
		{"damaged secret", func(f *machine.Facts) { f.SiteKey.Err = machine.ErrKeyShape }},
		{"unreadable secret", func(f *machine.Facts) { f.SiteKey.Err = fs.ErrPermission }},
		{"clock never set", func(f *machine.Facts) { f.Wall.Quality = clock.Unknown; f.Cert = nil }},
		{"clock never set, with a certificate", func(f *machine.Facts) { f.Wall = clock.Wall{} }},
		{"no certificate there", func(f *machine.Facts) { f.Cert = &machine.Certificate{Err: fs.ErrNotExist} }},
		{"key of another", func(f *machine.Facts) { f.Cert.KeyErr, f.Cert.Open = errors.New("mismatch"), true }},
		{"another name", func(f *machine.Facts) { f.Cert.NameErr = errors.New("x") }},
		{"self-signed", func(f *machine.Facts) { f.Cert.SelfSigned = true }},
		{"chain", func(f *machine.Facts) { f.Cert.Chain = false }},
		{"not yet", func(f *machine.Facts) { f.Cert.NotBefore = f.Wall.Time.Add(time.Hour) }},
		{"expired", func(f *machine.Facts) { f.Cert.NotAfter = f.Wall.Time.Add(-time.Hour) }},
		{"expires soon", func(f *machine.Facts) { f.Cert.NotAfter = f.Wall.Time.Add(5*24*time.Hour + time.Hour) }},
	}
	for _, l := range []lang.Lang{lang.EN, lang.FR} {
		var b strings.Builder
		for _, c := range cases {
			f := router()
			features = nil
			c.change(&f)
			b.WriteString("# " + c.name + "\n")
			for _, p := range machine.Check(parsed(t), f, features) {
				b.WriteString(map[config.Severity]string{config.Error: "E ", config.Warning: "W "}[p.Severity] + p.In(l) + "\n")
			}
			b.WriteString("\n")
		}
		golden.Check(t, "check."+string(l)+".golden", b.String())
	}
}
