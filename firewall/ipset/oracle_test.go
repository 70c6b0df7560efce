package ipset_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parvis/firewall/ipset"
	"parvis/internal/mac"
)

// tool runs Debian's ipset, the oracle.
func tool(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("ipset", args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ipset %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// saved is what `ipset save` prints of the set's entries, sorted.
func saved(t testing.TB, set string) []string {
	t.Helper()
	var lines []string
	for _, l := range strings.Split(strings.TrimSpace(tool(t, "", "save", set)), "\n") {
		if strings.HasPrefix(l, "add ") {
			lines = append(lines, l)
		}
	}
	slices.Sort(lines)
	return lines
}

// line is the entry as `ipset save` prints it.
func line(s ipset.Set, e ipset.Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "add %s %s", s.Name, e.IP)
	if int(e.Bits) < e.IP.BitLen() && s.Type == ipset.HashNet {
		fmt.Fprintf(&b, "/%d", e.Bits)
	}
	if s.Type == ipset.BitmapIPMAC {
		fmt.Fprintf(&b, ",%s", strings.ToUpper(e.MAC.String()))
	}
	fmt.Fprintf(&b, " timeout %d packets %d bytes %d", e.Timeout, *e.Packets, *e.Bytes)
	if e.Mark != 0 || e.Mask != 0 {
		fmt.Fprintf(&b, " skbmark 0x%x", e.Mark)
		if e.Mask != 0xffffffff {
			fmt.Fprintf(&b, "/0x%x", e.Mask)
		}
	}
	if e.Prio != 0 {
		fmt.Fprintf(&b, " skbprio %x:%x", e.Prio>>16, e.Prio&0xffff)
	}
	return b.String()
}

// entries draws a set's worth of entries. Timeouts are 0, because others run.
func entries(s ipset.Set, most int) *rapid.Generator[[]ipset.Entry] {
	one := rapid.Custom(func(t *rapid.T) ipset.Entry {
		e := ipset.Entry{
			Mark: rapid.Uint32().Draw(t, "mark"), Mask: rapid.Uint32().Draw(t, "mask"), Prio: rapid.Uint32().Draw(t, "prio"),
			// The kernel counts in signed 64-bit numbers and takes the highest as "not given".
			Packets: ptr(rapid.Uint64Max(1<<62).Draw(t, "packets")), Bytes: ptr(rapid.Uint64Max(1<<62).Draw(t, "bytes")),
		}
		switch {
		case s.Family == ipset.IPv6:
			b := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ip6"))
			b[0] = 0x20 // neither unspecified nor IPv4 in disguise
			e.IP = netip.AddrFrom16(b)
		case s.Type == ipset.BitmapIPMAC:
			b := s.Range.Masked().Addr().As4()
			host := rapid.Uint32Max(uint32(1)<<(32-s.Range.Bits())-1).Draw(t, "host")
			b[2] |= byte(host >> 8)
			b[3] |= byte(host)
			e.IP = netip.AddrFrom4(b)
			e.MAC = mac.Addr(rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(t, "mac"))
			e.MAC[5] |= 1 // not the zero address, which is "unset"
		default:
			b := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "ip4"))
			b[0] |= 1
			e.IP = netip.AddrFrom4(b)
		}
		if s.Type == ipset.HashNet {
			p := netip.PrefixFrom(e.IP, rapid.IntRange(8, e.IP.BitLen()).Draw(t, "bits")).Masked()
			e.IP, e.Bits = p.Addr(), uint8(p.Bits())
		}
		return e
	})
	return rapid.SliceOfNDistinct(one, 0, most, func(e ipset.Entry) netip.Addr { return e.IP })
}

func TestWhatWeWriteIsWhatTheToolReads(t *testing.T) {
	c := dial(t)
	for _, s := range []ipset.Set{up4, up9, dn4, dn6, fv4, fv6} {
		t.Run(s.Name, func(t *testing.T) {
			if err := c.Create(s); err != nil {
				t.Fatal(err)
			}
			gen := entries(s, 40)
			rapid.Check(t, func(rt *rapid.T) {
				es := gen.Draw(rt, "entries")
				if err := errors.Join(c.Flush(s.Name), c.Add(s.Name, es...)); err != nil {
					rt.Fatal(err)
				}
				want := make([]string, 0, len(es))
				for _, e := range es {
					want = append(want, line(s, e))
				}
				slices.Sort(want)
				if d := cmp.Diff(want, append([]string{}, saved(t, s.Name)...)); d != "" {
					rt.Fatalf("we wrote (-), ipset reads (+):\n%s", d)
				}
				got, err := c.List(s.Name)
				if err != nil {
					rt.Fatal(err)
				}
				if d := cmp.Diff(sorted(es), sorted(got), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
					rt.Fatalf("we wrote (-), we read (+):\n%s", d)
				}
			})
		})
	}
}

