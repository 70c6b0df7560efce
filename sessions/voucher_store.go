package sessions

import (
	"crypto/rand"
	"maps"
	"slices"
	"time"

	"parvis/internal/clock"
)

// Papers are what is remembered of tickets and workshops. In a Saved they are all that there are, in a Change what is new or in
// the place of what had its id.
//
// That a ticket is used or that a workshop's place is taken is not in them: it follows from the sessions that name it
// (Row.Ticket, Row.Workshop), so that a use and its session are one row, written as one or not at all. Only what is used by
// sessions that are no longer remembered is counted here, in the transaction that forgets them.
type Papers struct {
	Batches   []BatchRow
	Tickets   []TicketRow
	Workshops []WorkshopRow
}

// Torn are batches, with all of their tickets, and workshops that are no longer remembered, by id. One that is not there is
// no error.
type Torn struct{ Batches, Workshops []string }

// BatchRow is what is remembered of a batch.
type BatchRow struct {
	ID, Label, Profile string
	For                time.Duration // of one session; 0 the profile's
	Devices            int           // of one ticket
	Made               time.Time
	From, Until        time.Time // zero: not bounded
	Revoked            bool
	Over               time.Time // when it was first seen to be of no more use; zero: it is not
}

// TicketRow is what is remembered of a ticket.
type TicketRow struct {
	Key   TicketKey
	Batch string
	Sheet int  // from 1
	Dead  bool // of a sheet that was replaced, and never used
	Spent int  // sessions that it has opened and that are no longer remembered
}

// WorkshopRow is what is remembered of a workshop.
type WorkshopRow struct {
	ID, Title, Profile string
	Places             int
	Reserve            uint64 // bits per second, of all places together
	State              WorkshopState
	Made               time.Time
	Start              time.Time     // it begins by itself then; zero: it does not
	Length             time.Duration // of all of it, with what was added
	End                clock.Boot    // while it runs
	Begun, Over        time.Time     // for people; zero: not yet
	Floor              uint64        // bits per second of one place, while it runs
	Heads              int           // counted by the mediator; -1 not counted
	Spent              int           // its sessions that are no longer remembered
}

// papers are the tickets and workshops of a Manager. They are guarded as its sessions are.
type papers struct {
	keys      codeKeys
	half      uint64 // bits per second that workshops may reserve together
	batches   map[string]*batch
	tickets   map[TicketKey]*ticket
	workshops map[string]*workshop
	printed   map[string]printed // by batch
	sure      time.Time          // a civil time that was known for sure before the start; zero: none
	swept     clock.Boot         // when what is over for long was last let go

	// What the disk holds otherwise than we do, as Manager.owed and Manager.gone.
	owedBatches, owedWorkshops, goneBatches, goneWorkshops map[string]bool
	owedTickets                                            map[TicketKey]bool
}

type batch struct {
	BatchRow
	tickets []*ticket // in the order of their sheets
}

type ticket struct {
	TicketRow
	holders []*session // remembered sessions that it has opened
}

type workshop struct {
	WorkshopRow
	code    string
	holders []*session // its remembered sessions
}

func (t *ticket) used() int { return t.Spent + len(t.holders) }

func newPapers(key [32]byte, line uint64) (p papers, err error) {
	p = papers{
		half: line / 2, swept: clock.Boot(-lookSet), batches: map[string]*batch{}, tickets: map[TicketKey]*ticket{}, workshops: map[string]*workshop{},
		printed: map[string]printed{}, owedBatches: map[string]bool{}, owedWorkshops: map[string]bool{}, goneBatches: map[string]bool{},
		goneWorkshops: map[string]bool{}, owedTickets: map[TicketKey]bool{},
	}
	if key == ([32]byte{}) { // nobody outside may know what codes are made of
		_, _ = rand.Read(key[:]) // never fails (crypto/rand)
	}
	p.keys, err = newCodeKeys(key)
	return p, err
}

