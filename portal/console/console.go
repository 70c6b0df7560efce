package console

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/kiosk/catalogue"
	"parvis/portal/paper"
	"parvis/portal/staff"
	"parvis/sessions"
)

// Config is what the console is told once.
type Config struct {
	Site     Site
	Name     string         // DNS name of the console
	Portal   string         // DNS name of the portal, for who is told to type it
	Profile  string         // profile that the desk's buttons open; "" the first one
	Location *time.Location // of the hours that are shown; nil: the machine's
	Version  string         // of Parvis
}

// Site is what the place says about itself.
type Site struct {
	Name    string
	Desk    string // the place's word for its desk, with its French article: l'accueil
	Contact string // how to reach the person in charge
}

// Parts is what the console asks. All are required but those that say what nil means.
type Parts struct {
	Clock    clock.Clock
	Log      *slog.Logger
	Staff    Staff
	Sessions Sessions
	Gestures Gestures
	Hours    Hours
	Waiting  Waiting
	Calls    Calls
	Line     Line
	Team     *staff.Staff // accounts and ways in; nil: no pages about them
	// Joined says how long ago a device last asked for its address; nil: nobody knows.
	Joined func(sessions.Device) (ago time.Duration, ok bool)
	Health func() []Problem // what is wrong with the place's equipment; nil: nothing ever is
	// Of paper: what is printed and what it says of the place; nil: there are no such pages.
	Tickets   Tickets
	Workshops Workshops
	Place     func() (paper.Place, error)
	Printer   Printer  // of tickets; nil: there is none
	Usage     Usage    // what was counted; nil: there is no such page
	Overview  Overview // the place on one page; nil: there is none
	// Of terminals: who waits for one, the names of those that are free, which services they open and which names they were refused;
	// nil: there are no such pages.
	Queue     Queue
	FreePosts func() []string
	Catalogue func() *catalogue.Catalogue
	Learnt    Learnt
	Terminals *Terminals // the fixed posts
	// Changes are the bells (internal/bell) of everything that pages show.
	Changes []func() (rung <-chan struct{}, stop func())
}

// Person is who works with the console.
type Person struct{ ID, Name, Role string }

// Staff knows who works here.
type Staff interface {
	// Who is behind a request; false: nobody who has entered.
	Who(*http.Request) (Person, bool)
	// Record appends to the audit log. what is a gesture's name, object an id; neither holds a resident's data.
	Record(ctx context.Context, who Person, what, object string)
}

// Console is the staff's pages of one place. It is an http.Handler.
type Console struct {
	cfg Config
	Parts

	templates map[string]*template.Template
	nav       []link
	mux       *http.ServeMux
	events    *events

	mu     sync.Mutex
	recent []opening // the oldest first
	seated seated    // the last number for which its terminal was opened
}

// New makes the console. Its pages answer who Parts.Staff says has entered; what keeps others out stands before it.
func New(cfg Config, p Parts) (*Console, error) {
	if p.Clock == nil || p.Staff == nil || p.Sessions == nil || p.Gestures == nil || p.Hours == nil || p.Waiting == nil || p.Calls == nil || p.Line == nil {
		return nil, errors.New("console: new: a part is missing")
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.Health == nil {
		p.Health = func() []Problem { return nil }
	}
	if cfg.Location == nil {
		cfg.Location = time.Local
	}
	c := &Console{cfg: cfg, Parts: p, mux: http.NewServeMux(), events: newEvents()}
	var err error
	if c.templates, err = parseTemplates(c); err != nil {
		return nil, err
	}
	for _, pages := range []func(*http.ServeMux){
		c.assetPages, c.eventPages, c.homePages, c.waitingPages, c.sessionPages, c.callPages, c.hourPages, c.incidentPages, c.guidePages,
		c.enterPages, c.teamPages, c.accountPages,
		c.ticketPages, c.workshopPages, c.balancePages, c.overviewPage, c.queuePages, c.servicePages, c.postPages,
	} {
		pages(c.mux)
	}
	c.mux.HandleFunc("/", c.missing)
	c.nav = c.there(navigation)
	return c, nil
}

// Run passes changes on to the pages that are open, until ctx ends; it ends their streams then, so that a server that shuts
// down need not wait for them.
func (c *Console) Run(ctx context.Context) error {
	defer c.events.close()
	var all sync.WaitGroup
	for _, listen := range c.Changes {
		all.Go(func() {
			rung, stop := listen()
			defer stop()
			for {
				select {
				case <-rung:
					c.events.bell.Ring()
				case <-ctx.Done():
					return
				}
			}
		})
	}
	<-ctx.Done()
	all.Wait()
	return nil
}

const (
	maxURL  = 2 << 10  // bytes of the request target
	maxBody = 16 << 10 // bytes
)

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer c.rescue(w, r)
	if len(r.RequestURI) > maxURL {
		c.problem(w, r, http.StatusRequestURITooLong, problem{Head: "Cette adresse est trop longue."})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	c.mux.ServeHTTP(w, r)
}

// rescue answers a request whose handler panicked. The log names the place in the code and nobody: what a panic says may
// hold a resident's data.
func (c *Console) rescue(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
		panic(v)
	}
	_, file, line, _ := runtime.Caller(3)
	c.Log.Error("console: a page panicked", "route", r.Pattern, "panic", fmt.Sprintf("%T", v),
		"at", fmt.Sprintf("%s:%d", file[strings.LastIndexByte(file, '/')+1:], line))
	c.problem(w, r, http.StatusInternalServerError, problem{
		Head: "La console n'a pas pu faire cela.",
		Do:   "Rien n'a peut-être changé. Regardez la page, puis recommencez.",
	})
}

// gesture is a handler that changes something: it is given who does it.
func (c *Console) gesture(h func(http.ResponseWriter, *http.Request, Person)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := c.Staff.Who(r)
		if !ok {
			c.problem(w, r, http.StatusForbidden, problem{Head: "Vous n'êtes pas entré.", Do: "Entrez, puis recommencez.", To: "/entrer", Go: "Entrer"})
			return
		}
		if err := r.ParseForm(); err != nil {
			c.problem(w, r, http.StatusBadRequest, problem{Head: "Ce qui a été envoyé ne peut pas être lu.", Do: "Recommencez depuis la page."})
			return
		}
		h(w, r, who)
	})
}

// done leads to a page by GET after a gesture. notice is a key of notices, or "".
func (c *Console) done(w http.ResponseWriter, to, notice string) {
	if notice != "" {
		sep := "?"
		if strings.Contains(to, "?") {
			sep = "&"
		}
		to += sep + "fait=" + notice
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
