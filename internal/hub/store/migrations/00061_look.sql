-- +goose Up

-- How the pages of a commune's sites look. A layer of their configuration is made of it.
CREATE TABLE look (
  tenant text PRIMARY KEY REFERENCES tenant ON DELETE CASCADE,
  town   text NOT NULL,
  main   text NOT NULL DEFAULT '',   -- #rrggbb; '': Parvis' own
  accent text NOT NULL DEFAULT '',
  logo   text NOT NULL DEFAULT '',   -- of attachment; '': none
  by     text NOT NULL,
  made   timestamptz NOT NULL DEFAULT now()
);

-- What goes out beside a configuration: logos and catalogues, by SHA-256. Nothing is overwritten.
CREATE TABLE attachment (
  tenant  text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  hash    text NOT NULL,
  content bytea NOT NULL CHECK (length(content) <= 262144),
  PRIMARY KEY (tenant, hash)
);

ALTER TABLE offer ADD COLUMN logo text NOT NULL DEFAULT '', ADD COLUMN catalogue text NOT NULL DEFAULT '';

-- A commune's own services, in the form of kiosk/catalogue; the newest is in force.
CREATE TABLE catalogue (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  source text NOT NULL,
  by     text NOT NULL,
  made   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON catalogue (tenant, id);

-- What each site says of its catalogue: when services were tried from there, and names that its staff proposes for one.
CREATE TABLE site_catalogue (
  site   text PRIMARY KEY REFERENCES site ON DELETE CASCADE,
  tenant text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  mark   text NOT NULL,
  said   jsonb NOT NULL
);

-- Proposals that the commune does not want.
CREATE TABLE declined (
  tenant  text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  service text NOT NULL,
  host    text NOT NULL,
  by      text NOT NULL,
  made    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, service, host)
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['look', 'attachment', 'catalogue', 'site_catalogue', 'declined'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = current_setting(''parvis.tenant'', true))', t);
  END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT, UPDATE ON look, site_catalogue TO parvis_hub;
GRANT SELECT, INSERT ON attachment, catalogue TO parvis_hub;
GRANT SELECT, INSERT, DELETE ON declined TO parvis_hub;
