package journal

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"parvis/internal/durable"
	"parvis/sessions/register/segment"
)

// Retention is how long a record is kept from its end on (CPCE R10-13 IV, one year), and Grace how much longer it may still be there.
const (
	Retention = 365 * 24 * time.Hour
	Grace     = 24 * time.Hour
)

// stamp is a moment that a segment's file shows.
type stamp struct {
	boot uint32
	up   time.Duration
	at   time.Time
	sure bool
}

// Kept is a segment of a store as its file shows it.
type Kept struct {
	Name    string
	First   int64
	Entries int64
	Last    segment.Sum
	began   stamp
	ended   stamp
	whole   bool // it was ended in order
}

// list reads every segment of a store, in order.
func list(dir, store string) ([]Kept, error) {
	names, err := filepath.Glob(filepath.Join(dir, store+"-*.seg"))
	if err != nil {
		return nil, fmt.Errorf("journal: list: %w", err)
	}
	slices.Sort(names)
	all := make([]Kept, len(names))
	for i, n := range names {
		found, _, err := read(n)
		if err != nil {
			return nil, err
		}
		h := found.Header
		k := Kept{Name: filepath.Base(n), First: h.First, Entries: found.Entries, Last: found.Last}
		k.began = stamp{h.Boot, time.Duration(h.Up) * time.Millisecond, h.Began, h.Sure}
		if e := found.End; e != nil {
			k.whole, k.ended = true, stamp{h.Boot, time.Duration(e.Up) * time.Millisecond, e.At, e.Sure}
		}
		all[i] = k
	}
	return all, nil
}

// latest is the latest moment at which anything in a segment can have happened; false when nothing tells it. A time that nobody was sure
// of is found by the clock that never jumps: from any sure moment of the same run of the machine. Where there was none, the next run
// with a sure moment had not begun yet.
func latest(all []Kept, i int) (time.Time, bool) {
	end := all[i].ended
	if !all[i].whole {
		if i+1 == len(all) {
			return time.Time{}, false // it is being written
		}
		end = all[i+1].began
	}
	if end.sure {
		return end.at, true
	}
	var after time.Time
	for _, k := range all {
		for _, s := range []stamp{k.began, k.ended} {
			switch {
			case !s.sure:
			case s.boot == end.boot:
				return s.at.Add(end.up - s.up), true
			case s.boot > end.boot:
				if start := s.at.Add(-s.up); after.IsZero() || start.Before(after) {
					after = start
				}
			}
		}
	}
	return after, !after.IsZero()
}

// due are the segments whose term is over: only from the beginning on, so that what is left is one chain.
func due(all []Kept, now segment.Moment) (n int) {
	if !now.Sure {
		return 0
	}
	for n < len(all) {
		t, known := latest(all, n)
		if !known || now.At.Before(t.Add(Retention)) {
			return n
		}
		n++
	}
	return n
}

// Purged is the report of a purge: what was destroyed, without saying anything of it.
type Purged struct {
	Site     string          `json:"site"`
	Store    string          `json:"store"`
	At       time.Time       `json:"at"`
	First    int64           `json:"first"` // entries that are gone
	Last     int64           `json:"last"`
	Segments []PurgedSegment `json:"segments"`
}

// PurgedSegment is one of them. A copy elsewhere is found by it.
type PurgedSegment struct {
	Name    string `json:"name"`
	Entries int64  `json:"entries"`
	Sum     []byte `json:"sum"`
}

// Report is a signed Purged.
type Report struct {
	Purged    json.RawMessage `json:"purged"`
	Device    []byte          `json:"device"`
	Signature []byte          `json:"signature"` // Ed25519 over reportPrefix and Purged's bytes
}

const reportPrefix = "parvis register: purge\n"

// ErrReport is wrapped by what Read returns.
var ErrReport = errors.New("journal: not a report of a purge")

// Read checks the signature and returns what the report says.
func (r Report) Read() (p Purged, err error) {
	if len(r.Device) != ed25519.PublicKeySize || !ed25519.Verify(r.Device, append([]byte(reportPrefix), r.Purged...), r.Signature) {
		return p, fmt.Errorf("%w: it is not signed by the device that it names", ErrReport)
	}
	if err := json.Unmarshal(r.Purged, &p); err != nil {
		return p, fmt.Errorf("%w: %w", ErrReport, err)
	}
	return p, nil
}

// Purge destroys the segments whose term is over and returns the report, which is durable before anything is gone; nil when nothing was due.
// While the civil time is not sure nothing is.
//
// What a worn flash still holds of a file that was removed, and copies elsewhere, are unreadable once the month's key is destroyed, and
// not before.
func (j *Journal) Purge() (*Report, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.o.Now()
	all, err := list(j.o.Dir, j.o.Store)
	if err != nil {
		return nil, err
	}
	n := due(all, now)
	if n == 0 {
		return nil, nil
	}
	p := Purged{Site: j.o.Site, Store: j.o.Store, At: now.At.UTC(), First: all[0].First, Last: all[n-1].First + all[n-1].Entries - 1}
	for _, k := range all[:n] {
		p.Segments = append(p.Segments, PurgedSegment{k.Name, k.Entries, k.Last[:]})
	}
	body, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("journal: report of a purge: %w", err)
	}
	r := &Report{body, j.o.Device.Public().(ed25519.PublicKey), ed25519.Sign(j.o.Device, append([]byte(reportPrefix), body...))}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("journal: report of a purge: %w", err)
	}
	name := fmt.Sprintf("%s-purge-%012d-%012d.json", j.o.Store, p.First, p.Last)
	if err := durable.Write(filepath.Join(j.o.Dir, name), text); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	for _, k := range all[:n] {
		if err := os.Remove(filepath.Join(j.o.Dir, k.Name)); err != nil {
			return nil, fmt.Errorf("journal: purge: %w", err)
		}
	}
	if err := durable.SyncDir(j.o.Dir); err != nil {
		return nil, fmt.Errorf("journal: purge: %w", err)
	}
	return r, nil
}
