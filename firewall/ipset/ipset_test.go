package ipset_test

import (
	"errors"
	"net/netip"
	"os/exec"
	"strconv"
	"testing"

	"parvis/firewall/ipset"
	"parvis/internal/lab"
	"parvis/internal/mac"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

var (
	up4 = ipset.Set{Name: "t-up4", Type: ipset.BitmapIPMAC, Family: ipset.IPv4, Range: netip.MustParsePrefix("10.77.0.0/16")}
	up9 = ipset.Set{Name: "t-up9", Type: ipset.BitmapIPMAC, Family: ipset.IPv4, Range: netip.MustParsePrefix("192.168.7.128/25")}
	dn4 = ipset.Set{Name: "t-dn4", Type: ipset.HashIP, Family: ipset.IPv4, MaxElem: 65536}
	fv4 = ipset.Set{Name: "t-fv4", Type: ipset.HashNet, Family: ipset.IPv4, MaxElem: 256}
	fv6 = ipset.Set{Name: "t-fv6", Type: ipset.HashNet, Family: ipset.IPv6, MaxElem: 256}
	dn6 = ipset.Set{Name: "t-dn6", Type: ipset.HashIP, Family: ipset.IPv6, MaxElem: 65536}
)

func dial(t testing.TB) *ipset.Conn {
	t.Helper()
	lab.NeedsLab(t)
	c, err := ipset.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, s := range []ipset.Set{up4, up9, dn4, dn6, fv4, fv6} {
			if err := c.Destroy(s.Name); err != nil && !errors.Is(err, ipset.ErrNoSet) {
				t.Error(err)
			}
		}
		c.Close()
	})
	return c
}

func ptr(v uint64) *uint64 { return &v }

func TestAddMoreThanOneMessageHolds(t *testing.T) {
	c := dial(t)
	if err := c.Create(up4); err != nil {
		t.Fatal(err)
	}
	es := many(5000)
	if err := c.Add(up4.Name, es...); err != nil {
		t.Fatal(err)
	}
	if got, err := c.List(up4.Name); err != nil || len(got) != len(es) {
		t.Fatalf("%d of %d entries, %v", len(got), len(es), err)
	}
	if err := c.Del(up4.Name, es[:4999]...); err != nil {
		t.Fatal(err)
	}
	if got, err := c.List(up4.Name); err != nil || len(got) != 1 {
		t.Fatalf("%d entries left of 1, %v", len(got), err)
	}
}

func many(n int) []ipset.Entry {
	es := make([]ipset.Entry, n)
	for i := range es {
		es[i] = ipset.Entry{
			IP: netip.AddrFrom4([4]byte{10, 77, byte(i >> 8), byte(i)}), MAC: mac.Addr{2, 0, 0, 1, byte(i >> 8), byte(i)},
			Timeout: 3600, Mark: uint32(i) << 16, Mask: 0xffff0001, Prio: 1<<16 | uint32(i), Packets: ptr(0), Bytes: ptr(0),
		}
	}
	return es
}

func TestCountersAreLeftUnlessWritten(t *testing.T) {
	c := dial(t)
	if err := c.Create(up4); err != nil {
		t.Fatal(err)
	}
	e := many(1)[0]
	e.Packets, e.Bytes = ptr(12), ptr(3400)
	again := e
	again.Packets, again.Bytes, again.Timeout = nil, nil, 7200
	if err := errors.Join(c.Add(up4.Name, e), c.Add(up4.Name, again)); err != nil {
		t.Fatal(err)
	}
	got, err := c.List(up4.Name)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if *got[0].Bytes != 3400 || *got[0].Packets != 12 || got[0].Timeout <= 3600 {
		t.Errorf("bytes %d packets %d timeout %d; want 3400, 12 and more than 3600", *got[0].Bytes, *got[0].Packets, got[0].Timeout)
	}
}

