package firewall

import (
	"errors"
	"os"
	"strings"
	"testing"

	"parvis/internal/lab"
)

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
