-- +goose Up

-- A DNS name that a commune gave a site: the hub gets certificates for no other.
CREATE TABLE site_name (
  name   text PRIMARY KEY CHECK (name = lower(name)),
  tenant text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  site   text NOT NULL REFERENCES site ON DELETE CASCADE
);
CREATE INDEX ON site_name (site);

-- What a site has asked for: a certificate of its own key, which the hub does not have.
CREATE TABLE certificate (
  name   text PRIMARY KEY REFERENCES site_name ON DELETE CASCADE,
  tenant text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  site   text NOT NULL REFERENCES site ON DELETE CASCADE,
  csr    bytea NOT NULL,
  chain  text NOT NULL DEFAULT '',  -- "": not yet
  until  timestamptz,
  tried  timestamptz,
  why    text NOT NULL DEFAULT ''   -- the last try failed
);

-- Our accounts at authorities.
CREATE TABLE acme_account (
  directory text PRIMARY KEY,
  key       bytea NOT NULL
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['site_name', 'certificate'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = current_setting(''parvis.tenant'', true))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parvis_hub', t);
  END LOOP;
END $$;

-- The account's key: what is there, else what is given.
CREATE FUNCTION acme_key(d text, fresh bytea) RETURNS bytea LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO acme_account (directory, key) VALUES (d, fresh) ON CONFLICT DO NOTHING;
  RETURN (SELECT key FROM acme_account WHERE directory = d);
END $$;
-- +goose StatementEnd
ALTER TABLE acme_account ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON FUNCTION acme_key FROM public;
GRANT EXECUTE ON FUNCTION acme_key TO parvis_hub;
