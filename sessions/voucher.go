package sessions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"parvis/internal/clock"
	"parvis/internal/order"
)

// Bounds of what may be made. A site has room for a year of full batches.
const (
	SheetTickets = 24  // of one sheet of paper, 3 by 8
	BatchMost    = 960 // tickets of one batch
	DevicesMost  = 20  // of one ticket
	labelMost    = 80  // characters of a label or title
	batchesMost  = 500
	ticketsMost  = 20_000
	printFor     = 15 * time.Minute // codes can be printed for so long after they were made
	keepPapers   = 30 * 24 * time.Hour
)

// Errors of tickets and workshops that callers decide by.
var (
	ErrInvalid            = errors.New("sessions: not a batch or workshop that can be")
	ErrCode               = errors.New("sessions: no such code")
	ErrUsed               = errors.New("sessions: the ticket is used")
	ErrTooOld             = errors.New("sessions: the ticket is too old")
	ErrTooEarly           = errors.New("sessions: the ticket is not valid yet")
	ErrRevoked            = errors.New("sessions: the ticket was revoked")
	ErrWorkshopFull       = errors.New("sessions: every place of the workshop is taken")
	ErrWorkshopNotStarted = errors.New("sessions: the workshop has not started")
	ErrWorkshopOver       = errors.New("sessions: the workshop is over")
	ErrReserve            = errors.New("sessions: workshops would reserve more than half of the line")
	ErrWorkshopState      = errors.New("sessions: the workshop is not in a state for that")
)

// BatchState says what a batch is good for.
type BatchState string

// The states of a batch.
const (
	BatchValid   BatchState = "valid"
	BatchEarly   BatchState = "early"   // not valid yet
	BatchOld     BatchState = "old"     // not valid any more
	BatchUsed    BatchState = "used"    // no ticket opens anything new
	BatchRevoked BatchState = "revoked" // taken back by the place
)

// Batch is tickets that were made together, as they were at the moment of asking. It is a copy.
type Batch struct {
	ID      string        `json:"id"`
	Label   string        `json:"label"` // the place's own words; never a person's name
	Profile string        `json:"profile"`
	For     time.Duration `json:"for"`     // of one session; 0 the profile's
	Devices int           `json:"devices"` // of one ticket
	Count   int           `json:"count"`   // tickets made, those of replaced sheets included
	Used    int           `json:"used"`    // tickets that have opened a session at least
	Left    int           `json:"left"`    // tickets that nobody has used and that work
	Revoked int           `json:"revoked"` // tickets that nobody has used and that do not work any more
	Made    time.Time     `json:"made"`
	From    time.Time     `json:"from,omitzero"`
	Until   time.Time     `json:"until,omitzero"`
	Sheets  []Sheet       `json:"sheets"`
	State   BatchState    `json:"state"`
}

// Sheet is a sheet of paper of a batch.
type Sheet struct {
	Number  int `json:"number"`
	Count   int `json:"count"`
	Used    int `json:"used"`
	Left    int `json:"left"`
	Revoked int `json:"revoked"`
}

// BatchRequest asks for tickets.
type BatchRequest struct {
	Label       string // at most 80 characters
	Profile     string
	For         time.Duration // of one session, at most MaxTime; 0 the profile's
	Devices     int           // of one ticket, at most DevicesMost; 0 what the profile says
	Count       int           // at most BatchMost
	From, Until time.Time     // zero: not bounded
}

