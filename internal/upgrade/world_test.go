package upgrade

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"parvis/internal/clock"
)

// world is a machine with a daemon that no processor runs: its programs are ELF headers with a name behind them, its database is a file
// whose first line is its form. An old program opens form 1, a new one takes it to form 2 and writes a session into it and into the list.
type world struct {
	*Upgrade
	t     tester
	clock *clock.Fake
	runs  string // name of the program that runs; "" none
	meant bool   // the daemon is meant to run
	whys  map[string]string
	open  bool // the place
	free  uint64
	kills []int // counts of points until the next stops
	fails string
}

// tester is a test or a run of a property.
type tester interface {
	Helper()
	TempDir() string
	Fatal(...any)
	Error(...any)
	Errorf(string, ...any)
}

func newWorld(t tester) *world {
	w := &world{t: t, clock: clock.NewFake(), whys: map[string]string{}, meant: true, free: 1 << 40}
	w.Upgrade = &Upgrade{
		State: t.TempDir(), Lib: t.TempDir(), Clock: ticking{w.clock}, Log: slog.New(slog.DiscardHandler), Service: w,
		Within: Within, Hold: Hold,
		Closed: func(context.Context) error {
			if w.open {
				return ErrOpen
			}
			return nil
		},
		VersionOf: func(_ context.Context, program string) (string, error) { return w.name(program), nil },
		Fits: func(_ context.Context, program, version string) string {
			if w.name(program) != version {
				return WhyForm
			}
			return w.whys["fits "+version]
		},
		Look: func(_ context.Context, version string) string {
			if w.runs != version {
				return WhyStart
			}
			return w.whys[version]
		},
		Carry: func(context.Context) error {
			list, err := os.ReadFile(w.asked(ListIn))
			if err != nil {
				return remove(w.asked(ListIn)) // none
			}
			db := w.database()
			if !strings.HasPrefix(db, "form 1\n") {
				return errors.New("a database of another form")
			}
			if !strings.Contains(db, string(list)) {
				w.write("parvis.db", db+string(list))
			}
			return nil
		},
		Free: func(string) (uint64, error) { return w.free, nil },
	}
	w.fault = func(string) error {
		if len(w.kills) == 0 {
			return nil
		}
		if w.kills[0]--; w.kills[0] > 0 {
			return nil
		}
		w.kills = w.kills[1:]
		return errFault
	}
	w.write("parvis.db", "form 1\nold session\n")
	w.write("hub.json", "{}")
	w.must(os.WriteFile(w.Packaged(), elfOf("1.0"), 0o755))
	w.must(os.Symlink(w.Packaged(), w.links(linkCurrent)))
	w.must(os.Symlink(w.Packaged(), w.links(linkGood)))
	w.boot()
	return w
}

// ticking is a clock that moves whenever somebody waits for it.
type ticking struct{ *clock.Fake }

func (c ticking) At(b clock.Boot) (<-chan struct{}, func()) {
	ch, stop := c.Fake.At(b)
	c.Advance(max(b.Sub(c.Boot()), 0))
	return ch, stop
}

// elfOf is a program of this machine's kind.
func elfOf(name string) []byte {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	defer self.Close()
	header := make([]byte, 64)
	if _, err := self.ReadAt(header, 0); err != nil {
		panic(err)
	}
	f, err := elf.NewFile(self)
	if err != nil || f.Class != elf.ELFCLASS64 {
		panic("this test wants a 64-bit machine")
	}
	clear(header[32:48]) // no program headers, no sections
	clear(header[54:64])
	return append(header, name...)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(name, text string) {
	w.must(os.WriteFile(filepath.Join(w.State, name), []byte(text), 0o600))
}

func (w *world) database() string {
	b, err := os.ReadFile(filepath.Join(w.State, "parvis.db"))
	w.must(err)
	return string(b)
}

func (w *world) name(program string) string {
	b, err := os.ReadFile(program)
	w.must(err)
	return string(b[64:])
}

// ask asks for a version whose file is in the directory of requests.
func (w *world) ask(version string, force bool) Wanted {
	w.t.Helper()
	dir, err := Dir(w.State)
	w.must(err)
	file := filepath.Join(dir, "parvis-"+version)
	b := elfOf(version)
	w.must(os.WriteFile(file, b, 0o600))
	sum := sha256.Sum256(b)
	wanted := Wanted{Number: 7, Version: version, File: file, SHA256: hex.EncodeToString(sum[:]), Force: force}
	w.must(Ask(w.State, wanted))
	return wanted
}

// boot is the service manager's start of what current leads to.
func (w *world) boot() {
	w.runs = ""
	if w.meant {
		w.must(w.Start(context.Background()))
	}
}

// Stop implements Service.
func (w *world) Stop(context.Context) error { w.runs = ""; return nil }

// Running implements Service.
func (w *world) Running(context.Context) (bool, error) { return w.meant, nil }

// Start implements Service.
func (w *world) Start(context.Context) error {
	if w.fails == "start" {
		return errors.New("it does not start")
	}
	name, db := w.name(w.links(linkCurrent)), w.database()
	switch old := strings.HasPrefix(name, "1."); {
	case old && !strings.HasPrefix(db, "form 1\n"):
		return nil // it refuses the database, and leaves it as it is
	case !old && strings.HasPrefix(db, "form 1\n"):
		db = "form 2\n" + strings.TrimPrefix(db, "form 1\n")
		w.write("new.db", "of the new version alone")
	}
	w.runs = name
	if Trying(w.State) && !strings.Contains(db, "trial session\n") {
		db += "trial session\n"
		w.must(os.WriteFile(w.asked(ListIn), []byte("trial session\n"), 0o600))
	}
	if !bytes.Equal([]byte(db), []byte(w.database())) {
		w.write("parvis.db", db)
	}
	return nil
}

// sound says that the world is wholly in the old version or wholly in the new one.
func (w *world) sound(newOne bool) {
	w.t.Helper()
	want, form := "1.0", "form 1\n"
	if newOne {
		want, form = "2.0", "form 2\n"
	}
	if cur, good := w.name(w.links(linkCurrent)), w.name(w.links(linkGood)); cur != want || good != want || w.runs != want {
		w.t.Errorf("current is %s, good %s, %q runs; want %s", cur, good, w.runs, want)
	}
	db := w.database()
	if !strings.HasPrefix(db, form) || strings.Count(db, "old session\n") != 1 || strings.Count(db, "trial session\n") > 1 {
		w.t.Errorf("the database is %q; want %q with each session once", db, form)
	}
	if _, err := os.Stat(filepath.Join(w.State, "new.db")); (err == nil) != newOne {
		w.t.Errorf("what only the new version has: %v", err)
	}
	if Due(w.State) {
		w.t.Error("something is still to be done")
	}
}

func (w *world) state() Report {
	w.t.Helper()
	r, err := State(w.State)
	w.must(err)
	r.At = time.Time{}
	return r
}
