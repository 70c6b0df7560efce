package staff_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/portal/staff"
	"parvis/portal/staff/sqlite"
	"parvis/sessions"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	name     = "equipe.lab.test"
	password = "girafe lampe ruisseau"
)

var (
	guests = netip.MustParsePrefix("10.77.0.1/16")
	phone  = sessions.Device{MAC: mac.Addr{2, 0, 0, 0, 0, 1}, IPv4: netip.MustParseAddr("10.77.0.20")}
	office = "192.168.1.20:5000"
)

// place is the staff of one place on a real store, and what the firewall was asked for.
type place struct {
	t     testing.TB
	clock *clock.Fake
	path  string
	store *sqlite.Store
	city  *staff.Provider
	shuts time.Time // the place's closing; zero: it does not close
	*staff.Staff

	mu   sync.Mutex
	at   map[netip.Addr]sessions.Device // who is on the public network
	in   map[mac.Addr]netip.Addr        // who was let in
	puts int
}

func newPlace(t testing.TB, options ...func(*place)) *place {
	t.Helper()
	p := &place{
		t: t, clock: clock.NewFake(), path: filepath.Join(t.TempDir(), "staff.db"),
		at: map[netip.Addr]sessions.Device{phone.IPv4: phone}, in: map[mac.Addr]netip.Addr{},
	}
	p.clock.SetWall(clock.Wall{Time: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), Quality: clock.Synchronised})
	for _, o := range options {
		o(p)
	}
	p.start()
	return p
}

// start opens the store and reads it, as after a restart.
func (p *place) start() {
	p.t.Helper()
	if p.store != nil {
		must(p.t, p.store.Close())
	}
	var err error
	p.store, err = sqlite.Open(p.path, p.clock)
	must(p.t, err)
	store := p.store
	p.t.Cleanup(func() { store.Close() })
	p.Staff, err = staff.New(p.t.Context(), staff.Options{
		Name: name, Store: p.store, Clock: p.clock, Log: slog.New(slog.DiscardHandler), Location: time.UTC,
		Guests: guests, Lease: 2 * time.Hour, City: p.city,
		Closing: func(time.Time) time.Time { return p.shuts },
		Identify: func(a netip.Addr) (sessions.Device, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if d, ok := p.at[a]; ok {
				return d, nil
			}
			return sessions.Device{}, io.EOF
		},
		Admit: func(_ context.Context, d sessions.Device, _ time.Duration) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.in[d.MAC], p.puts = d.IPv4, p.puts+1
			return nil
		},
		Expel: func(_ context.Context, m mac.Addr) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			if m == (mac.Addr{}) {
				clear(p.in)
			}
			delete(p.in, m)
			return nil
		},
	})
	must(p.t, err)
}

func (p *place) admitted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.in)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// browser keeps cookies as one does.
type browser struct {
	p       *place
	from    string
	cookies map[string]string
	handler http.Handler
}

// console is what stands behind staff's handler in these tests.
var console = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "console "+r.URL.Path) })

func (p *place) browser(from string) *browser {
	return &browser{p: p, from: from, cookies: map[string]string{}, handler: p.Handler(console)}
}

// request carries the browser's cookies.
func (b *browser) request(method, target string, form url.Values) *http.Request {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, target, body)
	r.RemoteAddr, r.Host = b.from, name
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range b.cookies {
		r.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	return r
}

// keep takes an answer's cookies.
func (b *browser) keep(w *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return w
}

func (b *browser) do(method, target string, form url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, b.request(method, target, form))
	return b.keep(w)
}

func (b *browser) enter(login, pass string) (staff.Person, error) {
	w := httptest.NewRecorder()
	p, err := b.p.Enter(w, b.request(http.MethodPost, staff.EnterPath, url.Values{}), login, pass)
	b.keep(w)
	return p, err
}

func (b *browser) who() (staff.Person, bool) { return b.p.Who(b.request(http.MethodGet, "/", nil)) }

// secret is what a link carries.
func secret(l staff.Link) string {
	u, _ := url.Parse(l.URL)
	return u.Query().Get("j")
}

// person makes an account by its invitation.
func (p *place) person(login string, role staff.Role) staff.Person {
	p.t.Helper()
	l, err := p.Invite(p.t.Context(), staff.Operator, role, login, false)
	must(p.t, err)
	made, err := p.Accept(p.browser(office).request(http.MethodPost, "/", nil), secret(l), login, login, password)
	must(p.t, err)
	return made
}

// desk is a browser of an enrolled machine of the desk.
func (p *place) desk() *browser {
	p.t.Helper()
	l, err := p.InviteDevice(p.t.Context(), staff.Operator, "", "PC accueil")
	must(p.t, err)
	b := p.browser(office)
	if w := b.do(http.MethodPost, staff.DevicePath, url.Values{"j": {secret(l)}}); w.Code != http.StatusSeeOther {
		p.t.Fatal(w.Code, w.Body)
	}
	return b
}
