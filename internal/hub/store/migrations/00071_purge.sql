-- +goose Up

-- Hours before this one are no longer kept, nor taken: a day's sums would be made anew of what is left of it.
CREATE TABLE hours_from (
  one bool PRIMARY KEY DEFAULT true CHECK (one),
  at  bigint NOT NULL -- whole hours since 1970, UTC
);
ALTER TABLE hours_from ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON hours_from USING (true); -- it is about no commune
GRANT SELECT ON hours_from TO parvis_hub;

-- +goose StatementBegin
-- Drops the months of hours that have ended by an hour, and returns how many. Days and months stay. It waits a moment for who writes, and no
-- longer: nobody waits behind it.
CREATE FUNCTION drop_hours(before bigint) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  of record;
  n int := 0;
  last bigint := 0;
BEGIN
  FOR of IN
    SELECT c.relname, extract(epoch FROM (to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC')::bigint / 3600 AS upto
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'hour'::regclass AND c.relname ~ '^hour_[0-9]{6}$' ORDER BY 1
  LOOP
    IF of.upto <= before THEN
      EXECUTE format('DROP TABLE %I', of.relname);
      n := n + 1;
      last := of.upto;
    END IF;
  END LOOP;
  IF n > 0 THEN
    INSERT INTO hours_from (at) VALUES (last) ON CONFLICT (one) DO UPDATE SET at = greatest(hours_from.at, excluded.at);
  END IF;
  RETURN n;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION drop_hours FROM public;
GRANT EXECUTE ON FUNCTION drop_hours TO parvis_hub;
CREATE INDEX ON incident (ended) WHERE ended IS NOT NULL;
GRANT DELETE ON layer, publication TO parvis_hub; -- offers go with their publication
