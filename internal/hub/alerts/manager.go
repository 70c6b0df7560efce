package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mail"
)

// Pending is a message that waits in the store.
type Pending struct {
	Note
	Way      string
	Attempts int    // that were begun
	Ref      string // under which the way's other side has the incident; "" not yet
}

// Store keeps watches, incidents and messages.
type Store interface {
	// Lead runs f while no other hub leads, and reports whether it ran.
	Lead(ctx context.Context, f func(context.Context) error) (bool, error)
	// Seen returns every site of every commune, with its watches; with an error, those that it could see.
	Seen(ctx context.Context) ([]Seen, error)
	// Write makes the changes of one look true, those of a commune in one transaction: watches, incidents that begin and end, and a
	// message for each way of each event.
	Write(ctx context.Context, changes []Change) error
	// Due returns messages that are to be sent at now, the oldest first: of a way and an incident the first one that is not done, and
	// nothing of it while that one waits.
	Due(ctx context.Context, now time.Time, most int) ([]Pending, error)
	// Claim counts an attempt, before it begins: the message does not come again before next.
	Claim(ctx context.Context, p Pending, next time.Time) error
	// Done says that the other side has a message, and under which reference it has the incident.
	Done(ctx context.Context, p Pending, ref string) error
	// Failed says why it has not, and when to try again.
	Failed(ctx context.Context, p Pending, why string, next time.Time) error
}

// Options of a Manager. Ways may be none.
type Options struct {
	Store     Store
	Ways      []Way
	Mail      mail.Server // for ways of kind mail
	Clock     clock.Clock
	Zone      *time.Location // in which people read times
	Transport http.RoundTripper
	Log       *slog.Logger
}

const (
	every     = time.Minute
	mostAtNow = 200       // messages of one round
	longest   = time.Hour // between two attempts
)

// Manager looks and tells.
type Manager struct {
	o       Options
	ways    map[string]Way
	senders map[string]sender
}

// New checks the ways.
func New(o Options) (*Manager, error) {
	m := &Manager{o: o, ways: map[string]Way{}, senders: senders(o.Transport, o.Mail)}
	for _, w := range o.Ways {
		if err := w.Check(); err != nil {
			return nil, err
		}
		if _, twice := m.ways[w.Name]; twice {
			return nil, fmt.Errorf("alerts: way %q: is there twice; expected another name", w.Name)
		}
		if w.Kind == "mail" {
			if err := o.Mail.Check(); err != nil {
				return nil, fmt.Errorf("alerts: way %q: %w", w.Name, err)
			}
		}
		m.ways[w.Name] = w
	}
	return m, nil
}

// Run looks every minute until ctx ends. What goes wrong is logged and tried again.
func (m *Manager) Run(ctx context.Context) error {
	for {
		timer, stop := m.o.Clock.At(m.o.Clock.Boot().Add(every))
		if err := m.Round(ctx); err != nil && ctx.Err() == nil {
			m.o.Log.Error("alerts: round", "error", err)
		}
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-timer:
		}
	}
}

// Round looks once and sends what waits, if this hub leads.
func (m *Manager) Round(ctx context.Context) error {
	_, err := m.o.Store.Lead(ctx, func(ctx context.Context) error {
		return errors.Join(m.look(ctx), m.tell(ctx)) // what waits goes out even if there is nothing to be seen
	})
	return err
}

func (m *Manager) look(ctx context.Context) error {
	seen, failed := m.o.Store.Seen(ctx)
	if failed != nil {
		failed = fmt.Errorf("alerts: look at the sites: %w", failed)
	}
	now := m.o.Clock.Wall().Time
	deaf := Deaf(now, seen)
	if deaf {
		m.o.Log.Error("alerts: no site is heard at all; is the hub cut off? No silence is told until one is", "sites", len(seen))
	}
	var all []Change
	for _, s := range seen {
		changes := Look(now, s, deaf)
		for i, c := range changes {
			if c.Event == None {
				continue
			}
			for _, w := range m.o.Ways {
				if w.takes(c.Tenant, c.Watch.Code) {
					changes[i].Ways = append(changes[i].Ways, w.Name)
				}
			}
		}
		all = append(all, changes...)
	}
	if len(all) == 0 {
		return failed
	}
	if err := m.o.Store.Write(ctx, all); err != nil {
		failed = errors.Join(failed, fmt.Errorf("alerts: write what was seen: %w", err))
	}
	return failed
}

// tell sends what is due. A way that fails is left alone until the next round.
func (m *Manager) tell(ctx context.Context) error {
	due, failed := m.o.Store.Due(ctx, m.o.Clock.Wall().Time, mostAtNow)
	if failed != nil {
		failed = fmt.Errorf("alerts: read what waits: %w", failed)
	}
	down := map[string]bool{}
	for _, p := range due {
		if down[p.Way] || ctx.Err() != nil {
			continue
		}
		ok, err := m.sendOne(ctx, p)
		if err != nil {
			return errors.Join(failed, err)
		}
		down[p.Way] = !ok
	}
	return failed
}

// sendOne tries one message. The error is the store's.
func (m *Manager) sendOne(ctx context.Context, p Pending) (ok bool, err error) {
	w, known := m.ways[p.Way]
	if !known { // it was taken out of the configuration: nobody waits for it there
		return true, m.o.Store.Done(ctx, p, p.Ref)
	}
	now := m.o.Clock.Wall().Time
	next := now.Add(backoff(p.Attempts))
	if err := m.o.Store.Claim(ctx, p, next); err != nil {
		return false, fmt.Errorf("alerts: claim message %d: %w", p.ID, err)
	}
	ref, err := m.senders[w.Kind].send(ctx, w, sending{note: p.Note, now: now, zone: m.o.Zone, again: p.Attempts > 0, ref: p.Ref})
	if err == nil {
		// The other side has it: that is written down even when this hub is told to stop.
		if err := m.o.Store.Done(context.WithoutCancel(ctx), p, ref); err != nil {
			return false, fmt.Errorf("alerts: write that message %d has arrived: %w", p.ID, err)
		}
		return true, nil
	}
	var wait later
	if errors.As(err, &wait) {
		next = now.Add(max(wait.after, every))
	}
	m.o.Log.Warn("alerts: a message waits", "way", w.Name, "message", p.ID, "attempts", p.Attempts+1, "error", err)
	if err := m.o.Store.Failed(context.WithoutCancel(ctx), p, err.Error(), next); err != nil {
		return false, fmt.Errorf("alerts: write why message %d waits: %w", p.ID, err)
	}
	return false, nil
}

// backoff is the wait after so many attempts: 1, 2, 4… minutes, at most an hour, for ever: nothing is given up.
func backoff(attempts int) time.Duration { return min(every<<min(attempts, 10), longest) }

// Ways are the configured ways, in their order.
func (m *Manager) Ways() []Way { return m.o.Ways }

// ErrNoWay: there is no way of that name.
var ErrNoWay = errors.New("alerts: no such way")

// Try sends a test along a way at once and says what came of it.
func (m *Manager) Try(ctx context.Context, way string) error {
	w, ok := m.ways[way]
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoWay, way)
	}
	now := m.o.Clock.Wall().Time
	n := Note{ID: now.UnixMilli(), Event: Test, Tenant: w.Tenant, What: []string{}, Began: now}
	if _, err := m.senders[w.Kind].send(ctx, w, sending{note: n, now: now, zone: m.o.Zone}); err != nil {
		return fmt.Errorf("alerts: way %q: %w", w.Name, err)
	}
	return nil
}
