package portal_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/portal"
	"parvis/sessions"
	"parvis/sessions/hours"
	"parvis/sessions/sessionstest"
	"parvis/sessions/waiting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	visitor = sessions.Profile{
		Name: "visiteur", Label: "Visiteur", Duration: time.Hour, Runs: sessions.WhileUsed, Idle: 15 * time.Minute, Keep: 12 * time.Hour,
	}
	measured = sessions.Profile{
		Name: "mesure", Label: "Mesuré", Duration: 2 * time.Hour, Runs: sessions.FromOpening, Volume: 2_000_000_000, Keep: 72 * time.Hour,
	}
	generous = sessions.Profile{
		Name: "large", Label: "Large", Duration: 2 * time.Hour, Runs: sessions.WhileUsed, Volume: 2_000_000_000, Slow: 512_000,
		Extend: 30 * time.Minute, Extensions: 2,
	}
	patient = sessions.Profile{
		Name: "patient", Label: "Patient", Duration: time.Hour, Runs: sessions.WhileUsed, Keep: 12 * time.Hour, LineStops: true,
	}
	daily = sessions.Profile{
		Name: "jour", Label: "Jour", Duration: time.Hour, Runs: sessions.WhileUsed, Daily: 2 * time.Hour, DailyVolume: 1_000_000_000,
		Keep: 12 * time.Hour,
	}
)

var config = portal.Config{
	Site: portal.Site{
		Name: "la médiathèque des Tilleuls", Desk: "l'accueil",
		Contact: "mediatheque@ville.example, 04 00 00 00 00", Publisher: "Ville d'exemple",
		Rules: []string{"La salle du fond est silencieuse."},
	},
	Languages: []string{"fr", "en", "ar"}, Name: "wifi.ville.example", Address: netip.MustParseAddr("10.20.0.1"),
	Secure: true, Profile: "visiteur", Version: "1.2.3", Zone: time.UTC,
}

var phone = sessions.Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 1}, IPv4: netip.MustParseAddr("10.20.0.11")}

// place is a portal on a real manager, with a kernel and a disk that live in memory.
type place struct {
	t       testing.TB
	clock   *clock.Fake
	kernel  *sessionstest.Enforcer
	disk    *sessionstest.Store
	manager *sessions.Manager
	portal  *portal.Portal
	log     *strings.Builder

	waiting *waiting.List
	calls   *waiting.Calls
	down    bool   // the line
	desk    bool   // somebody is at the desk
	cookie  string // that the browser sends in the place of any other; "" what it has

	who    sessions.Device // behind phone's address
	whoErr error
	panics bool
}

// newPlace opens a place with two slots. change may adapt the configuration.
func newPlace(t testing.TB, change ...func(*portal.Config)) *place {
	t.Helper()
	return newPlaceWith(t, nil, change...)
}

