package firewall

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"parvis/internal/golden"
	"parvis/internal/lab"
)

func config(t testing.TB, change func(*Config)) Config {
	t.Helper()
	c := Config{Guest: "br-guest", WAN: "wan", Address: netip.MustParsePrefix("10.77.0.1/16")}
	if change != nil {
		change(&c)
	}
	c, err := c.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRender(t *testing.T) {
	everything := func(c *Config) {
		c.Terminal, c.Printing, c.NTP, c.HTTPPort, c.HTTPSPort, c.IPv6 = "br-term", true, true, 8081, 8444, true
		c.Garden, c.Named = true, true
		c.StaffPort, c.Staff, c.StaffAddress = 8445, "br-lan", netip.MustParseAddr("192.168.1.1")
		c.Allow = []netip.Prefix{netip.MustParsePrefix("10.20.30.40/24"), netip.MustParsePrefix("192.168.9.9/32")}
		c.Favour = []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32"), netip.MustParsePrefix("2001:db8:51::/48")}
		c.Capacity = 1000
	}
	for _, tc := range []struct {
		name   string
		change func(*Config)
		others bool
	}{
		{"plain", nil, false},
		{"everything", everything, true},
	} {
		for _, f := range []family{v4, v6} {
			name := fmt.Sprintf("%s.v%d", tc.name, f.version)
			t.Run(name, func(t *testing.T) {
				got := render(f, config(t, tc.change), tc.others)
				golden.Check(t, "render/"+name, got)
			})
		}
	}
}

// What iptables-save prints of our chains is what we wrote, so that a reader of either finds the other.
func TestIptablesUnderstandsEveryRuleAsItWasMeant(t *testing.T) {
	lab.NeedsLab(t)
	for _, b := range []Backend{Legacy, NFT} {
		for _, capacity := range []int{240, 480, 960, 10000} {
			t.Run(fmt.Sprintf("%s/%d", b, capacity), func(t *testing.T) {
				c := config(t, func(c *Config) {
					c.Capacity, c.Terminal, c.NTP, c.IPv6 = capacity, "br-term", true, true
					c.Garden, c.Named = true, true
					c.StaffPort, c.Staff, c.StaffAddress = 8444, "br-lan", netip.MustParseAddr("192.168.1.1")
					c.Allow = []netip.Prefix{netip.MustParsePrefix("10.20.30.0/24")}
				})
				f := sets(t, c)
				defer func() {
					for _, s := range []string{setUp4, setDn4, setUp6, setDn6, setFavour4, setFavour6, setStaff4, setNames4, setGarden4, setEnded4} {
						if err := f.sets.Destroy(s); err != nil {
							t.Error(err)
						}
					}
				}()
				for _, fam := range []family{v4, v6} {
					x, err := openXtables(fam, b)
					if err != nil {
						t.Fatal(err)
					}
					wrote := render(fam, c, true)
					if err := x.restore(wrote); err != nil {
						t.Fatal(err)
					}
					s, err := x.save()
					if err != nil {
						t.Fatal(err)
					}
					w := parseSave(wrote)
					for _, table := range fam.tables(c) {
						for _, chain := range w.ours(table) {
							if got, want := len(s[table].rules[chain]), len(w[table].rules[chain]); got != want {
								t.Errorf("%s %s: %d rules of %d", table, chain, got, want)
							}
						}
					}
					if err := x.remove(); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

func TestSlotsAndBlocksOfPorts(t *testing.T) {
	for _, tc := range []struct {
		capacity    int
		first, last uint16
		shift       uint
	}{
		{240, 0x10, 0xff, 8},
		{480, 0x20, 0x1ff, 7},
		{960, 0x40, 0x3ff, 6},
		{1, 0x10, 0x11, 0},
		{1000, 0x10, 0x10 + 1999, 0},
		{10000, 0x10, 0x10 + 19999, 0},
	} {
		first, last, shift := Slots(tc.capacity)
		if first != tc.first || last != tc.last || shift != tc.shift {
			t.Errorf("%d: %#x to %#x shift %d; want %#x to %#x shift %d", tc.capacity, first, last, shift, tc.first, tc.last, tc.shift)
		}
		if shift == 0 {
			continue
		}
		if n := int(last-first) + 1; n != tc.capacity {
			t.Errorf("%d: %d slots", tc.capacity, n)
		}
		// Every port belongs to one block or to the house.
		text := nat(v4, config(t, func(c *Config) { c.Capacity = tc.capacity })).String()
		next := 1024
		for line := range strings.Lines(text) {
			var low, high int
			i := strings.Index(line, "--to-ports ")
			if !strings.Contains(line, "MASQUERADE") || !strings.Contains(line, "-p tcp") || i < 0 {
				continue
			}
			if _, err := fmt.Sscanf(line[i:], "--to-ports %d-%d", &low, &high); err != nil {
				t.Fatal(line, err)
			}
			if low != next {
				t.Fatalf("%d: block %d-%d does not begin at %d", tc.capacity, low, high, next)
			}
			next = high + 1
		}
		if next != 65536 {
			t.Errorf("%d: the last block ends at %d", tc.capacity, next-1)
		}
	}
}

func TestConfigRefusesWhatWouldNotEnforce(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no guest interface":     func(c *Config) { c.Guest = "" },
		"a wildcard":             func(c *Config) { c.Guest = "eth+" },
		"two words":              func(c *Config) { c.WAN = "wan -j" },
		"too long a name":        func(c *Config) { c.WAN = "sixteencharacter" },
		"one interface for both": func(c *Config) { c.WAN = c.Guest },
		"staff on the guests'": func(c *Config) {
			c.StaffPort, c.Staff, c.StaffAddress = 8444, c.Guest, netip.MustParseAddr("192.168.1.1")
		},
		"staff without an address":    func(c *Config) { c.StaffPort, c.Staff = 8444, "br-lan" },
		"terminals on the guests'":    func(c *Config) { c.Terminal = c.Guest },
		"no address":                  func(c *Config) { c.Address = netip.Prefix{} },
		"an IPv6 address":             func(c *Config) { c.Address = netip.MustParsePrefix("2001:db8::1/64") },
		"a network larger than a /16": func(c *Config) { c.Address = netip.MustParsePrefix("10.0.0.1/15") },
		"no room for a guest":         func(c *Config) { c.Address = netip.MustParsePrefix("10.0.0.1/31") },
		"an inner network of IPv6":    func(c *Config) { c.Allow = []netip.Prefix{netip.MustParsePrefix("fc00::/7")} },
		"too many":                    func(c *Config) { c.Capacity = MaxCapacity + 1 },
		"fewer than none":             func(c *Config) { c.Capacity = -1 },
		"an unknown backend":          func(c *Config) { c.Backend = "ebtables" },
	} {
		c := Config{Guest: "br-guest", WAN: "wan", Address: netip.MustParsePrefix("10.77.0.1/16")}
		change(&c)
		if _, err := c.withDefaults(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