func TestErrorsThatCallersDecideBy(t *testing.T) {
	c := dial(t)
	small := dn4
	small.MaxElem = 1
	outside := many(1)[0]
	outside.IP = netip.MustParseAddr("10.78.0.1")
	long := many(1)[0]
	long.Timeout = ipset.MaxTimeout + 1
	wide := up4
	wide.Range = netip.MustParsePrefix("10.0.0.0/15")
	if err := errors.Join(c.Create(up4), c.Create(small)); err != nil {
		t.Fatal(err)
	}
	// A hash of one element refuses only once a bucket is not free.
	full := func() error {
		for i := range 4096 {
			if err := c.Add(dn4.Name, ipset.Entry{IP: netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, tc := range []struct {
		name string
		got  error
		want error
	}{
		{"no set", c.Flush("t-none"), ipset.ErrNoSet},
		{"no set to list", second(c.List("t-none")), ipset.ErrNoSet},
		{"no set to ask about", second(c.Info("t-none")), ipset.ErrNoSet},
		{"set exists", c.Create(up4), ipset.ErrSetExists},
		{"range too wide", c.Create(wide), ipset.ErrRange},
		{"outside of the range", c.Add(up4.Name, outside), ipset.ErrRange},
		{"outside of the range, in a batch", c.Add(up4.Name, append(many(3), outside)...), ipset.ErrRange},
		{"timeout too long", c.Add(up4.Name, long), ipset.ErrTimeout},
		{"set full", full(), ipset.ErrFull},
		{"delete what is not there", c.Del(up4.Name, many(9)[8]), nil},
	} {
		if !errors.Is(tc.got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, tc.got, tc.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestEnsureReplacesAnotherShapeOnlyWhenNothingRefersToIt(t *testing.T) {
	c := dial(t)
	tool(t, "create t-up4 bitmap:ip,mac range 10.66.0.0/16 timeout 0 counters skbinfo\n", "restore")
	rule := []string{"FORWARD", "-m", "set", "--match-set", "t-up4", "src,src", "-j", "ACCEPT"}
	ipt := func(op string) {
		t.Helper()
		if out, err := exec.Command("iptables-legacy", append([]string{op}, rule...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	ipt("-A")
	if err := c.Ensure(up4); !errors.Is(err, ipset.ErrShape) {
		t.Errorf("with a rule: got %v, want ErrShape", err)
	}
	if err := c.Destroy(up4.Name); !errors.Is(err, ipset.ErrReferenced) {
		t.Errorf("destroy with a rule: got %v, want ErrReferenced", err)
	}
	ipt("-D")
	if err := c.Ensure(up4); err != nil {
		t.Fatal(err)
	}
	if info, err := c.Info(up4.Name); err != nil || info.Range != up4.Range {
		t.Errorf("range %v, %v; want %v", info.Range, err, up4.Range)
	}
}

func TestHasSeesOnlyTheSameAddressAndMAC(t *testing.T) {
	c := dial(t)
	if err := c.Create(up4); err != nil {
		t.Fatal(err)
	}
	e := many(1)[0]
	other := e
	other.MAC[0] = 6
	if err := c.Add(up4.Name, e); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		e    ipset.Entry
		want bool
	}{{e, true}, {other, false}, {many(2)[1], false}} {
		if got, err := c.Has(up4.Name, tc.e); err != nil || got != tc.want {
			t.Errorf("%v %v: %v, %v; want %v", tc.e.IP, tc.e.MAC, got, err, tc.want)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{1, 1000, 10000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			c := dial(b)
			if err := c.Create(up4); err != nil {
				b.Fatal(err)
			}
			es := many(n)
			for b.Loop() {
				if err := c.Add(up4.Name, es...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkList(b *testing.B) {
	for _, n := range []int{0, 1000, 10000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			c := dial(b)
			if err := errors.Join(c.Create(up4), c.Add(up4.Name, many(n)...)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if got, err := c.List(up4.Name); err != nil || len(got) != n {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}
