package console

import (
	"context"
	"html/template"
	"net/http"
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
	v := overview{Asked: of.Format(monthForm), Months: c.lastMonths()}
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

// lastMonths are the months that may be asked for, the newest first.
func (c *Console) lastMonths() (all []option) {
	for i := range monthBack {
		t := c.firstOfMonth().AddDate(0, -1-i, 0)
		all = append(all, option{t.Format(monthForm), months[t.Month()-1] + " " + t.Format("2006")})
	}
	return all
}
