package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Message is about an incident, along one way.
type Message struct {
	ID       int64
	Way      string
	Event    string
	What     []string // that the incident was about then
	Attempts int
	Ref      string // under which the way's other side has the incident; "" not yet
	Incident Incident
}

// Waiting is what waits along one way.
type Waiting struct {
	Way    string
	N      int
	Oldest time.Time
	Why    string // the last attempt of the oldest failed; "" none was made
}

// AddMessage puts a message into the outbox, in the transaction of what it is about.
func (t *Tenant) AddMessage(ctx context.Context, incident int64, way, event string, what []string) error {
	return t.changed(ctx, "INSERT INTO message (tenant, incident, way, event, what) SELECT tenant, id, $2, $3, $4 FROM incident WHERE id = $1",
		incident, way, event, list(what))
}

// DueMessages are to be sent now, the oldest first: of a way and an incident the first one that is not done, and nothing of it while
// that one waits.
func (t *Tenant) DueMessages(ctx context.Context, now time.Time, most int) ([]Message, error) {
	rows, err := t.tx.Query(ctx, `SELECT m.id, m.way, m.event, m.what, m.attempts,
			coalesce((SELECT d.ref FROM message d WHERE d.incident = m.incident AND d.way = m.way AND d.done IS NOT NULL AND d.ref <> '' ORDER BY d.id DESC LIMIT 1), ''),
			i.id, i.site, s.name, i.code, i.what, i.began, i.ended
		FROM message m JOIN incident i ON i.id = m.incident JOIN site s ON s.id = i.site
		WHERE m.done IS NULL AND (m.next IS NULL OR m.next <= $1)
			AND NOT EXISTS (SELECT FROM message e WHERE e.incident = m.incident AND e.way = m.way AND e.done IS NULL AND e.id < m.id)
		ORDER BY m.id LIMIT $2`, now, most)
	if err != nil {
		return nil, fmt.Errorf("store: messages: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (m Message, err error) {
		var ended *time.Time
		i := &m.Incident
		err = r.Scan(&m.ID, &m.Way, &m.Event, &m.What, &m.Attempts, &m.Ref, &i.ID, &i.Site, &i.SiteName, &i.Code, &i.What, &i.Began, &ended)
		i.Ended = from(ended)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("store: messages: %w", err)
	}
	return all, nil
}

// ClaimMessage counts an attempt before it begins; the message is not due before next.
func (t *Tenant) ClaimMessage(ctx context.Context, id int64, next time.Time) error {
	return t.changed(ctx, "UPDATE message SET attempts = attempts + 1, next = $2 WHERE id = $1 AND done IS NULL", id, next)
}

// DoneMessage says that the other side has it.
func (t *Tenant) DoneMessage(ctx context.Context, id int64, ref string) error {
	return t.changed(ctx, "UPDATE message SET done = now(), ref = $2, why = '' WHERE id = $1 AND done IS NULL", id, ref)
}

// FailMessage says why the other side has it not, and when it is due again.
func (t *Tenant) FailMessage(ctx context.Context, id int64, why string, next time.Time) error {
	return t.changed(ctx, "UPDATE message SET why = $2, next = $3 WHERE id = $1 AND done IS NULL", id, why, next)
}

// WaitingMessages is what has not arrived yet, by way.
func (t *Tenant) WaitingMessages(ctx context.Context) ([]Waiting, error) {
	rows, err := t.tx.Query(ctx, `SELECT way, count(*)::int, min(made), (array_agg(why ORDER BY id))[1] FROM message WHERE done IS NULL GROUP BY way ORDER BY way`)
	if err != nil {
		return nil, fmt.Errorf("store: waiting messages: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Waiting])
	if err != nil {
		return nil, fmt.Errorf("store: waiting messages: %w", err)
	}
	return all, nil
}
