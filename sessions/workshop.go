package sessions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"parvis/internal/clock"
	"parvis/internal/order"
)

// Bounds of workshops.
const (
	PlacesMost    = 100
	workshopsMost = 500
	workshopMost  = 24 * time.Hour       // the longest
	keepCounts    = 400 * 24 * time.Hour // from its making
)

// WorkshopState says where a workshop is.
type WorkshopState string

// The states of a workshop, in their order.
const (
	Planned WorkshopState = "planned"
	Running WorkshopState = "running"
	Over    WorkshopState = "ended"
)

// Workshop is a group in a room that starts and ends together, as it was at the moment of asking. It is a copy.
type Workshop struct {
	ID      string        `json:"id"`
	Title   string        `json:"title"` // the place's own words, never a person's name; "" once forgotten
	Profile string        `json:"profile"`
	Code    string        `json:"code"` // of the room, as it is shown; "" once it is over
	Places  int           `json:"places"`
	Taken   int           `json:"taken"`          // places that somebody holds
	Start   time.Time     `json:"start,omitzero"` // when it began, or begins by itself; zero: by hand
	End     time.Time     `json:"end,omitzero"`   // when it ended, or ends as things stand
	Length  time.Duration `json:"length"`
	State   WorkshopState `json:"state"`
	Floor   uint64        `json:"floor"`           // bits per second that each place is guaranteed each way; 0 no more than anybody
	Heads   *int          `json:"heads,omitempty"` // people, as the mediator counted them
	Devices int           `json:"devices"`         // sessions that it has opened, as we counted them
	Left    time.Duration `json:"left,omitempty"`  // while it runs
}

// WorkshopRequest asks for a workshop.
type WorkshopRequest struct {
	// Again is an earlier workshop, whose values stand where others are not given; Start is never one of them. "" none.
	Again   string
	Title   string // at most 80 characters
	Profile string
	Places  int           // at most PlacesMost
	Length  time.Duration // at most a day
	Start   time.Time     // it begins by itself then; zero: by StartWorkshop
	Reserve uint64        // bits per second each way, of all places together; 0 none
}

