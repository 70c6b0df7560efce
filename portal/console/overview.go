package console

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"time"

	"parvis/internal/chart"
)

// Overview is what the console asks about the place as a whole: how it is, and what it was used for.
type Overview interface {
	Overview(ctx context.Context, month time.Time) (Whole, error)
}

// Whole is the place on one page.
type Whole struct {
	Now    []Fact   // how it is at the moment
	Todo   []string // what needs a hand, in a sentence each
	Remark string   // about the charts of the month; "" they are all there
	Charts []chart.Table
}

// overviewPage needs Parts.Overview.
func (c *Console) overviewPage(m *http.ServeMux) {
	if c.Overview == nil {
		return
	}
	m.HandleFunc("GET /lieu", c.overview)
	m.Handle("GET "+chart.Path, chart.Handler())
}

type overview struct {
	Whole
	Asked  string
	Months []option
	Drawn  []template.HTML
}

func (c *Console) overview(w http.ResponseWriter, r *http.Request) {
	of := c.month(r)
	v := overview{Asked: of.Format(monthForm), Months: c.offered(of)}
	var err error
	if v.Whole, err = c.Overview.Overview(r.Context(), of); err != nil {
		c.refused(w, r, err)
		return
	}
	for _, t := range v.Charts {
		t.Words = chart.Words{Missing: "–", Keys: "flèches gauche et droite : valeur par valeur"}
		drawn, err := t.HTML()
		if err != nil {
			c.refused(w, r, err)
			return
		}
		v.Drawn = append(v.Drawn, drawn)
	}
	c.render(w, r, page{Template: "overview", Title: "Le lieu", Charts: true}, v)
}

// offered are the months to choose from, the newest first, and the one that is shown: without it a list would show its first one as
// chosen. "2006-01" sorts as time goes.
func (c *Console) offered(shown time.Time) (all []option) {
	for i := range monthBack {
		all = append(all, monthOption(c.firstOfMonth().AddDate(0, -1-i, 0)))
	}
	if asked := monthOption(shown); asked.Value > all[0].Value {
		all = slices.Insert(all, 0, asked)
	} else if !slices.Contains(all, asked) {
		all = append(all, asked)
	}
	return all
}
