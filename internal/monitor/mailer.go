package monitor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/hublink/wire"
)

const (
	lookEvery   = 15 * time.Second
	mostLetters = 100 // that wait; the oldest goes
	sendWithin  = time.Minute
	firstRetry  = time.Minute
	lastRetry   = 30 * time.Minute
)

// Memory keeps what a restart must not lose: kiosk/queue's File is one.
type Memory interface {
	// Load returns what was last saved; nothing when there was nothing.
	Load() ([]byte, error)
	// Save replaces it, durably, before it returns.
	Save([]byte) error
}

// MailerOptions are what a Mailer is made of. All are required.
type MailerOptions struct {
	Clock     clock.Clock
	Place     string
	Location  *time.Location // of the hours in letters
	Condition func() control.Condition
	Send      func(context.Context, Letter) error
	Memory    Memory
	Log       *slog.Logger
}

// Mailer writes an e-mail when a problem begins and another when it has ended. What cannot be sent waits, over restarts too, and is
// tried again: each minute at first, each half hour in the end, and at once when the line is back.
type Mailer struct {
	o     MailerOptions
	damp  *damper
	up    bool       // the line, at the last look
	next  clock.Boot // when sending is tried
	pause time.Duration
	dirty bool // not saved yet

	mu      sync.Mutex
	letters []Letter // the oldest first
}

// remembered is what Memory holds.
type remembered struct {
	Open    []Open   `json:"open"`
	Letters []Letter `json:"letters"`
}

// NewMailer goes on with what was told and what waited before a restart. A memory that cannot be read is begun anew: a letter twice is
// better than a daemon that does not start.
func NewMailer(o MailerOptions) *Mailer {
	var r remembered
	b, err := o.Memory.Load()
	if err == nil && len(b) > 0 {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		o.Log.Error("monitor: what was told of problems is not known any more", "error", err)
		r = remembered{}
	}
	return &Mailer{o: o, damp: newDamper(r.Open, o.Clock.Boot()), letters: r.Letters}
}

// Waiting is how many letters were not taken yet.
func (m *Mailer) Waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.letters)
}

// Run looks and sends until ctx ends.
func (m *Mailer) Run(ctx context.Context) error {
	for {
		m.step(ctx)
		timer, stop := m.o.Clock.At(m.o.Clock.Boot().Add(lookEvery))
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-timer:
		}
	}
}

// step looks once, and sends what is due.
func (m *Mailer) step(ctx context.Context) {
	c := m.o.Condition()
	problems := c.Problems
	if !c.Line.Up {
		problems = append(slices.Clone(problems), wire.Problem{Code: lineDown})
	}
	begun, ended := m.damp.look(m.o.Clock.Boot(), m.o.Clock.Wall(), problems)
	m.write(begun, false)
	m.write(ended, true)
	m.save()
	if c.Line.Up && !m.up {
		m.next, m.pause = 0, 0
	}
	m.up = c.Line.Up
	m.send(ctx)
}

// write puts letters in the queue, one for the problems of one code.
func (m *Mailer) write(all []Open, ended bool) {
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(o Open) bool { return o.Code != all[0].Code })
		if n < 0 {
			n = len(all)
		}
		var id [12]byte
		rand.Read(id[:]) // does not fail
		l := Letter{ID: hex.EncodeToString(id[:])}
		if w := m.o.Clock.Wall(); w.Quality == clock.Synchronised {
			l.At = w.Time.Unix()
		}
		l.Subject, l.Body = letter(m.o.Place, m.o.Location, all[:n], ended)
		all = all[n:]
		m.mu.Lock()
		if m.letters = append(m.letters, l); len(m.letters) > mostLetters {
			m.letters = slices.Clone(m.letters[1:])
			m.o.Log.Error("monitor: too many e-mails wait, the oldest was thrown away")
		}
		m.mu.Unlock()
		m.dirty = true
	}
}

// send tries what waits, in order, until one is not taken.
func (m *Mailer) send(ctx context.Context) {
	now := m.o.Clock.Boot()
	for now >= m.next && ctx.Err() == nil {
		m.mu.Lock()
		var l Letter
		none := len(m.letters) == 0
		if !none {
			l = m.letters[0]
		}
		m.mu.Unlock()
		if none {
			return
		}
		within, cancel := context.WithTimeout(ctx, sendWithin)
		err := m.o.Send(within, l)
		cancel()
		if err != nil {
			m.pause = min(max(2*m.pause, firstRetry), lastRetry)
			m.next = now.Add(m.pause)
			m.o.Log.Warn("monitor: an e-mail was not taken and is tried again", "in", m.pause, "error", err)
			return
		}
		m.mu.Lock()
		m.letters = m.letters[1:]
		m.mu.Unlock()
		m.pause, m.dirty = 0, true
		m.save()
	}
}

// save brings a change to the disk; what could not be saved is tried again with the next look.
func (m *Mailer) save() {
	if !m.dirty {
		return
	}
	m.mu.Lock()
	b, err := json.Marshal(remembered{m.damp.open(), m.letters})
	m.mu.Unlock()
	if err == nil {
		err = m.o.Memory.Save(b)
	}
	if err != nil {
		m.o.Log.Error("monitor: what was told is not saved", "error", fmt.Errorf("monitor: save: %w", err))
		return
	}
	m.dirty = false
}
