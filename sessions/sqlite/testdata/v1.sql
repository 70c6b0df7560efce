-- Schema version 1, with a session that is open and one that has ended.
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
CREATE TABLE rest (
  slot  INTEGER PRIMARY KEY CHECK (slot BETWEEN 0x10 AND 0xffff),
  since INTEGER NOT NULL
) STRICT;
CREATE INDEX session_device ON session (device);
CREATE UNIQUE INDEX session_open_device ON session (device) WHERE state = 'open';
CREATE UNIQUE INDEX session_open_slot ON session (slot) WHERE state = 'open';
INSERT INTO mark VALUES (1, 'boot-1', 90000000000);
INSERT INTO rest VALUES (255, -5000000000);
INSERT INTO session VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaa', x'2e70fe3bba9a31faccb115f180523606b6cc3862e5cb95cec772c16c4c108f9c', x'57a9bbf2ad2c44b9f3d16cf6dc304cc9bf7218115217fa8327f79a8e4cd92b55d0147476ec79', 'visitor', 'open', 16, 'resident', 1795531320123, 3600000000000, 0, 1099511627776, 2, 3, 4, 80000000000, '', 0, 0);
INSERT INTO session VALUES ('bbbbbbbbbbbbbbbbbbbbbbbbbb', x'f29fbdbe77f9a5433ed9c85e91dfc5ffee548d870b237d50b1cbf4d06401c3a7', x'283a5445a94302338c8d47b2c473038c71a716956d67abb7c353ce6c1cd040cf3fff5b91d904', 'visitor', 'ended', 255, 'operator', 1795531320123, 3600000000000, 1500000000000, 5, 6, 0, 0, 70000000000, 'idle', -5000000000, 1795531380123);
PRAGMA user_version = 1;
