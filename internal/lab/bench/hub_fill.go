package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// madeSite is the identifier of a site whose history the database makes up by itself.
func madeSite(i int) string { return fmt.Sprintf("%016d", i) }

// made are the sites and what a year of people's work leaves beside their counts: cards, incidents, colleagues, a publication, a log.
const made = `
	INSERT INTO site (id, tenant, name, zone, enrolled, version) SELECT lpad(s::text, 16, '0'), 'made', 'Lieu ' || s, 'Europe/Paris', now(), '1.0' FROM generate_series(1, %[1]d) s;
	INSERT INTO contact (site, tenant, at, epoch, seq, sent, waiting, now) SELECT id, 'made', now(), '%[2]s', 1, extract(epoch FROM now())::bigint, 0,
		'{"version":"1.0","up":86400,"clock":"synchronised","place":"open","open":9,"slots":240,"waiting":0,"line":{"up":true,"latency":18,"loss":0,"down":40,"upload":12},
		"terminals":[{"id":"poste-1","state":"open"},{"id":"poste-2","state":"locked"}],"problems":[],"bundle":"","expires":{"portal":60,"console":60}}' FROM site WHERE tenant = 'made';
	INSERT INTO place (site, tenant, card, mediation, wifi, live, updated) SELECT id, 'made', '{"address":"1 rue de la Mairie","postcode":"35000","city":"Made"}', false, false, true, now() FROM site WHERE tenant = 'made';
	INSERT INTO incident (tenant, site, code, what, began, ended) SELECT 'made', lpad((1 + i %% %[1]d)::text, 16, '0'), 'line-slow', '{}', now() - i * interval '1 day' / 6, now() - i * interval '1 day' / 6 + interval '1 hour'
		FROM generate_series(1, 3 * %[1]d) i;
	INSERT INTO message (tenant, incident, way, event, what, done) SELECT tenant, id, 'astreinte', e, '{}', began FROM incident, unnest(ARRAY['begin', 'end']) e WHERE tenant = 'made';
	INSERT INTO colleague (id, tenant, login, name, role) SELECT lpad(translate(i::text, '0189', 'abyz'), 26, 'c'), 'made', 'personne-' || i, 'Personne ' || i, 'mediator' FROM generate_series(1, 2 * %[1]d) i;
	INSERT INTO colleague_site (colleague, tenant, site) SELECT lpad(translate(i::text, '0189', 'abyz'), 26, 'c'), 'made', lpad((1 + (i + k) %% %[1]d)::text, 16, '0')
		FROM generate_series(1, 2 * %[1]d) i, generate_series(0, 1) k;
	INSERT INTO layer (tenant, source, by) VALUES ('made', E'[site]\ndesk = "la banque"\n', 'Personne 1');
	INSERT INTO publication (tenant, by) VALUES ('made', 'Personne 1');
	INSERT INTO offer (publication, tenant, site, config, told, runs) SELECT p.id, 'made', s.id, E'[site]\ndesk = "l''accueil"\n', now(), now() FROM publication p, site s WHERE s.tenant = 'made' AND p.tenant = 'made';
	INSERT INTO staff_log (tenant, at, who, name, role, what, object) SELECT 'made', now() - i * interval '1 hour', 'who', 'Personne 1', 'dsi', 'charge', i::text FROM generate_series(1, 8760) i;
	CREATE FUNCTION made_counts(n bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT jsonb_build_object(
		'sessions visite', n * 5 %% 17, 'sessions carte', n * 3 %% 11, 'time visite', n * 7919 %% 20000000, 'time carte', n * 104729 %% 9000000,
		'bytes visite', n * 1299709 %% 9000000000, 'bytes carte', n * 15485863 %% 4000000000, 'opener portal', n %% 15, 'opener voucher', n %% 9,
		'language fr', n %% 19, 'language en', n %% 5, 'kind phone', n %% 13, 'kind computer', n %% 7, 'pages start', n %% 61,
		'terminal-sessions poste-1', n %% 6, 'terminal-time poste-1', n * 611953 %% 3600000) $$;
	CREATE TABLE made_hours AS SELECT n, made_counts(n) AS counts FROM generate_series(0, 96::bigint) n`

