// Package chart draws tables of numbers. A chart is made from the page's own table, in the browser, by uPlot: without script the
// table stands alone, and with it the chart says nothing that the table does not say. Nothing is inline, so that a page's policy may
// be script-src 'self'; style-src 'self'.
//
// A page that has charts puts Head into its head and Table.HTML where the chart and its table belong; the program serves Handler
// below Path.
package chart

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// Path is what the addresses of the scripts and styles begin with. They hold nothing of anybody.
const Path = "/graphiques/"

//go:embed chart.js chart.css uplot/uPlot.iife.min.js uplot/uPlot.min.css uplot/LICENSE
var files embed.FS

type asset struct {
	path, kind string
	content    []byte
}

// assets in the order in which a page wants them. Their names hold a hash of the content: what a browser has kept is never another
// version's.
var assets = []asset{
	load("uplot/uPlot.min.css", "text/css"), load("chart.css", "text/css"),
	load("uplot/uPlot.iife.min.js", "text/javascript"), load("chart.js", "text/javascript"),
}

func load(name, kind string) asset {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	if strings.HasPrefix(name, "uplot/") { // MIT: the notice goes with every copy
		license, err := files.ReadFile("uplot/LICENSE")
		if err != nil {
			panic(err)
		}
		content = append([]byte("/*! uPlot 1.6.32\n"+string(license)+"*/\n"), content...)
	}
	sum := sha256.Sum256(content)
	base := name[strings.LastIndexByte(name, '/')+1:]
	ext := base[strings.LastIndexByte(base, '.'):]
	return asset{Path + strings.ToLower(strings.SplitN(base, ".", 2)[0]) + "-" + hex.EncodeToString(sum[:6]) + ext, kind, content}
}

// Head is what a page with charts has in its head.
var Head = func() template.HTML {
	var b strings.Builder
	for _, a := range assets {
		if a.kind == "text/css" {
			b.WriteString(`<link rel="stylesheet" href="` + a.path + `">` + "\n")
		} else {
			b.WriteString(`<script src="` + a.path + `" defer></script>` + "\n")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // made of our own names
}()

// Handler serves what Head names.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, a := range assets {
			if r.URL.Path == a.path && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
				h := w.Header()
				h.Set("Cache-Control", "public, max-age=31536000, immutable")
				h.Set("Content-Type", a.kind+"; charset=utf-8")
				h.Set("X-Content-Type-Options", "nosniff")
				_, _ = w.Write(a.content) // the client may have gone
				return
			}
		}
		http.NotFound(w, r)
	})
}

// Kind is how a table is drawn.
type Kind string

// The kinds of charts.
const (
	Bars  Kind = "bars"  // amounts that are counted from nothing, one series beside the other
	Lines Kind = "lines" // a course; a missing value is a gap
)

// Words are what a chart says of itself, in the page's language. They come from its texts.
type Words struct {
	Missing string // in the place of a value that is not known: "–"
	Keys    string // how the chart is read by keyboard, for its accessible name: "flèches : valeur par valeur"
}

// Table is a table that is drawn. The first series is drawn strongest.
type Table struct {
	Caption string
	Kind    Kind
	First   string   // heading of the labels
	Series  []string // headings of the values
	Rows    []Row
	Max     float64 // the end of the scale; 0: by the values
	// Text says one value: "1 204", "12 %". nil: the whole number with the language's own space.
	Text  func(series int, v float64) string
	Words Words
}

// Row is one line of a table, and one place of the horizontal axis.
type Row struct {
	Label  string
	Values []float64 // NaN: not known, which is not 0
}

var page = template.Must(template.New("chart").Parse(`<div class="table" role="region" tabindex="0" aria-label="{{.Caption}}">
<table data-chart="{{.Kind}}" data-keys="{{.Words.Keys}}"{{if .Max}} data-max="{{.Max}}"{{end}}><caption>{{.Caption}}</caption>
<thead><tr><th scope="col">{{.First}}</th>{{range .Series}}<th scope="col">{{.}}</th>{{end}}</tr></thead>
<tbody>{{range .Lines}}
<tr><th scope="row">{{.Label}}</th>{{range .Cells}}<td{{if .Known}} data-v="{{.Raw}}"{{end}}>{{.Text}}</td>{{end}}</tr>{{end}}
</tbody></table></div>
`))

type cell struct {
	Known     bool
	Raw, Text string
}

// HTML is the table, marked for the script. Every text is escaped.
func (t Table) HTML() (template.HTML, error) {
	type line struct {
		Label string
		Cells []cell
	}
	say := t.Text
	if say == nil {
		say = func(_ int, v float64) string { return Whole(v) }
	}
	lines := make([]line, len(t.Rows))
	for i, r := range t.Rows {
		lines[i].Label = r.Label
		for s := range t.Series {
			c := cell{Text: t.Words.Missing}
			if s < len(r.Values) && !math.IsNaN(r.Values[s]) {
				c = cell{true, strconv.FormatFloat(r.Values[s], 'f', -1, 64), say(s, r.Values[s])}
			}
			lines[i].Cells = append(lines[i].Cells, c)
		}
	}
	var b strings.Builder
	err := page.Execute(&b, struct {
		Table
		Lines []line
	}{t, lines})
	return template.HTML(b.String()), err //nolint:gosec // escaped by the template
}

// Whole says a number rounded to the whole, in groups of three: "12 045". The space does not break a line.
func Whole(v float64) string {
	s := strconv.FormatFloat(math.Abs(math.Round(v)), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	if math.Round(v) < 0 {
		s = "\u2212" + s
	}
	return s
}
