package terminal_test

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
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"parvis/internal/bell"
	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/kiosk"
	"parvis/kiosk/catalogue"
	"parvis/portal/terminal"
	"parvis/sessions"
	"parvis/sessions/waiting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	machine = mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 1}
	address = netip.MustParseAddr("10.21.0.11")
	ours    = netip.MustParseAddr("10.21.0.1")
)

// posts is one terminal in whatever state a test puts it. It is strict: what was not refused cannot be shown.
type posts struct {
	mu      sync.Mutex
	bell    bell.Bell
	post    kiosk.Terminal
	use     kiosk.Use
	refused string
	shown   []string
	visits  []kiosk.Visit
	graced  int
	seen    int // messages
	now     func() clock.Boot
}

func (p *posts) Seen(v kiosk.Visit) kiosk.Terminal {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.visits = append(p.visits, v)
	if v.Fresh && (p.post.State == kiosk.Cleaning || p.post.State == kiosk.Waiting) {
		p.post.State, p.use = kiosk.Locked, kiosk.Use{}
	}
	return p.post
}

func (p *posts) Use(id string) (kiosk.Use, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id != p.post.ID {
		return kiosk.Use{}, kiosk.ErrNotFound
	}
	if p.use.Session.ID == "" {
		return kiosk.Use{}, kiosk.ErrNotOpen
	}
	u := p.use
	u.Session.Left = u.Session.End.Sub(p.now())
	u.Shown = append([]string(nil), p.shown...)
	return u, nil
}

func (p *posts) Grace(_ context.Context, _ string) (kiosk.Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.use.Grace {
		return kiosk.Session{}, kiosk.ErrNoMore
	}
	p.graced++
	p.use.Grace = false
	p.use.Session.End = p.use.Session.End.Add(5 * time.Minute)
	return p.use.Session, nil
}

func (p *posts) MessageSeen(string) { p.mu.Lock(); p.seen++; p.mu.Unlock() }

func (p *posts) Verb(a mac.Addr) string {
	if a != machine {
		return "?"
	}
	return "rester"
}

func (p *posts) LastRefused(string) (string, clock.Boot, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused, 0, p.refused != ""
}

func (p *posts) Show(_, host string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if host != p.refused {
		return kiosk.ErrNotFound
	}
	p.shown = append(p.shown, host)
	return nil
}

func (p *posts) Changes() (<-chan struct{}, func()) { return p.bell.Listen() }

// place is a handler around one terminal.
type place struct {
	t        testing.TB
	clock    *clock.Fake
	posts    *posts
	calls    *waiting.Calls
	site     sessions.SiteState
	down     bool
	updating bool
	back     bool // the window ends as soon as it was asked for
	unknown  bool
	cookies  map[string]string
	handler  *terminal.Handler
}

// services is the list that comes with Parvis.
var services = sync.OnceValues(func() (*catalogue.Catalogue, error) { return catalogue.Load(catalogue.Files(), "") })

var languages = []string{"fr", "en", "ar"}

func newPlace(t testing.TB, change ...func(*terminal.Options)) *place {
	t.Helper()
	p := &place{t: t, clock: clock.NewFake(), site: sessions.SiteState{Open: true}, cookies: map[string]string{}}
	p.posts = &posts{now: p.clock.Boot, post: kiosk.Terminal{
		ID: "poste-3", MAC: machine, IPv4: address, Adopted: true, State: kiosk.Locked,
		Details: kiosk.Details{Name: "Poste 3", Renderer: kiosk.Porteus, Prints: true, USB: true},
	}}
	p.calls = waiting.NewCalls(p.clock)
	list, err := services()
	if err != nil {
		t.Fatal(err)
	}
	o := terminal.Options{
		Site:      terminal.Site{Name: "la Maison des habitants", Desk: "l'accueil", Contact: "04 76 00 00 00", Publisher: "Ville d'exemple", Rules: []string{"Parlez doucement."}},
		Languages: languages, Name: "wifi.ville.example", Address: ours, Zone: time.UTC, Keep: time.Hour, Grace: 5 * time.Minute, Version: "1",
		Prints: true, USB: true,
		Clock: p.clock, Posts: p.posts, Catalogue: list, Calls: p.calls,
		Who:   func(a netip.Addr) (mac.Addr, bool) { return machine, a == address && !p.unknown },
		Place: func() sessions.SiteState { return p.site },
		Line:  func() bool { return p.down },
		Config: func(label string) ([]byte, bool) {
			return []byte("[[ GLOBAL ]]\nhomepage=http://10.21.0.1/kiosk/\n"), label != "none"
		},
		Prefs: func() []byte { return []byte("user_pref(\"a\", true);\n") },
		Updating: func(mac.Addr) (time.Time, bool) {
			is := p.updating
			p.updating = is && !p.back
			return p.clock.Wall().Time.Add(20 * time.Minute), is
		},
	}
	for _, c := range change {
		c(&o)
	}
	p.handler, err = terminal.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.handler.Close)
	return p
}

