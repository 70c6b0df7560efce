-- +goose Up

-- A month's report that was dropped into the commune's folder.
CREATE TABLE report (
  tenant     text NOT NULL REFERENCES tenant ON DELETE CASCADE,
  month      int NOT NULL,         -- 202611
  definitive bool NOT NULL,
  at         timestamptz NOT NULL,
  PRIMARY KEY (tenant, month)
);
ALTER TABLE report ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON report USING (tenant = current_setting('parvis.tenant', true));
GRANT SELECT, INSERT, UPDATE, DELETE ON report TO parvis_hub;
