package portal_test

import (
	"net/http"
	"testing"
	"time"

	"parvis/portal"
	"parvis/sessions"
)

const captiveJSON = "application/captive+json"

func (p *place) api(accept string, overTLS bool) *http.Response {
	r := request(http.MethodGet, "/api/captive", nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	if overTLS {
		r = secure(r)
	}
	return p.do(r).Result()
}

func TestTheAPITellsWhatSystemsNeed(t *testing.T) {
	for _, tc := range []struct {
		name    string
		prepare func(*place)
		want    string
	}{
		{"closed", func(*place) {}, `{"captive":true,"user-portal-url":"https://wifi.ville.example/","venue-info-url":"https://wifi.ville.example/ma-connexion","can-extend-session":false}`},
		{"open", func(p *place) {
			p.open(phone, visitor, sessions.FromResident)
			p.clock.Advance(90*time.Second + time.Millisecond)
		}, `{"captive":false,"user-portal-url":"https://wifi.ville.example/","venue-info-url":"https://wifi.ville.example/ma-connexion","can-extend-session":false,"seconds-remaining":3509}`},
		{"open, with a volume", func(p *place) { p.open(phone, measured, sessions.FromResident) }, `{"captive":false,"user-portal-url":"https://wifi.ville.example/","venue-info-url":"https://wifi.ville.example/ma-connexion","can-extend-session":false,"seconds-remaining":7200,"bytes-remaining":2000000000}`},
		{"open, slower after a volume", func(p *place) { p.open(phone, generous, sessions.FromResident) }, `{"captive":false,"user-portal-url":"https://wifi.ville.example/","venue-info-url":"https://wifi.ville.example/ma-connexion","can-extend-session":true,"seconds-remaining":7200}`},
		{"open, with a day's volume", func(p *place) { p.open(phone, daily, sessions.FromResident) }, `{"captive":false,"user-portal-url":"https://wifi.ville.example/","venue-info-url":"https://wifi.ville.example/ma-connexion","can-extend-session":false,"seconds-remaining":3600,"bytes-remaining":1000000000}`},
		{"open, and the line is down", func(p *place) { p.open(phone, visitor, sessions.FromResident); p.down = true }, `{"captive":true,"user-portal-url":"https://wifi.ville.example/","venue-info-url":"https://wifi.ville.example/ma-connexion","can-extend-session":false}`},
		{"suspended", func(p *place) {
			p.open(phone, measured, sessions.FromResident)
			p.contested(sessions.TwoPorts)
		}, `{"captive":true,"user-portal-url":"https://wifi.ville.example/","venue-info-url":"https://wifi.ville.example/ma-connexion","can-extend-session":false}`},
		{"ended", func(p *place) { p.end(p.open(phone, measured, sessions.FromResident), sessions.ByIdle) }, `{"captive":true,"user-portal-url":"https://wifi.ville.example/","venue-info-url":"https://wifi.ville.example/ma-connexion","can-extend-session":false}`},
		{"open for its former address", func(p *place) {
			before := phone
			before.IPv4 = other(9).IPv4
			p.open(before, visitor, sessions.FromResident)
		}, `{"captive":true,"user-portal-url":"https://wifi.ville.example/","venue-info-url":"https://wifi.ville.example/ma-connexion","can-extend-session":false}`},
		{"nobody knows who asks", func(p *place) { p.whoErr = portal.ErrUnknownDevice }, `{"captive":true,"user-portal-url":"https://wifi.ville.example/","venue-info-url":"https://wifi.ville.example/ma-connexion","can-extend-session":false}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlace(t)
			tc.prepare(p)
			r := p.api(captiveJSON, true)
			defer r.Body.Close()
			body := all(t, r.Body)
			if r.StatusCode != http.StatusOK || body != tc.want {
				t.Errorf("status %d\n%s\nexpected\n%s", r.StatusCode, body, tc.want)
			}
			for k, want := range map[string]string{"Content-Type": captiveJSON, "Cache-Control": "private, no-store", "Vary": "Accept"} {
				if got := r.Header.Get(k); got != want {
					t.Errorf("%s: %q, expected %q", k, got, want)
				}
			}
		})
	}
}

func TestDevicesGetTheAPIAndBrowsersThePage(t *testing.T) {
	const device, page = true, false
	for _, tc := range []struct {
		accept string
		want   bool
	}{
		{"", device},
		{captiveJSON, device},
		{"application/captive+json, */*", device},
		{"*/*", device},
		{"application/json", device},
		{"Application/Captive+JSON;q=0.9, text/html;q=0.5", device},
		{"text/html, application/captive+json", device},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", page},
		{"text/html", page},
		{"text/html;q=0.9,application/captive+json;q=0.1", page},
		{"text/html;q=0", device},
		{"text/html;q=NaN", device},
		{";;;,,,=", device},
	} {
		r := newPlace(t).api(tc.accept, true)
		r.Body.Close()
		switch {
		case tc.want == device && r.StatusCode != http.StatusOK:
			t.Errorf("%q: status %d, expected the API", tc.accept, r.StatusCode)
		case tc.want == page && (r.StatusCode != http.StatusFound || r.Header.Get("Location") != "/"):
			t.Errorf("%q: status %d to %q, expected the page", tc.accept, r.StatusCode, r.Header.Get("Location"))
		}
		if r.Header.Get("Vary") != "Accept" {
			t.Errorf("%q: Vary is %q", tc.accept, r.Header.Get("Vary"))
		}
	}
}

// RFC 8908, section 4: the API is TLS only.
func TestWithoutTLSThereIsNoAPI(t *testing.T) {
	insecure := newPlace(t, func(c *portal.Config) { c.Secure = false })
	for name, r := range map[string]*http.Response{
		"plain HTTP":     newPlace(t).api(captiveJSON, false),
		"no certificate": insecure.api(captiveJSON, true),
	} {
		r.Body.Close()
		if r.StatusCode != http.StatusFound || r.Header.Get("Location") != "/" {
			t.Errorf("%s: status %d to %q", name, r.StatusCode, r.Header.Get("Location"))
		}
	}
}

func FuzzAccept(f *testing.F) {
	for _, s := range []string{"", captiveJSON, "text/html", "text/html;q=0.1,*/*", "a/b;q=1;q=2", ",,;;==", "text/html;q=1e999"} {
		f.Add(s)
	}
	p := newPlace(f)
	f.Fuzz(func(t *testing.T, accept string) {
		r := p.api(accept, true)
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusFound {
			t.Errorf("%q: status %d", accept, r.StatusCode)
		}
	})
}
