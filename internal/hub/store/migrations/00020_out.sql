-- +goose Up

-- A problem of a site that lasted. There is one open at most of each.
CREATE TABLE incident (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  site   text NOT NULL REFERENCES site ON DELETE CASCADE,
  code   text NOT NULL,
  what   text[] NOT NULL,
  began  timestamptz NOT NULL,
  ended  timestamptz
);
CREATE UNIQUE INDEX incident_open ON incident (site, code) WHERE ended IS NULL;
CREATE INDEX ON incident (tenant, began);

-- A problem that has been seen, on its way to be an incident or out of it.
CREATE TABLE watch (
  tenant   text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  site     text NOT NULL REFERENCES site ON DELETE CASCADE,
  code     text NOT NULL,
  since    timestamptz NOT NULL,
  quiet    timestamptz,
  incident bigint REFERENCES incident ON DELETE CASCADE,
  what     text[] NOT NULL,
  told     timestamptz,
  PRIMARY KEY (site, code)
);

-- A message about an incident along one way, until the other side has it.
CREATE TABLE message (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant   text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  incident bigint NOT NULL REFERENCES incident ON DELETE CASCADE,
  way      text NOT NULL,
  event    text NOT NULL,
  what     text[] NOT NULL,
  made     timestamptz NOT NULL DEFAULT now(),
  attempts int NOT NULL DEFAULT 0,
  next     timestamptz,            -- not before; NULL: at once
  why      text NOT NULL DEFAULT '', -- the last attempt failed
  done     timestamptz,
  ref      text NOT NULL DEFAULT ''  -- under which the other side has the incident
);
CREATE INDEX message_waits ON message (way, incident, id) WHERE done IS NULL;
CREATE INDEX ON message (incident);

-- What the public may know of a site, and what of it is published.
CREATE TABLE place (
  site      text PRIMARY KEY REFERENCES site ON DELETE CASCADE,
  tenant    text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  card      jsonb NOT NULL,        -- as internal/hub/opendata writes it
  mediation bool NOT NULL,
  wifi      bool NOT NULL,
  live      bool NOT NULL,
  updated   timestamptz NOT NULL
);

-- Since when people can, or cannot, get online at a site.
ALTER TABLE contact ADD COLUMN open bool, ADD COLUMN since timestamptz;
-- +goose StatementBegin
CREATE FUNCTION contact_open() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  NEW.open := NEW.now->>'place' = 'open' AND (NEW.now->'line'->>'up')::bool;
  IF TG_OP = 'INSERT' OR NEW.open IS DISTINCT FROM OLD.open THEN
    NEW.since := NEW.at;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER contact_open BEFORE INSERT OR UPDATE ON contact FOR EACH ROW EXECUTE FUNCTION contact_open();

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['incident', 'watch', 'message', 'place'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = current_setting(''parvis.tenant'', true))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parvis_hub', t);
  END LOOP;
END $$;
-- +goose StatementEnd
