package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Each version of the schema that was ever in use has a dump in testdata, and is taken to the present one.
func TestEveryVersionIsMigrated(t *testing.T) {
	steps, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(steps) == 0 {
		t.Fatal("no migrations: ", err)
	}
	for v := range steps {
		t.Run(fmt.Sprintf("v%d", v+1), func(t *testing.T) {
			dump, err := os.ReadFile(fmt.Sprintf("testdata/v%d.sql", v+1))
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "parvis.db")
			raw(t, path, string(dump))
			s := open(t, path)
			defer s.Close()
			wantRows(t, s, openRow(), endedRow())
		})
	}
}
