package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"parvis/portal"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

func TestRefusalsSayWhyAndWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		name    string
		prepare func(*place)
		status  int
		want    []string
	}{
		{"no slot is free", func(p *place) {
			p.open(other(1), visitor, sessions.FromResident)
			p.open(other(2), visitor, sessions.FromResident)
		}, 503, []string{"Beaucoup de personnes sont sur internet. Attendez quelques minutes."}},
		{"no device", func(p *place) { p.whoErr = portal.ErrUnknownDevice }, 409, []string{"Nous ne trouvons pas votre appareil.", "Arrêtez le Wi-Fi, puis remettez le Wi-Fi."}},
		{"no lease", func(p *place) { p.whoErr = fmt.Errorf("asked: %w", portal.ErrNoLease) }, 409, []string{"Votre appareil a une ancienne adresse.", "Arrêtez le Wi-Fi"}},
		{"another's lease", func(p *place) { p.whoErr = portal.ErrOtherDevice }, 409, []string{"Un autre appareil a la même adresse.", "Arrêtez le Wi-Fi"}},
		{"identification fails", func(p *place) { p.whoErr = errBroken }, 503, []string{"Notre matériel a un problème.", "Votre appareil marche bien."}},
		{"the disk fails", func(p *place) { p.disk.Fail(sessionstest.Save, errBroken) }, 503, []string{"Notre matériel a un problème."}},
		{"the kernel fails", func(p *place) { p.kernel.Fail(sessionstest.Put, errBroken) }, 503, []string{"Notre matériel a un problème."}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlace(t)
			tc.prepare(p)
			says(t, p.post("/ouvrir"), tc.status, append(tc.want, "Internet n'est pas ouvert.", "Essayer encore", "Demandez à l'accueil.")...)
			if p.passes(phone) {
				t.Error("and yet the phone passes")
			}
			if log := p.log.String(); log == "" || strings.Contains(log, phone.MAC.String()) || strings.Contains(log, phone.IPv4.String()) {
				t.Errorf("the log says %q", log)
			}
			says(t, p.get("/"), 200, "Aller sur internet") // the first page stays
		})
	}
}

func TestAKernelThatDoesNotStopIsSaidPlainly(t *testing.T) {
	p := newPlace(t)
	p.post("/ouvrir")
	p.kernel.Fail(sessionstest.Drop, errBroken)
	p.kernel.Fail(sessionstest.Sync, errBroken)
	says(t, p.post("/arreter"), 503, "Internet est encore ouvert.", "Demandez à l'accueil.")
}

// Identity is the socket's address; whoever says otherwise is not believed.
func TestHeadersDoNotSayWhoAsks(t *testing.T) {
	p := newPlace(t)
	r := request(http.MethodPost, "/ouvrir", url.Values{})
	r.RemoteAddr = "10.20.0.66:1000"
	for _, h := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Cf-Connecting-Ip"} {
		r.Header.Set(h, phone.IPv4.String())
	}
	says(t, p.do(r), http.StatusConflict, "Nous ne trouvons pas votre appareil.")
	if p.passes(phone) {
		t.Error("internet was opened for somebody else")
	}
}

func TestAnotherSitesFormOpensNothing(t *testing.T) {
	for _, tc := range []struct {
		name   string
		header map[string]string
		passes bool
	}{
		{"an old browser", nil, true},
		{"our own page over HTTP", map[string]string{"Origin": "http://wifi.ville.example"}, true},
		{"our own page over HTTPS", map[string]string{"Origin": "https://wifi.ville.example", "Sec-Fetch-Site": "same-origin"}, true},
		{"another site, over HTTP", map[string]string{"Origin": "http://evil.example"}, false},
		{"a page that hides itself", map[string]string{"Origin": "null"}, false},
		{"another site", map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlace(t)
			r := request(http.MethodPost, "/ouvrir", url.Values{})
			for k, v := range tc.header {
				r.Header.Set(k, v)
			}
			w := p.do(r)
			if p.passes(phone) != tc.passes || tc.passes != (w.Code == http.StatusSeeOther) || !tc.passes && w.Code != http.StatusForbidden {
				t.Errorf("status %d, passes %v", w.Code, p.passes(phone))
			}
		})
	}
}

// With "no-referrer" Chromium sends "Origin: null" with our own form over HTTP, where it sends no Sec-Fetch-Site: the
// button would be refused as another site's.
func TestOurOwnFormsTellWhereTheyComeFrom(t *testing.T) {
	if got := newPlace(t).get("/").Header().Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("Referrer-Policy is %q", got)
	}
}
