package database

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
)

func TestAStepThatFailsLeavesTheVersionBeforeIt(t *testing.T) {
	db, err := sql.Open("sqlite3", filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	ctx := context.Background()
	good := "CREATE TABLE a (x INTEGER) STRICT"
	bad := "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO a VALUES (1); INSERT INTO nowhere VALUES (1)"
	if err := migrate(ctx, db, []string{good, bad}); err == nil {
		t.Fatal("the bad step passed")
	}
	var version, tables, rows int
	for q, v := range map[string]*int{
		"PRAGMA user_version": &version, "SELECT count(*) FROM sqlite_schema": &tables, "SELECT count(*) FROM a": &rows,
	} {
		if err := db.QueryRowContext(ctx, q).Scan(v); err != nil {
			t.Fatal(q, err)
		}
	}
	if version != 1 || tables != 1 || rows != 0 {
		t.Errorf("version %d, %d tables, %d rows; want 1, 1, 0", version, tables, rows)
	}
	if err := migrate(ctx, db, []string{good, "CREATE TABLE b (x INTEGER) STRICT"}); err != nil {
		t.Errorf("going on after the fault: %v", err)
	}
}

func TestTheConnectionIsDurableAndStrict(t *testing.T) {
	s, err := Open(t.Context(), options(t, "CREATE TABLE a (x INTEGER) STRICT"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "busy_timeout": "5000",
	} {
		var got string
		if err := s.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", pragma, got, err, want)
		}
	}
}
