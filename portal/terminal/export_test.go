package terminal

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the package's own tests look at.
var (
	Texts    = texts
	Pictures = pictures
)

// Sources is every template and every file of Go, as one text.
func Sources(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	pages, err := fs.Glob(assets, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range pages {
		content, err := fs.ReadFile(assets, f)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(content)
	}
	code, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range code {
		if f == "pictures.go" || strings.HasSuffix(f, "_test.go") {
			continue
		}
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(content)
	}
	return b.String()
}
