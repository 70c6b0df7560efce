// Package pages is what the town's IT department sees at the hub: all sites, one site, the fleet, incidents, the month's report, its
// team, and for those who run the hub for several communes how these are.
//
// Pages are made on the server and work without script; charts are drawn from their own tables (internal/chart). What is shown of a
// commune comes out of that commune's own transaction (store.Tenant), whose rows the database keeps apart: an identifier of another
// commune's is one that does not exist. Texts are in texts/fr.toml.
//
// A page is a line of routes, a method that ends with show, done or an error, a template and its texts.
package pages

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"parvis/internal/chart"
	"parvis/internal/clock"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/words"
)

// Options is what the pages are given. All are required but those that say what nil means.
type Options struct {
	Store   *store.Hub
	Staff   *staff.Staff
	Clock   clock.Clock
	Log     *slog.Logger
	Version string // of the hub
	Contact string // whom people may ask, as pages show it: a service and its telephone or address; "" nobody is named
	// Zone is where the hub's own moments are shown; a site's are in the site's zone. nil: Europe/Paris.
	Zone *time.Location
	// Drop puts a month's report where the commune has asked for it; nil: there is no such button.
	Drop func(ctx context.Context, tenant, month string) error
	// Published is the address below which everybody finds what communes publish, without a slash at its end; "" pages name none.
	Published string
	// Alerts are the ways out; nil: there is none.
	Alerts Alerts
}

//go:embed templates texts/fr.toml
var files embed.FS

var say = words.Must(files)

// Pages is an http.Handler.
type Pages struct {
	Options
	templates map[string]*template.Template
	handler   http.Handler
}

// route is one gesture or page. act is what the role must be allowed; "" whoever has entered.
type route struct {
	pattern string
	act     staff.Action
	open    bool // answered to who has not entered
	handle  func(*Pages, http.ResponseWriter, *http.Request, staff.Person) error
}

// routes are all of them.
var routes = []route{
	{"GET " + staff.EnterPath, "", true, (*Pages).door},
	{"POST " + staff.EnterPath, "", true, (*Pages).enter},
	{"GET " + staff.EnterPath + "/suite", "", true, (*Pages).arrived},
	{"POST " + staff.LeavePath, "", true, (*Pages).leave},
	{"GET " + staff.InvitationPath, "", true, (*Pages).invited},
	{"POST " + staff.InvitationPath, "", true, (*Pages).accept},
	{"GET /accessibilite", "", true, (*Pages).fixed},
	{"GET /aide", "", true, (*Pages).fixed},
	{"GET /mentions", "", true, (*Pages).fixed},

	{"GET /{$}", "", false, (*Pages).home},
	{"GET /compte", "", false, (*Pages).account},
	{"POST /compte", "", false, (*Pages).password},

	{"GET /sites", staff.Look, false, (*Pages).sites},
	{"GET /sites/{site}", staff.Look, false, (*Pages).site},
	{"GET /parc", staff.Look, false, (*Pages).fleet},
	{"GET /incidents", staff.Look, false, (*Pages).incidents},
	{"POST /incidents/{incident}", staff.Operate, false, (*Pages).charge},
	{"GET /rapport", staff.Look, false, (*Pages).report},
	{"GET /rapport/fichier", staff.Look, false, (*Pages).reportFile},
	{"POST /rapport", staff.Operate, false, (*Pages).dropReport},
	{"GET /enroler", staff.Operate, false, (*Pages).enrolment},
	{"POST /enroler", staff.Operate, false, (*Pages).addSite},
	{"POST /sites/{site}/code", staff.Operate, false, (*Pages).code},
	{"POST /sites/{site}/nom", staff.Operate, false, (*Pages).rename},
	{"GET /sites/{site}/retirer", staff.Operate, false, (*Pages).removal},
	{"POST /sites/{site}/retirer", staff.Operate, false, (*Pages).removeSite},
	{"GET /export", staff.ManageTeam, false, (*Pages).export},

	{"GET /reglages", staff.Configure, false, (*Pages).settings},
	{"POST /reglages", staff.Configure, false, (*Pages).saveSettings},
	{"GET /reglages/{site}", staff.Operate, false, (*Pages).settings},
	{"POST /reglages/{site}", staff.Operate, false, (*Pages).saveSettings},
	{"GET /publications", staff.Look, false, (*Pages).publications},
	{"POST /publications", staff.Operate, false, (*Pages).publish},
	{"GET /publications/{publication}", staff.Look, false, (*Pages).publication},
	{"POST /publications/{publication}/arreter", staff.Operate, false, (*Pages).endPublication},
	{"POST /publications/{publication}/continuer", staff.Operate, false, (*Pages).goOn},
	{"POST /publications/{publication}/revenir", staff.Operate, false, (*Pages).revert},
	{"GET " + upgradePath, staff.Look, false, (*Pages).upgrade},
	{"POST " + upgradePath, staff.Operate, false, (*Pages).beginUpgrade},
	{"GET /exports", staff.Look, false, (*Pages).exports},
	{"GET /exports/{site}", staff.Operate, false, (*Pages).publicCard},
	{"POST /exports/{site}", staff.Operate, false, (*Pages).saveCard},
	{"GET /alertes", staff.Configure, false, (*Pages).alerts},
	{"POST /alertes/{way}/essai", staff.Configure, false, (*Pages).tryAlert},

	{"GET /communes", staff.Overlook, false, (*Pages).communes},
	{"POST /communes", staff.Communes, false, (*Pages).addCommune},
	{"POST /communes/{commune}/inviter", staff.Communes, false, (*Pages).inviteFirst},
	{"GET /communes/{commune}/depart", staff.Communes, false, (*Pages).departure},
	{"POST /communes/{commune}/depart", staff.Communes, false, (*Pages).removeCommune},
	{"GET /centre", staff.Overlook, false, (*Pages).centre},

	{"GET /personnes", staff.Operate, false, (*Pages).people},
	{"GET /personnes/{colleague}", staff.Operate, false, (*Pages).person},
	{"POST /personnes/{colleague}/lieux", staff.Operate, false, (*Pages).send},
	{"GET /personnes/{colleague}/fermer", staff.Operate, false, (*Pages).personClosing},
	{"POST /personnes/{colleague}/fermer", staff.Operate, false, (*Pages).closeEverywhere},

	{"GET /equipe", staff.ManageTeam, false, (*Pages).team},
	{"POST /equipe", staff.ManageTeam, false, (*Pages).invite},
	{"POST /equipe/{person}/role", staff.ManageTeam, false, (*Pages).setRole},
	{"POST /equipe/{person}/mot-de-passe", staff.ManageTeam, false, (*Pages).reset},
	{"GET /equipe/{person}/fermer", staff.ManageTeam, false, (*Pages).closing},
	{"POST /equipe/{person}/fermer", staff.ManageTeam, false, (*Pages).closePerson},
	{"GET /journal", staff.ReadLog, false, (*Pages).journal},
}

