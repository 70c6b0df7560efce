-- Tickets and workshops. That a ticket is used follows from the sessions that name it; spent counts those that are forgotten.

ALTER TABLE session ADD COLUMN ticket BLOB NOT NULL DEFAULT x'' CHECK (length(ticket) IN (0, 32)); -- ticket.key; empty: none

CREATE TABLE batch (
  id          TEXT    NOT NULL PRIMARY KEY,
  label       TEXT    NOT NULL,
  profile     TEXT    NOT NULL,
  for_ns      INTEGER NOT NULL CHECK (for_ns >= 0), -- of one session; 0 the profile's
  devices     INTEGER NOT NULL CHECK (devices > 0),
  made        INTEGER NOT NULL,
  valid_from  INTEGER NOT NULL, -- 0: not bounded
  valid_until INTEGER NOT NULL,
  revoked     INTEGER NOT NULL CHECK (revoked IN (0, 1)),
  over        INTEGER NOT NULL  -- when it was first seen to be of no more use; 0: it is not
) STRICT, WITHOUT ROWID;

CREATE TABLE ticket (
  key   BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32), -- HMAC-SHA256 of the code
  batch TEXT    NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
  sheet INTEGER NOT NULL CHECK (sheet > 0),
  dead  INTEGER NOT NULL CHECK (dead IN (0, 1)),
  spent INTEGER NOT NULL CHECK (spent >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX ticket_batch ON ticket (batch);

CREATE TABLE workshop (
  id        TEXT    NOT NULL PRIMARY KEY,
  title     TEXT    NOT NULL,
  profile   TEXT    NOT NULL,
  places    INTEGER NOT NULL CHECK (places > 0),
  reserve   INTEGER NOT NULL CHECK (reserve >= 0), -- bits per second, of all places together
  state     TEXT    NOT NULL CHECK (state IN ('planned', 'running', 'ended')),
  made      INTEGER NOT NULL,
  start     INTEGER NOT NULL, -- 0: by hand
  length_ns INTEGER NOT NULL CHECK (length_ns >= 0),
  end_boot  INTEGER NOT NULL, -- while it runs
  begun     INTEGER NOT NULL,
  over      INTEGER NOT NULL,
  floor     INTEGER NOT NULL CHECK (floor >= 0), -- bits per second of one place
  heads     INTEGER NOT NULL CHECK (heads >= -1), -- -1: not counted
  spent     INTEGER NOT NULL CHECK (spent >= 0)
) STRICT, WITHOUT ROWID;
