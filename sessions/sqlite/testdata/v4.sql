-- Schema version 4, with the sessions of version 3, a batch with a ticket and a workshop.
BEGIN TRANSACTION;
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
INSERT INTO "batch" VALUES('kq2x7abc','Atelier CV','visitor',1800000000000,2,1795531320123,0,0,0,0);
CREATE TABLE day (
  device  BLOB    NOT NULL PRIMARY KEY CHECK (length(device) = 32), -- HMAC-SHA256 of the MAC
  sealed  BLOB    NOT NULL,                                         -- AES-256-GCM: nonce, MAC, tag; bound to this table
  used_ns INTEGER NOT NULL CHECK (used_ns >= 0),
  bytes   INTEGER NOT NULL CHECK (bytes >= 0),
  through INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE mark (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  boot_id TEXT    NOT NULL,
  seen    INTEGER NOT NULL
, wall INTEGER NOT NULL DEFAULT 0, sure INTEGER NOT NULL DEFAULT 0 CHECK (sure IN (0, 1)), day  TEXT    NOT NULL DEFAULT '') STRICT;
INSERT INTO "mark" VALUES(1,'boot-1',90000000000,0,0,'');
CREATE TABLE rest (
  slot  INTEGER PRIMARY KEY CHECK (slot BETWEEN 0x10 AND 0xffff),
  since INTEGER NOT NULL
) STRICT;
INSERT INTO "rest" VALUES(255,-5000000000);
CREATE TABLE "session" (
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
  workshop     TEXT    NOT NULL, ticket BLOB NOT NULL DEFAULT x'' CHECK (length(ticket) IN (0, 32)),
  CHECK ((state = 'open') = (reason = '')),
  CHECK (suspended = '' OR state = 'open'),
  CHECK (line_down = 0 OR state = 'open')
) STRICT, WITHOUT ROWID;
INSERT INTO "session" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaa',X'2E70FE3BBA9A31FACCB115F180523606B6CC3862E5CB95CEC772C16C4C108F9C',X'57A9BBF2AD2C44B9F3D16CF6DC304CC9BF7218115217FA8327F79A8E4CD92B55D0147476EC79','visitor','open',16,'resident',1795531320123,3600000000000,0,1099511627776,2,3,4,80000000000,'',0,0,0,0,0,'',0,'',0,0,0,0,'',0,0,'','',X'');
INSERT INTO "session" VALUES('bbbbbbbbbbbbbbbbbbbbbbbbbb',X'F29FBDBE77F9A5433ED9C85E91DFC5FFEE548D870B237D50B1CBF4D06401C3A7',X'283A5445A94302338C8D47B2C473038C71A716956D67ABB7C353CE6C1CD040CF3FFF5B91D904','visitor','ended',255,'operator',1795531320123,3600000000000,1500000000000,5,6,0,0,70000000000,'idle',-5000000000,1795531380123,0,0,0,'',0,'',0,0,0,0,'',0,0,'','',X'');
CREATE TABLE site (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  state TEXT    NOT NULL
) STRICT;
CREATE TABLE ticket (
  key   BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32), -- HMAC-SHA256 of the code
  batch TEXT    NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
  sheet INTEGER NOT NULL CHECK (sheet > 0),
  dead  INTEGER NOT NULL CHECK (dead IN (0, 1)),
  spent INTEGER NOT NULL CHECK (spent >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO "ticket" VALUES(X'1111111111111111111111111111111111111111111111111111111111111111','kq2x7abc',1,0,1);
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
INSERT INTO "workshop" VALUES('m3nptq5r','Premiers pas','visitor',12,24000000,'running',1795531320123,0,7200000000000,7200000000000,1795531320123,0,2000000,-1,3);
CREATE INDEX session_device ON session (device);
CREATE UNIQUE INDEX session_open_device ON session (device) WHERE state = 'open';
CREATE UNIQUE INDEX session_open_slot ON session (slot) WHERE state = 'open';
CREATE INDEX ticket_batch ON ticket (batch);
COMMIT;
PRAGMA user_version = 4;
