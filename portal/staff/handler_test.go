package staff_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"parvis/internal/mac"
	"parvis/portal/staff"
	"parvis/sessions"
)

func TestWhoHasNotEnteredIsSentToTheEntrance(t *testing.T) {
	p := newPlace(t)
	b := p.browser(office)
	for _, c := range []struct{ method, target, to string }{
		{http.MethodGet, "/", "/entrer"},
		{http.MethodGet, "/attente?fixe=1", "/entrer?suite=%2Fattente%3Ffixe%3D1"},
		{http.MethodGet, "//evil.example/", "/entrer"},
		{http.MethodPost, "/connexions/x/arreter", "/entrer"},
	} {
		w := b.do(c.method, c.target, nil)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.to {
			t.Errorf("%s %s: %d to %q, want %q", c.method, c.target, w.Code, w.Header().Get("Location"), c.to)
		}
	}
	for _, open := range []string{"/entrer", "/invitation?j=x", "/fichiers/style-000000000000.css"} {
		if w := b.do(http.MethodGet, open, nil); !strings.HasPrefix(w.Body.String(), "console ") {
			t.Errorf("%s: %d %s", open, w.Code, w.Body)
		}
	}
	r := b.request(http.MethodGet, "/evenements", nil)
	r.Header.Set("Accept", "text/event-stream")
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("a stream of events: %d", w.Code)
	}
}

func TestGesturesOfAnotherSitesPageAreRefused(t *testing.T) {
	p := newPlace(t)
	p.person("mediatrice", staff.Mediator)
	b := p.browser(office)
	_, err := b.enter("mediatrice", password)
	must(t, err)
	for name, headers := range map[string]map[string]string{
		"by its site":   {"Sec-Fetch-Site": "cross-site"},
		"by its origin": {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
		"by a sibling":  {"Sec-Fetch-Site": "same-site"},
	} {
		for _, target := range []string{"/connexions/x/arreter", "/entrer", "/sortir", "/appareil"} {
			r := b.request(http.MethodPost, target, url.Values{"j": {"x"}})
			for k, v := range headers {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			b.handler.ServeHTTP(w, r)
			if w.Code != http.StatusForbidden {
				t.Errorf("%s, %s: %d", name, target, w.Code)
			}
		}
	}
	if w := b.do(http.MethodPost, "/connexions/x/arreter", url.Values{}); w.Code != http.StatusOK {
		t.Errorf("our own: %d", w.Code)
	}
}

func TestEveryAnswerHasAStrictPolicy(t *testing.T) {
	p := newPlace(t)
	b := p.browser(office)
	for _, target := range []string{"/", "/entrer", "/appareil?j=x", "/invitation"} {
		h := b.do(http.MethodGet, target, nil).Header()
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: %q", target, csp)
		}
		if h.Get("Referrer-Policy") != "same-origin" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") != "" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", target, h)
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	for _, c := range []struct {
		action staff.Action
		who    []staff.Role
	}{
		{staff.Look, []staff.Role{staff.Mediator, staff.Referent, staff.DSI, staff.DPO}},
		{staff.Serve, []staff.Role{staff.Mediator, staff.Referent, staff.DSI}},
		{staff.Manage, []staff.Role{staff.Referent, staff.DSI}},
		{staff.ManageAll, []staff.Role{staff.DSI}},
		{staff.ReadLog, []staff.Role{staff.DSI, staff.DPO}},
	} {
		for _, r := range append(staff.Roles, "", "root") {
			want := false
			for _, w := range c.who {
				want = want || w == r
			}
			if r.May(c.action) != want {
				t.Errorf("%q may %s: %v, want %v", r, c.action, !want, want)
			}
		}
	}
}

func TestARoleThatOnlyLooksMakesNoGesture(t *testing.T) {
	p := newPlace(t)
	p.person("dpo", staff.DPO)
	b := p.browser(office)
	_, err := b.enter("dpo", password)
	must(t, err)
	for target, want := range map[string]int{
		"/connexions/x/arreter": http.StatusForbidden, "/ouverture/pause": http.StatusForbidden,
		"/compte/mot-de-passe": http.StatusOK, "/sortir": http.StatusOK, // about oneself
	} {
		if w := b.do(http.MethodPost, target, url.Values{}); w.Code != want {
			t.Errorf("%s: %d, want %d", target, w.Code, want)
		}
	}
	if w := b.do(http.MethodGet, "/connexions", nil); w.Code != http.StatusOK {
		t.Errorf("looking: %d", w.Code)
	}
}

// atDoor is the phone's browser on the public network, before the firewall knows it.
func (p *place) atDoor() *browser {
	b := p.browser(phone.IPv4.String() + ":40000")
	b.handler = p.Door()
	return b
}

func TestTheDoorShowsAStrangerNothing(t *testing.T) {
	p := newPlace(t)
	b := p.atDoor()
	for _, target := range []string{"/", "/attente", "/entrer", "/equipe", "/appareil", "/appareil?j=x", "/invitation?j=x", "/invitation"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			w := b.do(method, target, url.Values{"j": {"y"}, "identifiant": {"mediatrice"}})
			if w.Code != http.StatusForbidden && w.Code != http.StatusGone || strings.Contains(w.Body.String(), "console ") {
				t.Errorf("%s %s: %d %s", method, target, w.Code, w.Body)
			}
			if w.Header().Get("Connection") != "close" {
				t.Errorf("%s %s: the connection stays, and the next request with it", method, target)
			}
		}
	}
	if len(b.cookies) != 0 || p.admitted() != 0 {
		t.Error(b.cookies, p.in)
	}
}