// load takes over what the store holds; sessions are held to it as they come.
func (p *papers) load(saved Saved, now clock.Boot, rebooted bool) {
	if saved.Mark.Sure {
		p.sure = saved.Mark.Wall
	}
	for _, row := range saved.Papers.Batches {
		p.batches[row.ID] = &batch{BatchRow: row}
	}
	for _, row := range saved.Papers.Tickets {
		p.add(row)
	}
	for _, row := range saved.Papers.Workshops {
		if rebooted && row.State == Running {
			row.End = row.End.Add(now.Sub(saved.Mark.Seen)) // as Row.rebase
			p.owedWorkshops[row.ID] = true
		}
		p.workshops[row.ID] = &workshop{WorkshopRow: row, code: p.keys.roomCode(row.ID)}
	}
}

// add makes a ticket findable.
func (p *papers) add(row TicketRow) {
	b := p.batches[row.Batch]
	if b == nil {
		return
	}
	t := &ticket{TicketRow: row}
	b.tickets = append(b.tickets, t)
	p.tickets[row.Key] = t
}

// hold ties a session that is remembered to its ticket or workshop, and loosen takes it off again: spent says that its use
// stays counted. Called with both locks held.
func (p *papers) hold(s *session) {
	if t := p.tickets[s.Ticket]; t != nil && !slices.Contains(t.holders, s) {
		t.holders = append(t.holders, s)
	}
	if w := p.workshops[s.Workshop]; w != nil && !slices.Contains(w.holders, s) {
		w.holders = append(w.holders, s)
	}
}

func (p *papers) loosen(s *session) {
	if t := p.tickets[s.Ticket]; t != nil {
		t.holders = slices.DeleteFunc(t.holders, func(o *session) bool { return o == s })
		t.Spent++
		p.owedTickets[t.Key] = true
	}
	if w := p.workshops[s.Workshop]; w != nil {
		w.holders = slices.DeleteFunc(w.holders, func(o *session) bool { return o == s })
		w.Spent++
		p.owedWorkshops[w.ID] = true
	}
}

// ends, over and floor are what a workshop prescribes to who has a place in it; w may be nil.
func (w *workshop) ends() clock.Boot {
	if w == nil || w.State != Running {
		return never
	}
	return w.End
}

func (w *workshop) over() bool { return w != nil && w.State == Over }

func (w *workshop) floor() uint64 {
	if w == nil || w.State != Running {
		return 0
	}
	return w.Floor
}

// owe adds to a change what the disk holds otherwise than we do. What the change says already goes before it.
func (p *papers) owe(c *Change) {
	said := map[string]bool{}
	for _, b := range c.Papers.Batches {
		said[b.ID] = true
	}
	for _, w := range c.Papers.Workshops {
		said[w.ID] = true
	}
	keys := map[TicketKey]bool{}
	for _, t := range c.Papers.Tickets {
		keys[t.Key] = true
	}
	for _, id := range slices.Sorted(maps.Keys(p.owedBatches)) {
		if b := p.batches[id]; b != nil && !said[id] {
			c.Papers.Batches = append(c.Papers.Batches, b.BatchRow)
		}
	}
	for key := range p.owedTickets {
		if t := p.tickets[key]; t != nil && !keys[key] {
			c.Papers.Tickets = append(c.Papers.Tickets, t.TicketRow)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.owedWorkshops)) {
		if w := p.workshops[id]; w != nil && !said[id] {
			c.Papers.Workshops = append(c.Papers.Workshops, w.WorkshopRow)
		}
	}
	c.Torn = Torn{Batches: slices.Sorted(maps.Keys(p.goneBatches)), Workshops: slices.Sorted(maps.Keys(p.goneWorkshops))}
}

// paid is called once a change is durable.
func (p *papers) paid() {
	clear(p.owedBatches)
	clear(p.owedTickets)
	clear(p.owedWorkshops)
	clear(p.goneBatches)
	clear(p.goneWorkshops)
}

// writes reports whether the disk is to be written every so often: it does not hold what we do, or a workshop runs whose time a
// power cut must not give back.
func (p *papers) writes() bool {
	if len(p.owedBatches)+len(p.owedTickets)+len(p.owedWorkshops)+len(p.goneBatches)+len(p.goneWorkshops) > 0 {
		return true
	}
	for _, w := range p.workshops {
		if w.State == Running {
			return true
		}
	}
	return false
}
