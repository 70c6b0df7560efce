-- +goose Up

-- A link by which a colleague of sites chooses a password says whose; '' is a link of somebody who works with the hub alone.
ALTER TABLE staff_token ADD COLUMN login text NOT NULL DEFAULT '';

-- Where somebody worked when their account was closed everywhere: there it is opened again.
ALTER TABLE colleague ADD COLUMN worked text[] NOT NULL DEFAULT '{}';

-- The password of a colleague, who is found before their commune is known; every site where they work is told. False: there is no such
-- colleague, or they have left.
-- +goose StatementBegin
CREATE FUNCTION set_colleague_password(who text, hash text) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE colleague SET password = hash WHERE id = who AND closed IS NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE site SET staff_version = staff_version + 1 WHERE id IN (SELECT site FROM colleague_site WHERE colleague = who AND NOT former);
  RETURN true;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION set_colleague_password FROM public;
GRANT EXECUTE ON FUNCTION set_colleague_password TO parvis_hub;
