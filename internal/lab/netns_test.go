package lab_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"parvis/internal/lab"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

func TestNamespaceHasItsOwnInterfaces(t *testing.T) {
	lab.NeedsLab(t)
	ns, err := lab.NewNS("alone")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	cmd := exec.Command("ls", "/sys/class/net")
	var out strings.Builder
	cmd.Stdout = &out
	cmd.Stderr = os.Stderr
	if err := ns.Run(cmd); err != nil {
		t.Fatal(err)
	}
	for _, n := range strings.Fields(out.String()) {
		if strings.HasPrefix(n, "eth") || strings.HasPrefix(n, "veth") {
			t.Errorf("interface %s of another namespace is seen", n)
		}
	}
}
