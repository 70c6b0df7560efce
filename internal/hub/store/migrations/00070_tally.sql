-- +goose Up

-- +goose StatementBegin
-- All words of one counter together: of {"sessions visite": 3, "sessions carte": 2} and sessions it is 5. Up to what a reader's 64 bits hold.
CREATE FUNCTION sum_of(counts jsonb, what text) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT least(coalesce(sum(v::numeric), 0), 9223372036854775807)::bigint FROM jsonb_each_text(counts) AS e(k, v) WHERE starts_with(k, what || ' ') $$;
-- +goose StatementEnd

-- What most pages ask of a day, beside its counters: whoever adds up many days need not unpack each.
ALTER TABLE day
  ADD COLUMN sessions bigint NOT NULL GENERATED ALWAYS AS (sum_of(counts, 'sessions')) STORED,
  ADD COLUMN online   bigint NOT NULL GENERATED ALWAYS AS (sum_of(counts, 'time')) STORED; -- milliseconds, of all sessions together

-- The last days of every commune at once.
CREATE INDEX ON day (day);

CREATE OR REPLACE VIEW epci_site AS
  SELECT s.tenant, t.name AS tenant_name, s.id AS site, s.name, s.version, s.model, c.at AS contact, c.waiting,
    (c.now->'line'->>'up')::bool AS line_up, CASE jsonb_typeof(c.now->'problems') WHEN 'array' THEN jsonb_array_length(c.now->'problems') ELSE 0 END AS problems,
    coalesce(r.sessions, 0)::bigint AS sessions_30_days
  FROM site s JOIN tenant t ON t.id = s.tenant LEFT JOIN contact c ON c.site = s.id
  LEFT JOIN (SELECT d.site, sum(d.sessions) AS sessions FROM day d WHERE d.day >= to_char(now() - interval '30 days', 'YYYYMMDD')::int GROUP BY d.site) r ON r.site = s.id;
