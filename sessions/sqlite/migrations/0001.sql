-- Boot times are nanoseconds since the start of the machine that mark names (CLOCK_BOOTTIME); times for people are
-- milliseconds since 1970; counters are bytes.

CREATE TABLE mark (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  boot_id TEXT    NOT NULL,
  seen    INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
  id          TEXT    NOT NULL PRIMARY KEY,
  device      BLOB    NOT NULL CHECK (length(device) = 32), -- HMAC-SHA256 of the MAC
  sealed      BLOB    NOT NULL,                             -- AES-256-GCM: nonce, MAC and IPv4, tag; bound to id
  profile     TEXT    NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('open', 'ended')),
  slot        INTEGER NOT NULL CHECK (slot BETWEEN 0x10 AND 0xffff),
  opened_by   TEXT    NOT NULL CHECK (opened_by IN ('resident', 'operator')),
  opened_at   INTEGER NOT NULL,
  end_boot    INTEGER NOT NULL,
  left_ns     INTEGER NOT NULL CHECK (left_ns >= 0),
  down        INTEGER NOT NULL CHECK (down >= 0),
  up          INTEGER NOT NULL CHECK (up >= 0),
  kernel_down INTEGER NOT NULL CHECK (kernel_down >= 0),
  kernel_up   INTEGER NOT NULL CHECK (kernel_up >= 0),
  active      INTEGER NOT NULL,
  reason      TEXT    NOT NULL CHECK (reason IN ('', 'time', 'idle', 'volume', 'resident', 'operator', 'closing', 'replaced')),
  ended       INTEGER NOT NULL,
  ended_at    INTEGER NOT NULL,
  CHECK ((state = 'open') = (reason = ''))
) STRICT, WITHOUT ROWID;

-- Since when a slot rests, or rested before it was given again: one row for each slot that was ever used.
CREATE TABLE rest (
  slot  INTEGER PRIMARY KEY CHECK (slot BETWEEN 0x10 AND 0xffff),
  since INTEGER NOT NULL
) STRICT;

CREATE INDEX session_device ON session (device);
CREATE UNIQUE INDEX session_open_device ON session (device) WHERE state = 'open';
CREATE UNIQUE INDEX session_open_slot ON session (slot) WHERE state = 'open';
