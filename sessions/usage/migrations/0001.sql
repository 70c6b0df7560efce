-- What a place has counted. Nothing here is about one device: no address, no name, no hash.
-- An hour is the number of whole hours since 1970 in UTC; a day is written 20261124, in the place's time.
CREATE TABLE hour (
  at       INTEGER PRIMARY KEY,
  measured INTEGER NOT NULL, -- milliseconds in which the daemon counted
  peak     INTEGER NOT NULL  -- sessions at once
) STRICT;

CREATE TABLE count (
  at   INTEGER NOT NULL,
  what TEXT    NOT NULL, -- sessions, time (ms), bytes: word is the profile; opener, language, kind, refused, redeemed
  word TEXT    NOT NULL,
  n    INTEGER NOT NULL,
  PRIMARY KEY (at, what, word)
) STRICT, WITHOUT ROWID;

-- Of one run of the daemon: with the salt of the day gone, two runs cannot know what they have in common.
CREATE TABLE devices (
  day  INTEGER NOT NULL,
  part INTEGER NOT NULL, -- 0 the day, 1 the morning, 2 the afternoon
  run  TEXT    NOT NULL,
  n    INTEGER NOT NULL,
  PRIMARY KEY (day, part, run)
) STRICT, WITHOUT ROWID;

-- By how much the civil time was ahead of the boot's, when it was last known for sure.
CREATE TABLE civil (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  boot   TEXT    NOT NULL,
  offset INTEGER NOT NULL -- nanoseconds
) STRICT;
