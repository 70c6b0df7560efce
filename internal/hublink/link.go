// Package hublink is the site's side of the hub: it enrols, and says every minute how the site is and what it has counted since. It is the
// only room of the router that speaks to the hub, and it is never spoken to (docs/adr/0020-hub.md).
//
// What waits is in usage's database, as rows with numbers; here is only which number the hub has for good. Whatever is lost, comes twice or
// is cut in the middle is sent again whole.
package hublink

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hublink/wire"
)

// ErrEnrolled: who is enrolled leaves first. ErrNone: there is nothing to leave.
var (
	ErrEnrolled = errors.New("hublink: the site is enrolled already")
	ErrNone     = errors.New("hublink: the site is not enrolled")
)

// Outbox is where what was counted waits: *usage.Usage.
type Outbox interface {
	// Outbox returns the Epoch, Seq, Left, Hours and Days of the next batch, above a number of an epoch.
	Outbox(ctx context.Context, epoch string, after int64) (wire.Batch, error)
}

// Options of a Link. All but Proxy, CA, Model, Random, Told, Catalogue and Log are required.
type Options struct {
	URL   string         // of the hub, https, without a slash at its end
	Proxy *url.URL       // nil: none
	CA    *x509.CertPool // nil: the system's
	Path  string         // hub.json

	Version, Model string // of Parvis; of the board
	Outbox         Outbox
	Now            func() wire.Now // it waits for nothing
	// Catalogue is what the site says of its services, marked; nil, or no mark: nothing.
	Catalogue func() wire.Catalogue
	Clock     clock.Clock
	Random    func() float64 // 0 to 1, for pauses; nil: the runtime's
	// Told is told of each receipt, and of what the site had said of itself, by Run, which goes on afterwards; nil: nobody is.
	Told func(context.Context, wire.Receipt, wire.Now)
	Log  *slog.Logger
}

// How long the link waits.
const (
	saveEvery   = time.Hour // hub.json is written at most so often for what was acknowledged: flash wears out
	first       = 10 * time.Second
	longest     = 5 * time.Minute // between two tries
	least, most = 10, 3600        // seconds that a hub can ask for between two batches
	loudAfter   = 3               // failures in a row that are worth a line in the log
)

// Link is the site's side. Its methods may be called from several goroutines.
type Link struct {
	o      Options
	client *client
	wake   chan struct{}
	gate   sync.Mutex // one enrolment or leaving at a time

	mu    sync.Mutex
	s     state
	saved clock.Boot // when the file was last written
	heard clock.Boot // when the hub last acknowledged; 0 not since the daemon's start
	begun clock.Boot
	has   string // mark of what the hub has of the catalogue, as far as it has said since the daemon's start
	left  int    // hours that waited after the last try
	fails int    // in a row
	err   error
}

// Open reads the enrolment, if there is one. A file that cannot be read is an error: without it what is sent would be another site's.
func Open(o Options) (*Link, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Random == nil {
		o.Random = mathrand.Float64
	}
	s, err := read(o.Path)
	if err != nil {
		return nil, err
	}
	now := o.Clock.Boot()
	return &Link{o: o, client: newClient(o), wake: make(chan struct{}, 1), s: s, saved: now, begun: now}, nil
}

// Status is how the link is at the moment.
type Status struct {
	Site, Name string // as the hub calls it; "": not enrolled
	// Silent is since when the hub has acknowledged nothing: since it last did, or since the daemon's start where it has not yet.
	Silent time.Duration
	Heard  time.Time // when it last did, by the site's clock of then; zero: never
	// Reached: it has acknowledged something since the daemon's start.
	Reached bool
	Left    int   // hours that waited after the last try
	Err     error // why the last try failed; nil: it did not
}

// Enrolled reports whether there is a hub that expects this site's word.
func (s Status) Enrolled() bool { return s.Site != "" }

// Status waits for nothing.
func (l *Link) Status() Status {
	now := l.o.Clock.Boot()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{Site: l.s.Site, Name: l.s.Name, Silent: now.Sub(max(l.heard, l.begun)), Left: l.left, Err: l.err, Reached: l.heard != 0}
	if l.s.Heard != 0 {
		s.Heard = time.Unix(l.s.Heard, 0)
	}
	return s
}

// Enrol redeems a code of the hub, once. ErrCode, ErrEnrolled, or why the hub was not reached.
func (l *Link) Enrol(ctx context.Context, code string) error {
	l.gate.Lock()
	defer l.gate.Unlock()
	if l.Status().Enrolled() {
		return ErrEnrolled
	}
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("hublink: enrol: %w", err)
	}
	a, err := l.client.enrol(ctx, wire.Enrolment{
		Code: strings.TrimSpace(code), Version: l.o.Version, Model: l.o.Model, SealKey: key.PublicKey().Bytes(),
	})
	switch {
	case err != nil:
		return err
	case a.Site == "" || a.Token == "" || len(a.Token) > 512 || strings.ContainsAny(a.Token, " \r\n") || len(a.SignKey) != ed25519.PublicKeySize:
		return fmt.Errorf("%w: without a site, a token or a key", ErrAnswer)
	}
	s := state{Site: a.Site, Name: a.Name, Token: a.Token, SealKey: key.Bytes(), SignKey: a.SignKey}
	if err := s.write(l.o.Path); err != nil {
		return err
	}
	l.begin(s)
	l.o.Log.Info("enrolled at the hub", "site", s.Site)
	return nil
}

