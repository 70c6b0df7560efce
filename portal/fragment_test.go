package portal_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"parvis/internal/lab/browser"
)

// The address of a ticket has its code behind a #, which browsers do not send.
func TestTheCodeOfAnAddressFillsTheField(t *testing.T) {
	browser.NeedsAxe(t)
	p := newPlace(t)
	asked := make(chan string, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.RequestURI
		r.Host, r.RemoteAddr = config.Name, phone.IPv4.String()+":40000"
		p.portal.Handler().ServeHTTP(w, r)
	}))
	defer srv.Close()
	b, err := browser.Here(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct {
		about, fragment, want string
		scripts               bool
	}{
		{"a code", "K4RT-9X2M-7HWQ", "K4RT-9X2M-7HWQ", true},
		{"what is no code", "%22%3E%3Cb%3E", "", true},
		{"without script", "K4RT-9X2M-7HWQ", "", false},
	} {
		t.Run(c.about, func(t *testing.T) {
			if err := b.Scripts(t.Context(), c.scripts); err != nil {
				t.Fatal(err)
			}
			// Another page first: a change of the fragment alone loads nothing.
			for _, path := range []string{"/plan", "/code#" + c.fragment} {
				if err := b.Open(t.Context(), srv.URL+path); err != nil {
					t.Fatal(err)
				}
			}
			got, err := b.Value(t.Context(), "code")
			if err != nil || got != c.want {
				t.Errorf("the field says %q, %v; expected %q", got, err, c.want)
			}
		})
	}
	close(asked)
	for uri := range asked {
		if strings.Contains(uri, "K4RT") {
			t.Errorf("the code was sent: %s", uri)
		}
	}
}

func TestTheScriptOfTheCodesPageIsTheOneThatItsPolicyAllows(t *testing.T) {
	p := newPlace(t)
	w := p.get("/code")
	script := regexp.MustCompile(`<script>([^<]*)</script>`).FindStringSubmatch(w.Body.String())
	if script == nil {
		t.Fatal("no script")
	}
	sum := sha256.Sum256([]byte(script[1]))
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Error(policy)
	}
	for _, path := range []string{"/", "/attendre", "/code?c=K4RT", "/reprendre"} {
		if policy := p.get(path).Header().Get("Content-Security-Policy"); strings.Contains(policy, "script-src") {
			t.Errorf("%s: %s", path, policy)
		}
	}
}