// MakeWorkshop plans a workshop. ErrInvalid and ErrUnknownProfile say what was asked wrongly; ErrReserve that it would, with those
// that may run at the same time, reserve more than half of the line; ErrStore that there is none.
func (m *Manager) MakeWorkshop(ctx context.Context, r WorkshopRequest) (Workshop, error) {
	m.op.Lock()
	defer m.unlock()
	defer m.wake()
	if !m.started {
		return Workshop{}, errors.New("sessions: make workshop: not started")
	}
	if r.Again != "" {
		w := m.papers.workshops[r.Again]
		if w == nil {
			return Workshop{}, ErrNotFound
		}
		r.Title, r.Profile = cmp.Or(r.Title, w.Title), cmp.Or(r.Profile, w.Profile)
		r.Places, r.Length, r.Reserve = cmp.Or(r.Places, w.Places), cmp.Or(r.Length, w.Length), cmp.Or(r.Reserve, w.Reserve)
	}
	if p, ok := m.profile(r.Profile); !ok || p.Terminal {
		return Workshop{}, fmt.Errorf("%w: %q", ErrUnknownProfile, r.Profile)
	}
	if err := r.check(); err != nil {
		return Workshop{}, err
	}
	if len(m.papers.workshops) >= workshopsMost {
		return Workshop{}, fmt.Errorf("%w: there are %d workshops already", ErrInvalid, workshopsMost)
	}
	row := WorkshopRow{
		ID: m.papers.newID(), Title: r.Title, Profile: r.Profile, Places: r.Places, Reserve: r.Reserve, State: Planned,
		Made: m.clock.Wall().Time.Round(0), Start: r.Start, Length: r.Length, Heads: -1,
	}
	if most := m.papers.half - min(m.reservedBeside(row), m.papers.half); row.Reserve > most {
		return Workshop{}, fmt.Errorf("%w: %d bit/s asked, %d left", ErrReserve, row.Reserve, most)
	}
	if err := m.saveWith(context.WithoutCancel(ctx), Papers{Workshops: []WorkshopRow{row}}); err != nil {
		m.mu.Lock()
		m.papers.goneWorkshops[row.ID] = true // the disk may hold it all the same
		m.mu.Unlock()
		return Workshop{}, fmt.Errorf("sessions: make workshop: %w: %w", ErrStore, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	w := &workshop{WorkshopRow: row, code: m.papers.keys.roomCode(row.ID)}
	m.papers.workshops[row.ID] = w
	m.log.Info("workshop planned", "workshop", row.ID, "places", row.Places)
	m.changed = true
	return m.viewWorkshop(w), nil
}

func (r WorkshopRequest) check() error {
	switch {
	case utf8.RuneCountInString(r.Title) > labelMost || !utf8.ValidString(r.Title):
		return fmt.Errorf("%w: title: expected at most %d characters", ErrInvalid, labelMost)
	case r.Places < 1 || r.Places > PlacesMost:
		return fmt.Errorf("%w: %d places: expected 1 to %d", ErrInvalid, r.Places, PlacesMost)
	case r.Length < time.Minute || r.Length > workshopMost:
		return fmt.Errorf("%w: length %v: expected a minute to %v", ErrInvalid, r.Length, workshopMost)
	}
	return nil
}

// reservedBeside is what workshops that are not over and may run at the same time as this one reserve.
func (m *Manager) reservedBeside(row WorkshopRow) (sum uint64) {
	for _, w := range m.papers.workshops {
		apart := !row.Start.IsZero() && !w.Start.IsZero() && w.State == Planned &&
			(!w.Start.Before(row.Start.Add(row.Length)) || !row.Start.Before(w.Start.Add(w.Length)))
		if w.ID != row.ID && w.State != Over && !apart {
			sum += w.Reserve
		}
	}
	return sum
}

// Workshops returns every workshop that is remembered: those that run, those that are planned, those that are over; among
// themselves the newest first.
func (m *Manager) Workshops() []Workshop {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := make([]Workshop, 0, len(m.papers.workshops))
	for _, w := range m.papers.workshops {
		all = append(all, m.viewWorkshop(w))
	}
	rank := []WorkshopState{Running, Planned, Over}
	order.Func(all, func(a, b Workshop) int {
		return cmp.Or(cmp.Compare(slices.Index(rank, a.State), slices.Index(rank, b.State)), b.Start.Compare(a.Start), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// Workshop returns one; ErrNotFound when there is none with this id.
func (m *Manager) Workshop(id string) (Workshop, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	w := m.papers.workshops[id]
	if w == nil {
		return Workshop{}, ErrNotFound
	}
	return m.viewWorkshop(w), nil
}

func (m *Manager) viewWorkshop(w *workshop) Workshop {
	now := m.clock.Boot()
	v := Workshop{
		ID: w.ID, Title: w.Title, Profile: w.Profile, Code: FormatCode(w.code), Places: w.Places, Taken: w.taken(), Start: w.Start,
		Length: w.Length, State: w.State, Floor: w.Floor, Devices: w.Spent + len(w.holders),
	}
	if w.Heads >= 0 {
		heads := w.Heads
		v.Heads = &heads
	}
	switch w.State {
	case Running:
		v.Left = max(w.End.Sub(now), 0)
		v.Start, v.End = w.Begun, m.clock.Wall().Time.Add(w.End.Sub(now)).Round(time.Second)
		if v.Left == 0 { // it is being ended
			v.State, v.Code = Over, ""
		}
	case Over:
		v.Code, v.End = "", w.Over
		if !w.Begun.IsZero() {
			v.Start = w.Begun
		}
	case Planned:
		if !w.Start.IsZero() {
			v.End = w.Start.Add(w.Length)
		}
		v.Floor = w.Reserve / uint64(w.Places)
	}
	return v
}

// taken are places that are held: by who is in, and by who can come back. A place whose session somebody else has ended is
// free again.
func (w *workshop) taken() (n int) {
	for _, s := range w.holders {
		if s.keepsPlace() {
			n++
		}
	}
	return n
}

func (s *session) keepsPlace() bool {
	return s.State == Open || s.Reason != ByOperator && s.Reason != ByReplaced && s.Reason != ByMoved
}

// redeemRoom gives a place in a workshop. Called with op held.
func (m *Manager) redeemRoom(ctx context.Context, now clock.Boot, r Redemption, req OpenRequest, code string) (Session, error) {
	var w *workshop
	for _, other := range m.papers.workshops { // at most workshopsMost
		if other.code == code {
			w = other
		}
	}
	switch {
	case w == nil:
		return Session{}, ErrCode
	case w.State == Planned:
		return Session{}, ErrWorkshopNotStarted
	case w.State == Over || w.End <= now:
		return Session{}, ErrWorkshopOver
	}
	p, ok := m.profile(w.Profile)
	if !ok {
		return Session{}, fmt.Errorf("%w: %q", ErrUnknownProfile, w.Profile)
	}
	req.Profile, req.claim = p.Name, &claim{workshop: w.ID}
	if own := m.own(w.holders, r); own != nil && own.keepsPlace() {
		return m.goOn(ctx, now, p, own, req)
	}
	if w.taken() >= w.Places {
		return Session{}, ErrWorkshopFull
	}
	return m.use(ctx, now, p, req)
}