func TestADeviceIsEnrolledByALinkThatWorksOnce(t *testing.T) {
	p := newPlace(t)
	mediatrice := p.person("mediatrice", staff.Mediator)
	l, err := p.InviteDevice(t.Context(), mediatrice, mediatrice.ID, "mon téléphone")
	must(t, err)
	if !strings.HasPrefix(l.URL, "https://"+name+"/appareil?j=") || len(secret(l)) < 43 {
		t.Fatal(l.URL)
	}
	b := p.atDoor()
	for range 3 { // previews of messages read links too
		w := b.do(http.MethodGet, "/appareil?j="+secret(l), nil)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "mon téléphone") || p.admitted() != 0 || len(b.cookies) != 0 {
			t.Fatal(w.Code, w.Body)
		}
	}
	w := b.do(http.MethodPost, "/appareil", url.Values{"j": {secret(l)}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "https://"+name+"/" || w.Header().Get("Connection") != "close" {
		t.Fatal(w.Code, w.Header())
	}
	c := w.Result().Cookies()[0]
	if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge < 180*24*3600 {
		t.Errorf("%+v", c)
	}
	if p.in[phone.MAC] != phone.IPv4 {
		t.Error("it is not let in")
	}
	if w := p.atDoor().do(http.MethodPost, "/appareil", url.Values{"j": {secret(l)}}); w.Code != http.StatusGone {
		t.Errorf("a second time: %d", w.Code)
	}
	if devices := p.Devices(mediatrice); len(devices) != 1 || devices[0].Owner != mediatrice.ID || devices[0].Desk {
		t.Errorf("%+v", devices)
	}
}

func TestAnEnrolledDeviceComesBackUnderANewMAC(t *testing.T) {
	p := newPlace(t)
	b := p.enrolled()
	p.mu.Lock()
	next := sessions.Device{MAC: mac.Addr{2, 0, 0, 0, 0, 9}, IPv4: phone.IPv4.Next()}
	p.at[next.IPv4] = next
	p.mu.Unlock()
	b.from = next.IPv4.String() + ":40001"
	w := b.do(http.MethodGet, "/attente?fixe=1", nil)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "https://"+name+"/attente?fixe=1" {
		t.Fatal(w.Code, w.Header())
	}
	if p.in[next.MAC] != next.IPv4 || p.admitted() != 1 {
		t.Errorf("let in: %v; the old one goes", p.in)
	}
}

// enrolled is a phone that was enrolled and let in, still at the door.
func (p *place) enrolled() *browser {
	p.t.Helper()
	mediatrice := p.person("mediatrice", staff.Mediator)
	l, err := p.InviteDevice(p.t.Context(), mediatrice, mediatrice.ID, "téléphone")
	must(p.t, err)
	b := p.atDoor()
	b.do(http.MethodPost, "/appareil", url.Values{"j": {secret(l)}})
	if p.admitted() != 1 {
		p.t.Fatal("not let in")
	}
	return b
}

func TestADeviceThatIsLetInAndNeverArrivesIsToldSo(t *testing.T) {
	p := newPlace(t)
	b := p.enrolled()
	for range 10 {
		w := b.do(http.MethodGet, "/", nil)
		if w.Code == http.StatusServiceUnavailable {
			return
		}
	}
	t.Error("its browser goes round in circles")
}

func TestADeviceStaysInWhileItIsThereAndItsCookieWasSeen(t *testing.T) {
	p := newPlace(t)
	p.enrolled()
	renewed := func(after time.Duration) bool {
		p.clock.Advance(after)
		before := p.puts
		p.Renew(t.Context())
		return p.puts > before
	}
	for range 23 { // 11 h 30, a quarter of the lease at a time
		if !renewed(30 * time.Minute) {
			t.Fatal("it is not renewed")
		}
	}
	if renewed(30 * time.Minute) {
		t.Error("renewed 12 hours after its cookie was seen")
	}
}

func TestADeviceThatHasLeftIsNotRenewed(t *testing.T) {
	p := newPlace(t)
	p.enrolled()
	for name, now := range map[string]sessions.Device{"somebody else has its address": {MAC: mac.Addr{2, 0, 0, 0, 0, 7}, IPv4: phone.IPv4}, "nobody has": {}} {
		before := p.puts
		p.at[phone.IPv4] = now
		if p.Renew(t.Context()); p.puts > before {
			t.Errorf("%s: renewed", name)
		}
	}
}

func TestAForgottenDeviceIsPutOutAtOnce(t *testing.T) {
	for name, restart := range map[string]bool{"": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			b := p.enrolled()
			if restart {
				p.start()
				b.handler = p.Door()
			}
			d := p.Devices(staff.Operator)[0]
			must(t, p.Forget(t.Context(), staff.Operator, d.ID))
			if p.admitted() != 0 {
				t.Error("it is still in")
			}
			if w := b.do(http.MethodGet, "/", nil); w.Code != http.StatusForbidden {
				t.Errorf("its cookie is still good: %d", w.Code)
			}
		})
	}
}

