-- +goose Up

-- People who work with the hub. Those of the EPCI have no commune.
CREATE TABLE staff_account (
  id       text PRIMARY KEY,
  tenant   text REFERENCES tenant ON DELETE CASCADE,
  login    text UNIQUE,            -- NULL: an account of the town's provider
  name     text NOT NULL,
  role     text NOT NULL,
  password text NOT NULL,          -- argon2id; '': none
  subject  text UNIQUE,            -- at the provider: issuer, a space, sub
  made     timestamptz NOT NULL,
  closed   timestamptz
);
CREATE INDEX ON staff_account (tenant);

-- Links that work once.
CREATE TABLE staff_token (
  hash   text PRIMARY KEY,         -- SHA-256
  tenant text REFERENCES tenant ON DELETE CASCADE,
  maker  text NOT NULL,
  until  timestamptz NOT NULL,
  person text NOT NULL,
  role   text NOT NULL,
  label  text NOT NULL
);
CREATE INDEX ON staff_token (person);

CREATE TABLE staff_login (
  hash   text PRIMARY KEY,         -- SHA-256 of a cookie
  person text NOT NULL REFERENCES staff_account ON DELETE CASCADE,
  city   bool NOT NULL,
  seen   timestamptz NOT NULL
);
CREATE INDEX ON staff_login (person);

CREATE TABLE staff_log (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text REFERENCES tenant ON DELETE CASCADE,
  at     timestamptz NOT NULL,
  who    text NOT NULL,
  name   text NOT NULL,
  role   text NOT NULL,
  what   text NOT NULL,
  object text NOT NULL
);
CREATE INDEX ON staff_log (tenant, at);

-- Tries to enter, by a hash of what they are counted under.
CREATE TABLE staff_try (
  name  text PRIMARY KEY,
  wrong int NOT NULL,
  last  timestamptz NOT NULL,
  until timestamptz
);

-- People on their way to the town's provider and back.
CREATE TABLE staff_journey (
  state    text PRIMARY KEY,       -- SHA-256
  nonce    text NOT NULL,
  verifier text NOT NULL,
  next     text NOT NULL,
  made     timestamptz NOT NULL
);

-- Who somebody is must be found before their commune is known: internal/hub/store.Staff alone says so of its transactions.
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['staff_account', 'staff_token', 'staff_log'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = current_setting(''parvis.tenant'', true) OR current_setting(''parvis.staff'', true) = ''on'')', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parvis_hub', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['staff_login', 'staff_try', 'staff_journey'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY staff ON %I USING (current_setting(''parvis.staff'', true) = ''on'')', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parvis_hub', t);
  END LOOP;
END $$;
-- +goose StatementEnd

