package staff_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"parvis/portal/staff"
)

// BenchmarkEnter is one entry by password: the hash, and the two writes of a login and its line of the log.
func BenchmarkEnter(b *testing.B) {
	p := newPlace(b)
	p.person("mediatrice", staff.Mediator)
	for b.Loop() {
		w := httptest.NewRecorder()
		if _, err := p.Enter(w, p.browser(office).request(http.MethodPost, "/entrer", nil), "mediatrice", password); err != nil {
			b.Fatal(err)
		}
	}
}
