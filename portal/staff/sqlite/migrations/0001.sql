CREATE TABLE account (
	id        TEXT PRIMARY KEY,
	login     TEXT NOT NULL, -- '' for accounts of the town
	name      TEXT NOT NULL,
	role      TEXT NOT NULL CHECK (role IN ('mediator', 'referent', 'dsi', 'dpo')),
	password  TEXT NOT NULL,
	pin       TEXT NOT NULL,
	pin_fails INTEGER NOT NULL,
	subject   TEXT NOT NULL, -- '' for local accounts
	until_boot_id TEXT NOT NULL,
	until_boot    INTEGER NOT NULL,
	until_wall    INTEGER NOT NULL, -- ms; 0: no end
	made      INTEGER NOT NULL,
	closed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX account_login ON account (login) WHERE login <> '';
CREATE UNIQUE INDEX account_subject ON account (subject) WHERE subject <> '';

CREATE TABLE device (
	id    TEXT PRIMARY KEY,
	label TEXT NOT NULL,
	desk  INTEGER NOT NULL,
	owner TEXT NOT NULL,
	hash  TEXT NOT NULL UNIQUE,
	made  INTEGER NOT NULL,
	seen  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
	hash   TEXT PRIMARY KEY,
	kind   TEXT NOT NULL CHECK (kind IN ('account', 'device')),
	by     TEXT NOT NULL,
	until_boot_id TEXT NOT NULL,
	until_boot    INTEGER NOT NULL,
	until_wall    INTEGER NOT NULL,
	person TEXT NOT NULL,
	role   TEXT NOT NULL,
	label  TEXT NOT NULL,
	desk   INTEGER NOT NULL,
	day_boot_id TEXT NOT NULL,
	day_boot    INTEGER NOT NULL,
	day_wall    INTEGER NOT NULL,
	device TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE login (
	hash    TEXT PRIMARY KEY,
	person  TEXT NOT NULL,
	via     TEXT NOT NULL,
	boot_id TEXT NOT NULL,
	seen    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The audit log is appended to. Nothing in it is ever changed, and nothing goes before its term of 365 days.
CREATE TABLE log (
	seq    INTEGER PRIMARY KEY AUTOINCREMENT,
	at     INTEGER NOT NULL, -- ms
	sure   INTEGER NOT NULL,
	who    TEXT NOT NULL, -- '': the command line
	name   TEXT NOT NULL,
	role   TEXT NOT NULL,
	what   TEXT NOT NULL,
	object TEXT NOT NULL
) STRICT;
CREATE INDEX log_who ON log (who, seq);
CREATE TRIGGER log_stays BEFORE UPDATE ON log BEGIN
	SELECT raise(ABORT, 'the audit log is appended to');
END;
CREATE TRIGGER log_is_kept BEFORE DELETE ON log WHEN old.at > (unixepoch() - 365 * 86400) * 1000 BEGIN
	SELECT raise(ABORT, 'the audit log is kept for 365 days');
END;
CREATE TRIGGER log_is_new BEFORE INSERT ON log WHEN EXISTS (SELECT 1 FROM log WHERE seq = new.seq) BEGIN
	SELECT raise(ABORT, 'the audit log is appended to');
END;