// fill makes the history of sites: ten hours of a day, six days of a week, have every counter of busy, with the numbers of one of 97 hours; the others were
// measured, and nobody came. Rows lie in the order of time, as they do where sites send hour by hour. Days and months are as large as sums of these
// hours are, and no sums of them.
func (c *centre) fill(ctx context.Context, sites, years int) error {
	if err := c.store.AddTenant(ctx, "made", "Made"); err != nil {
		return err
	}
	if err := c.superuser(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf(made, sites, benchEpoch))
		return err
	}); err != nil {
		return fmt.Errorf("bench: make sites: %w", err)
	}
	now := time.Now().UTC()
	begun := time.Date(now.Year()-years, now.Month(), 1, 0, 0, 0, 0, time.UTC)
	// A partition is made while nobody writes into another: first all of them.
	if err := c.superuser(ctx, func(conn *pgx.Conn) error {
		for at := begun; !at.After(now); at = at.AddDate(0, 1, 0) {
			if _, err := conn.Exec(ctx, "SELECT ensure_hours($1)", at.Unix()/3600); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return fmt.Errorf("bench: make months: %w", err)
	}
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for at := begun; !at.After(now); at = at.AddDate(0, 1, 0) {
		group.Go(func() error {
			return c.superuser(all, func(conn *pgx.Conn) error {
				return fillHours(all, conn, sites, at.Unix()/3600, min(at.AddDate(0, 1, 0).Unix()/3600, now.Unix()/3600+1))
			})
		})
	}
	group.Go(func() error {
		return c.superuser(all, func(conn *pgx.Conn) error { return fillSums(all, conn, sites, begun, now) })
	})
	if err := group.Wait(); err != nil {
		return fmt.Errorf("bench: make a history: %w", err)
	}
	return c.superuser(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "VACUUM (ANALYZE)")
		return err
	})
}

// superuser is a connection that does not look for each row's site: they are there.
func (c *centre) superuser(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, c.server.Connect("postgres", "centre"))
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SET session_replication_role = replica; SET synchronous_commit = off"); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return do(conn)
}

// fillHours makes the hours from one to another, of one month.
func fillHours(ctx context.Context, conn *pgx.Conn, sites int, from, to int64) error {
	_, err := conn.Exec(ctx, `INSERT INTO hour (tenant, site, epoch, at, day, seq, measured, peak, asked, down, lost, questions, latency, busy, counts)
		SELECT 'made', s.id, $1, h.at, h.day, h.at, 3600000, CASE WHEN h.open THEN 14 ELSE 0 END, 60, 0, 1, 180, 3400, 0, CASE WHEN h.open THEN c.counts ELSE '{}' END
		FROM (SELECT h AS at, to_char(to_timestamp(h * 3600) AT TIME ZONE 'Europe/Paris', 'YYYYMMDD')::int AS day, h % 24 BETWEEN 8 AND 17 AND h / 24 % 7 < 6 AS open
				FROM generate_series($3::bigint, $4 - 1) h OFFSET 0) h
			CROSS JOIN (SELECT lpad(s::text, 16, '0') AS id, s FROM generate_series(1, $2::int) s OFFSET 0) s
			JOIN made_hours c ON c.n = (h.at + s.s) % 97
		ORDER BY h.at, s.id`, benchEpoch, sites, from, to)
	return err
}

// fillSums makes days and months.
func fillSums(ctx context.Context, conn *pgx.Conn, sites int, from, to time.Time) error {
	_, err := conn.Exec(ctx, `INSERT INTO day (tenant, site, day, measured, hours, peak, asked, down, lost, questions, latency, busy, counts)
		SELECT 'made', lpad(s::text, 16, '0'), to_char(d, 'YYYYMMDD')::int, 86400000, 24, 14, 1440, 0, 24, 4320, 81600, 0, made_counts(extract(epoch FROM d)::bigint / 86400 * 1009 + s)
		FROM generate_series($2::timestamptz, $3, '1 day') d CROSS JOIN generate_series(1, $1::int) s
		ORDER BY d, s`, sites, from, to)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `INSERT INTO month (tenant, site, month, measured, hours, peak, asked, down, lost, questions, latency, busy, counts)
		SELECT 'made', lpad(s::text, 16, '0'), to_char(m, 'YYYYMM')::int, 2592000000, 720, 14, 43200, 0, 720, 129600, 2448000, 0, made_counts(extract(epoch FROM m)::bigint / 86400 * 1009 + s)
		FROM generate_series($2::timestamptz, $3, '1 month') m CROSS JOIN generate_series(1, $1::int) s
		ORDER BY m, s`, sites, from, to)
	return err
}

// bytes is what the tables of counts need on disk, indexes included.
func (c *centre) bytes(ctx context.Context) (n int64, err error) {
	err = c.superuser(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
			WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND (relname LIKE 'hour\_%' OR relname IN ('day', 'month', 'devices'))`).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("bench: size: %w", err)
	}
	return n, nil
}
