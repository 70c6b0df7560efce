-- +goose Up

-- Copies of the whole database, as whoever made them says. It is about no commune.
CREATE TABLE backup (
  at      timestamptz PRIMARY KEY,
  bytes   bigint NOT NULL,  -- 0: the town's own, of which nothing more is known
  checked bool NOT NULL     -- it was read back to its end
);
ALTER TABLE backup ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON backup USING (true);
GRANT SELECT, INSERT ON backup TO parvis_hub;

-- What those who run the hub see of alerts that nobody has taken yet: how many, and since when. Not of what.
CREATE VIEW epci_messages AS SELECT way, count(*)::int AS waiting, min(made) AS since FROM message WHERE done IS NULL GROUP BY way;
GRANT SELECT ON epci_messages TO parvis_hub;
