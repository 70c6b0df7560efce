-- What waits for the hub is what has a number above the last one that it has acknowledged (docs/adr/0020-hub.md). Each change of a row
-- gives it the next number; the epoch is the life of this file.
CREATE TABLE outbox (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  epoch TEXT    NOT NULL, -- 16 hexadecimal digits
  seq   INTEGER NOT NULL  -- the last number that was given
) STRICT;
ALTER TABLE hour    ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;

-- The line in that hour, as sums (wire.Quality; busy is its full). count has three more: waited (ms; word is the profile),
-- terminal-sessions and terminal-time (ms; word is the terminal).
ALTER TABLE hour ADD COLUMN asked     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hour ADD COLUMN down      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hour ADD COLUMN lost      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hour ADD COLUMN questions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hour ADD COLUMN latency   INTEGER NOT NULL DEFAULT 0; -- ms
ALTER TABLE hour ADD COLUMN busy      INTEGER NOT NULL DEFAULT 0;

-- What was counted before there was a hub goes there too: the oldest hour first, then the days.
UPDATE hour SET seq = o.n FROM (SELECT at, row_number() OVER (ORDER BY at) AS n FROM hour) AS o WHERE o.at = hour.at;
UPDATE devices SET seq = o.n + (SELECT count(*) FROM hour)
  FROM (SELECT day, part, run, row_number() OVER (ORDER BY day, part, run) AS n FROM devices) AS o
  WHERE o.day = devices.day AND o.part = devices.part AND o.run = devices.run;
INSERT INTO outbox SELECT 1, lower(hex(randomblob(8))), (SELECT count(*) FROM hour) + (SELECT count(*) FROM devices);
CREATE INDEX hour_seq ON hour (seq);
CREATE INDEX devices_seq ON devices (seq);
