package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/clock"
	"parvis/internal/database"
	"parvis/internal/lab"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
	"parvis/sessions/sqlite"
)

func change() sessions.Change {
	return sessions.Change{Mark: mark, Put: []sessions.Row{endedRow(), openRow()}, Rests: []sessions.Rest{rest}}
}

// world is a manager on a real file.
type world struct {
	clock  *clock.Fake
	kernel *sessionstest.Enforcer
	store  *sqlite.Store
	*sessions.Manager
	stop func()
}

func startWorld(t *testing.T, path string, c *clock.Fake) *world {
	t.Helper()
	w := &world{clock: c, kernel: sessionstest.NewEnforcer(), store: open(t, path)}
	var err error
	w.Manager, err = sessions.New(sessions.Options{
		Clock: c, Store: w.store, Enforcer: w.kernel, FirstSlot: 0x10, LastSlot: 0xff,
		Profiles: []sessions.Profile{{Name: "visitor", Duration: time.Hour, Runs: sessions.WhileUsed, Keep: time.Hour}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stop = func() {
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	}
	return w
}

func (w *world) request(d sessions.Device) sessions.OpenRequest {
	return sessions.OpenRequest{Device: d, Profile: "visitor", By: sessions.FromResident}
}

func guest(n byte) sessions.Device {
	d := phone
	d.MAC[5], d.IPv4 = n, phone.IPv4.Next()
	for range n {
		d.IPv4 = d.IPv4.Next()
	}
	return d
}

// smallDisk mounts size bytes and returns a function that fills what is free with a file, and one that makes room again.
func smallDisk(t *testing.T, size string) (dir string, fill, free func()) {
	dir = t.TempDir()
	mount(t, "tmpfs", dir, "tmpfs", 0, "size="+size)
	ballast := filepath.Join(dir, "ballast")
	fill = func() {
		f, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
	}
	return dir, fill, func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFullDiskIsSaidAtTheStart(t *testing.T) {
	lab.NeedsLab(t)
	for _, there := range []bool{false, true} {
		t.Run(fmt.Sprintf("database there already %v", there), func(t *testing.T) {
			dir, fill, free := smallDisk(t, "256k")
			path := filepath.Join(dir, "parvis.db")
			if there {
				s := open(t, path)
				save(t, s, change())
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			fill()
			s, err := tryOpen(path)
			if err == nil {
				defer s.Close()
				err = s.Save(t.Context(), change())
			}
			refused(t, err, database.ErrFull, path, "df -h "+dir)
			free()
			if s == nil {
				s = open(t, path)
				defer s.Close()
			}
			if there {
				wantRows(t, s, openRow(), endedRow())
			}
			save(t, s, change())
		})
	}
}

func TestADiskThatFillsUpWhileRunningCutsNobodyAndHeals(t *testing.T) {
	lab.NeedsLab(t)
	dir, fill, free := smallDisk(t, "1m")
	w := startWorld(t, filepath.Join(dir, "parvis.db"), clock.NewFake())
	inside, err := w.Open(t.Context(), w.request(guest(0)))
	if err != nil {
		t.Fatal(err)
	}
	leaves, err := w.Open(t.Context(), w.request(guest(1)))
	if err != nil {
		t.Fatal(err)
	}

	fill()
	var refusal error
	for n := byte(2); n < 100 && refusal == nil; n++ { // pages that the log has already are still written
		_, refusal = w.Open(t.Context(), w.request(guest(n)))
	}
	if !errors.Is(refusal, sessions.ErrStore) || !errors.Is(refusal, database.ErrFull) {
		t.Fatalf("Open on a full disk: %v", refusal)
	}
	if st := w.Status(); st.Store.OK || st.Store.Error == "" {
		t.Errorf("status: %+v", st.Store)
	}
	if s, err := w.Get(inside.ID); err != nil || s.State != sessions.Open {
		t.Errorf("who was inside: %+v, %v", s, err)
	}
	if s, err := w.End(t.Context(), leaves.ID, sessions.ByResident); err != nil || s.State != sessions.Ended {
		t.Errorf("who leaves: %+v, %v", s, err)
	}
	for _, g := range w.kernel.Grants() {
		if g.Slot == leaves.Slot {
			t.Error("who left still passes")
		}
	}

	free()
	w.clock.Advance(30 * time.Second)
	w.Step(t.Context())
	if st := w.Status(); !st.Store.OK {
		t.Errorf("with room again: %+v", st.Store)
	}
	if _, err := w.Open(t.Context(), w.request(guest(200))); err != nil {
		t.Error(err)
	}
	open := len(w.kernel.Grants())
	w.stop()

	w = startWorld(t, filepath.Join(dir, "parvis.db"), w.clock)
	defer w.stop()
	if s, err := w.Get(leaves.ID); err != nil || s.State != sessions.Ended || s.Left != leaves.Left {
		t.Errorf("the end that waited for room: %+v, %v", s, err)
	}
	if got := len(w.kernel.Grants()); got != open {
		t.Errorf("after the restart %d are open, want %d", got, open)
	}
}

// The device of a row is found again by what is kept of its MAC, and by nothing else.
func TestTheSameMACIsTheSameDevice(t *testing.T) {
	path := closed(t)
	again := openRow()
	again.ID = "cccccccccccccccccccccccccc"
	again.Slot, again.Device.IPv4 = 0x11, laptop.IPv4
	s := open(t, path)
	defer s.Close()
	if err := s.Save(t.Context(), sessions.Change{Mark: mark, Put: []sessions.Row{again}}); err == nil {
		t.Error("one device has two open sessions")
	}
	again.Device.MAC = mac.Addr{2, 0, 0, 0, 0, 1}
	save(t, s, sessions.Change{Mark: mark, Put: []sessions.Row{again}})
}
