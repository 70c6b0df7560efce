BEGIN TRANSACTION;
CREATE TABLE civil (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  boot   TEXT    NOT NULL,
  offset INTEGER NOT NULL -- nanoseconds
) STRICT;
INSERT INTO "civil" VALUES(1,'boot-1',1795420740000000000);
CREATE TABLE count (
  at   INTEGER NOT NULL,
  what TEXT    NOT NULL, -- sessions, time (ms), bytes: word is the profile; opener, language, kind, refused, redeemed
  word TEXT    NOT NULL,
  n    INTEGER NOT NULL,
  PRIMARY KEY (at, what, word)
) STRICT, WITHOUT ROWID;
INSERT INTO "count" VALUES(498728,'bytes','visite',1000);
INSERT INTO "count" VALUES(498728,'kind','phone',1);
INSERT INTO "count" VALUES(498728,'kind','unknown',1);
INSERT INTO "count" VALUES(498728,'language','ar',1);
INSERT INTO "count" VALUES(498728,'language','unknown',1);
INSERT INTO "count" VALUES(498728,'opener','resident',2);
INSERT INTO "count" VALUES(498728,'sessions','visite',2);
INSERT INTO "count" VALUES(498728,'time','visite',3600000);
INSERT INTO "count" VALUES(498729,'kind','unknown',2);
INSERT INTO "count" VALUES(498729,'language','unknown',2);
INSERT INTO "count" VALUES(498729,'opener','resident',2);
INSERT INTO "count" VALUES(498729,'sessions','visite',2);
INSERT INTO "count" VALUES(498729,'time','visite',3600000);
INSERT INTO "count" VALUES(498730,'refused','day',1);
INSERT INTO "count" VALUES(498730,'time','visite',1860000);
INSERT INTO "count" VALUES(498756,'kind','unknown',1);
INSERT INTO "count" VALUES(498756,'language','unknown',1);
INSERT INTO "count" VALUES(498756,'opener','resident',1);
INSERT INTO "count" VALUES(498756,'sessions','atelier',1);
INSERT INTO "count" VALUES(498756,'time','atelier',1740000);
INSERT INTO "count" VALUES(498757,'kind','unknown',1);
INSERT INTO "count" VALUES(498757,'language','unknown',1);
INSERT INTO "count" VALUES(498757,'opener','resident',1);
INSERT INTO "count" VALUES(498757,'pages','printed',9);
INSERT INTO "count" VALUES(498757,'sessions','atelier',1);
INSERT INTO "count" VALUES(498757,'time','atelier',2460000);
CREATE TABLE devices (
  day  INTEGER NOT NULL,
  part INTEGER NOT NULL, -- 0 the day, 1 the morning, 2 the afternoon
  run  TEXT    NOT NULL,
  n    INTEGER NOT NULL,
  PRIMARY KEY (day, part, run)
) STRICT, WITHOUT ROWID;
INSERT INTO "devices" VALUES(20261123,0,'80ed0436dd9fa75b',4);
INSERT INTO "devices" VALUES(20261123,1,'80ed0436dd9fa75b',4);
INSERT INTO "devices" VALUES(20261124,0,'5154d1934a6def9e',2);
INSERT INTO "devices" VALUES(20261124,2,'5154d1934a6def9e',2);
CREATE TABLE hour (
  at       INTEGER PRIMARY KEY,
  measured INTEGER NOT NULL, -- milliseconds in which the daemon counted
  peak     INTEGER NOT NULL  -- sessions at once
) STRICT;
INSERT INTO "hour" VALUES(498728,3600000,1);
INSERT INTO "hour" VALUES(498729,3600000,1);
INSERT INTO "hour" VALUES(498730,1860000,1);
INSERT INTO "hour" VALUES(498756,1740000,1);
INSERT INTO "hour" VALUES(498757,2460000,1);
COMMIT;
PRAGMA user_version = 1;