func sorted(es []ipset.Entry) []ipset.Entry {
	es = append([]ipset.Entry{}, es...)
	slices.SortFunc(es, func(a, b ipset.Entry) int { return a.IP.Compare(b.IP) })
	return es
}

func TestWhatTheToolWritesIsWhatWeRead(t *testing.T) {
	for _, tc := range []struct {
		set  ipset.Set
		text string
		want ipset.Entry
	}{
		{
			up4, "create t-up4 bitmap:ip,mac range 10.77.0.0/16 timeout 0 counters skbinfo\n" +
				"add t-up4 10.77.3.4,3c:22:fb:00:00:01 packets 7 bytes 4294967296 skbmark 0x200000/0xffff0001 skbprio 1:20\n",
			ipset.Entry{
				IP: netip.MustParseAddr("10.77.3.4"), MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 1},
				Packets: ptr(7), Bytes: ptr(1 << 32), Mark: 0x200000, Mask: 0xffff0001, Prio: 0x10020,
			},
		},
		{
			dn4, "create t-dn4 hash:ip timeout 0 counters skbinfo maxelem 65536\nadd t-dn4 10.77.3.4 skbprio 1:ffff\n",
			ipset.Entry{IP: netip.MustParseAddr("10.77.3.4"), Packets: ptr(0), Bytes: ptr(0), Prio: 0x1ffff},
		},
		{
			dn6, "create t-dn6 hash:ip family inet6 timeout 0 counters skbinfo maxelem 65536\nadd t-dn6 2001:db8::7 skbmark 0x1/0xffff0001\n",
			ipset.Entry{IP: netip.MustParseAddr("2001:db8::7"), Packets: ptr(0), Bytes: ptr(0), Mark: 1, Mask: 0xffff0001},
		},
		{
			fv4, "create t-fv4 hash:net timeout 0 counters skbinfo maxelem 256\nadd t-fv4 198.51.100.0/24 skbprio 1:4\n",
			ipset.Entry{IP: netip.MustParseAddr("198.51.100.0"), Bits: 24, Packets: ptr(0), Bytes: ptr(0), Prio: 0x10004},
		},
		{
			fv6, "create t-fv6 hash:net family inet6 timeout 0 counters skbinfo maxelem 256\nadd t-fv6 2001:db8::7 skbprio 1:4\n",
			ipset.Entry{IP: netip.MustParseAddr("2001:db8::7"), Bits: 128, Packets: ptr(0), Bytes: ptr(0), Prio: 0x10004},
		},
	} {
		t.Run(tc.set.Name, func(t *testing.T) {
			c := dial(t)
			tool(t, tc.text, "restore")
			info, err := c.Info(tc.set.Name)
			if err != nil {
				t.Fatal(err)
			}
			want := ipset.Info{Set: tc.set, Timeouts: true, Counters: true, SKBInfo: true, Elements: 1}
			if d := cmp.Diff(want, info, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
				t.Errorf("shape (-want +got):\n%s", d)
			}
			got, err := c.List(tc.set.Name)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]ipset.Entry{tc.want}, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
				t.Errorf("entries (-want +got):\n%s", d)
			}
			if err := c.Ensure(tc.set); err != nil {
				t.Errorf("the tool's set is not taken as ours: %v", err)
			}
		})
	}
}

func TestCreateIsWhatTheToolWouldCreate(t *testing.T) {
	for _, tc := range []struct {
		set  ipset.Set
		want string
	}{
		{up4, "create t-up4 bitmap:ip,mac range 10.77.0.0-10.77.255.255 timeout 0 counters skbinfo"},
		{up9, "create t-up9 bitmap:ip,mac range 192.168.7.128-192.168.7.255 timeout 0 counters skbinfo"},
		{dn4, "create t-dn4 hash:ip family inet hashsize 1024 maxelem 65536 timeout 0 counters skbinfo"},
		{fv4, "create t-fv4 hash:net family inet hashsize 1024 maxelem 256 timeout 0 counters skbinfo"},
		{fv6, "create t-fv6 hash:net family inet6 hashsize 1024 maxelem 256 timeout 0 counters skbinfo"},
		{dn6, "create t-dn6 hash:ip family inet6 hashsize 1024 maxelem 65536 timeout 0 counters skbinfo"},
	} {
		t.Run(tc.set.Name, func(t *testing.T) {
			c := dial(t)
			if err := c.Create(tc.set); err != nil {
				t.Fatal(err)
			}
			got := strings.Fields(tool(t, "", "save", tc.set.Name))
			for i, w := range got { // random since ipset protocol revision 5; says nothing about the shape
				if w == "initval" || w == "bucketsize" {
					got[i], got[i+1] = "", ""
				}
			}
			if g := strings.Join(strings.Fields(strings.Join(got, " ")), " "); g != tc.want {
				t.Errorf("got  %s\nwant %s", g, tc.want)
			}
		})
	}
}
