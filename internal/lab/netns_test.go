package lab_test

import (
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"parvis/internal/lab"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

func TestLabHasNoInterfaceOfTheHost(t *testing.T) {
	lab.NeedsLab(t)
	if got := interfaces(t); !slices.Equal(got, []string{"lo"}) {
		t.Errorf("the lab's own network has %v, expected lo alone", got)
	}
}

func TestGuestIsAloneBehindItsCable(t *testing.T) {
	town := raise(t, lab.Options{})
	g := join(t, town)
	out, err := g.NS.Output(t.Context(), "ls", "/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(out); !slices.Equal(got, []string{"eth0", "lo"}) {
		t.Errorf("the guest has %v, expected eth0 and lo", got)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, err := g.Dial(t.Context(), "tcp", ln.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a listener of another machine's loopback is met with %v, expected a refusal", err)
	}
}

func TestGuestHasItsOwnResolver(t *testing.T) {
	before, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		t.Fatal(err)
	}
	town := raise(t, lab.Options{})
	g := join(t, town)
	out, err := g.NS.Output(t.Context(), "cat", "/etc/resolv.conf")
	if err != nil || out != "nameserver 10.77.0.1\n" {
		t.Errorf("the guest's programs read %q, %v", out, err)
	}
	if after, err := os.ReadFile("/etc/resolv.conf"); err != nil || string(after) != string(before) {
		t.Errorf("the lab's own resolv.conf became %q, %v", after, err)
	}
}

func interfaces(t *testing.T) (names []string) {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		// Tunnels that the kernel makes in every namespace are nobody's.
		if i.Name == "lo" || i.Flags&net.FlagUp != 0 {
			names = append(names, i.Name)
		}
	}
	return names
}
