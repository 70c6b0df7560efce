package pages_test

import (
	"net/http"
	"testing"

	"parvis/internal/hub/staff"
)

// BenchmarkSites is H2 of a commune with 500 sites: who has entered, one query, the page.
func BenchmarkSites(b *testing.B) {
	w := newWorld(b)
	w.join("lac", "lecture", staff.Reader)
	w.many("lac", 499)
	w.enter("lecture")
	for b.Loop() {
		if answer := w.ask(http.MethodGet, "/sites"); answer.Code != http.StatusOK {
			b.Fatal(answer.Code)
		}
	}
}
