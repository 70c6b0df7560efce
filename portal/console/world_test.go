package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/portal/console"
	"parvis/sessions"
	"parvis/sessions/hours"
	"parvis/sessions/sessionstest"
	"parvis/sessions/waiting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// staff is the people of the tests: who sends the cookie has entered.
type staff struct {
	mu   sync.Mutex
	done []string // what was recorded: "gesture object"
}

var mediatrice = console.Person{ID: "p1", Name: "Médiatrice", Role: "mediator"}

func (s *staff) Who(r *http.Request) (console.Person, bool) {
	c, err := r.Cookie("test")
	return mediatrice, err == nil && c.Value == "mediatrice"
}

func (s *staff) Record(_ context.Context, _ console.Person, what, object string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, what+" "+object)
}

func (s *staff) recorded() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.done...)
}

var (
	visit = sessions.Profile{Name: "visite", Label: "Visite", Duration: time.Hour, Runs: sessions.WhileUsed, Keep: 12 * time.Hour, LineStops: true}
	study = sessions.Profile{Name: "etude", Label: "Étude", Duration: 2 * time.Hour, Runs: sessions.WhileUsed, Keep: 12 * time.Hour, LineStops: true}
)

func device(n byte) sessions.Device {
	return sessions.Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, 0, n}, IPv4: netip.AddrFrom4([4]byte{10, 20, 0, n})}
}

// place is a console over a real manager, with its clock, disk and kernel in memory.
type place struct {
	t       testing.TB
	clock   *clock.Fake
	kernel  *sessionstest.Enforcer
	store   *sessionstest.Store
	manager *sessions.Manager
	staff   *staff
	waiting *waiting.List
	calls   *waiting.Calls
	line    *line
	seats   *seats
	town    console.Proposals // where proposals go; nil: the place has no centre
	parts   console.Parts
	config  console.Config
	*console.Console
}

// newPlace makes one that is always open; each option may change what New is given.
func newPlace(t testing.TB, options ...func(*place)) *place {
	t.Helper()
	return newPlaceWith(t, nil, options...)
}

// mornings is a place that has been closed since noon at the time of the tests, 14:42 on a Tuesday.
var mornings = hours.New(hours.Config{Week: []hours.Week{{
	Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}, Open: hours.Day{{From: 9 * 60, To: 12 * 60}},
}}})

func newPlaceWith(t testing.TB, calendar *hours.Calendar, options ...func(*place)) *place {
	t.Helper()
	p := &place{t: t, clock: clock.NewFake(), kernel: sessionstest.NewEnforcer(), store: sessionstest.NewStore(), staff: &staff{}}
	var err error
	p.manager, err = sessions.New(sessions.Options{
		Clock: p.clock, Store: p.store, Enforcer: p.kernel, Profiles: []sessions.Profile{visit, study}, FirstSlot: 0x10, LastSlot: 0x1f,
		Hours: calendar,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.manager.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.waiting, p.calls, p.line = waiting.New(p.clock, p.manager), waiting.NewCalls(p.clock), &line{manager: p.manager}
	p.config = console.Config{
		Site: console.Site{Name: "La Maison des habitants", Desk: "l'accueil", Contact: "04 76 00 00 00"},
		Name: "console.lab.test", Portal: "wifi.lab.test", Location: time.UTC,
	}
	p.parts = console.Parts{
		Clock: p.clock, Staff: p.staff, Sessions: p.manager, Gestures: p.manager, Hours: p.manager,
		Waiting: p.waiting, Calls: p.calls, Line: p.line,
	}
	for _, o := range options {
		o(p)
	}
	if p.Console, err = console.New(p.config, p.parts); err != nil {
		t.Fatal(err)
	}
	return p
}

// line is the line of the tests.
type line struct {
	state   console.LineState
	manager *sessions.Manager
}

func (l *line) State() console.LineState   { return l.state }
func (l *line) Outages() []sessions.Outage { return l.manager.Outages() }

// wait has a device wait, and returns its code.
func (p *place) wait(n byte, v waiting.Visit) string {
	v.Device = device(n)
	p.waiting.Visit(v)
	return p.manager.CodeOf(v.Device.MAC)
}

// of is the session of a device.
func (p *place) of(n byte) sessions.Session {
	s, _ := p.manager.Of(device(n).MAC)
	return s
}

// step lets the manager do what is due.
func (p *place) step() { p.manager.Step(p.t.Context()) }

// suspend has a device contested.
func (p *place) suspend(n byte, why sessions.Contest) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	done := make(chan error, 1)
	go func() { done <- p.manager.Run(ctx) }()
	p.kernel.Emit(sessions.Event{Kind: sessions.Contested, MAC: device(n).MAC, Contest: why})
	for end := time.Now().Add(patience); p.of(n).Suspended == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			p.t.Error("it is not suspended")
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		p.t.Fatal(err)
	}
}

// open lets a device in, not by the console.
func (p *place) open(n byte) sessions.Session {
	p.t.Helper()
	s, err := p.manager.Open(p.t.Context(), sessions.OpenRequest{Device: device(n), Profile: "visite", By: sessions.FromResident})
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *place) do(r *http.Request) *httptest.ResponseRecorder {
	r.AddCookie(&http.Cookie{Name: "test", Value: "mediatrice"})
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

// get returns a page that is there.
func (p *place) get(path string) string {
	p.t.Helper()
	w := p.do(httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		p.t.Fatalf("GET %s: %d: %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// post sends a form of name, value, name, value…
func (p *place) post(path string, fields ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.do(r)
}

// follow posts a form that must be answered by a redirection, and returns the page that it leads to.
func (p *place) follow(path string, fields ...string) string {
	p.t.Helper()
	w := p.post(path, fields...)
	if w.Code != http.StatusSeeOther {
		p.t.Fatalf("POST %s: %d: %s", path, w.Code, w.Body)
	}
	return p.get(w.Header().Get("Location"))
}

// says wants every one of the sentences on the page.
func says(t testing.TB, page string, sentences ...string) {
	t.Helper()
	text := text(page)
	for _, s := range sentences {
		if !strings.Contains(text, s) {
			t.Errorf("the page does not say « %s »:\n%s", s, text)
		}
	}
}

// silent wants none of them.
func silent(t testing.TB, page string, sentences ...string) {
	t.Helper()
	text := text(page)
	for _, s := range sentences {
		if strings.Contains(text, s) {
			t.Errorf("the page says « %s »:\n%s", s, text)
		}
	}
}
