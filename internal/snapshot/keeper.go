package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/durable"
)

// When copies are made, and from when on their lack is a problem.
const (
	lookEvery = 10 * time.Minute
	soon      = time.Minute    // after the daemon's start
	tryAgain  = time.Hour      // after a failure
	settled   = 20 * time.Hour // a copy that is younger is not made anew while the place is quiet …
	overdue   = 26 * time.Hour // … and one that is older is made whatever happens
	Old       = 72 * time.Hour // and this is a problem
	mostBytes = 64 << 20       // of a copy: it is held in memory on its way
)

// ErrLarge: a copy that no place takes.
var ErrLarge = fmt.Errorf("snapshot: the copy is larger than %d MiB", mostBytes>>20)

// Place is where copies go.
type Place struct {
	Name string // in copies.json and for people: directory, hub
	// Put keeps a copy that was made at a time, and returns nil once it is kept for good.
	Put func(ctx context.Context, made time.Time, b []byte) error
	// Ready reports whether copies can go there at all, for example that there is an enrolment; nil: always.
	Ready func() bool
}

// KeeperOptions are all required but Log.
type KeeperOptions struct {
	Path   string // copies.json
	Clock  clock.Clock
	Zone   *time.Location
	Open   func() bool // the place is open: copies wait for the night where they can
	Take   func(ctx context.Context, made time.Time, w io.Writer) error
	Places []Place
	Log    *slog.Logger
}

// kept is what copies.json says of one place.
type kept struct {
	Made int64  `json:"made"` // seconds since 1970, by the box's clock, of the last good copy; 0 none yet
	Size int64  `json:"size"`
	Why  string `json:"why,omitempty"` // the last try failed
}

type keeperState struct {
	Begun  int64           `json:"begun"` // since when copies are made, by the box's clock; 0 it does not know yet
	Places map[string]kept `json:"places"`
}

// Keeper makes a copy each night.
type Keeper struct {
	o    KeeperOptions
	gate sync.Mutex // one copy at a time

	mu    sync.Mutex
	s     keeperState
	known bool // the civil time has been known in this process
	tried map[string]clock.Boot
}

// NewKeeper reads what is known of earlier copies. A file that cannot be read is begun anew: it only says when the last one was made.
func NewKeeper(o KeeperOptions) *Keeper {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{o: o, tried: map[string]clock.Boot{}}
	b, err := os.ReadFile(o.Path)
	if err == nil {
		err = json.Unmarshal(b, &k.s)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		o.Log.Warn("it is not known when the last copy was made; another one is made", "error", err)
		k.s = keeperState{}
	}
	if k.s.Places == nil {
		k.s.Places = map[string]kept{}
	}
	return k
}

// PlaceStatus is how copies are at one place.
type PlaceStatus struct {
	Name string
	Made time.Time // of the last good one; zero: none yet
	Size int64
	Err  string // why the last try failed
}

// Status is how copies are.
type Status struct {
	Made   time.Time // of the newest good one at any place; zero: none yet
	Old    bool      // it is older than three days, or none was made for as long
	Places []PlaceStatus
}

// Status waits for nothing.
func (k *Keeper) Status() (s Status) {
	now, known := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	newest := int64(0)
	for _, p := range k.o.Places {
		was := k.s.Places[p.Name]
		newest = max(newest, was.Made)
		s.Places = append(s.Places, PlaceStatus{p.Name, moment(was.Made), was.Size, was.Why})
	}
	s.Made = moment(newest)
	since := newest
	if since == 0 {
		since = k.s.Begun
	}
	s.Old = known && since != 0 && now.Sub(time.Unix(since, 0)) > Old
	return s
}

func moment(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(at, 0)
}

// now is the civil time, and whether it has been known since the start: the kernel calls it uncertain again after some hours without a line.
func (k *Keeper) now() (time.Time, bool) {
	w := k.o.Clock.Wall()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known = k.known || w.Quality == clock.Synchronised
	return w.Time, k.known
}

// Run makes copies until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	for pause := soon; ; pause = lookEvery {
		timer, stop := k.o.Clock.At(k.o.Clock.Boot().Add(pause))
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-timer:
		}
		stop()
		k.look(ctx)
	}
}

// look makes a copy for the places whose time it is.
func (k *Keeper) look(ctx context.Context) {
	now, known := k.now()
	if !known {
		return
	}
	hour := now.In(k.o.Zone).Hour()
	quiet := !k.o.Open() || hour >= 2 && hour < 5
	boot := k.o.Clock.Boot()
	var due []Place
	k.mu.Lock()
	if k.s.Begun == 0 {
		k.s.Begun = now.Unix()
	}
	for _, p := range k.o.Places {
		age := now.Sub(time.Unix(k.s.Places[p.Name].Made, 0))
		tried, failed := k.tried[p.Name]
		wait := failed && boot.Sub(tried) < tryAgain
		future := age < -time.Hour // the clock was wrong when it was made
		if !wait && (p.Ready == nil || p.Ready()) && (age > overdue || quiet && age > settled || future) {
			due = append(due, p)
		}
	}
	k.mu.Unlock()
	if len(due) > 0 {
		k.make(ctx, now, due)
	}
}

// ErrNowhere: no place is ready.
var ErrNowhere = errors.New("snapshot: no place is ready to take a copy")

// Now makes a copy at once, for every place that is ready, and returns what went wrong where.
func (k *Keeper) Now(ctx context.Context) error {
	now, _ := k.now()
	var ready []Place
	for _, p := range k.o.Places {
		if p.Ready == nil || p.Ready() {
			ready = append(ready, p)
		}
	}
	if len(ready) == 0 {
		return ErrNowhere
	}
	return k.make(ctx, now, ready)
}

// make takes one copy and gives it to some places.
func (k *Keeper) make(ctx context.Context, now time.Time, to []Place) error {
	k.gate.Lock()
	defer k.gate.Unlock()
	var b bytes.Buffer
	taken := k.o.Take(ctx, now, &bounded{&b})
	var errs []error
	for _, p := range to {
		err := taken
		if err == nil {
			err = p.Put(ctx, now, b.Bytes())
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		k.mu.Lock()
		was := k.s.Places[p.Name]
		if err == nil {
			was = kept{Made: now.Unix(), Size: int64(b.Len())}
			delete(k.tried, p.Name)
			k.o.Log.Info("a copy is made", "place", p.Name, "bytes", b.Len())
		} else {
			was.Why = err.Error()
			k.tried[p.Name] = k.o.Clock.Boot()
			k.o.Log.Warn("no copy; it is tried again", "place", p.Name, "error", err)
			errs = append(errs, fmt.Errorf("%s: %w", p.Name, err))
		}
		k.s.Places[p.Name] = was
		k.mu.Unlock()
	}
	k.mu.Lock()
	text, err := json.MarshalIndent(k.s, "", "  ")
	k.mu.Unlock()
	if err == nil {
		err = durable.Write(k.o.Path, text)
	}
	if err != nil {
		k.o.Log.Warn("when the last copy was made is not written down", "error", err)
	}
	return errors.Join(errs...)
}

// bounded refuses what would be too much memory.
type bounded struct{ *bytes.Buffer }

func (w *bounded) Write(p []byte) (int, error) {
	if w.Len()+len(p) > mostBytes {
		return 0, ErrLarge
	}
	return w.Buffer.Write(p)
}
