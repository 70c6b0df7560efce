package pages

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"parvis/internal/figure"
	"parvis/internal/hub/alerts"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
)

// silence is how long after its last sign a site counts as silent on pages. An alert waits longer (alerts.RuleOf).
const silence = 5 * time.Minute

// State is how a site is, the worst first.
type State int

// The states.
const (
	Silent  State = iota
	Cut           // its line is down
	Ill           // it tells a problem
	Full          // nobody more can come in
	Unheard       // no box yet, or one that was never heard
	Open
	Paused
	Closed
)

var stateKeys = [...]string{"silent", "cut", "ill", "full", "unheard", "open", "paused", "closed"}

// Key is the state's word in texts.
func (s State) Key() string { return stateKeys[s] }

// Bad reports whether the site needs a hand.
func (s State) Bad() bool { return s <= Full }

func stateOf(s store.Site, now time.Time) State {
	c := s.Contact
	switch {
	case c == nil:
		return Unheard
	case now.Sub(c.At) > silence:
		return Silent
	case !c.Now.Line.Up:
		return Cut
	case len(c.Now.Problems) > 0:
		return Ill
	case c.Now.Slots > 0 && c.Now.Open >= c.Now.Slots:
		return Full
	case c.Now.Place == "paused":
		return Paused
	case c.Now.Place == "closed":
		return Closed
	}
	return Open
}

// siteRow is one line of H2.
type siteRow struct {
	store.Site
	State    State
	Problems []string // titles
	Today    figure.Figure
	Peak     figure.Figure
}

func (p *Pages) row(s store.Site) siteRow {
	r := siteRow{Site: s, State: stateOf(s, p.now()), Today: figure.Figure{How: figure.Missing}, Peak: figure.Figure{How: figure.Missing}}
	if s.Today.Day != 0 {
		r.Today, r.Peak = figure.Alone(s.Today.Sessions), figure.Alone(uint64(max(s.Today.Peak, 0))) //nolint:gosec // not negative
	}
	if s.Contact != nil {
		for _, x := range s.Contact.Now.Problems {
			if t := alerts.Title(x.Code); !slices.Contains(r.Problems, t) {
				r.Problems = append(r.Problems, t)
			}
		}
	}
	return r
}

// Open is how many are connected now; -1 when that is not known.
func (r siteRow) Open() int {
	if r.Contact == nil || r.State == Silent {
		return -1
	}
	return r.Contact.Now.Open
}

// sitesView is H2.
type sitesView struct {
	Rows           []siteRow
	All, Bad       int
	Query, Only    string
	Sort           string
	First          *siteRow // the one to look at first; nil: all is well
	base           url.Values
	Enrol, Problem bool
}

// sortings are the columns by which H2 can be sorted.
var sortings = map[string]func(a, b siteRow) int{
	"etat":       func(a, b siteRow) int { return cmp.Compare(a.State, b.State) },
	"nom":        func(a, b siteRow) int { return 0 },
	"maintenant": func(a, b siteRow) int { return cmp.Compare(b.Open(), a.Open()) },
	"jour":       func(a, b siteRow) int { return cmp.Compare(shown(b.Today), shown(a.Today)) },
	"pointe":     func(a, b siteRow) int { return cmp.Compare(shown(b.Peak), shown(a.Peak)) },
}

// shown orders figures by what can be seen of them alone.
func shown(f figure.Figure) int64 {
	switch f.How {
	case figure.Missing:
		return -1
	case figure.Plain:
		return int64(f.Value) //nolint:gosec // a count
	}
	return figure.Least - 1
}

// By is the address of this page, sorted by a column.
func (v sitesView) By(column string) string {
	q := url.Values{"tri": {column}}
	for k, x := range v.base {
		if k != "tri" {
			q[k] = x
		}
	}
	return "/sites?" + q.Encode()
}

func (p *Pages) sites(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	var all []store.Site
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		all, err = t.Sites(ctx)
		return err
	})
	if err != nil {
		return err
	}
	q := r.URL.Query()
	v := sitesView{All: len(all), Query: strings.TrimSpace(q.Get("q")), Only: q.Get("etat"), Sort: q.Get("tri"), base: url.Values{}, Enrol: who.Role.May(staff.Operate)}
	order, ok := sortings[v.Sort]
	if !ok {
		v.Sort = "etat"
		order = sortings[v.Sort]
	}
	if v.Query != "" {
		v.base.Set("q", v.Query)
	}
	if v.Only != "" {
		v.base.Set("etat", v.Only)
	}
	for _, s := range all {
		row := p.row(s)
		if row.State.Bad() {
			v.Bad++
			if v.First == nil || row.State < v.First.State {
				v.First = &row
			}
		}
		if v.Query != "" && !strings.Contains(strings.ToLower(s.Name), strings.ToLower(v.Query)) || v.Only == "voir" && !row.State.Bad() {
			continue
		}
		v.Rows = append(v.Rows, row)
	}
	slices.SortStableFunc(v.Rows, order) // the store has them by name
	return p.show(w, r, page{template: "sites", Title: "sites.title", Here: "/sites"}, v)
}

// fleet is H4.
func (p *Pages) fleet(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	type certificate struct {
		Name string
		Days int
	}
	type box struct {
		store.Site
		State        State
		Certificates []certificate
	}
	type count struct {
		Name string
		N    int
	}
	var v struct {
		Boxes    []box
		Versions []count
		May      bool // bring another version
	}
	v.May = who.Role.May(staff.Operate)
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		all, err := t.Sites(ctx)
		for _, s := range all {
			b := box{Site: s, State: stateOf(s, p.now())}
			if s.Contact != nil {
				for name, days := range s.Contact.Now.Expires {
					b.Certificates = append(b.Certificates, certificate{name, days})
				}
				slices.SortFunc(b.Certificates, func(a, b certificate) int { return strings.Compare(a.Name, b.Name) })
			}
			v.Boxes = append(v.Boxes, b)
			if s.Version == "" {
				continue
			}
			if i := slices.IndexFunc(v.Versions, func(c count) bool { return c.Name == s.Version }); i >= 0 {
				v.Versions[i].N++
			} else {
				v.Versions = append(v.Versions, count{s.Version, 1})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(v.Versions, func(a, b count) int { return cmp.Or(b.N-a.N, strings.Compare(a.Name, b.Name)) })
	return p.show(w, r, page{template: "fleet", Title: "fleet.title", Here: "/parc"}, v)
}
