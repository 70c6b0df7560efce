package porteus

import (
	"context"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// Run gives terminals their turns until ctx ends. seen receives when the registry has seen something: a terminal, its browser,
// another name.
func (r *Rollout) Run(ctx context.Context, seen <-chan struct{}) error {
	defer r.close()
	for {
		at := r.step()
		var timer <-chan struct{}
		stop := func() {}
		if at != 0 {
			timer, stop = r.o.Clock.At(at)
		}
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-seen:
		case <-r.kick:
		case <-timer:
		}
		stop()
	}
}

// close closes the window, if one is open.
func (r *Rollout) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endTurn()
}

func (r *Rollout) endTurn() {
	if r.turn != (turn{}) {
		r.o.Window(r.turn.mac, false)
		r.last, r.turn = r.turn.mac, turn{}
	}
}

// step does what is due and returns when to look again; 0: when somebody wakes us.
func (r *Rollout) step() (again clock.Boot) {
	members := r.o.Members()
	closed := r.o.Closed()
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.o.Clock.Boot()
	s := r.state.clone()
	switch {
	case s.Published == nil:
		want, err := r.want(members)
		if err == nil {
			s.Published = want
			err = r.put(s)
		}
		if err != nil {
			r.o.Log.Error("terminals' configuration", "err", err)
			return now.Add(lookAgain)
		}
		r.o.Log.Info("terminals' configuration published for the first time")
		return 0
	case s.Next == nil:
		return 0
	}
	for _, m := range members {
		if at := r.took[m.MAC]; s.Taken[m.MAC] && !s.Done[m.MAC] && at != 0 && m.FreshAt > at {
			s.Done[m.MAC] = true
			r.o.Log.Info("a terminal has come back with its new configuration", "terminal", m.ID)
		}
	}
	if r.turn != (turn{}) && (now >= r.turn.until || s.Done[r.turn.mac] || !s.Now && !closed) {
		if s.Now && !s.Done[r.turn.mac] {
			s.Tried[r.turn.mac] = true
		}
		r.endTurn()
	}
	if !r.keep(s) {
		return now.Add(lookAgain)
	}
	waiting := r.queue(members)
	if len(waiting) == 0 {
		r.endTurn()
		s = state{Published: s.Next}.clone()
		if !r.keep(s) {
			return now.Add(lookAgain)
		}
		clear(r.took)
		r.o.Log.Info("the new configuration of the terminals is everybody's")
		return 0
	}
	if r.turn == (turn{}) {
		r.nextTurn(waiting, closed, now)
	}
	if r.turn != (turn{}) {
		return min(r.turn.until, now.Add(lookAgain))
	}
	return now.Add(lookAgain)
}

// nextTurn opens the window of the terminal that comes after the last one.
func (r *Rollout) nextTurn(waiting []Member, closed bool, now clock.Boot) {
	if r.state.Now {
		var untried []Member
		for _, m := range waiting {
			if !r.state.Tried[m.MAC] {
				untried = append(untried, m)
			}
		}
		if waiting = untried; len(waiting) == 0 {
			s := r.state.clone()
			s.Now = false // everybody had a turn; the others have theirs when the place is closed
			r.keep(s)
			return
		}
	} else if !closed {
		return
	}
	m := waiting[0]
	for i, w := range waiting[:len(waiting)-1] {
		if w.MAC == r.last {
			m = waiting[i+1]
		}
	}
	r.turn = turn{m.MAC, now.Add(WindowLength)}
	r.o.Window(m.MAC, true)
	r.o.Log.Info("a terminal may make its image anew", "terminal", m.ID, "for", WindowLength)
}

// keep puts a state that differs; false: it could not be written and the old one counts.
func (r *Rollout) keep(s state) bool {
	if s.equal(r.state) {
		return true
	}
	if err := r.put(s); err != nil {
		r.o.Log.Error("terminals' configuration", "err", err)
		return false
	}
	return true
}

// Updating says whether the terminal is making its image anew, or may be, and how much is left of its turn.
func (r *Rollout) Updating(m mac.Addr) (left time.Duration, is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turn == (turn{}) || r.turn.mac != m {
		return 0, false
	}
	return max(r.turn.until.Sub(r.o.Clock.Boot()), 0), true
}