// newPlaceWith opens a place with hours; nil: it is always open.
func newPlaceWith(t testing.TB, calendar *hours.Calendar, change ...func(*portal.Config)) *place {
	t.Helper()
	p := &place{t: t, clock: clock.NewFake(), kernel: sessionstest.NewEnforcer(), disk: sessionstest.NewStore(), log: &strings.Builder{}, who: phone}
	var err error
	p.manager, err = sessions.New(sessions.Options{
		Clock: p.clock, Store: p.disk, Enforcer: p.kernel, Profiles: []sessions.Profile{visitor, measured, generous, daily, patient}, FirstSlot: 0x10, LastSlot: 0x11,
		Hours: calendar,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.manager.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := config
	for _, c := range change {
		c(&cfg)
	}
	p.waiting, p.calls = waiting.New(p.clock, p.manager), waiting.NewCalls(p.clock)
	p.portal, err = portal.New(cfg, portal.Parts{
		Sessions: p.manager, Identify: p.identify, Waiting: p.waiting, Calls: p.calls, Clock: p.clock,
		Log: slog.New(slog.NewTextHandler(p.log, nil)), Line: func() bool { return p.down }, Desk: func() bool { return p.desk },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) identify(a netip.Addr) (portal.Device, error) {
	if p.panics {
		panic("nobody expected " + p.who.MAC.String() + " at " + a.String())
	}
	if a != phone.IPv4 {
		return portal.Device{}, portal.ErrUnknownDevice
	}
	return p.who, p.whoErr
}

// request makes a request of the phone to the portal's own name.
func request(method, target string, form url.Values) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	if form == nil {
		r = httptest.NewRequest(method, target, nil)
	} else {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Host = config.Name
	r.RemoteAddr = phone.IPv4.String() + ":40000"
	return r
}

func (p *place) do(r *http.Request) *httptest.ResponseRecorder {
	p.remind(r)
	w := httptest.NewRecorder()
	p.portal.Handler().ServeHTTP(w, r)
	return w
}

func (p *place) get(target string) *httptest.ResponseRecorder {
	return p.do(request(http.MethodGet, target, nil))
}

func (p *place) post(target string) *httptest.ResponseRecorder {
	return p.do(request(http.MethodPost, target, url.Values{}))
}

// submit sends a form from the phone, with the cookie that it was given; "" none.
func (p *place) submit(target, cookie string, form url.Values) *httptest.ResponseRecorder {
	r := request(http.MethodPost, target, form)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "parvis", Value: cookie})
	}
	return p.do(r)
}

// remind puts the state's cookie into a request.
func (p *place) remind(r *http.Request) {
	if p.cookie != "" {
		r.Header.Del("Cookie") // a browser keeps those of the states before
		r.AddCookie(&http.Cookie{Name: "parvis", Value: p.cookie})
	}
}

// show asks for a page with a cookie.
func (p *place) show(target, cookie string) *httptest.ResponseRecorder {
	r := request(http.MethodGet, target, nil)
	r.AddCookie(&http.Cookie{Name: "parvis", Value: cookie})
	return p.do(r)
}

// cookie is the token that an answer gives to the browser; "" none.
func cookie(w *httptest.ResponseRecorder) string {
	for _, c := range w.Result().Cookies() {
		if c.Name == "parvis" {
			return c.Value
		}
	}
	return ""
}

// comesBack gives the phone another hardware address and another lease, as phones do.
func (p *place) comesBack() sessions.Device {
	p.who = sessions.Device{MAC: mac.Addr{0x5a, 1, 2, 3, 4, 5}, IPv4: phone.IPv4}
	return p.who
}

// open lets the phone in without a page.
func (p *place) open(d sessions.Device, rules sessions.Profile, by sessions.Opener) sessions.Session {
	p.t.Helper()
	s, err := p.manager.Open(context.Background(), sessions.OpenRequest{Device: d, Profile: rules.Name, By: by})
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *place) end(s sessions.Session, why sessions.Reason) {
	p.t.Helper()
	if _, err := p.manager.End(context.Background(), s.ID, why); err != nil {
		p.t.Fatal(err)
	}
}

// use lets so many bytes through, and a reading see them.
func (p *place) use(s sessions.Session, n uint64) {
	p.kernel.Carry(s.Slot, n, 0)
	p.clock.Advance(time.Minute)
	p.manager.Step(context.Background())
}

// happens makes the enforcer see something, and waits until the manager has dealt with it.
func (p *place) happens(e sessions.Event) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	p.kernel.Emit(e)
	go func() { done <- p.manager.Run(ctx) }()
	p.kernel.WaitTaken(p.t)
	cancel()
	if err := <-done; err != nil {
		p.t.Fatal(err)
	}
}

// pause makes the desk close the place for two hours.
func (p *place) pause() {
	p.t.Helper()
	if _, err := p.manager.Pause(context.Background(), sessions.PauseRequest{Until: p.clock.Wall().Time.Add(2 * time.Hour)}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) contested(why sessions.Contest) {
	p.t.Helper()
	p.happens(sessions.Event{Kind: sessions.Contested, MAC: phone.MAC, Contest: why})
}

// passes reports whether the kernel lets the phone's packets pass.
func (p *place) passes(d sessions.Device) bool {
	for _, g := range p.kernel.Grants() {
		if g.MAC == d.MAC && g.IPv4 == d.IPv4 && !g.Suspended {
			return true
		}
	}
	return false
}

func other(n byte) sessions.Device {
	return sessions.Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, 1, n}, IPv4: netip.AddrFrom4([4]byte{10, 20, 1, n})}
}

func secure(r *http.Request) *http.Request {
	r.TLS = &tls.ConnectionState{}
	return r
}

var errBroken = errors.New("broken for the test")
