-- Codes, extensions, closing, the line, messages, vouchers and workshops of a session; the place itself.

-- Openers and reasons are part of the table, so it is made anew.
CREATE TABLE session2 (
  id           TEXT    NOT NULL PRIMARY KEY,
  device       BLOB    NOT NULL CHECK (length(device) = 32), -- HMAC-SHA256 of the MAC
  sealed       BLOB    NOT NULL,                             -- AES-256-GCM: nonce, MAC and IPv4, tag; bound to id
  profile      TEXT    NOT NULL,
  state        TEXT    NOT NULL CHECK (state IN ('open', 'ended')),
  slot         INTEGER NOT NULL CHECK (slot BETWEEN 0x10 AND 0xffff),
  opened_by    TEXT    NOT NULL CHECK (opened_by IN ('resident', 'operator', 'desk', 'voucher', 'staff')),
  opened_at    INTEGER NOT NULL,
  end_boot     INTEGER NOT NULL,
  left_ns      INTEGER NOT NULL CHECK (left_ns >= 0),
  down         INTEGER NOT NULL CHECK (down >= 0),
  up           INTEGER NOT NULL CHECK (up >= 0),
  kernel_down  INTEGER NOT NULL CHECK (kernel_down >= 0),
  kernel_up    INTEGER NOT NULL CHECK (kernel_up >= 0),
  active       INTEGER NOT NULL,
  reason       TEXT    NOT NULL CHECK (reason IN ('', 'time', 'idle', 'volume', 'resident', 'operator', 'closing', 'replaced', 'day',
    'pause', 'moved', 'workshop')),
  ended        INTEGER NOT NULL,
  ended_at     INTEGER NOT NULL,
  own_rates    INTEGER NOT NULL CHECK (own_rates IN (0, 1)),
  rate_down    INTEGER NOT NULL CHECK (rate_down >= 0), -- bits per second
  rate_up      INTEGER NOT NULL CHECK (rate_up >= 0),
  suspended    TEXT    NOT NULL,
  suspended_at INTEGER NOT NULL,
  code         TEXT    NOT NULL, -- '' none yet
  extensions   INTEGER NOT NULL CHECK (extensions >= 0),
  past_until   INTEGER NOT NULL,
  line_down    INTEGER NOT NULL CHECK (line_down IN (0, 1)),
  line_at      INTEGER NOT NULL,
  message      TEXT    NOT NULL,
  message_at   INTEGER NOT NULL,
  message_seen INTEGER NOT NULL CHECK (message_seen IN (0, 1)),
  voucher      TEXT    NOT NULL, -- ids; '' none
  workshop     TEXT    NOT NULL,
  CHECK ((state = 'open') = (reason = '')),
  CHECK (suspended = '' OR state = 'open'),
  CHECK (line_down = 0 OR state = 'open')
) STRICT, WITHOUT ROWID;
INSERT INTO session2 SELECT id, device, sealed, profile, state, slot, opened_by, opened_at, end_boot, left_ns, down, up, kernel_down,
  kernel_up, active, reason, ended, ended_at, own_rates, rate_down, rate_up, suspended, suspended_at,
  '', 0, 0, 0, 0, '', 0, 0, '', '' FROM session;
DROP TABLE session;
ALTER TABLE session2 RENAME TO session;
CREATE INDEX session_device ON session (device);
CREATE UNIQUE INDEX session_open_device ON session (device) WHERE state = 'open';
CREATE UNIQUE INDEX session_open_slot ON session (slot) WHERE state = 'open';

-- Gestures of the desk, exceptions of the hours, the last times without the line (sessions.Site, as JSON).
CREATE TABLE site (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  state TEXT    NOT NULL
) STRICT;