// open puts somebody at the terminal for so long.
func (p *place) open(d time.Duration) {
	state := kiosk.Open
	if d <= kiosk.EndingLast {
		state = kiosk.Ending
	}
	p.change(func(x *posts) {
		x.post.State = state
		x.use = kiosk.Use{
			Session: kiosk.Session{ID: "s1", Open: true, Started: p.clock.Wall().Time, End: p.clock.Boot().Add(d)},
			Bundles: []string{catalogue.All}, Grace: state == kiosk.Ending,
		}
	})
}

// change changes the terminal, and tells who listens.
func (p *place) change(f func(*posts)) {
	p.posts.mu.Lock()
	f(p.posts)
	p.posts.mu.Unlock()
	p.posts.bell.Ring()
}

// ended is a session whose browser has not been closed.
func (p *place) ended(state kiosk.State) {
	p.cookies["poste"] = "that browser's"
	p.open(time.Minute)
	p.change(func(x *posts) { x.post.State, x.use.Session.Open = state, false })
}

func (p *place) do(r *http.Request) *httptest.ResponseRecorder {
	r.Host, r.RemoteAddr = ours.String(), address.String()+":40000"
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "text/html,application/xhtml+xml")
	}
	for name, value := range p.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() { //nolint:bodyclose // a recorder's
		p.cookies[c.Name] = c.Value
	}
	return w
}

// get follows redirections to a page that is there.
func (p *place) get(path string) string {
	p.t.Helper()
	for range 4 {
		w := p.do(httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code == http.StatusSeeOther {
			path = w.Header().Get("Location")
			continue
		}
		if w.Code != http.StatusOK {
			p.t.Fatalf("GET %s: %d: %s", path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	p.t.Fatalf("GET %s: it leads round in circles", path)
	return ""
}

func (p *place) post(path string, fields ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.do(r)
}

// follow posts a form and returns the page that it leads to.
func (p *place) follow(path string, fields ...string) string {
	p.t.Helper()
	w := p.post(path, fields...)
	if w.Code != http.StatusSeeOther {
		p.t.Fatalf("POST %s: %d: %s", path, w.Code, w.Body)
	}
	return p.get(w.Header().Get("Location"))
}

// text is what a page says to a reader, on one line.
func text(page string) string {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return ""
	}
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.DataAtom == atom.Head || n.DataAtom == atom.Script {
			return
		}
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		if n.Type == html.ElementNode && n.DataAtom != atom.Bdi && n.DataAtom != atom.Span {
			b.WriteByte(' ')
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
	}
	walk(doc)
	return strings.Join(strings.Fields(b.String()), " ")
}

func says(t testing.TB, page string, sentences ...string) {
	t.Helper()
	text := text(page)
	for _, s := range sentences {
		if !strings.Contains(text, s) {
			t.Errorf("the page does not say « %s »:\n%s", s, text)
		}
	}
}

func silent(t testing.TB, page string, sentences ...string) {
	t.Helper()
	text := text(page)
	for _, s := range sentences {
		if strings.Contains(text, s) {
			t.Errorf("the page says « %s »:\n%s", s, text)
		}
	}
}
