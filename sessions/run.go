package sessions

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"parvis/internal/clock"
)

// Run keeps the promises that time brings: ends, readings, writes, retries. It wakes at the next deadline, at a change
// and at an event of the enforcer, and not at all while nothing is open, owed or remembered. When ctx ends it writes
// the progress and returns; sessions stay open for the next Start. The error is ErrStore when that write fails.
func (m *Manager) Run(ctx context.Context) error {
	events := m.enforcer.Events()
	for {
		due, stop := (<-chan struct{})(nil), func() {}
		if next, ok := m.Step(ctx); ok {
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
				m.event(e)
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

// Step does what is due now and returns when something will be; ok is false when nothing is foreseen. Run calls it.
func (m *Manager) Step(ctx context.Context) (next clock.Boot, ok bool) {
	m.op.Lock()
	defer m.op.Unlock()
	if !m.started {
		return 0, false
	}
	ctx = context.WithoutCancel(ctx)
	now := m.clock.Boot()
	m.endDue(ctx, now)
	if m.syncing.due(now) {
		_ = m.sync(now)
	}
	if m.nextRead() <= now {
		m.readCounters(ctx, now)
	}
	m.forget(now)
	if m.nextFlush() <= now {
		_ = m.flush(ctx) // tried again; Status says so
	}

	next = min(m.nextRead(), m.nextFlush(), m.forgetNxt)
	for _, s := range m.bySlot {
		next = min(next, s.End)
	}
	if m.syncing.wanted {
		next = min(next, m.syncing.at)
	}
	return next, next != never
}

// finish takes a last reading and writes it.
func (m *Manager) finish(ctx context.Context) error {
	m.op.Lock()
	defer m.op.Unlock()
	if !m.started {
		return nil
	}
	m.readCounters(ctx, m.clock.Boot())
	if err := m.flush(ctx); err != nil {
		return fmt.Errorf("sessions: stop: %w: %w", ErrStore, err)
	}
	return nil
}

func (m *Manager) wake() {
	select {
	case m.kick <- struct{}{}:
	default: // already awake
	}
}

func (m *Manager) event(e Event) {
	m.op.Lock()
	defer m.op.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch e.Kind {
	case LinkLost:
		m.linkLost = cmp.Or(e.Detail, "?")
		m.log.Warn("link lost: nothing passes", "detail", e.Detail)
	case LinkBack:
		m.linkLost = ""
		m.syncing.want(m.clock.Boot())
		m.log.Info("link back: everything is laid anew", "detail", e.Detail)
	}
}

// sync gives the enforcer the whole desired state. Called with op held.
func (m *Manager) sync(now clock.Boot) error {
	grants := make([]Grant, 0, len(m.bySlot))
	for _, s := range m.bySlot {
		grants = append(grants, s.grant())
	}
	slices.SortFunc(grants, func(a, b Grant) int { return int(a.Slot) - int(b.Slot) })
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
	if err == nil || now >= m.syncing.tried.Add(retryFirst) {
		err = m.sync(now)
	}
	if err != nil {
		return fmt.Errorf("sessions: open: %w: %w", ErrEnforce, err)
	}
	return nil
}
