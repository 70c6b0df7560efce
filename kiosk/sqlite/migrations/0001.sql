-- The adopted terminals, and what is open on each from an opening until a clean browser has been seen.
CREATE TABLE terminal (
	id       TEXT PRIMARY KEY,
	mac      BLOB NOT NULL UNIQUE CHECK (length(mac) = 6),
	name     TEXT NOT NULL,
	place    TEXT NOT NULL,
	pcid     TEXT NOT NULL, -- '' not known
	renderer TEXT NOT NULL CHECK (renderer IN ('porteus', 'linux')),
	prints   INTEGER NOT NULL CHECK (prints IN (0, 1)),
	usb      INTEGER NOT NULL CHECK (usb IN (0, 1)),
	ipv4     TEXT NOT NULL, -- '' never seen
	seen     INTEGER NOT NULL, -- ms; 0 never
	dirty    INTEGER NOT NULL CHECK (dirty IN (0, 1)),
	bundles  TEXT NOT NULL CHECK (json_type(bundles) = 'array'),
	mail     INTEGER NOT NULL CHECK (mail IN (0, 1)),
	names    TEXT NOT NULL CHECK (json_type(names) = 'array'),
	graced   INTEGER NOT NULL CHECK (graced IN (0, 1)),
	fixed    INTEGER NOT NULL CHECK (fixed IN (0, 1)),
	phone    TEXT NOT NULL -- session of the phone that was opened with it; '' none
) STRICT, WITHOUT ROWID;
