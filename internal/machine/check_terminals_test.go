package machine_test

import (
	"net/netip"
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