const maxBody = 6*maxPiece + 4<<10 // bytes of a form: a layer of which each letter has an accent; 500 sites that are ticked are less

// New makes the pages.
func New(o Options) (*Pages, error) {
	if o.Store == nil || o.Staff == nil || o.Clock == nil || o.Log == nil {
		return nil, errors.New("hub pages: new: a part is missing")
	}
	if o.Zone == nil {
		var err error
		if o.Zone, err = time.LoadLocation("Europe/Paris"); err != nil {
			return nil, err
		}
	}
	p := &Pages{Options: o}
	if err := p.parse(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+chart.Path, chart.Handler())
	for _, a := range []asset{style, icon} {
		mux.Handle("GET "+a.path, a)
	}
	for _, r := range routes {
		mux.Handle(r.pattern, p.serve(r))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, store.ErrUnknown) })
	p.handler = o.Staff.Handler(mux, isOpen, p)
	return p, nil
}

// isOpen reports whether a path is everybody's.
func isOpen(path string) bool {
	if strings.HasPrefix(path, assetPath) || strings.HasPrefix(path, chart.Path) {
		return true
	}
	for _, r := range routes {
		if _, at, _ := strings.Cut(r.pattern, " "); r.open && at == path {
			return true
		}
	}
	return false
}

// ServeHTTP implements http.Handler.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	p.handler.ServeHTTP(w, r)
}

// errRole: the role may not do that.
var errRole = errors.New("hub pages: this role may not do that")

func (p *Pages) serve(of route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, in := staff.Who(r)
		err := errRole
		if of.open || in && (of.act == "" || who.Role.May(of.act)) {
			err = of.handle(p, w, r, who)
		}
		if err != nil {
			p.fail(w, r, err)
		}
	})
}

// fail answers with what is wrong and what to do.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	key, status := "broken", http.StatusInternalServerError
	switch {
	case errors.Is(err, store.ErrUnknown), errors.Is(err, staff.ErrNotFound):
		key, status = "missing", http.StatusNotFound
	case errors.Is(err, errRole), errors.Is(err, staff.ErrForbidden):
		key, status = "role", http.StatusForbidden
	case errors.Is(err, staff.ErrToken):
		key, status = "link", http.StatusGone
	case errors.Is(err, staff.ErrLast):
		key, status = "last", http.StatusConflict
	default:
		p.Log.Error("hub pages: a page failed", "route", r.Pattern, "cause", err)
	}
	p.problem(w, r, key, status)
}

func (p *Pages) problem(w http.ResponseWriter, r *http.Request, key string, status int) {
	if err := p.show(w, r, page{template: "problem", Title: "problem.title", status: status}, key); err != nil {
		p.Log.Error("hub pages: show a problem", "cause", err)
		http.Error(w, http.StatusText(status), status)
	}
}

// Foreign implements staff.Refusals.
func (p *Pages) Foreign(w http.ResponseWriter, r *http.Request) {
	p.problem(w, r, "foreign", http.StatusForbidden)
}

// Broken implements staff.Refusals.
func (p *Pages) Broken(w http.ResponseWriter, r *http.Request) {
	p.problem(w, r, "broken", http.StatusServiceUnavailable)
}

func (p *Pages) now() time.Time { return p.Clock.Wall().Time }

// in runs fn in the person's own commune.
func (p *Pages) in(r *http.Request, who staff.Person, fn func(ctx context.Context, t *store.Tenant) error) error {
	if who.Tenant == "" {
		return errRole
	}
	return p.Store.Tenant(r.Context(), who.Tenant, func(t *store.Tenant) error { return fn(r.Context(), t) })
}
