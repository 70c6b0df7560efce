// Package journal writes one store of the register, segment after segment, and purges it on time. It is the only one who writes there.
//
// A segment is ended after 12 hours, when the month's key changes, and when the program ends; ended segments are what is copied off the
// router. After a crash or a failed write another segment goes on from the last entry that is whole, and its first entry tells the gap.
package journal

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"parvis/sessions/register/keys"
	"parvis/sessions/register/segment"
)

// Rotation is the most time from a segment's first entry to its end: what is purged together is never further apart than this, which
// leaves half a day of the 24 hours in which a term's end must be kept (Retention, Grace).
const Rotation = 12 * time.Hour

// ErrNoKey is returned when there is no key to seal to: nothing can be recorded.
var ErrNoKey = errors.New("journal: no public key to seal to")

// Options say what a journal is.
type Options struct {
	Dir    string // of this store's segments alone or with others'; made by the caller
	Site   string
	Store  string
	Device ed25519.PrivateKey
	Ring   func() keys.Ring // as it is now: it grows while we run
	Now    func() segment.Moment
	Boot   uint32 // how often the machine has started
	// Create makes a segment; nil: segment.Create.
	Create func(dir string, o segment.Opening) (*segment.Writer, error)
}

// Journal is one store. Its methods may be called at once from several goroutines.
type Journal struct {
	o Options

	mu      sync.Mutex
	writer  *segment.Writer // nil: none is open
	keyID   keys.ID
	began   time.Duration // of the open segment, by the clock that never jumps
	next    int64
	before  *segment.Sum
	pending []segment.Gap // to be told before anything else
	lost    *segment.Gap  // while nothing can be written
	closed  bool
}

// Open goes on from what is in the directory. last is when the program before was last known to run; the zero time: not known, then the last
// segment's file says it. replaced says that another box had this store before.
func Open(o Options, last time.Time, replaced bool) (*Journal, error) {
	if o.Create == nil {
		o.Create = segment.Create
	}
	j := &Journal{o: o, next: 1}
	found, modified, err := newest(o.Dir, o.Store)
	if err != nil || found == nil {
		return j, err
	}
	j.next = found.Header.First + found.Entries
	j.before = &found.Last
	gap := segment.Gap{Kind: segment.Restart, From: last, To: o.Now().At, Sure: o.Now().Sure, Torn: found.Torn}
	switch {
	case replaced:
		gap.Kind = segment.Replaced
	case found.Header.Boot != o.Boot:
		gap.Kind = segment.Power
	}
	switch {
	case found.End != nil:
		gap.From, gap.Sure = found.End.At, gap.Sure && found.End.Sure
	case last.IsZero():
		gap.From, gap.Sure = modified, false
	}
	j.pending = append(j.pending, gap)
	return j, nil
}

// newest reads the last segment of a store; nil when there is none. A segment without one whole entry is taken away: nothing was
// acknowledged that stands in it, and its number is needed again.
func newest(dir, store string) (*segment.Found, time.Time, error) {
	for {
		names, err := filepath.Glob(filepath.Join(dir, store+"-*.seg"))
		if err != nil || len(names) == 0 {
			return nil, time.Time{}, err
		}
		slices.Sort(names)
		name := names[len(names)-1]
		found, modified, err := read(name)
		if err != nil {
			return nil, modified, err
		}
		if found.Entries > 0 || found.End != nil {
			return &found, modified, nil
		}
		if err := os.Remove(name); err != nil {
			return nil, modified, fmt.Errorf("journal: take away an empty segment: %w", err)
		}
	}
}

func read(name string) (found segment.Found, modified time.Time, err error) {
	f, err := os.Open(name)
	if err != nil {
		return found, modified, fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return found, modified, fmt.Errorf("journal: %w", err)
	}
	found, err = segment.Read(f, nil, nil)
	// What is broken is told by who verifies; we go on from what is whole before it.
	if errors.Is(err, segment.ErrBroken) {
		err = nil
	}
	return found, info.ModTime(), err
}

// Append seals and writes a record, durably, and returns its number.
func (j *Journal) Append(record []byte) (int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.ready(); err != nil {
		return 0, j.miss(err, 1)
	}
	n, err := j.writer.Append(record)
	return n, j.wrote(err, 1)
}

// Tell writes a gap, durably. When it cannot be written now it is told before the next record.
func (j *Journal) Tell(g segment.Gap) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = append(j.pending, g)
	return j.miss(j.ready(), 0)
}

