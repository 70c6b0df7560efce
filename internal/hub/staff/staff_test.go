package staff_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/staff/stafftest"
)

const (
	password = "hibou nuage escalier"
	another  = "velours tambour citron"
)

// world is a hub of two communes. desk is another hub process on the same store.
type world struct {
	*staff.Staff
	t     *testing.T
	clock *clock.Fake
	other *staff.Staff
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := clock.NewFake()
	c.SetWall(clock.Wall{Time: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), Quality: clock.Synchronised})
	store := stafftest.New(c, "lac", "bois")
	o := staff.Options{Origin: "https://hub.exemple.test", Store: store, Clock: c, Log: slog.New(slog.DiscardHandler)}
	return &world{Staff: staff.New(o), other: staff.New(o), t: t, clock: c}
}

func TestTheMemoryKeepsTheContract(t *testing.T) {
	stafftest.Contract(t, stafftest.New(clock.NewFake(), "lac", "bois"))
}

func secretOf(l staff.Link) string { _, s, _ := strings.Cut(l.URL, "?j="); return s }

// join makes an account by a link of the operator.
func (w *world) join(tenant, login string, role staff.Role) staff.Person {
	w.t.Helper()
	by := staff.Operator
	by.Tenant = tenant
	by.Role = staff.EPCI
	l, err := w.Invite(w.t.Context(), by, tenant, role, login)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := w.Accept(w.t.Context(), secretOf(l), login, login, password)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// browser keeps cookies between requests.
type browser struct {
	cookies []*http.Cookie
	from    string
}

func (b *browser) request(method, path string) *http.Request {
	r := httptest.NewRequest(method, "https://hub.exemple.test"+path, nil)
	if b.from != "" {
		r.RemoteAddr = b.from + ":4000"
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	return r
}

func (b *browser) enter(s *staff.Staff, login, password string) error {
	w := httptest.NewRecorder()
	_, err := s.Enter(w, b.request(http.MethodPost, "/entrer"), login, password)
	if err == nil {
		b.cookies = w.Result().Cookies()
	}
	return err
}

type refusals struct{}

func (refusals) Foreign(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }

func (refusals) Broken(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusServiceUnavailable)
}

// sees is who the pages behind Handler see; "" when they see nobody.
func (b *browser) sees(s *staff.Staff, r *http.Request) (login string, answer *httptest.ResponseRecorder) {
	w := httptest.NewRecorder()
	s.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		who, _ := staff.Who(r)
		login = who.Name
	}), func(path string) bool { return path == "/aide" }, refusals{}).ServeHTTP(w, r)
	return login, w
}

func (w *world) in(s *staff.Staff, b *browser) string {
	login, _ := b.sees(s, b.request(http.MethodGet, "/"))
	return login
}

func TestALinkWorksOnceAndForItsTime(t *testing.T) {
	w := newWorld(t)
	l, err := w.Invite(t.Context(), staff.Operator, "", staff.EPCI, "Responsable")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Accept(t.Context(), secretOf(l), "a", "A", password); !errors.Is(err, staff.ErrLogin) {
		t.Fatalf("a login of one letter: %v", err)
	}
	if _, err := w.Accept(t.Context(), secretOf(l), "responsable", "Responsable", "motdepasse"); !errors.Is(err, staff.ErrWeak) {
		t.Fatalf("a weak password: %v", err)
	}
	if _, err := w.Accept(t.Context(), secretOf(l), "responsable", "Responsable", password); err != nil {
		t.Fatal(err)
	}
	if _, err := w.other.Accept(t.Context(), secretOf(l), "encore", "Encore", password); !errors.Is(err, staff.ErrToken) {
		t.Errorf("the link once more, at the other hub: %v", err)
	}
	l, err = w.Invite(t.Context(), staff.Operator, "lac", staff.DSI, "Administratrice")
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(72 * time.Hour)
	if _, err := w.Offered(t.Context(), secretOf(l)); !errors.Is(err, staff.ErrToken) {
		t.Errorf("after three days: %v", err)
	}
}

