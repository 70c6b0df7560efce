package browser_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"parvis/internal/lab/browser"
)

// page is served with the strictest policy: nothing of a page may be in the examination's way.
func page(t *testing.T, body string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestAxeFindsWhatIsWrong(t *testing.T) {
	browser.NeedsAxe(t)
	b, err := browser.Here(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	const sound = `<!doctype html><html lang="fr"><title>Essai</title><main><h1>Essai</h1><p>Bonjour.</p></main></html>`
	for _, scripts := range []bool{true, false} {
		if err := b.Scripts(t.Context(), scripts); err != nil {
			t.Fatal(err)
		}
		if err := b.Viewport(t.Context(), 320, 640); err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			name, body string
			want       []string
		}{
			{"a sound page", sound, nil},
			{"no language", `<!doctype html><html><title>Essai</title><main><h1>Essai</h1></main></html>`, []string{"html-has-lang"}},
			{"pale text", `<!doctype html><html lang="fr"><title>Essai</title><main><h1>Essai</h1><p style="color:#bbb">Pâle.</p></main></html>`, []string{"color-contrast"}},
			{"a field without a name", `<!doctype html><html lang="fr"><title>Essai</title><main><h1>Essai</h1><input></main></html>`, []string{"label"}},
			{"small targets", `<!doctype html><html lang="fr"><title>Essai</title><main><h1>Essai</h1><button style="width:12px;height:12px;padding:0" aria-label="a"></button><button style="width:12px;height:12px;padding:0" aria-label="b"></button></main></html>`, []string{"target-size"}},
			{"too wide", `<!doctype html><html lang="fr"><title>Essai</title><main><h1>Essai</h1><p style="width:500px">Large.</p></main></html>`, []string{"reflow"}},
		} {
			if err := b.Open(t.Context(), page(t, tc.body)); err != nil {
				t.Fatal(err)
			}
			found, err := b.Axe(t.Context())
			if err != nil {
				t.Fatalf("%s, scripts %v: %v", tc.name, scripts, err)
			}
			var got []string
			for _, v := range found {
				got = append(got, v.ID)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("%s, scripts %v: %v, expected %v", tc.name, scripts, found, tc.want)
			}
		}
	}
}
