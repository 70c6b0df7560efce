-- +goose Up

-- Somebody of a commune's staff, who works at sites: their accounts there are made of this.
CREATE TABLE colleague (
  id       text PRIMARY KEY CHECK (id ~ '^[a-z2-7]{26}$'),
  tenant   text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  login    text NOT NULL,
  name     text NOT NULL,
  role     text NOT NULL CHECK (role IN ('mediator', 'referent', 'dsi', 'dpo')), -- portal/staff
  password text NOT NULL DEFAULT '',   -- argon2id; '': by the town's provider alone
  subject  text NOT NULL DEFAULT '',   -- at the provider
  made     timestamptz NOT NULL DEFAULT now(),
  closed   timestamptz,
  UNIQUE (tenant, login)
);

-- Where they work, and where they once did: whoever was at a site is told there when they leave.
CREATE TABLE colleague_site (
  colleague text NOT NULL REFERENCES colleague ON DELETE CASCADE,
  tenant    text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  site      text NOT NULL REFERENCES site ON DELETE CASCADE,
  former    bool NOT NULL DEFAULT false,
  PRIMARY KEY (colleague, site)
);
CREATE INDEX ON colleague_site (site);

-- Grows with each change of who works at the site; 0: nobody ever did.
ALTER TABLE site ADD COLUMN staff_version bigint NOT NULL DEFAULT 0;

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['colleague', 'colleague_site'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = current_setting(''parvis.tenant'', true))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parvis_hub', t);
  END LOOP;
END $$;
-- +goose StatementEnd
