package sessions

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"parvis/internal/clock"
)

// Run keeps the promises that time brings: ends, readings, writes, retries. It wakes at the next deadline, at a change
// and at an event of the enforcer, and not at all while nothing is open, owed or remembered. When ctx ends it writes
// the progress and returns; sessions stay open for the next Start. The error is ErrStore when that write fails.
func (m *Manager) Run(ctx context.Context) error {
	events := m.enforcer.Events()
	for {
		due, stop := (<-chan struct{})(nil), func() {}
		next, ok := m.Step(ctx)
		m.turns.Add(1)
		if ok {
			due, stop = m.clock.At(next)
		}
		select {
		case <-ctx.Done():
			stop()
			return m.finish(context.WithoutCancel(ctx))
		case <-due:
		case <-m.kick:
		case e, ok := <-events:
			// Many ports that join at once are laid once: what has come meanwhile is taken with it.
			for waiting := true; waiting && ok; {
				m.event(context.WithoutCancel(ctx), e)
				select {
				case e, ok = <-events:
				default:
					waiting = false
				}
			}
			if !ok {
				events = nil
			}
		}
		stop()
	}
}

// Step does what is due now and returns when something will be; ok is false when nothing is foreseen. Run calls it, and
// nobody else meanwhile.
func (m *Manager) Step(ctx context.Context) (next clock.Boot, ok bool) {
	m.op.Lock()
	defer m.unlock()
	if !m.started {
		return 0, false
	}
	ctx = context.WithoutCancel(ctx)
	now := m.catchUp(ctx)
	m.settleUnseen(ctx, now)
	m.endDue(ctx, now)
	if m.syncing.due(now) {
		_ = m.sync(now)
	}
	if m.nextRead() <= now {
		m.readCounters(ctx, now, true)
	}
	papers := m.stepPapers(ctx, now)
	m.forget(now)
	if m.nextFlush() <= now {
		_ = m.flush(ctx) // tried again; Status says so
	}

	next = min(m.nextRead(), m.nextFlush(), m.forgetNxt, m.endNxt, m.unconfirmed, m.nextDay(now), m.nextSite(now), m.nextLine(), papers)
	if m.syncing.wanted {
		next = min(next, m.syncing.at)
	}
	return next, next != never
}

// catchUp makes true what the passing of time alone has changed, and returns what time it is: the day, the place's hours,
// what stands still while the line is down, the ends. Whatever decides calls it first. Called with op held.
func (m *Manager) catchUp(ctx context.Context) clock.Boot {
	now := m.clock.Boot()
	if !m.started {
		return now
	}
	m.mu.Lock()
	m.turnDay(now)
	m.attend(now)
	told := m.stand(now)
	m.mu.Unlock()
	for _, s := range told {
		m.tell(now, s)
	}
	m.endDue(ctx, now)
	return now
}

// finish takes a last reading and writes it.
func (m *Manager) finish(ctx context.Context) error {
	m.op.Lock()
	defer m.unlock()
	if !m.started {
		return nil
	}
	m.readCounters(ctx, m.clock.Boot(), false)
	if err := m.flush(ctx); err != nil {
		return fmt.Errorf("sessions: stop: %w: %w", ErrStore, err)
	}
	return nil
}

// Pulse wakes Run and says how often it has gone round. Who sees that grow knows that Run gets on, and with it the store and the enforcer, which
// it waits for.
func (m *Manager) Pulse() uint64 {
	m.wake()
	return m.turns.Load()
}

func (m *Manager) wake() {
	select {
	case m.kick <- struct{}{}:
	default: // already awake
	}
}

func (m *Manager) event(ctx context.Context, e Event) {
	m.op.Lock()
	defer m.unlock()
	now := m.catchUp(ctx)
	switch e.Kind {
	case Contested:
		m.contest(ctx, now, e.MAC, e.Contest)
	case Settled:
		m.settle(ctx, now, e.MAC)
	default:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.laid(now, e)
	}
}

// laid takes note of what has become of what was laid in the kernel. Called with both locks held.
func (m *Manager) laid(now clock.Boot, e Event) {
	switch e.Kind {
	case LinkLost:
		m.linkLost = cmp.Or(e.Detail, "?")
		m.log.Warn("link lost: nothing passes", "detail", e.Detail)
	case LinkBack:
		m.linkLost = ""
		m.resync(now)
		m.log.Info("link back: everything is laid anew", "detail", e.Detail)
	case Touched:
		if !m.syncing.wanted {
			m.log.Warn("repair: another program has changed what was laid in the kernel, everything is laid anew", "detail", e.Detail)
		}
		m.resync(now)
	}
}

// syncLeast is the time between two Syncs that events ask for: another program that undoes them without end must not keep
// people from opening and from ending.
const syncLeast = time.Second

// resync asks for a Sync, at once unless one has just been. Called with both locks held.
func (m *Manager) resync(now clock.Boot) {
	at := max(now, m.synced.Add(syncLeast))
	if m.syncing.wanted {
		m.syncing.at = min(m.syncing.at, at)
		return
	}
	m.syncing.want(at)
}

// sync gives the enforcer the whole desired state. Called with op held.
func (m *Manager) sync(now clock.Boot) error {
	grants := make([]Grant, 0, len(m.bySlot))
	for _, s := range m.bySlot {
		grants = append(grants, s.grant())
	}
	slices.SortFunc(grants, func(a, b Grant) int { return int(a.Slot) - int(b.Slot) })
	m.synced = now
	if err := m.enforcer.Sync(grants); err != nil {
		m.enforceFailed(now, fmt.Errorf("sync: %w", err))
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.syncing.err != nil {
		m.log.Info("the kernel follows again")
	}
	m.syncing.done()
	for _, g := range grants {
		m.bySlot[g.Slot].asked(g)
	}
	if len(m.bySlot) > 0 {
		m.readWithin(now, 0) // counters that have restarted are told best before they have grown
	}
	return nil
}

// enforceFailed remembers that the kernel is not as it should be: everything is laid anew until it is.
func (m *Manager) enforceFailed(now clock.Boot, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.syncing.err == nil {
		m.log.Error("the kernel does not follow", "err", err)
	}
	m.syncing.failed(now, err)
}

// followed makes sure that the kernel is as it should be before it is asked for more. After a failure it is tried at
// most once in retryFirst, however many people ask.
func (m *Manager) followed(now clock.Boot) error {
	if !m.syncing.wanted {
		return nil
	}
	err := m.syncing.err
	switch {
	case err == nil && now < m.syncing.at:
		return nil // one has just been
	case err == nil || now >= m.syncing.tried.Add(retryFirst):
		err = m.sync(now)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEnforce, err)
	}
	return nil
}
