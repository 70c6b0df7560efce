package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Terms are how long things are kept that nobody needs for ever.
type Terms struct {
	Log       time.Duration // who did what: names of the centre's people
	Incidents time.Duration // after their end
	Messages  time.Duration // after they have arrived, once their incident has ended
	Hours     int           // years of single hours; 0 for ever. Days and months are kept for ever
}

// Purged is how many of each were removed.
type Purged struct{ Incidents, Messages, Codes, Layers, Publications int }

// Sum is all of them.
func (p Purged) Sum() int { return p.Incidents + p.Messages + p.Codes + p.Layers + p.Publications }

// Purge removes what the commune has kept for longer than its term at now: incidents with all that is about them, messages, codes that can no longer
// be used, and of configurations what is neither in force nor what some site was last told.
func (t *Tenant) Purge(ctx context.Context, terms Terms, now time.Time) (p Purged, err error) {
	var b pgx.Batch
	remove := func(n *int, sql string, args ...any) {
		b.Queue(sql, args...).Exec(func(tag pgconn.CommandTag) error {
			*n = int(tag.RowsAffected())
			return nil
		})
	}
	remove(&p.Messages, `DELETE FROM message m USING incident i WHERE i.id = m.incident AND i.ended IS NOT NULL AND m.done < $1
		AND NOT EXISTS (SELECT FROM message w WHERE w.incident = m.incident AND w.way = m.way AND w.done IS NULL)`, now.Add(-terms.Messages))
	remove(&p.Incidents, `DELETE FROM incident i WHERE i.ended < $1 AND NOT EXISTS (SELECT FROM message m WHERE m.incident = i.id AND m.done IS NULL)
		AND NOT EXISTS (SELECT FROM watch w WHERE w.incident = i.id)`, now.Add(-terms.Incidents))
	remove(&p.Codes, "DELETE FROM code WHERE until < $1", now.Add(-terms.Messages))
	remove(&p.Layers, `DELETE FROM layer l WHERE l.made < $1 AND EXISTS (
		SELECT FROM layer n WHERE n.tenant = l.tenant AND n.site IS NOT DISTINCT FROM l.site AND n.id > l.id)`, now.Add(-terms.Log))
	remove(&p.Publications, `DELETE FROM publication p WHERE p.made < $1 AND p.state IN ('done', 'ended') AND EXISTS (SELECT FROM publication n WHERE n.id > p.id)
		AND NOT EXISTS (SELECT FROM offer o WHERE o.publication = p.id AND o.told IS NOT NULL
			AND NOT EXISTS (SELECT FROM offer n WHERE n.site = o.site AND n.told IS NOT NULL AND n.version > o.version))`, now.Add(-terms.Log))
	if err := t.tx.SendBatch(ctx, &b).Close(); err != nil {
		return Purged{}, fmt.Errorf("store: purge: %w", err)
	}
	return p, nil
}

// DropHours drops the months of single hours, of every commune, that had ended so many years before now, and returns how many; years 0 keeps all.
// ErrBusy: somebody writes; the same again later.
func (h *Hub) DropHours(ctx context.Context, years int, now time.Time) (months int, err error) {
	if years <= 0 {
		return 0, nil
	}
	err = named(h.pool.QueryRow(ctx, "SELECT drop_hours($1)", now.AddDate(-years, 0, 0).Unix()/3600).Scan(&months))
	if err != nil {
		return 0, fmt.Errorf("store: drop hours: %w", err)
	}
	return months, nil
}
