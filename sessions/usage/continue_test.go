package usage_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"parvis/sessions/usage"
)

// A box dies some hours after it was copied, and another one goes on with the copy. The hub has heard of all that the first one has counted.
func TestACopyGoesOnInThePlaceOfItsOriginalAndNothingCountsTwice(t *testing.T) {
	old := at(t, "2026-11-24 02:00")
	h := &hub{}
	old.visits(1, 2, "visite", 10*time.Minute)
	old.restart() // the log is in the file now
	h.takes(t, old.Usage)
	path := filepath.Join(t.TempDir(), "usage.db")
	b, err := os.ReadFile(old.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	old.set("2026-11-24 09:00", old.clock.Wall().Quality)
	old.visits(3, 4, "visite", 10*time.Minute)
	old.write()
	h.takes(t, old.Usage)
	h.sums(t, map[string]uint64{"sessions visite": 6})

	if err := usage.Continue(t.Context(), path, "another boot"); err != nil {
		t.Fatal(err)
	}
	next := &place{t: t, clock: old.clock, paris: old.paris, path: path}
	next.set("2026-11-24 14:00", old.clock.Wall().Quality)
	next.restart()
	t.Cleanup(func() { next.Close() })
	next.visits(10, 3, "visite", 10*time.Minute)
	next.write()
	h.seq, h.epoch = 0, "" // another enrolment: everything is sent again
	for left := 1; left > 0; {
		left = h.takes(t, next.Usage)
	}
	h.sums(t, map[string]uint64{"sessions visite": 9})

	// In an hour that both have counted, the newer box's part is the one that stays.
	next.set("2026-11-24 09:20", old.clock.Wall().Quality)
	next.visits(20, 1, "visite", time.Minute)
	next.write()
	h.takes(t, next.Usage)
	if n := h.sum("sessions visite"); n > 10 || n < 6 {
		t.Errorf("%d sessions; none may count twice", n)
	}
}
