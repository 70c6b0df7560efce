-- +goose Up

-- A version of Parvis that sites can be given, the same for all communes. Nothing of it is any commune's.
CREATE TABLE release (
  version   text PRIMARY KEY CHECK (version ~ '^[0-9A-Za-z+_-][0-9A-Za-z.+_-]{0,63}$'),
  made      timestamptz NOT NULL DEFAULT now(),
  withdrawn timestamptz                    -- no site is told of it any more, and its bytes are gone
);
CREATE TABLE release_file (
  version text   NOT NULL REFERENCES release ON DELETE CASCADE,
  arch    text   NOT NULL,                 -- wire.Archs
  sha256  text   NOT NULL,
  size    bigint NOT NULL,
  PRIMARY KEY (version, arch)
);
-- Its bytes in the pieces in which sites ask for them (wire.MaxPiece): one is one row.
CREATE TABLE release_piece (
  sha256 text  NOT NULL,
  n      int   NOT NULL,
  bytes  bytea NOT NULL,
  PRIMARY KEY (sha256, n)
);
ALTER TABLE release_piece ALTER COLUMN bytes SET STORAGE EXTERNAL; -- a program does not get smaller by PostgreSQL's compression
GRANT SELECT, INSERT ON release, release_file, release_piece TO parvis_hub;
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['release', 'release_file', 'release_piece'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY everybody ON %I USING (true)', t);
  END LOOP;
END $$;
-- +goose StatementEnd

-- A rollout is of a commune's configuration, or of a release.
ALTER TABLE publication ADD COLUMN release text REFERENCES release, -- null: configuration
  ADD COLUMN force bool NOT NULL DEFAULT false;                     -- also while places are open
ALTER TABLE offer ADD COLUMN was text NOT NULL DEFAULT '',          -- version that the site ran before; '' configuration
  ADD COLUMN passed bool NOT NULL DEFAULT false;                    -- it went back, and a person goes on without it

-- A hub of the version before takes each publication for one of configuration: it does not see those of releases, for it does not say that
-- it knows them.
DROP POLICY tenant ON publication;
CREATE POLICY tenant ON publication USING (tenant = current_setting('parvis.tenant', true)
  AND (release IS NULL OR current_setting('parvis.releases', true) = 'known'));
DROP POLICY tenant ON offer;
CREATE POLICY tenant ON offer USING (tenant = current_setting('parvis.tenant', true)
  AND (current_setting('parvis.releases', true) = 'known' OR EXISTS (SELECT FROM publication p WHERE p.id = offer.publication)));

-- +goose StatementBegin
-- Nobody is told of it any more, in any commune; who runs it goes on.
CREATE FUNCTION withdraw_release(v text) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE release SET withdrawn = now() WHERE version = v AND withdrawn IS NULL;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE publication SET state = 'ended' WHERE release = v AND state IN ('going', 'stopped');
  DELETE FROM release_piece WHERE sha256 IN (SELECT sha256 FROM release_file WHERE version = v)
    AND sha256 NOT IN (SELECT f.sha256 FROM release_file f JOIN release r USING (version) WHERE r.withdrawn IS NULL);
  RETURN true;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION withdraw_release FROM public;
GRANT EXECUTE ON FUNCTION withdraw_release TO parvis_hub;
