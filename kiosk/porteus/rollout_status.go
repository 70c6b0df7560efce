package porteus

import (
	"bytes"
	"slices"
	"time"
)

// Status is how a publication stands.
type Status struct {
	Held    []Change      `json:"held"`                // what settings have become and nobody has published
	Restart []string      `json:"restart"`             // ids of the terminals that would make their image anew for it
	Under   bool          `json:"under_way"`           // a publication is under way
	Current string        `json:"current,omitempty"`   // id of the terminal whose turn it is
	Left    time.Duration `json:"left,omitempty"`      // of its turn
	Waiting []string      `json:"waiting"`             // ids of those that have not come back yet, Current among them
	Done    int           `json:"done"`                // that have
	Unknown []string      `json:"unwritten,omitempty"` // ids of adopted terminals that have no section: PCID missing, or part of another's
	Paused  bool          `json:"paused,omitempty"`    // it goes on when the place closes
}

// Status says how it stands.
func (r *Rollout) Status() (Status, error) {
	members := r.o.Members()
	want, err := r.want(members)
	if err != nil {
		return Status{}, err
	}
	closed := r.o.Closed()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{Held: []Change{}, Restart: []string{}, Waiting: []string{}, Under: r.state.Next != nil, Done: len(r.state.Done)}
	base := r.state.Published
	if s.Under {
		base = r.state.Next
	}
	can := writable(members)
	for _, m := range members {
		if m.Adopted && !slices.ContainsFunc(can, func(c Member) bool { return c.ID == m.ID }) {
			s.Unknown = append(s.Unknown, m.ID)
		}
		if base != nil && m.Adopted && !bytes.Equal(base.part(m.MAC), want.part(m.MAC)) {
			s.Restart = append(s.Restart, m.ID)
		}
		if r.turn.mac == m.MAC && r.turn != (turn{}) {
			s.Current, s.Left = m.ID, max(r.turn.until.Sub(r.o.Clock.Boot()), 0)
		}
	}
	if base != nil {
		s.Held = append(s.Held, Diff([]byte(base.Config), []byte(want.Config))...)
	}
	for _, m := range r.queue(members) {
		s.Waiting = append(s.Waiting, m.ID)
	}
	s.Paused = s.Under && !r.state.Now && !closed
	return s, nil
}

// Published returns the file that is served, all sections of it, and what it would be now.
func (r *Rollout) Published() (published, now []byte, err error) {
	want, err := r.want(r.o.Members())
	if err != nil {
		return nil, nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state.Published != nil {
		published = []byte(r.state.Published.Config)
	}
	return published, []byte(want.Config), nil
}
