package chart_test

import (
	"flag"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"parvis/internal/chart"
	"parvis/internal/lab/browser"
)

var screens = flag.String("screens", "", "a folder for pictures of the charts")

func week(kind chart.Kind) chart.Table {
	return chart.Table{
		Caption: map[chart.Kind]string{chart.Bars: "Connexions par jour", chart.Lines: "La même chose, en lignes"}[kind], Kind: kind, First: "Jour", Series: []string{"Cette semaine", "Il y a un an"},
		Rows: []chart.Row{
			{"lun. 23", []float64{1204, 900}}, {"mar. 24", []float64{0, 1100}}, {"mer. 25", []float64{math.NaN(), 1300}}, {"jeu. 26", []float64{1500, math.NaN()}},
		},
		Words: chart.Words{Missing: "–", Keys: "flèches : jour par jour"},
	}
}

func html(t *testing.T, table chart.Table) string {
	t.Helper()
	h, err := table.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

// What is not known is not 0: neither in the table nor for the script.
func TestATableTellsZeroFromUnknown(t *testing.T) {
	got := html(t, week(chart.Bars))
	for _, want := range []string{
		`<td data-v="1204">1` + "\u202f" + `204</td>`, `<td data-v="0">0</td>`, `<td>–</td>`, `<caption>Connexions par jour</caption>`, `<th scope="row">lun. 23</th>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "<td>–</td>"); n != 2 {
		t.Errorf("%d values are unknown, want 2", n)
	}
}

func TestTextsAreEscaped(t *testing.T) {
	table := week(chart.Lines)
	table.Caption, table.Rows[0].Label = `<img src=x>"`, `</th><script>`
	if got := html(t, table); strings.Contains(got, "<img") || strings.Contains(got, "<script") {
		t.Errorf("not escaped:\n%s", got)
	}
}

func TestWholeNumbersInGroups(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1\u202f000", 1234567.6: "1\u202f234\u202f568", -1200: "\u22121\u202f200"} {
		if got := chart.Whole(v); got != want {
			t.Errorf("%v is said %q, want %q", v, got, want)
		}
	}
}

var address = regexp.MustCompile(`(?:src|href)="([^"]+)"`)

func TestEverythingThatHeadNamesIsServed(t *testing.T) {
	found := address.FindAllStringSubmatch(string(chart.Head), -1)
	if len(found) != 4 {
		t.Fatalf("Head names %d files", len(found))
	}
	for _, f := range found {
		w := httptest.NewRecorder()
		chart.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, f[1], nil))
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: %d", f[1], w.Code)
		}
		if strings.Contains(f[1], "uplot") && !strings.Contains(w.Body.String(), "The MIT License") {
			t.Errorf("%s goes out without its licence", f[1])
		}
	}
	w := httptest.NewRecorder()
	chart.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, chart.Path+"x.js", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("an unknown file: %d", w.Code)
	}
}

// In a real browser, under the policy of our pages: the chart is there, arrows move over it and a reader is told the value; without
// script the table stands alone; axe finds nothing, from 320 px on.
func TestAChartIsReadByKeyboardUnderAStrictPolicy(t *testing.T) {
	browser.NeedsAxe(t)
	mux := http.NewServeMux()
	mux.Handle(chart.Path, chart.Handler())
	mux.HandleFunc("/style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		_, _ = w.Write([]byte("table{width:100%}.table{overflow-x:auto}td,th{text-align:right;padding:4px}body{font:16px sans-serif;margin:8px}"))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!doctype html><html lang="fr"><head><title>Graphiques</title><meta name="viewport" content="width=device-width,initial-scale=1">` +
			`<link rel="stylesheet" href="/style.css">` + string(chart.Head) + `</head><body><main><h1>Graphiques</h1>` + html(t, week(chart.Bars)) + html(t, week(chart.Lines)) + `</main></body></html>`))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	b, err := browser.Here(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(b.Open(t.Context(), server.URL+"/"))
	for _, width := range []int64{320, 640, 1280} {
		must(b.Viewport(t.Context(), width, 720))
		found, err := b.Axe(t.Context())
		must(err)
		for _, v := range found {
			t.Errorf("at %d px: %v", width, v)
		}
		if *screens != "" {
			must(b.Whole(t.Context(), filepath.Join(*screens, "chart-"+map[int64]string{320: "320", 640: "640", 1280: "1280"}[width]+".png")))
		}
	}
	must(b.See(t.Context(), "jeu. 26 : Cette semaine 1\u202f500 · Il y a un an –"))
	must(b.Focus(t.Context(), "graphique-1"))
	must(b.Key(t.Context(), kb.ArrowLeft))
	must(b.See(t.Context(), "mer. 25 : Cette semaine – · Il y a un an 1\u202f300"))
	must(b.Key(t.Context(), kb.Home))
	must(b.See(t.Context(), "lun. 23 : Cette semaine 1\u202f204 · Il y a un an 900"))

	must(b.Scripts(t.Context(), false))
	must(b.Open(t.Context(), server.URL+"/"))
	must(b.See(t.Context(), "Connexions par jour", "1\u202f204"))
	text, err := b.Text(t.Context())
	must(err)
	if strings.Contains(text, "jeu. 26 :") {
		t.Error("a chart without script")
	}
}
