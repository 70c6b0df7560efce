package hwlab_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"parvis/internal/lab"
	"parvis/internal/lab/hwlab"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

// The trials of `make hwlab`, with few power cuts. PARVIS_HWLAB names one, PARVIS_HWLAB_CUTS says how many,
// PARVIS_HWLAB_FULL leaves nothing out.
func TestTheHardwareLab(t *testing.T) {
	lab.NeedsLab(t)
	o := hwlab.Options{Out: t.Output(), Dir: t.TempDir(), Cuts: 2, Quick: os.Getenv("PARVIS_HWLAB_FULL") == ""}
	if only := os.Getenv("PARVIS_HWLAB"); only != "" {
		o.Only = regexp.MustCompile(only)
	}
	if n, err := strconv.Atoi(os.Getenv("PARVIS_HWLAB_CUTS")); err == nil {
		o.Cuts = n
	}
	if _, err := hwlab.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}
