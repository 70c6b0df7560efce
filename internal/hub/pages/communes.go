package pages

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"time"

	"parvis/internal/figure"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
)

// communeID is what a commune's identifier may be, as the database has it.
var communeID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// communeRow is a commune as those who run the hub see it: health and totals.
type communeRow struct {
	store.Commune
	Sites, Silent, Cut, Ill int
	Sessions                figure.Figure // of the last 30 days
}

// communesView is H11.
type communesView struct {
	Rows      []communeRow
	Wrong     string
	ID, Name  string
	FirstName string
}

func (p *Pages) communes(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	return p.showCommunes(w, r, who, communesView{}, 0)
}

func (p *Pages) showCommunes(w http.ResponseWriter, r *http.Request, _ staff.Person, v communesView, status int) error {
	all, err := p.Store.Tenants(r.Context())
	if err != nil {
		return err
	}
	glances, err := p.Store.Glances(r.Context())
	if err != nil {
		return err
	}
	for _, c := range all {
		row, sessions := communeRow{Commune: c}, uint64(0)
		for _, g := range glances {
			if g.Tenant != c.ID {
				continue
			}
			row.Sites++
			sessions += uint64(max(g.Sessions, 0)) //nolint:gosec // not negative
			switch {
			case g.Contact == nil:
			case p.now().Sub(*g.Contact) > silence:
				row.Silent++
			case g.LineUp != nil && !*g.LineUp:
				row.Cut++
			case g.Problems != nil && *g.Problems > 0:
				row.Ill++
			}
		}
		row.Sessions = figure.Alone(sessions)
		v.Rows = append(v.Rows, row)
	}
	slices.SortStableFunc(v.Rows, func(a, b communeRow) int { return b.Silent + b.Cut + b.Ill - a.Silent - a.Cut - a.Ill })
	return p.show(w, r, page{template: "communes", Title: "communes.title", Here: "/communes", status: status}, v)
}

// addCommune lets one join, and gives the link for its first administrator.
func (p *Pages) addCommune(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v := communesView{ID: line(r, "identifiant"), Name: line(r, "nom"), FirstName: line(r, "personne")}
	again := func(key string) error {
		v.Wrong = key
		return p.showCommunes(w, r, who, v, http.StatusUnprocessableEntity)
	}
	switch {
	case !communeID.MatchString(v.ID):
		return again("communes.wrong.ident")
	case !usable(v.Name):
		return again("communes.wrong.name")
	case !usable(v.FirstName) || len([]rune(v.FirstName)) > 60:
		return again("communes.wrong.person")
	}
	err := p.Store.AddTenant(r.Context(), v.ID, v.Name)
	if errors.Is(err, store.ErrTaken) {
		return again("communes.wrong.taken")
	}
	if err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "add-commune", v.ID)
	return p.first(w, r, who, v.ID, v.FirstName)
}

// commune is one of those that there are.
func (p *Pages) commune(r *http.Request) (store.Commune, error) {
	all, err := p.Store.Tenants(r.Context())
	if err != nil {
		return store.Commune{}, err
	}
	i := slices.IndexFunc(all, func(c store.Commune) bool { return c.ID == r.PathValue("commune") })
	if i < 0 {
		return store.Commune{}, store.ErrUnknown
	}
	return all[i], nil
}

func (p *Pages) inviteFirst(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	c, err := p.commune(r)
	if err != nil {
		return err
	}
	return p.first(w, r, who, c.ID, line(r, "personne"))
}

func (p *Pages) first(w http.ResponseWriter, r *http.Request, who staff.Person, tenant, name string) error {
	l, err := p.Staff.Invite(r.Context(), who, tenant, staff.DSI, name)
	switch {
	case errors.Is(err, staff.ErrName):
		return p.showCommunes(w, r, who, communesView{Wrong: "communes.wrong.person"}, http.StatusUnprocessableEntity)
	case errors.Is(err, staff.ErrForbidden):
		return p.showCommunes(w, r, who, communesView{Wrong: "communes.wrong.made"}, http.StatusConflict)
	case err != nil:
		return err
	}
	return p.handLink(w, r, l, "link.first", "/communes")
}

func (p *Pages) departure(w http.ResponseWriter, r *http.Request, _ staff.Person) error {
	c, err := p.commune(r)
	if err != nil {
		return err
	}
	return p.show(w, r, page{template: "departure", Title: "departure.title", Here: "/communes"}, c)
}

// removeCommune removes a commune whose identifier was typed once more. Its own export is its administrator's (GET /export).
func (p *Pages) removeCommune(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	c, err := p.commune(r)
	if err != nil {
		return err
	}
	if line(r, "identifiant") != c.ID {
		return p.show(w, r, page{template: "departure", Title: "departure.title", Here: "/communes", status: http.StatusUnprocessableEntity}, c)
	}
	if err := p.Store.RemoveTenant(r.Context(), c.ID); err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "remove-commune", c.ID)
	return done(w, "/communes", "parti")
}

// backupOld is how old a backup may be that is made each night.
const backupOld = 26 * time.Hour

// centre is H23.
func (p *Pages) centre(w http.ResponseWriter, r *http.Request, _ staff.Person) error {
	var v struct {
		Communes, Sites, Heard, Waiting int
		Last                            time.Time
		Answer                          time.Duration
		Backup                          *store.Backup // nil: there never was one
		Old                             bool          // it is older than a night and a morning
		Messages                        int           // alerts that nobody has taken yet
		Since                           time.Time     // of the oldest
	}
	began := time.Now() // of the database's answer: a real duration
	if err := p.Store.Ping(r.Context()); err != nil {
		return err
	}
	v.Answer = time.Since(began).Round(100 * time.Microsecond)
	if err := p.Store.Current(r.Context()); err != nil {
		return err
	}
	all, err := p.Store.Tenants(r.Context())
	if err != nil {
		return err
	}
	glances, err := p.Store.Glances(r.Context())
	if err != nil {
		return err
	}
	v.Communes, v.Sites = len(all), len(glances)
	for _, g := range glances {
		if g.Contact == nil {
			continue
		}
		if g.Waiting != nil {
			v.Waiting += *g.Waiting
		}
		if p.now().Sub(*g.Contact) <= silence {
			v.Heard++
		}
		if g.Contact.After(v.Last) {
			v.Last = *g.Contact
		}
	}
	switch b, err := p.Store.LastBackup(r.Context()); {
	case err == nil:
		v.Backup, v.Old = &b, p.now().Sub(b.At) > backupOld
	case !errors.Is(err, store.ErrUnknown):
		return err
	}
	waiting, err := p.Store.AllWaiting(r.Context())
	if err != nil {
		return err
	}
	for _, m := range waiting {
		if v.Messages += m.N; v.Since.IsZero() || m.Oldest.Before(v.Since) {
			v.Since = m.Oldest
		}
	}
	return p.show(w, r, page{template: "centre", Title: "centre.title", Here: "/centre"}, v)
}
