package upgrade_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/upgrade"
)

// What waits is taken back whole: also what root has written down of the waiting is no longer said.
func TestWhatOnlyWaitsIsTakenBack(t *testing.T) {
	state := t.TempDir()
	if err := upgrade.Forget(state); err != nil {
		t.Errorf("nothing: %v", err)
	}
	if err := upgrade.Ask(state, upgrade.Wanted{Number: 7, Version: "1.1", File: "/x", SHA256: strings.Repeat("0", 64)}); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(state, "versions")
	if err := os.MkdirAll(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(kept, "last.json"), []byte(`{"number": 7, "running": "1.0", "wanted": "1.1", "state": "waiting", "why": "hours"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := upgrade.State(state); err != nil || r.State != upgrade.Waiting {
		t.Fatalf("%+v, %v", r, err)
	}
	for range 2 {
		if err := upgrade.Forget(state); err != nil {
			t.Fatal(err)
		}
		if r, err := upgrade.State(state); err != nil || r.State != "" || r.Wanted != "" || r.Running != "1.0" {
			t.Errorf("%+v, %v", r, err)
		}
	}
}
