package sessions

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"

	"parvis/internal/clock"
)

// Ticket is a code in clear, in the groups in which it is shown.
type Ticket struct {
	Code  string `json:"code"`
	Sheet int    `json:"sheet"`
}

// printed are codes that may still be printed.
type printed struct {
	tickets []Ticket
	keys    map[string]TicketKey
	until   clock.Boot
}

// Tickets returns the codes of a batch for as long as they can be printed: printFor after they were made.
func (m *Manager) Tickets(id string) ([]Ticket, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	p, ok := m.papers.printed[id]
	if !ok || p.until <= m.clock.Boot() {
		return nil, false
	}
	return slices.Clone(p.tickets), true
}

// ReplaceSheet makes the unused tickets of a sheet useless and returns as many new ones, on a sheet of their own. Those that
// are used stay as they are. ErrNotFound when there is no such sheet, ErrRevoked when the batch was revoked, ErrUsed when every
// ticket of the sheet is used or replaced already.
func (m *Manager) ReplaceSheet(ctx context.Context, id string, sheet int) ([]Ticket, error) {
	m.op.Lock()
	defer m.unlock()
	defer m.wake()
	b := m.papers.batches[id]
	if b == nil {
		return nil, ErrNotFound
	}
	var old, rows []TicketRow
	last, there := 0, false
	for _, t := range b.tickets {
		last = max(last, t.Sheet)
		there = there || t.Sheet == sheet
		if t.Sheet == sheet && !t.Dead && t.used() == 0 {
			row := t.TicketRow
			row.Dead = true
			old = append(old, row)
		}
	}
	switch {
	case !there:
		return nil, ErrNotFound
	case b.Revoked:
		return nil, ErrRevoked
	case len(old) == 0:
		return nil, ErrUsed
	case len(m.papers.tickets)+len(old) > ticketsMost:
		return nil, fmt.Errorf("%w: there are %d tickets already", ErrInvalid, len(m.papers.tickets))
	}
	var codes []printedTicket
	for range old {
		made := m.papers.newTicket(id, last+1)
		rows, codes = append(rows, made.row), append(codes, made)
	}
	if err := m.saveWith(context.WithoutCancel(ctx), Papers{Tickets: slices.Concat(old, rows)}); err != nil {
		m.mu.Lock()
		for _, t := range old {
			m.papers.owedTickets[t.Key] = true
		}
		for _, t := range rows { // nobody knows their codes: the disk may keep them, dead
			t.Dead = true
			m.papers.add(t)
			m.papers.owedTickets[t.Key] = true
		}
		m.mu.Unlock()
		return nil, fmt.Errorf("sessions: replace sheet: %w: %w", ErrStore, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range old {
		m.papers.tickets[t.Key].Dead = true
	}
	for _, t := range rows {
		m.papers.add(t)
	}
	m.log.Info("sheet replaced", "batch", id, "sheet", sheet, "count", len(rows))
	m.changed = true
	return m.papers.print(id, m.clock.Boot(), codes), nil
}

// printedTicket is a ticket and its code, which is in no row.
type printedTicket struct {
	row  TicketRow
	code string
}

func (p *papers) newTicket(batch string, sheet int) printedTicket {
	code := randomCode()
	return printedTicket{TicketRow{Key: p.keys.of(code), Batch: batch, Sheet: sheet}, code}
}

// print keeps codes for as long as they may be printed, beside those of the batch that still are, and returns the new ones.
func (p *papers) print(id string, now clock.Boot, made []printedTicket) []Ticket {
	var list, fresh []Ticket
	keys := map[string]TicketKey{}
	for _, t := range p.printed[id].tickets {
		if key := p.printed[id].keys[t.Code]; !p.tickets[key].Dead {
			list, keys[t.Code] = append(list, t), key
		}
	}
	for _, t := range made {
		shown := Ticket{Code: FormatCode(t.code), Sheet: t.row.Sheet}
		fresh, keys[shown.Code] = append(fresh, shown), t.row.Key
	}
	p.printed[id] = printed{tickets: slices.Concat(list, fresh), keys: keys, until: now.Add(printFor)}
	return fresh
}

// newID names a batch or a workshop: short, since operators type it.
func (p *papers) newID() string {
	for {
		var b [5]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		id := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
		if p.batches[id] == nil && p.workshops[id] == nil && !p.goneBatches[id] && !p.goneWorkshops[id] && p.roomFree(id) {
			return id
		}
	}
}

// roomFree reports whether no other workshop has the code that goes with this id.
func (p *papers) roomFree(id string) bool {
	code := p.keys.roomCode(id)
	for _, w := range p.workshops {
		if w.code == code {
			return false
		}
	}
	return true
}
