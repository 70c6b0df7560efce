package report_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"parvis/internal/lab/browser"
)

// The report within a plain page, on the narrowest screen and on a wide one. Where a folder is named in PARVIS_SCREENSHOTS, what the
// browser shows is left there.
func TestAxeFindsNothingOnTheReport(t *testing.T) {
	browser.NeedsAxe(t)
	page, err := must(t, town()).HTML()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(`<!doctype html><html lang="fr"><title>Rapport du mois</title><meta name="viewport" content="width=device-width">` +
			`<style>.rapport-table{overflow-x:auto}td{text-align:right}</style><main><h1>Rapport du mois</h1>` + string(page) + `</main></html>`))
	}))
	defer s.Close()
	b, err := browser.Here(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, width := range []int64{320, 1280} {
		if err := b.Viewport(t.Context(), width, 720); err != nil {
			t.Fatal(err)
		}
		if err := b.Open(t.Context(), s.URL); err != nil {
			t.Fatal(err)
		}
		found, err := b.Axe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range found {
			t.Errorf("at %d px: %s", width, v)
		}
		if shots := os.Getenv("PARVIS_SCREENSHOTS"); shots != "" {
			if err := b.Whole(t.Context(), filepath.Join(shots, "rapport-"+strconv.FormatInt(width, 10)+".png")); err != nil {
				t.Fatal(err)
			}
		}
	}
}