// Leave forgets the enrolment. What was counted stays, and goes to whichever hub the site is enrolled at next.
func (l *Link) Leave() error {
	l.gate.Lock()
	defer l.gate.Unlock()
	if !l.Status().Enrolled() {
		return ErrNone
	}
	if err := remove(l.o.Path); err != nil {
		return err
	}
	l.begin(state{})
	l.o.Log.Info("the enrolment at the hub is forgotten")
	return nil
}

// begin takes another enrolment, and wakes Run.
func (l *Link) begin(s state) {
	now := l.o.Clock.Boot()
	l.mu.Lock()
	l.s, l.saved, l.begun, l.heard, l.left, l.fails, l.err, l.has = s, now, now, 0, 0, 0, nil, ""
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // it is awake
	}
}

// Run sends until ctx ends, one batch at a time, while the site is enrolled.
func (l *Link) Run(ctx context.Context) error {
	defer l.client.close()
	pause := time.Duration(l.o.Random() * float64(first)) // power comes back for every site of a town at once
	for ctx.Err() == nil {
		timer, stop := l.o.Clock.At(l.o.Clock.Boot().Add(pause))
		select {
		case <-ctx.Done():
			stop()
			continue
		case <-l.wake:
		case <-timer:
		}
		stop()
		pause = l.send(ctx)
	}
	return l.save(0)
}

// send sends what is next, if the site is enrolled, and returns how long to wait then.
func (l *Link) send(ctx context.Context) time.Duration {
	l.mu.Lock()
	s := l.s
	l.mu.Unlock()
	if !s.enrolled() {
		return most * time.Second // Enrol wakes
	}
	b, r, err := l.exchange(ctx, s)
	if ctx.Err() != nil {
		return 0
	}
	if err == nil && l.o.Told != nil {
		l.o.Told(ctx, r, b.Now)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.s.Token != s.Token {
		return 0 // another enrolment meanwhile: this answer is about nothing of it
	}
	if l.err = err; err != nil {
		if l.fails++; l.fails == loudAfter {
			l.o.Log.Warn("the hub acknowledges nothing; what was counted waits here", "error", err)
		}
		if len(b.Hours) > 0 {
			l.left = b.Left + len(b.Hours)
		}
		pause := min(first<<min(l.fails-1, 10), longest)
		return pause/2 + time.Duration(l.o.Random()*float64(pause/2))
	}
	if l.fails >= loudAfter {
		l.o.Log.Info("the hub acknowledges again", "hours", len(b.Hours), "left", b.Left)
	}
	l.fails, l.left, l.heard, l.has = 0, b.Left, l.o.Clock.Boot(), r.Catalogue
	moved := l.s.Epoch != b.Epoch || l.s.Acked != r.Seq
	l.s.Epoch, l.s.Acked, l.s.Heard = b.Epoch, r.Seq, l.o.Clock.Wall().Time.Unix()
	if moved {
		if err := l.saveLocked(saveEvery); err != nil {
			l.o.Log.Warn("what the hub has is not written down; it is sent again after a restart", "error", err)
		}
	}
	if b.Left > 0 && r.Seq == b.Seq {
		return 0
	}
	return time.Duration(min(max(r.Every, least), most)) * time.Second
}

// exchange makes the next batch and returns it with what the hub says of it.
func (l *Link) exchange(ctx context.Context, s state) (b wire.Batch, r wire.Receipt, err error) {
	if b, err = l.o.Outbox.Outbox(ctx, s.Epoch, s.Acked); err != nil {
		return b, r, err
	}
	b.Now = l.o.Now()
	if w := l.o.Clock.Wall(); w.Quality == clock.Synchronised {
		b.Sent = w.Time.Unix()
	}
	if l.o.Catalogue != nil {
		l.mu.Lock()
		has := l.has
		l.mu.Unlock()
		if c := l.o.Catalogue(); c.Mark != "" && c.Mark != has {
			b.Catalogue = &c
		}
	}
	if err := b.Check(); err != nil {
		return b, r, err
	}
	if r, err = l.client.batch(ctx, s.Token, b); err != nil {
		return b, r, err
	}
	// A hub that was put back to an older state may have less than it had; it cannot have more than it was sent. Where what it has does not
	// grow although there was something, the next try would be the same: that is a failure, with its pause.
	before := s.Acked
	if s.Epoch != b.Epoch {
		before = 0
	}
	switch {
	case r.Seq > b.Seq || r.Seq < 0:
		return b, r, fmt.Errorf("%w: it acknowledges %d of a batch that ends with %d", ErrAnswer, r.Seq, b.Seq)
	case r.Seq == before && len(b.Hours)+len(b.Days) > 0:
		return b, r, fmt.Errorf("%w: it acknowledges %d, as before", ErrAnswer, r.Seq)
	}
	return b, r, nil
}

func (l *Link) save(every time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.saveLocked(every)
}

// saveLocked writes the file, unless it was written less than every ago. Called with mu held.
func (l *Link) saveLocked(every time.Duration) error {
	now := l.o.Clock.Boot()
	if !l.s.enrolled() || now.Sub(l.saved) < every {
		return nil
	}
	if err := l.s.write(l.o.Path); err != nil {
		return err
	}
	l.saved = now
	return nil
}
