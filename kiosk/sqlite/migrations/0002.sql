-- By which name the printer knows a session that has something there: a number that says nothing of anybody.
CREATE TABLE printing (
	session TEXT PRIMARY KEY,
	name    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