// wrote takes note of what came of an entry.
func (j *Journal) wrote(err error, lost int) error {
	if err != nil {
		return j.miss(err, lost)
	}
	j.next, j.before = j.writer.Next(), new(segment.Sum)
	*j.before = j.writer.Sum()
	return nil
}

// miss remembers that something could not be written, to be told once it can. The segment is given up: nobody knows what its end is.
func (j *Journal) miss(err error, lost int) error {
	if err == nil {
		return nil
	}
	if j.lost == nil {
		kind := segment.Storage
		if errors.Is(err, ErrNoKey) {
			kind = segment.NoKey
		}
		now := j.o.Now()
		j.lost = &segment.Gap{Kind: kind, From: now.At, Sure: now.Sure}
	}
	j.lost.Lost += lost
	j.give()
	return err
}

// give closes a segment that cannot be gone on with.
func (j *Journal) give() {
	if j.writer != nil {
		now := j.o.Now()
		j.writer.Close(now) // its error is the one that is told already
		j.writer = nil
	}
}

// ready makes sure that there is a segment that takes a record now, and that what has to be told first is told.
func (j *Journal) ready() error {
	if j.closed {
		return os.ErrClosed
	}
	now := j.o.Now()
	choice, ok := j.o.Ring().At(j.o.Store, now.At)
	if !ok {
		return fmt.Errorf("%w: store %s, %s", ErrNoKey, j.o.Store, now.At.UTC().Format("2006-01"))
	}
	if err := j.turn(now, choice.ID); err != nil {
		return err
	}
	if j.writer == nil {
		// What was written before a failure may be more than what was acknowledged.
		if j.lost != nil {
			if err := j.again(); err != nil {
				return err
			}
		}
		w, err := j.o.Create(j.o.Dir, segment.Opening{
			Site: j.o.Site, Store: j.o.Store, KeyID: string(choice.ID), Public: choice.Public, Device: j.o.Device, First: j.next, Before: j.before,
			Now: now, Boot: j.o.Boot,
		})
		if err != nil {
			return err
		}
		j.writer, j.keyID, j.began = w, choice.ID, now.Up
	}
	return j.tell(now)
}

// turn ends the open segment when it is time.
func (j *Journal) turn(now segment.Moment, id keys.ID) error {
	if j.writer == nil || id == j.keyID && now.Up-j.began < Rotation {
		return nil
	}
	w := j.writer
	j.writer = nil
	if err := w.Close(now); err != nil {
		return err
	}
	sum := w.Sum()
	j.before, j.next = &sum, w.Next()
	return nil
}

// again finds out what the disk has of a segment that was given up.
func (j *Journal) again() error {
	found, _, err := newest(j.o.Dir, j.o.Store)
	if err != nil {
		return err
	}
	if found != nil {
		j.next, j.before = found.Header.First+found.Entries, &found.Last
	}
	return nil
}

// tell writes the gaps that wait. What was lost comes first: a segment that was given up is explained by the next one's first entry.
func (j *Journal) tell(now segment.Moment) error {
	if j.lost != nil {
		g := *j.lost
		g.To, g.Sure = now.At, g.Sure && now.Sure
		_, err := j.writer.Tell(g)
		if err := j.wrote(err, 0); err != nil {
			return err
		}
		j.lost = nil
	}
	for len(j.pending) > 0 {
		_, err := j.writer.Tell(j.pending[0])
		if err := j.wrote(err, 0); err != nil {
			return err
		}
		j.pending = j.pending[1:]
	}
	return nil
}

// Turn ends a segment whose time has come although nobody writes. It is called now and then, every hour at most.
func (j *Journal) Turn() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.writer == nil {
		return nil
	}
	now := j.o.Now()
	choice, ok := j.o.Ring().At(j.o.Store, now.At)
	if !ok {
		choice.ID = j.keyID
	}
	return j.miss(j.turn(now, choice.ID), 0)
}

// Checkpoint is what somebody outside should remember; false while nothing was ever written.
func (j *Journal) Checkpoint() (segment.Checkpoint, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.before == nil {
		return segment.Checkpoint{}, false
	}
	return segment.Checkpoint{Site: j.o.Site, Store: j.o.Store, Next: j.next, Sum: j.before[:], At: j.o.Now().At}, true
}

// Close ends the open segment in order.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	if j.writer == nil {
		return nil
	}
	w := j.writer
	j.writer = nil
	if err := w.Close(j.o.Now()); err != nil {
		return err
	}
	sum := w.Sum()
	j.before = &sum
	return nil
}

// Folder is the store's directory, to be verified or copied.
func (j *Journal) Folder() fs.FS { return os.DirFS(j.o.Dir) }
