package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Watch is a problem of a site that has been seen; its times are zero where there are none.
type Watch struct {
	Site, Code         string
	Since, Quiet, Told time.Time
	Incident           int64 // that is open; 0: none
	What               []string
}

// Incident is a problem that lasted.
type Incident struct {
	ID             int64
	Site, SiteName string
	Code           string
	What           []string
	Began          time.Time
	Ended          time.Time // zero: it is open
}

// list is never NULL.
func list(s []string) []string { return append([]string{}, s...) }

// Watches are the problems that are watched in the commune.
func (t *Tenant) Watches(ctx context.Context) ([]Watch, error) {
	rows, err := t.tx.Query(ctx, "SELECT site, code, since, quiet, told, coalesce(incident, 0), what FROM watch ORDER BY site, code")
	if err != nil {
		return nil, fmt.Errorf("store: watches: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (w Watch, err error) {
		var quiet, told *time.Time
		err = r.Scan(&w.Site, &w.Code, &w.Since, &quiet, &told, &w.Incident, &w.What)
		w.Quiet, w.Told = from(quiet), from(told)
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("store: watches: %w", err)
	}
	return all, nil
}

// SetWatch keeps a watch in the place of the one that there was of this site and code. One without a Since is forgotten.
func (t *Tenant) SetWatch(ctx context.Context, w Watch) error {
	if w.Since.IsZero() {
		if _, err := t.tx.Exec(ctx, "DELETE FROM watch WHERE site = $1 AND code = $2", w.Site, w.Code); err != nil {
			return fmt.Errorf("store: forget watch: %w", err)
		}
		return nil
	}
	return t.changed(ctx, `INSERT INTO watch (tenant, site, code, since, quiet, told, incident, what)
		SELECT tenant, id, $2, $3, $4, $5, nullif($6::bigint, 0), $7 FROM site WHERE id = $1
		ON CONFLICT (site, code) DO UPDATE SET since = excluded.since, quiet = excluded.quiet, told = excluded.told, incident = excluded.incident,
			what = excluded.what`,
		w.Site, w.Code, w.Since, at(w.Quiet), at(w.Told), w.Incident, list(w.What))
}

// BeginIncident opens an incident. There is one open of a site and a code at most: a second one is an error.
func (t *Tenant) BeginIncident(ctx context.Context, site, code string, what []string, began time.Time) (id int64, err error) {
	err = t.tx.QueryRow(ctx, `INSERT INTO incident (tenant, site, code, what, began) SELECT tenant, id, $2, $3, $4 FROM site WHERE id = $1 RETURNING id`,
		site, code, list(what), began).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("store: begin incident %s of %s: %w", code, site, one(err))
	}
	return id, nil
}

// GrowIncident says what an open incident is about by now.
func (t *Tenant) GrowIncident(ctx context.Context, id int64, what []string) error {
	return t.changed(ctx, "UPDATE incident SET what = $2 WHERE id = $1 AND ended IS NULL", id, list(what))
}

// EndIncident ends an open one.
func (t *Tenant) EndIncident(ctx context.Context, id int64, ended time.Time) error {
	return t.changed(ctx, "UPDATE incident SET ended = $2 WHERE id = $1 AND ended IS NULL", id, ended)
}

// Incidents are those that are open, and those that ended after a moment, the newest first.
func (t *Tenant) Incidents(ctx context.Context, endedAfter time.Time) ([]Incident, error) {
	rows, err := t.tx.Query(ctx, `SELECT i.id, i.site, s.name, i.code, i.what, i.began, i.ended FROM incident i JOIN site s ON s.id = i.site
		WHERE i.ended IS NULL OR i.ended > $1 ORDER BY i.ended IS NULL DESC, i.began DESC, i.id DESC`, endedAfter)
	if err != nil {
		return nil, fmt.Errorf("store: incidents: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (i Incident, err error) {
		var ended *time.Time
		err = r.Scan(&i.ID, &i.Site, &i.SiteName, &i.Code, &i.What, &i.Began, &ended)
		i.Ended = from(ended)
		return i, err
	})
	if err != nil {
		return nil, fmt.Errorf("store: incidents: %w", err)
	}
	return all, nil
}
