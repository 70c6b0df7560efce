package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// madeSite is the identifier of a site whose history the database makes up by itself.
func madeSite(i int) string { return fmt.Sprintf("%016d", i) }

// fill makes the history of sites: an hour of a week in three is open and has every counter of busy. Days and months are not sums of
// these hours, but as large as sums are.
func (c *centre) fill(ctx context.Context, sites, years int) error {
	if err := c.store.AddTenant(ctx, "made", "Made"); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, c.server.Connect("postgres", "centre"))
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer conn.Close(ctx)
	do := func(sql string, args ...any) {
		if err == nil {
			_, err = conn.Exec(ctx, sql, args...)
		}
	}
	do("SET session_replication_role = replica") // without looking for each row's site: they are there
	do("SET synchronous_commit = off")
	do(`CREATE FUNCTION made_counts(n bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT jsonb_build_object(
		'sessions visite', n % 17, 'sessions carte', n % 11, 'time visite', n * 7919 % 20000000, 'time carte', n * 104729 % 9000000,
		'bytes visite', n * 1299709 % 9000000000, 'bytes carte', n * 15485863 % 4000000000, 'opener portal', n % 15, 'opener voucher', n % 9,
		'language fr', n % 19, 'language en', n % 5, 'kind phone', n % 13, 'kind computer', n % 7, 'pages start', n % 61,
		'terminal-sessions poste-1', n % 6, 'terminal-time poste-1', n * 611953 % 3600000) $$`)
	do(`INSERT INTO site (id, tenant, name, zone, enrolled, version) SELECT lpad(s::text, 16, '0'), 'made', 'Lieu ' || s, 'Europe/Paris', now(), '1.0' FROM generate_series(1, $1) s`, sites)
	do(`INSERT INTO contact (site, tenant, at, epoch, seq, sent, waiting, now) SELECT id, 'made', now(), $1, 1, extract(epoch FROM now())::bigint, 0,
		'{"version":"1.0","up":86400,"clock":"synchronised","place":"open","open":9,"slots":240,"waiting":0,"line":{"up":true,"latency":18,"loss":0,"down":40,"upload":12},
		"terminals":[],"problems":[],"bundle":"","expires":{"portal":60}}' FROM site WHERE tenant = 'made'`, benchEpoch)
	now := time.Now().UTC()
	for at := time.Date(now.Year()-years, now.Month(), 1, 0, 0, 0, 0, time.UTC); !at.After(now) && err == nil; at = at.AddDate(0, 1, 0) {
		first, last := at.Unix()/3600, min(at.AddDate(0, 1, 0).Unix()/3600-1, now.Unix()/3600)
		do("SELECT ensure_hours($1)", first)
		do(`INSERT INTO hour SELECT 'made', lpad(s::text, 16, '0'), $1, h, to_char(to_timestamp(h * 3600) AT TIME ZONE 'Europe/Paris', 'YYYYMMDD')::int, h, 3600000,
				CASE WHEN h % 24 BETWEEN 8 AND 17 THEN 14 ELSE 0 END, 60, 0, 1, 180, 3400, 0,
				CASE WHEN h % 24 BETWEEN 8 AND 17 AND h / 24 % 7 < 6 THEN made_counts(h + s) ELSE '{}' END
			FROM generate_series(1, $2) s, generate_series($3::bigint, $4) h`, benchEpoch, sites, first, last)
	}
	do(`INSERT INTO day SELECT 'made', lpad(s::text, 16, '0'), to_char(d, 'YYYYMMDD')::int, 86400000, 24, 14, 1440, 0, 24, 4320, 81600, 0, made_counts(extract(epoch FROM d)::bigint / 86400 + s)
		FROM generate_series(1, $1) s, generate_series(date_trunc('month', now()) - make_interval(years => $2), now(), '1 day') d`, sites, years)
	do(`INSERT INTO month SELECT 'made', lpad(s::text, 16, '0'), to_char(m, 'YYYYMM')::int, 2592000000, 720, 14, 43200, 0, 720, 129600, 2448000, 0, made_counts(extract(epoch FROM m)::bigint / 86400 + s)
		FROM generate_series(1, $1) s, generate_series(date_trunc('month', now()) - make_interval(years => $2), now(), '1 month') m`, sites, years)
	do("VACUUM (ANALYZE)")
	if err != nil {
		return fmt.Errorf("bench: make a history: %w", err)
	}
	return nil
}

// bytes is what the tables of counts need on disk, indexes included.
func (c *centre) bytes(ctx context.Context) (n int64, err error) {
	conn, err := pgx.Connect(ctx, c.server.Connect("postgres", "centre"))
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND (relname LIKE 'hour\_%' OR relname IN ('day', 'month', 'devices'))`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("bench: size: %w", err)
	}
	return n, nil
}