// MakeBatch makes tickets and returns their codes, which are nowhere in clear but in this answer and, for printFor, in Tickets.
// ErrInvalid and ErrUnknownProfile say what was asked wrongly, ErrStore that there is no batch.
func (m *Manager) MakeBatch(ctx context.Context, r BatchRequest) (Batch, []Ticket, error) {
	p, ok := m.profile(r.Profile)
	ok = ok && !p.Terminal
	if !ok {
		return Batch{}, nil, fmt.Errorf("%w: %q", ErrUnknownProfile, r.Profile)
	}
	r.Devices = cmp.Or(r.Devices, p.Devices, 1)
	if err := r.check(); err != nil {
		return Batch{}, nil, err
	}
	m.op.Lock()
	defer m.unlock()
	defer m.wake()
	if !m.started {
		return Batch{}, nil, errors.New("sessions: make batch: not started")
	}
	if len(m.papers.batches) >= batchesMost || len(m.papers.tickets)+r.Count > ticketsMost {
		return Batch{}, nil, fmt.Errorf("%w: there are %d batches of %d tickets already", ErrInvalid, len(m.papers.batches), len(m.papers.tickets))
	}
	row := BatchRow{
		ID: m.papers.newID(), Label: r.Label, Profile: r.Profile, For: r.For, Devices: r.Devices, Made: m.clock.Wall().Time.Round(0),
		From: r.From, Until: r.Until,
	}
	var rows []TicketRow
	var codes []printedTicket
	for i := range r.Count {
		made := m.papers.newTicket(row.ID, 1+i/SheetTickets)
		rows, codes = append(rows, made.row), append(codes, made)
	}
	if err := m.saveWith(context.WithoutCancel(ctx), Papers{Batches: []BatchRow{row}, Tickets: rows}); err != nil {
		m.mu.Lock()
		m.papers.goneBatches[row.ID] = true // the disk may hold it all the same
		m.mu.Unlock()
		return Batch{}, nil, fmt.Errorf("sessions: make batch: %w: %w", ErrStore, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b := &batch{BatchRow: row}
	m.papers.batches[row.ID] = b
	for _, t := range rows {
		m.papers.add(t)
	}
	tickets := m.papers.print(row.ID, m.clock.Boot(), codes)
	m.log.Info("tickets made", "batch", row.ID, "count", r.Count)
	m.changed = true
	return b.view(m.date(m.clock.Boot())), tickets, nil
}

func (r BatchRequest) check() error {
	switch {
	case utf8.RuneCountInString(r.Label) > labelMost || !utf8.ValidString(r.Label):
		return fmt.Errorf("%w: label: expected at most %d characters", ErrInvalid, labelMost)
	case r.For < 0 || r.For > MaxTime:
		return fmt.Errorf("%w: time %v: expected 0 to %v", ErrInvalid, r.For, MaxTime)
	case r.Devices < 1 || r.Devices > DevicesMost:
		return fmt.Errorf("%w: %d devices: expected 1 to %d", ErrInvalid, r.Devices, DevicesMost)
	case r.Count < 1 || r.Count > BatchMost:
		return fmt.Errorf("%w: %d tickets: expected 1 to %d", ErrInvalid, r.Count, BatchMost)
	case !r.From.IsZero() && !r.Until.IsZero() && !r.Until.After(r.From):
		return fmt.Errorf("%w: valid until %v, which is not after %v", ErrInvalid, r.Until, r.From)
	}
	return nil
}

// Batches returns every batch that is remembered, the newest first.
func (m *Manager) Batches() []Batch {
	m.mu.RLock()
	defer m.mu.RUnlock()
	at := m.date(m.clock.Boot())
	all := make([]Batch, 0, len(m.papers.batches))
	for _, b := range m.papers.batches {
		all = append(all, b.view(at))
	}
	order.Func(all, func(a, b Batch) int { return cmp.Or(b.Made.Compare(a.Made), cmp.Compare(a.ID, b.ID)) })
	return all
}

// RevokeBatch makes every ticket of a batch useless, also those that are used and would resume. cut ends what they have
// opened, ByOperator; otherwise it goes on until its time ends. ErrNotFound; ErrStore when nothing has changed; ErrEnforce when the
// kernel has not confirmed every cut yet.
func (m *Manager) RevokeBatch(ctx context.Context, id string, cut bool) error {
	m.op.Lock()
	defer m.unlock()
	defer m.wake()
	ctx = context.WithoutCancel(ctx)
	b := m.papers.batches[id]
	if b == nil {
		return ErrNotFound
	}
	next := b.BatchRow
	next.Revoked = true
	if err := m.saveWith(ctx, Papers{Batches: []BatchRow{next}}); err != nil {
		m.mu.Lock()
		m.papers.owedBatches[id] = true
		m.mu.Unlock()
		return fmt.Errorf("sessions: revoke batch: %w: %w", ErrStore, err)
	}
	m.mu.Lock()
	b.BatchRow = next
	delete(m.papers.printed, id)
	m.mu.Unlock()
	m.log.Info("tickets revoked", "batch", id, "cut", cut)
	m.changed = true
	if !cut {
		return nil
	}
	var list []ending
	for _, t := range b.tickets {
		for _, s := range t.holders {
			if s.State == Open {
				list = append(list, ending{s, ByOperator})
			}
		}
	}
	return m.end(ctx, m.clock.Boot(), list...)
}

// date is the civil time that calendar rules go by: sure, or the latest that was known for sure.
type date struct {
	time time.Time
	sure bool
}

// date tells what calendar rules may go by. While nobody has set the clock they go by the latest time that was known for sure:
// what had become too old stays too old, what had begun stays begun, and a ticket of which neither can be told works, because the
// person who holds it is in the right more often than the clock.
func (m *Manager) date(now clock.Boot) date {
	if t, known := m.civilNow(now); known {
		return date{t, true}
	}
	return date{m.papers.sure, false}
}

func (d date) early(from time.Time) bool { return d.sure && d.time.Before(from) }

func (d date) old(until time.Time) bool { return !until.IsZero() && !d.time.Before(until) }

func (b *batch) view(at date) Batch {
	v := Batch{
		ID: b.ID, Label: b.Label, Profile: b.Profile, For: b.For, Devices: b.Devices, Count: len(b.tickets), Made: b.Made, From: b.From,
		Until: b.Until,
	}
	open := false // some ticket would open something
	for _, t := range b.tickets {
		open = open || !t.Dead && t.used() < b.Devices
		for len(v.Sheets) < t.Sheet {
			v.Sheets = append(v.Sheets, Sheet{Number: len(v.Sheets) + 1})
		}
		s := &v.Sheets[t.Sheet-1]
		s.Count++
		switch {
		case t.used() > 0:
			s.Used++
		case t.Dead || b.Revoked:
			s.Revoked++
		default:
			s.Left++
		}
	}
	for _, s := range v.Sheets {
		v.Used, v.Left, v.Revoked = v.Used+s.Used, v.Left+s.Left, v.Revoked+s.Revoked
	}
	switch {
	case b.Revoked:
		v.State = BatchRevoked
	case at.old(b.Until):
		v.State = BatchOld
	case !open:
		v.State = BatchUsed
	case at.early(b.From):
		v.State = BatchEarly
	default:
		v.State = BatchValid
	}
	return v
}