func TestAnInvitationOpenedAtTheDoorEnrolsTheDeviceAndGoesOnThereAlone(t *testing.T) {
	p := newPlace(t)
	l, err := p.Invite(t.Context(), staff.Operator, staff.DSI, "Leïla", false)
	must(t, err)
	b := p.atDoor()
	if w := b.do(http.MethodGet, "/invitation?j="+secret(l), nil); w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	w := b.do(http.MethodPost, "/invitation", url.Values{"j": {secret(l)}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != l.URL || p.admitted() != 1 {
		t.Fatal(w.Code, w.Header(), p.in)
	}
	accept := func(b *browser) error {
		_, err := p.Accept(b.request(http.MethodPost, "/invitation", url.Values{}), secret(l), "informaticienne", "Leïla", password)
		return err
	}
	if err := accept(p.browser(office)); err == nil {
		t.Error("another device makes the account with the link")
	}
	must(t, accept(b))
	if who, ok := p.Find("informaticienne"); !ok || who.Role != staff.DSI || who.ID != l.Person {
		t.Error(who, ok)
	}
	if d, ok := p.Device(b.request(http.MethodGet, "/", nil)); !ok || d.Owner != l.Person {
		t.Error(d, ok)
	}
}

func TestPlainHTTPUnderTheConsolesNameLeadsToHTTPS(t *testing.T) {
	p := newPlace(t)
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for host, want := range map[string]string{name: "https://" + name + "/attente", "EQUIPE.lab.test.:80": "https://" + name + "/attente", "wifi.lab.test": "", "": ""} {
		r := httptest.NewRequest(http.MethodGet, "/attente", nil)
		r.Host = host
		w := httptest.NewRecorder()
		p.Front(pages).ServeHTTP(w, r)
		if got := w.Header().Get("Location"); got != want || want == "" && w.Code != http.StatusTeapot {
			t.Errorf("%q: %d to %q, want %q", host, w.Code, got, want)
		}
	}
}