// What counts is the database: who is closed at one hub is out at the other with the next request.
func TestAClosedAccountIsOutEverywhereAtOnce(t *testing.T) {
	w := newWorld(t)
	admin := w.join("lac", "administration", staff.DSI)
	gone := w.join("lac", "lecture", staff.Reader)
	b := &browser{}
	if err := b.enter(w.Staff, "lecture", password); err != nil {
		t.Fatal(err)
	}
	if got := w.in(w.other, b); got != "lecture" {
		t.Fatalf("the other hub sees %q", got)
	}
	if err := w.Close(t.Context(), admin, gone.ID); err != nil {
		t.Fatal(err)
	}
	if got := w.in(w.other, b); got != "" {
		t.Errorf("closed, and the other hub still sees %q", got)
	}
	if err := b.enter(w.other, "lecture", password); !errors.Is(err, staff.ErrWrong) {
		t.Errorf("a closed account enters: %v", err)
	}
}

func TestALoginEndsAfterTwelveSilentHours(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "lecture", staff.Reader)
	b := &browser{}
	if err := b.enter(w.Staff, "lecture", password); err != nil {
		t.Fatal(err)
	}
	for range 3 { // a working day of requests
		w.clock.Advance(11 * time.Hour)
		if w.in(w.Staff, b) == "" {
			t.Fatal("out before twelve hours of silence")
		}
	}
	w.clock.Advance(13*time.Hour + time.Minute)
	if got := w.in(w.Staff, b); got != "" {
		t.Errorf("%q is still in after 13 silent hours", got)
	}
}

func TestWrongTriesMakeWaitAtBothHubs(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "lecture", staff.Reader)
	for n := range 5 {
		b := &browser{from: "192.0.2." + string(rune('1'+n))}
		if err := b.enter(w.Staff, "lecture", "x"); !errors.Is(err, staff.ErrWrong) {
			t.Fatal(err)
		}
	}
	var locked *staff.Locked
	if err := (&browser{}).enter(w.other, "lecture", password); !errors.As(err, &locked) || locked.Wait != staff.FirstWait {
		t.Fatalf("after five wrong ones: %v", err)
	}
	w.clock.Advance(staff.FirstWait)
	if err := (&browser{}).enter(w.other, "lecture", password); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	// A name that nobody has is counted the same.
	for range 5 {
		_ = (&browser{}).enter(w.Staff, "personne", "x")
	}
	if err := (&browser{}).enter(w.Staff, "personne", "x"); !errors.As(err, &locked) {
		t.Errorf("a name without account: %v", err)
	}
}

