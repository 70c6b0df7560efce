package firewall

import (
	"errors"
	"os"
	"strings"
	"testing"

	"parvis/internal/lab"
)

// Inside a router in a box (internal/lab/box) the kernel has all that Parvis can use, and the best is chosen. Elsewhere it has what is needed.
func TestARoutersKernelHasEverything(t *testing.T) {
	lab.NeedsLab(t)
	router := lab.InBox()
	for _, c := range Probe(true) {
		t.Logf("capability: %s: %v", c.Name, c.Present)
		if !c.Present && (c.Needed || router) {
			t.Errorf("%s is missing", c.Name)
		}
	}
	if got := bestLeaf(probeQueues(CapFqCodel)); router && got != CapFqCodel {
		t.Errorf("the queue within a session is %s", got)
	}
}

// A table of the legacy iptables stays registered once anything was laid in it, and every packet passes its hooks.
func TestProbeLeavesNoTablesOfTheOtherBackend(t *testing.T) {
	lab.NeedsLab(t)
	ns, err := lab.NewNS("probe")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	var backend Backend
	var caps Capabilities
	var tables []byte
	err = ns.Do(func() (err error) {
		if backend, err = pickBackend(Auto); err != nil {
			return err
		}
		caps = Probe(true)
		for _, names := range []string{"ip_tables_names", "ip6_tables_names"} {
			b, err := os.ReadFile("/proc/thread-self/net/" + names)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			tables = append(tables, b...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if backend != NFT {
		t.Skip("only the legacy tables can be read from /proc")
	}
	if !caps.Has(CapTargetSet) || !caps.Has(CapNAT) || !caps.Has(CapNAT6) {
		t.Errorf("the backend in use was not tried: %v", caps)
	}
	if got := strings.Fields(string(tables)); len(got) > 0 {
		t.Errorf("tables of iptables-legacy that were not there before: %v", got)
	}
}
