// Package usage counts what a place is used for, and nobody.
//
// True numbers are kept, by hour: sessions, their time and bytes by profile, refusals by reason, languages, phones and computers, the
// most at once. What is shown of them is masked (Report). Devices are counted per day by hashes under a salt that is made at the
// day's first use, kept in memory and thrown away at midnight; they are devices and not people, for phones change their address,
// and they are never added up over days. Neither an address nor a hash reaches the disk.
//
// What was not measured is missing and not 0: hours without the daemon, or without a civil time that was ever known since the
// machine's start.
package usage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hublink/wire"
	"parvis/internal/mac"
	"parvis/sessions"
)

// Options of a Usage. All but Terminal and Log are required.
type Options struct {
	Clock    clock.Clock
	Location *time.Location // of the place
	// Sessions lists the sessions, those that are remembered too; it is called once a minute.
	Sessions func() []sessions.Session
	// Terminal names the terminal with a MAC (poste-3), "" for a device that is none. It must not call the owner of sessions. Nil: there
	// are no terminals.
	Terminal func(mac.Addr) string
	Log      *slog.Logger
}

const (
	sampleEvery = time.Minute
	writeEvery  = 5 * time.Minute
	mostPending = 72   // hours that wait for a disk that cannot be written
	mostVisits  = 1024 // devices of which language and kind are known
	mostDevices = 65536
)

// key is one counter within an hour.
type key struct{ what, word string }

// hour is what has been counted of an hour since it was last written.
type hour struct {
	measured time.Duration
	peak     int
	counts   map[key]uint64
	line     wire.Quality
}

// live is a session that is open.
type live struct {
	profile  string
	terminal string     // "" none
	counted  clock.Boot // its time is counted until then
	paused   bool       // nothing passes: its time is not counted
}

// Usage counts. Its methods may be called from several goroutines.
type Usage struct {
	o   Options
	db  *store
	run string // names this run

	mu      sync.Mutex
	offset  time.Duration // of the civil time from the boot's
	dated   bool          // offset is known
	sampled clock.Boot
	hours   map[int64]*hour   // to be written
	open    map[string]live   // by session
	bytes   map[string]uint64 // of sessions, as last seen
	day     *day              // nil: nobody came yet
	ended   map[dayPart]int   // counts of days, to be written
	visits  map[mac.Addr]visit
	older   map[mac.Addr]visit // the generation before
}

// Open opens the file, or begins it, and counts from now on what Note and Run tell.
func Open(ctx context.Context, path string, o Options) (*Usage, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	db, err := openStore(ctx, path, o.Clock.BootID())
	if err != nil {
		return nil, err
	}
	var id [8]byte
	rand.Read(id[:]) // does not fail
	u := &Usage{
		o: o, db: db, run: hex.EncodeToString(id[:]), sampled: o.Clock.Boot(),
		hours: map[int64]*hour{}, open: map[string]live{}, bytes: map[string]uint64{}, ended: map[dayPart]int{},
		visits: map[mac.Addr]visit{}, older: map[mac.Addr]visit{},
	}
	if u.offset, u.dated, err = db.civil(ctx, o.Clock.BootID()); err != nil {
		db.Close()
		return nil, err
	}
	return u, nil
}

// Close closes the file; Run has written before.
func (u *Usage) Close() error { return u.db.Close() }

// Run counts and writes until ctx ends. The disk is written every five minutes, and once more at the end.
func (u *Usage) Run(ctx context.Context) error {
	u.begin()
	written := u.o.Clock.Boot()
	for {
		timer, stop := u.o.Clock.At(u.next())
		select {
		case <-ctx.Done():
			stop()
			u.sample()
			if err := u.write(context.WithoutCancel(ctx)); err != nil {
				return fmt.Errorf("usage: last words: %w", err)
			}
			return nil
		case <-timer:
		}
		u.sample()
		if now := u.o.Clock.Boot(); now.Sub(written) >= writeEvery {
			written = now
			if err := u.write(ctx); err != nil && ctx.Err() == nil {
				u.o.Log.Warn("usage: counts wait in memory", "error", err)
			}
		}
	}
}

