package machine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/machine"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

// tree makes a machine of files: path → content; "→x" is a link to x.
func tree(t *testing.T, files map[string]string) machine.Root {
	t.Helper()
	root := t.TempDir()
	least := map[string]string{"/proc/self/status": "Name:\tparvis\nCapEff:\t000001ffffffffff\n"}
	for _, m := range []map[string]string{least, files} {
		for p, content := range m {
			full := filepath.Join(root, p)
			if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
				t.Fatal(err)
			}
			err := error(nil)
			if to, link := strings.CutPrefix(content, "→"); link {
				err = os.Symlink(to, full)
			} else {
				err = os.WriteFile(full, []byte(content), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return machine.Root(root)
}

// fixed is a network that stands still.
type fixed struct {
	interfaces []machine.Interface
	routes     []machine.Route
}

func (f fixed) Interfaces() ([]machine.Interface, error) { return f.interfaces, nil }
func (f fixed) Routes() ([]machine.Route, error)         { return f.routes, nil }

// read reads a tree with the network of a router.
func read(t *testing.T, root machine.Root) machine.Facts {
	t.Helper()
	f, err := machine.Read(root, machine.Options{
		Network: fixed{router().Interfaces, router().Routes}, Wall: clock.NewFake().Wall(), PID: 500, State: "/var/lib/parvis",
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}
