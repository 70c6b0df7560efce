package firewall

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/mac"
)

const someLeases = `1795538842 3c:22:fb:00:00:01 10.77.0.20 Prénom-Téléphone 01:3c:22:fb:00:00:01
1795538843 3c:22:fb:00:00:02 10.77.0.21 * *
0 06-3c:22:fb:00:00:03 10.77.0.22 * *
1795538844 01:00:5e:00:00:01 10.77.0.23 * *
1795538845 3c:22:fb:00:00:04 10.77.0.2
duid 00:01:00:01:2b:cc:dd:ee:3c:22:fb:00:00:09
1795538846 123456 2001:db8:77::20 * 00:01:00:01

half a li`

func TestParseLeases(t *testing.T) {
	got := parseLeases(strings.NewReader(someLeases))
	want := map[netip.Addr]lease{
		ip("10.77.0.20"): {mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 1}, time.Unix(1795538842, 0)},
		ip("10.77.0.21"): {mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 2}, time.Unix(1795538843, 0)},
	}
	// A line that was cut says an address that may be another's: 10.77.0.2 of 10.77.0.23.
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.AllowUnexported(lease{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestLeasesAreReadAgainWhenTheyChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "leases")
	l := leaseFile{path: path}
	look := func(want bool, again bool) {
		t.Helper()
		if _, ok, err := l.of(ip("10.77.0.20"), again); err != nil || ok != want {
			t.Errorf("leased: %v, %v; want %v", ok, err, want)
		}
	}
	write := func(s string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Unix(1_700_000_000, 0)
	look(false, false) // no file yet: nobody has a lease
	write("1 3c:22:fb:00:00:01 10.77.0.99 * *\n", at)
	look(false, false)
	write("1 3c:22:fb:00:00:01 10.77.0.20 * *\n", at) // within the clock's tick and of the same length
	look(false, false)
	look(true, true)
	write("", at.Add(time.Second))
	look(false, false)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	look(false, false)
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.of(ip("10.77.0.20"), false); err == nil {
		t.Error("a directory was read as leases")
	}
}

func TestHowLongADeviceHoldsItsAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "leases")
	if err := os.WriteFile(path, []byte("1795538842 3c:22:fb:00:00:01 10.77.0.20 * *\n0 3c:22:fb:00:00:02 10.77.0.21 * *\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := &Firewall{leases: leaseFile{path: path}}
	for _, tc := range []struct {
		name string
		d    Device
		ok   bool
	}{
		{"its own", Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 1}, IPv4: ip("10.77.0.20")}, true},
		{"for ever", Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 2}, IPv4: ip("10.77.0.21")}, false},
		{"another's", Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 1}, IPv4: ip("10.77.0.21")}, false},
		{"nobody's", Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 1}, IPv4: ip("10.77.0.22")}, false},
	} {
		if until, ok := f.LeasedUntil(tc.d); ok != tc.ok || ok && !until.Equal(time.Unix(1795538842, 0)) {
			t.Errorf("%s: %v, %v", tc.name, until, ok)
		}
	}
}

// FuzzParseLeases: whatever the file holds, only IPv4 addresses of single devices come out.
func FuzzParseLeases(f *testing.F) {
	f.Add([]byte(someLeases))
	f.Add([]byte("1 3c:22:fb:00:00:01 ::ffff:10.77.0.20 * *\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for a, held := range parseLeases(bytes.NewReader(b)) {
			if !a.Is4() || held.mac == (mac.Addr{}) || held.mac[0]&1 == 1 {
				t.Fatalf("%v leased to %v", a, held.mac)
			}
		}
	})
}

// FuzzDecodeNeighbour: whatever the kernel sends, no address comes out of a neighbour that is not resolved.
func FuzzDecodeNeighbour(f *testing.F) {
	f.Add([]byte{2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 1, 10, 0, 2, 0, 0x3c, 0x22, 0xfb, 0, 0, 1, 0, 0})
	f.Add([]byte{2, 0, 0, 0, 3, 0, 0, 0, 0x20, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, ok := decodeNeighbour(b); ok && len(b) < 12 {
			t.Fatal("read out of nothing")
		}
	})
}
