-- +goose Up

-- What a centre wrote of a configuration. Nothing is overwritten: the newest of a scope is the one in force, the others say what was.
CREATE TABLE layer (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  site   text REFERENCES site ON DELETE CASCADE, -- null: all sites of the commune
  source text NOT NULL,
  by     text NOT NULL,                          -- an account
  made   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON layer (tenant, site, id);

-- The same for all communes, by those who run the hub.
CREATE TABLE epci_layer (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  by     text NOT NULL,
  made   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE publication (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  by     text NOT NULL,
  made   timestamptz NOT NULL DEFAULT now(),
  state  text NOT NULL DEFAULT 'going' CHECK (state IN ('going', 'stopped', 'done', 'ended')),
  stage  int  NOT NULL DEFAULT 1
);
CREATE INDEX ON publication (tenant, id);

CREATE SEQUENCE bundle_version;

-- What one site is told by a publication.
CREATE TABLE offer (
  publication bigint NOT NULL REFERENCES publication ON DELETE CASCADE,
  tenant      text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  site        text NOT NULL REFERENCES site ON DELETE CASCADE,
  version     bigint NOT NULL UNIQUE DEFAULT nextval('bundle_version'),
  config      text NOT NULL,
  told        timestamptz,             -- null: not yet
  runs        timestamptz,             -- since when it has proved itself; null: not yet
  back        text NOT NULL DEFAULT '', -- why the site does not run it
  PRIMARY KEY (publication, site)
);
CREATE INDEX ON offer (site, version);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['layer', 'publication', 'offer'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = current_setting(''parvis.tenant'', true))', t);
  END LOOP;
END $$;

CREATE FUNCTION add_epci_layer(source text, by text) RETURNS void LANGUAGE sql SECURITY DEFINER
  SET search_path = public, pg_temp AS $$ INSERT INTO epci_layer (source, by) VALUES (source, by) $$;
-- The newest one. Each site has it in its configuration, so that any commune may see it.
CREATE FUNCTION current_epci_layer() RETURNS TABLE (source text, by text, made timestamptz) LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = public, pg_temp AS $$ SELECT source, by, made FROM epci_layer ORDER BY id DESC LIMIT 1 $$;
-- +goose StatementEnd
ALTER TABLE epci_layer ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON layer TO parvis_hub;
GRANT SELECT, INSERT, UPDATE ON publication, offer TO parvis_hub;
GRANT USAGE ON SEQUENCE bundle_version TO parvis_hub;
REVOKE ALL ON FUNCTION add_epci_layer, current_epci_layer FROM public;
GRANT EXECUTE ON FUNCTION add_epci_layer, current_epci_layer TO parvis_hub;
