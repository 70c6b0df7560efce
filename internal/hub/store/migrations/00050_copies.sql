-- +goose Up

-- The encrypted copies of a site, one a day, the last three days: the hub has no key to them (docs/adr/0027-copies.md).
CREATE TABLE copy (
  site   text NOT NULL REFERENCES site ON DELETE CASCADE,
  tenant text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  day    date NOT NULL,            -- by the hub's clock, UTC
  kept   timestamptz NOT NULL,     -- when it was whole here
  sum    bytea NOT NULL,           -- SHA-256 of body
  size   int NOT NULL,             -- bytes of body
  body   bytea NOT NULL,
  PRIMARY KEY (site, day)
);
ALTER TABLE copy ALTER COLUMN body SET STORAGE EXTERNAL; -- what is encrypted cannot be compressed

-- Tokens of boxes that have been replaced: one of them that speaks again is heard of.
CREATE TABLE retired (
  hash   bytea PRIMARY KEY,        -- SHA-256
  tenant text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  site   text NOT NULL REFERENCES site ON DELETE CASCADE,
  at     timestamptz NOT NULL DEFAULT now(),
  seen   timestamptz               -- when it last spoke, and was refused
);
CREATE INDEX ON retired (site);

ALTER TABLE site ADD COLUMN replaced timestamptz; -- when a box last took the place of another one, with its copy

-- Who has redeemed a code may do so again, with the same key: an answer may be lost on its way, or the power go.
ALTER TABLE code ADD COLUMN redeemer bytea;

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['copy', 'retired'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = current_setting(''parvis.tenant'', true))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parvis_hub', t);
  END LOOP;
END $$;

-- Whose code it is, for a box that has that key; nothing is used up.
CREATE FUNCTION site_of_code(h bytea, seal bytea) RETURNS TABLE (tenant text, site text) LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = public, pg_temp AS $$
  SELECT tenant, site FROM code WHERE hash = h AND until > now() AND (used IS NULL OR redeemer = seal) $$;

-- Uses a code up for all but that box.
CREATE FUNCTION redeem_code(h bytea, seal bytea) RETURNS TABLE (tenant text, site text) LANGUAGE sql SECURITY DEFINER
  SET search_path = public, pg_temp AS $$
  UPDATE code SET used = coalesce(used, now()), redeemer = seal
  WHERE hash = h AND until > now() AND (used IS NULL OR redeemer = seal) RETURNING tenant, site $$;

-- A token that nobody has any more was heard; a row when it is a replaced box's, and that was not told within the last minute.
CREATE FUNCTION heard_retired(h bytea) RETURNS TABLE (tenant text, site text) LANGUAGE sql SECURITY DEFINER
  SET search_path = public, pg_temp AS $$
  UPDATE retired SET seen = now() WHERE hash = h AND (seen IS NULL OR seen < now() - interval '1 minute') RETURNING tenant, site $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION site_of_code, redeem_code, heard_retired FROM public;
GRANT EXECUTE ON FUNCTION site_of_code, redeem_code, heard_retired TO parvis_hub;
