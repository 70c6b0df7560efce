package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parvis/internal/clock"
)

// Usage is what the console asks about what was counted.
type Usage interface {
	// HalfDay is the draft of a half-day for La Coop de la médiation numérique, in its words.
	HalfDay(ctx context.Context, day time.Time, afternoon bool) (Draft, error)
	// Month is what may be shown of the month that t is in; ErrNotOver until it is over.
	Month(ctx context.Context, t time.Time) (Month, error)
}

// ErrNotOver: sums of a part of a month would say what the whole is masked for.
var ErrNotOver = errors.New("console: the month is not over")

// Draft is a text to copy, and the same as a table for a spreadsheet.
type Draft struct {
	Text string
	CSV  []byte
}

// Month is the sums of a month, masked.
type Month struct {
	Remark string // about how much of it was measured; "" nothing is missing
	Facts  []Fact
	Tables []Table
	CSV    []byte
}

// Fact is a number with its name.
type Fact struct{ Name, Value string }

// Table is sums beside each other. The first cell of a line is its name.
type Table struct {
	Title string
	Head  []string
	Lines [][]string
}

// balancePages needs Parts.Usage.
func (c *Console) balancePages(m *http.ServeMux) {
	if c.Usage == nil {
		return
	}
	m.HandleFunc("GET /bilan", c.balance)
	m.Handle("GET /bilan/brouillon.csv", c.entered(c.draftCSV))
	m.Handle("GET /bilan/mois.csv", c.entered(c.monthCSV))
}

const (
	morning   = "matin"
	afternoon = "apres-midi"
	noon      = 13 // h, as the Coop's half-days are counted here
	monthForm = "2006-01"
	monthBack = 12
)

// halfDay is which half-day a request asks about; the one that is now, or the last one that was, unless it says so.
func (c *Console) halfDay(r *http.Request) (day time.Time, part string) {
	now := c.Clock.Wall().Time.In(c.cfg.Location)
	day, part = now, morning
	if now.Hour() >= noon {
		part = afternoon
	}
	if t, err := time.ParseInLocation(time.DateOnly, r.URL.Query().Get("jour"), c.cfg.Location); err == nil {
		day = t
	}
	if asked := r.URL.Query().Get("partie"); asked == morning || asked == afternoon {
		part = asked
	}
	return day, part
}

// month is which month a request asks about; the last one that is over, unless it says so. It need not be one that is offered: who
// comes by an address that was kept may ask about one that is older, or not over yet.
func (c *Console) month(r *http.Request) time.Time {
	if t, err := time.ParseInLocation(monthForm, r.URL.Query().Get("mois"), c.cfg.Location); err == nil {
		return t
	}
	return c.firstOfMonth().AddDate(0, -1, 0)
}

func (c *Console) firstOfMonth() time.Time {
	now := c.Clock.Wall().Time.In(c.cfg.Location)
	return time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, c.cfg.Location)
}

func monthOption(t time.Time) option {
	return option{t.Format(monthForm), months[t.Month()-1] + " " + t.Format("2006")}
}

type balance struct {
	Known    bool // the clock is set: days and months can be chosen
	Day      string
	Part     string
	Parts    []option
	Draft    Draft
	DraftCSV string // addresses
	MonthCSV string
	Asked    string
	Months   []option
	Title    string
	Month    Month
	NotOver  bool
	Copy     string
}

func (c *Console) balance(w http.ResponseWriter, r *http.Request) {
	day, part := c.halfDay(r)
	of := c.month(r)
	b := balance{
		Known: c.Clock.Wall().Quality == clock.Synchronised,
		Day:   day.Format(time.DateOnly), Part: part, Parts: []option{{morning, "Matin"}, {afternoon, "Après-midi"}},
		Asked: monthOption(of).Value, Title: monthOption(of).Words, Copy: copyPath,
	}
	b.Months = c.offered(of)
	b.DraftCSV = "/bilan/brouillon.csv?" + url.Values{"jour": {b.Day}, "partie": {b.Part}}.Encode()
	b.MonthCSV = "/bilan/mois.csv?" + url.Values{"mois": {b.Asked}}.Encode()
	if b.Known {
		var err error
		if b.Draft, err = c.Usage.HalfDay(r.Context(), day, part == afternoon); err != nil {
			c.refused(w, r, err)
			return
		}
		b.Month, err = c.Usage.Month(r.Context(), of)
		if b.NotOver = errors.Is(err, ErrNotOver); err != nil && !b.NotOver {
			c.refused(w, r, err)
			return
		}
	}
	c.render(w, r, page{Template: "balance", Title: "Bilan"}, b)
}

func (c *Console) draftCSV(w http.ResponseWriter, r *http.Request) {
	day, part := c.halfDay(r)
	d, err := c.Usage.HalfDay(r.Context(), day, part == afternoon)
	if err != nil {
		c.refused(w, r, err)
		return
	}
	sendCSV(w, "brouillon-"+day.Format(time.DateOnly)+"-"+part+".csv", d.CSV)
}

func (c *Console) monthCSV(w http.ResponseWriter, r *http.Request) {
	of := c.month(r)
	m, err := c.Usage.Month(r.Context(), of)
	switch {
	case errors.Is(err, ErrNotOver):
		c.problem(w, r, http.StatusConflict, problem{Head: "Ce mois n'est pas fini.", Do: "Ses chiffres viennent le mois prochain.", To: "/bilan", Go: "Revenir au bilan"})
	case err != nil:
		c.refused(w, r, err)
	default:
		sendCSV(w, "mois-"+of.Format(monthForm)+".csv", m.CSV)
	}
}

func sendCSV(w http.ResponseWriter, name string, body []byte) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", `attachment; filename="`+strings.ReplaceAll(name, `"`, "")+`"`)
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // the client may have gone
}
