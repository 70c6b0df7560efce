-- +goose Up

-- A commune.
CREATE TABLE tenant (
  id    text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  name  text NOT NULL,
  made  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE site (
  id         text PRIMARY KEY CHECK (id ~ '^[a-z0-9]{16}$'),
  tenant     text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  name       text NOT NULL,
  zone       text NOT NULL DEFAULT 'Europe/Paris',
  made       timestamptz NOT NULL DEFAULT now(),
  enrolled   timestamptz,          -- the last time
  token_hash bytea UNIQUE,         -- SHA-256
  seal_key   bytea,
  version    text NOT NULL DEFAULT '',
  model      text NOT NULL DEFAULT ''
);
CREATE INDEX ON site (tenant);

-- A code lets one box enrol as one site, once.
CREATE TABLE code (
  hash   bytea PRIMARY KEY,        -- SHA-256
  tenant text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  site   text NOT NULL REFERENCES site ON DELETE CASCADE,
  until  timestamptz NOT NULL,
  used   timestamptz
);
CREATE INDEX ON code (site);

-- How a site was when it was last heard.
CREATE TABLE contact (
  site     text PRIMARY KEY REFERENCES site ON DELETE CASCADE,
  tenant   text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  at       timestamptz NOT NULL,   -- by the hub's clock
  epoch    text NOT NULL,
  seq      bigint NOT NULL,
  sent     bigint NOT NULL,
  waiting  int NOT NULL,           -- hours that the site still has to send
  now      jsonb NOT NULL          -- wire.Now
);

-- What a site has counted in an hour, as it last said. What two epochs have counted adds up.
CREATE TABLE hour (
  tenant    text   NOT NULL,
  site      text   NOT NULL,
  epoch     text   NOT NULL,
  at        bigint NOT NULL,       -- whole hours since 1970, UTC
  day       int    NOT NULL,       -- 20261124, in the site's zone
  seq       bigint NOT NULL,
  measured  bigint NOT NULL,       -- milliseconds
  peak      int    NOT NULL,
  asked     bigint NOT NULL,
  down      bigint NOT NULL,
  lost      bigint NOT NULL,
  questions bigint NOT NULL,
  latency   bigint NOT NULL,
  busy      bigint NOT NULL,
  counts    jsonb  NOT NULL,       -- {"sessions visite": 3}
  PRIMARY KEY (site, epoch, at),
  FOREIGN KEY (tenant) REFERENCES tenant ON DELETE CASCADE,
  FOREIGN KEY (site) REFERENCES site ON DELETE CASCADE
) PARTITION BY RANGE (at);

CREATE TABLE devices (
  tenant text   NOT NULL REFERENCES tenant ON DELETE CASCADE,
  site   text   NOT NULL REFERENCES site ON DELETE CASCADE,
  epoch  text   NOT NULL,
  day    int    NOT NULL,
  part   int    NOT NULL,
  run    text   NOT NULL,
  n      int    NOT NULL,
  seq    bigint NOT NULL,
  PRIMARY KEY (site, day, part, epoch, run)
);

-- Sums of hours, made anew whenever an hour below them changes.
CREATE TABLE day (
  tenant    text   NOT NULL REFERENCES tenant ON DELETE CASCADE,
  site      text   NOT NULL REFERENCES site ON DELETE CASCADE,
  day       int    NOT NULL,
  measured  bigint NOT NULL,
  hours     int    NOT NULL,       -- of which something is known
  peak      int    NOT NULL,
  asked     bigint NOT NULL,
  down      bigint NOT NULL,
  lost      bigint NOT NULL,
  questions bigint NOT NULL,
  latency   bigint NOT NULL,
  busy      bigint NOT NULL,
  counts    jsonb  NOT NULL,
  PRIMARY KEY (site, day)
);
CREATE INDEX ON day (tenant, day);

CREATE TABLE month (LIKE day INCLUDING DEFAULTS);
ALTER TABLE month RENAME COLUMN day TO month; -- 202611
ALTER TABLE month ADD PRIMARY KEY (site, month),
  ADD FOREIGN KEY (tenant) REFERENCES tenant ON DELETE CASCADE, ADD FOREIGN KEY (site) REFERENCES site ON DELETE CASCADE;
CREATE INDEX ON month (tenant, month);

-- +goose StatementBegin
-- The partition of hours for the month, in UTC, that an hour is in.
CREATE FUNCTION ensure_hours(at bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  first timestamp := date_trunc('month', to_timestamp(at * 3600) AT TIME ZONE 'UTC');
  name text := 'hour_' || to_char(first, 'YYYYMM');
BEGIN
  IF to_regclass(name) IS NOT NULL THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(hashtext('hour')); -- one for all months: who makes two does not wait for who makes them the other way round
  PERFORM FROM pg_class WHERE relname = name AND relnamespace = 'public'::regnamespace; -- to_regclass may remember what it said before the wait
  IF FOUND THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE %I PARTITION OF hour FOR VALUES FROM (%s) TO (%s)', name,
    extract(epoch FROM first AT TIME ZONE 'UTC')::bigint / 3600, extract(epoch FROM (first + interval '1 month') AT TIME ZONE 'UTC')::bigint / 3600);
  EXECUTE format('CREATE INDEX ON %I (site, day)', name);
END $$;

-- Sums of counts by their keys, up to what a reader's 64 bits hold. All at once: adding one to the next would read each key again and again.
CREATE FUNCTION sum_all(counts jsonb[]) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF cardinality(counts) = 1 THEN RETURN counts[1]; END IF;
  RETURN (SELECT coalesce(jsonb_object_agg(k, n), '{}') FROM (
    SELECT k, least(sum(v::numeric), 9223372036854775807) AS n FROM unnest(counts) AS c, jsonb_each_text(c) AS e(k, v) GROUP BY k) AS s);
END $$;

-- Who a token is: asked before a tenant is known.
CREATE FUNCTION site_of_token(hash bytea) RETURNS TABLE (tenant text, site text) LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = public, pg_temp AS $$ SELECT tenant, id FROM site WHERE token_hash = hash $$;

-- Uses a code up.
CREATE FUNCTION use_code(h bytea) RETURNS TABLE (tenant text, site text) LANGUAGE sql SECURITY DEFINER
  SET search_path = public, pg_temp AS $$
  UPDATE code SET used = now() WHERE hash = h AND used IS NULL AND until > now() RETURNING tenant, site $$;

CREATE FUNCTION add_tenant(id text, name text) RETURNS void LANGUAGE sql SECURITY DEFINER
  SET search_path = public, pg_temp AS $$ INSERT INTO tenant (id, name) VALUES (id, name) $$;

-- A commune leaves: everything of it goes.
CREATE FUNCTION remove_tenant(t text) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM tenant WHERE id = t;
  RETURN FOUND;
END $$;
-- +goose StatementEnd

CREATE AGGREGATE sum_counts(jsonb) (SFUNC = array_append, STYPE = jsonb[], FINALFUNC = sum_all, INITCOND = '{}');

-- What those who run the hub see of every commune: that it is well, and totals. Nothing else.
CREATE VIEW epci_site AS
  SELECT s.tenant, t.name AS tenant_name, s.id AS site, s.name, s.version, s.model, c.at AS contact, c.waiting,
    (c.now->'line'->>'up')::bool AS line_up, CASE jsonb_typeof(c.now->'problems') WHEN 'array' THEN jsonb_array_length(c.now->'problems') ELSE 0 END AS problems,
    coalesce((SELECT sum(v.value::bigint) FROM day d, jsonb_each_text(d.counts) v
      WHERE d.site = s.id AND v.key LIKE 'sessions %' AND d.day >= to_char(now() - interval '30 days', 'YYYYMMDD')::int), 0)::bigint AS sessions_30_days
  FROM site s JOIN tenant t ON t.id = s.tenant LEFT JOIN contact c ON c.site = s.id;

CREATE VIEW epci_tenant AS SELECT id, name, made FROM tenant;

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['site', 'code', 'contact', 'hour', 'devices', 'day', 'month'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = current_setting(''parvis.tenant'', true))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parvis_hub', t);
  END LOOP;
END $$;
-- +goose StatementEnd
ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenant USING (id = current_setting('parvis.tenant', true));
GRANT SELECT, UPDATE ON tenant TO parvis_hub;
GRANT SELECT ON epci_site, epci_tenant TO parvis_hub;
REVOKE ALL ON FUNCTION ensure_hours, site_of_token, use_code, add_tenant, remove_tenant FROM public;
GRANT EXECUTE ON FUNCTION ensure_hours, site_of_token, use_code, add_tenant, remove_tenant TO parvis_hub;