// next is the next minute, or midnight.
func (u *Usage) next() clock.Boot {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.o.Clock.Boot()
	next := now.Add(sampleEvery)
	if t, ok := u.civil(now); ok {
		y, m, d := t.Date()
		next = min(next, now.Add(time.Date(y, m, d+1, 0, 0, 0, 0, u.o.Location).Sub(t)))
	}
	return next
}

// begin takes those that are open already for what they are: neither new, nor their bytes.
func (u *Usage) begin() {
	all := u.o.Sessions()
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.o.Clock.Boot()
	for _, s := range all {
		if _, known := u.bytes[s.ID]; !known && counts(s) {
			u.bytes[s.ID] = s.Down + s.Up
			if s.State == sessions.Open {
				u.open[s.ID] = u.live(s, now)
			}
		}
	}
}

// counts reports whether a session is the public's.
func counts(s sessions.Session) bool { return s.OpenedBy != sessions.FromStaff }

// pauses reports whether nothing of a session passes.
func pauses(s sessions.Session) bool { return s.Suspended != "" || s.LineDown }

// live is a session whose time is counted from now on.
func (u *Usage) live(s sessions.Session, now clock.Boot) live {
	l := live{profile: s.Profile, counted: now, paused: pauses(s)}
	if s.Terminal && u.o.Terminal != nil {
		l.terminal = u.o.Terminal(s.Device.MAC)
	}
	return l
}

// civil is the place's time, once it has been known for sure since the machine's start: the kernel calls a clock uncertain again
// after some hours without the internet, and it is then still right to the second. Called with mu held.
func (u *Usage) civil(now clock.Boot) (time.Time, bool) {
	if w := u.o.Clock.Wall(); w.Quality == clock.Synchronised {
		u.offset, u.dated = time.Duration(w.Time.UnixNano())-time.Duration(now), true
	}
	return time.Unix(0, int64(u.offset)+int64(now)).In(u.o.Location), u.dated
}

// at is the hour that t is in. Called with mu held.
func (u *Usage) at(t time.Time) *hour {
	n := t.Unix() / 3600
	h := u.hours[n]
	if h == nil {
		if len(u.hours) >= mostPending { // the disk has failed for days
			clear(u.hours)
		}
		h = &hour{counts: map[key]uint64{}}
		u.hours[n] = h
	}
	return h
}

func (u *Usage) add(t time.Time, what, word string, n uint64) {
	if n > 0 && word != "" {
		u.at(t).counts[key{what, word}] += n
	}
}

// spread divides the time between two moments among its hours. Called with mu held.
func (u *Usage) spread(from, to time.Time, f func(h *hour, d time.Duration)) {
	for from.Before(to) {
		end := from.Truncate(time.Hour).Add(time.Hour) // hours of UTC
		if end.After(to) {
			end = to
		}
		f(u.at(from), end.Sub(from))
		from = end
	}
}

// spent counts the time of an open session until now. Called with mu held.
func (u *Usage) spent(s live, now clock.Boot, t time.Time, dated bool) {
	if dated && !s.paused {
		u.spread(t.Add(-now.Sub(s.counted)), t, func(h *hour, d time.Duration) {
			h.counts[key{"time", s.profile}] += uint64(d / time.Millisecond)
			if s.terminal != "" {
				h.counts[key{"terminal-time", s.terminal}] += uint64(d / time.Millisecond)
			}
		})
	}
}

// Printed notes pages that came out of the printer.
func (u *Usage) Printed(pages int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if t, dated := u.civil(u.o.Clock.Boot()); dated && pages > 0 {
		u.add(t, "pages", "printed", uint64(pages))
	}
}

