-- +goose Up

-- Who has taken an incident in charge.
CREATE TABLE charge (
  incident bigint PRIMARY KEY REFERENCES incident ON DELETE CASCADE,
  tenant   text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  name     text NOT NULL,
  at       timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE charge ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON charge USING (tenant = current_setting('parvis.tenant', true));
GRANT SELECT, INSERT, UPDATE, DELETE ON charge TO parvis_hub;