// Each team is its own: for the others its people do not exist.
func TestNobodyReachesIntoAnotherTeam(t *testing.T) {
	w := newWorld(t)
	center, lac, bois := w.join("", "centre", staff.EPCI), w.join("lac", "lac", staff.DSI), w.join("bois", "bois", staff.DSI)
	reader, dpo := w.join("bois", "lecture", staff.Reader), w.join("lac", "dpo", staff.DPO)
	ctx := t.Context()
	link := func(_ staff.Link, err error) error { return err }
	for name, c := range map[string]struct {
		got, want error
	}{
		"close over the border":             {w.Close(ctx, lac, reader.ID), staff.ErrNotFound},
		"the EPCI closes in a commune":      {w.Close(ctx, center, reader.ID), staff.ErrNotFound},
		"a role over the border":            {w.SetRole(ctx, lac, reader.ID, staff.DSI), staff.ErrNotFound},
		"a password over the border":        {link(w.Reset(ctx, lac, reader.ID)), staff.ErrNotFound},
		"invite over the border":            {link(w.Invite(ctx, lac, "bois", staff.DSI, "Espion")), staff.ErrForbidden},
		"invite into the EPCI":              {link(w.Invite(ctx, lac, "", staff.EPCI, "Espion")), staff.ErrForbidden},
		"the EPCI into a team that is made": {link(w.Invite(ctx, center, "lac", staff.DSI, "Espion")), staff.ErrForbidden},
		"a DPO invites":                     {link(w.Invite(ctx, dpo, "lac", staff.Reader, "Espion")), staff.ErrForbidden},
		"a reader closes":                   {w.Close(ctx, reader, bois.ID), staff.ErrForbidden},
		"an EPCI role in a commune":         {w.SetRole(ctx, lac, dpo.ID, staff.EPCI), staff.ErrForbidden},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	people, err := w.People(ctx, lac)
	if err != nil || len(people) != 2 {
		t.Errorf("lac sees %+v, %v", people, err)
	}
	if entries, err := w.Trace(ctx, lac, staff.Filter{Most: 100}); err != nil || len(entries) == 0 {
		t.Errorf("%v, %v", entries, err)
	} else {
		for _, e := range entries {
			if e.Tenant != "lac" {
				t.Errorf("lac reads %+v", e)
			}
		}
	}
	if _, err := w.Trace(ctx, reader, staff.Filter{Most: 1}); !errors.Is(err, staff.ErrForbidden) {
		t.Errorf("a reader reads the log: %v", err)
	}
}

func TestATeamKeepsOneWhoManages(t *testing.T) {
	w := newWorld(t)
	admin := w.join("lac", "lac", staff.DSI)
	if err := w.Close(t.Context(), admin, admin.ID); !errors.Is(err, staff.ErrLast) {
		t.Errorf("the last one closes itself: %v", err)
	}
	if err := w.SetRole(t.Context(), admin, admin.ID, staff.Reader); !errors.Is(err, staff.ErrLast) {
		t.Errorf("the last one becomes a reader: %v", err)
	}
	w.join("lac", "autre", staff.DSI)
	if err := w.Close(t.Context(), admin, admin.ID); err != nil {
		t.Error(err)
	}
}

func TestANewPasswordEndsTheOtherLogins(t *testing.T) {
	w := newWorld(t)
	who := w.join("lac", "lac", staff.DSI)
	here, there := &browser{}, &browser{}
	for _, b := range []*browser{here, there} {
		if err := b.enter(w.Staff, "lac", password); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Password(here.request(http.MethodPost, "/compte"), who, "x", another); !errors.Is(err, staff.ErrWrong) {
		t.Errorf("with a wrong old one: %v", err)
	}
	if err := w.Password(here.request(http.MethodPost, "/compte"), who, password, another); err != nil {
		t.Fatal(err)
	}
	if w.in(w.Staff, here) == "" || w.in(w.Staff, there) != "" {
		t.Error("the own login must stay and the other end")
	}
	if err := there.enter(w.Staff, "lac", another); err != nil {
		t.Error(err)
	}
}

func TestWhatTheHandlerLetsThrough(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "lac", staff.DSI)
	in, out := &browser{}, &browser{}
	if err := in.enter(w.Staff, "lac", password); err != nil {
		t.Fatal(err)
	}
	foreign := in.request(http.MethodPost, "/equipe")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	for name, c := range map[string]struct {
		r    *http.Request
		code int
		to   string
	}{
		"in":                   {in.request(http.MethodGet, "/sites"), http.StatusOK, ""},
		"out":                  {out.request(http.MethodGet, "/sites?q=a"), http.StatusSeeOther, "/entrer?suite=%2Fsites%3Fq%3Da"},
		"out, a gesture":       {out.request(http.MethodPost, "/equipe"), http.StatusSeeOther, "/entrer"},
		"out, everybody's":     {out.request(http.MethodGet, "/aide"), http.StatusOK, ""},
		"another site's form":  {foreign, http.StatusForbidden, ""},
		"no provider, no way":  {out.request(http.MethodGet, "/entrer/ville"), http.StatusSeeOther, "/entrer"},
		"a cookie of somebody": {(&browser{cookies: []*http.Cookie{{Name: "__Host-parvis-hub", Value: "x"}}}).request(http.MethodGet, "/"), http.StatusSeeOther, "/entrer"},
	} {
		t.Run(name, func(t *testing.T) {
			_, answer := in.sees(w.Staff, c.r)
			if to := answer.Header().Get("Location"); answer.Code != c.code || to != c.to {
				t.Errorf("%d to %q, want %d to %q", answer.Code, to, c.code, c.to)
			}
			if answer.Header().Get("Content-Security-Policy") == "" || answer.Header().Get("Cache-Control") != "no-store" {
				t.Error("an answer without its policy")
			}
		})
	}
}

func TestNothingButOwnPathsIsLedTo(t *testing.T) {
	for to, want := range map[string]string{
		"/sites?q=a": "/sites?q=a", "": "/", "//evil.test": "/", "https://evil.test/": "/", `/\evil.test`: "/", "/entrer": "/", "/invitation?j=x": "/",
		"/" + strings.Repeat("x", 600): "/", "javascript:alert(1)": "/",
	} {
		if got := staff.Next(to); got != want {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}