// Note is sessions.Options.Notice. It touches memory alone.
func (u *Usage) Note(n sessions.Notice) {
	s := n.Session
	if !counts(s) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.o.Clock.Boot()
	t, dated := u.civil(now)
	switch n.Kind {
	case sessions.NoticeOpened, sessions.NoticeResumed, sessions.NoticeMoved:
		if old, ok := u.open[s.ID]; ok {
			u.spent(old, now, t, dated)
		}
		u.open[s.ID] = u.live(s, now)
		if _, known := u.bytes[s.ID]; !known {
			u.bytes[s.ID] = s.Down + s.Up
		}
		if dated {
			u.at(t).peak = max(u.at(t).peak, len(u.open))
			u.device(s.Device.MAC, t)
		}
	case sessions.NoticeEnded:
		if old, ok := u.open[s.ID]; ok {
			u.spent(old, now, t, dated)
			delete(u.open, s.ID)
		}
	}
	if !dated {
		return
	}
	switch n.Kind {
	case sessions.NoticeOpened:
		u.add(t, "sessions", s.Profile, 1)
		u.add(t, "opener", string(s.OpenedBy), 1)
		u.add(t, "terminal-sessions", u.open[s.ID].terminal, 1)
		v := u.arrived(s.Device.MAC)
		u.add(t, "language", word(v.language), 1)
		u.add(t, "kind", word(v.kind), 1)
		if v.since != 0 && now.Sub(v.seen) < unseen {
			u.add(t, "waited", s.Profile, uint64(now.Sub(v.since)/time.Millisecond))
		}
	case sessions.NoticeRefused:
		u.add(t, "refused", word(n.Why), 1)
	case sessions.NoticeRedeemed:
		what := "ticket"
		if s.Workshop != "" {
			what = "workshop"
		}
		u.add(t, "redeemed", what, 1)
	}
}

// Looked adds to the hour what was seen of the line.
func (u *Usage) Looked(q wire.Quality) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if t, dated := u.civil(u.o.Clock.Boot()); dated {
		u.at(t).line.Add(q)
	}
}

// word is a word, or the one for what is not known.
func word(w string) string {
	if w == "" {
		return "unknown"
	}
	return w
}

// sample counts what has passed since the last one.
func (u *Usage) sample() {
	all := u.o.Sessions()
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.o.Clock.Boot()
	t, dated := u.civil(now)
	before := t.Add(-now.Sub(u.sampled))
	u.sampled = now
	if u.day != nil && u.day.number != number(t) {
		u.endDay()
	}
	bytes, open := make(map[string]uint64, len(all)), make(map[string]live, len(u.open))
	for _, s := range all {
		if !counts(s) {
			continue
		}
		total := s.Down + s.Up
		last, known := u.bytes[s.ID]
		if dated && known && total > last {
			u.add(t, "bytes", s.Profile, total-last)
		}
		bytes[s.ID] = max(total, last)
		if s.State != sessions.Open {
			continue
		}
		old, ok := u.open[s.ID]
		if ok {
			u.spent(old, now, t, dated)
		}
		open[s.ID] = u.live(s, now)
		if dated {
			u.device(s.Device.MAC, t)
		}
	}
	u.bytes, u.open = bytes, open
	if dated {
		u.spread(before, t, func(h *hour, d time.Duration) { h.measured += d; h.peak = max(h.peak, len(open)) })
	}
}

// write brings to the disk what has been counted since the last time.
func (u *Usage) write(ctx context.Context) error {
	u.mu.Lock()
	hours, days := u.hours, maps.Clone(u.ended)
	u.hours = map[int64]*hour{}
	u.countDay(days)
	civil := civil{u.o.Clock.BootID(), u.offset, u.dated}
	u.mu.Unlock()
	err := u.db.add(ctx, u.run, hours, days, civil)
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil {
		maps.DeleteFunc(u.ended, func(k dayPart, n int) bool { return days[k] == n })
		return nil
	}
	for n, h := range hours { // nothing of it was written
		into := u.at(time.Unix(n*3600, 0))
		into.measured += h.measured
		into.peak = max(into.peak, h.peak)
		into.line.Add(h.line)
		for k, c := range h.counts {
			into.counts[k] += c
		}
	}
	return err
}
