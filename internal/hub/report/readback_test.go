package report_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"parvis/internal/hub/report"
)

// numbers is what a report says, as a reader copies it down: by figure the three months, by site the five figures of the month.
type numbers struct {
	figures [5][3]string
	sites   map[string][5]string
}

var labels = [5]string{"Connexions ouvertes", "Temps en ligne", "Connexions en même temps, au plus", "Ligne en panne", "Ligne pleine"}

// bare is a cell without the spaces that group digits.
func bare(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\u00a0", " "))
	if strings.Trim(s, "0123456789 ") == "" {
		s = strings.ReplaceAll(s, " ", "")
	}
	return s
}

// lined are the lines of a table as CSV and ODS have it.
func lined(t *testing.T, rows [][]string, scope string) numbers {
	t.Helper()
	n := numbers{sites: map[string][5]string{}}
	for i, row := range rows {
		k := i % 5
		if len(row) != 7 || row[1] != labels[k] {
			t.Fatalf("line %d: %q", i, row)
		}
		if row[0] == scope {
			n.figures[k] = [3]string{bare(row[3]), bare(row[4]), bare(row[5])}
			continue
		}
		five := n.sites[row[0]]
		five[k] = bare(row[3])
		n.sites[row[0]] = five
	}
	return n
}

// scope is how a table calls what the report is about.
func scope(r report.Report) string {
	if r.Site != "" {
		return r.Site
	}
	return "Tous les lieux"
}

func fromCSV(t *testing.T, r report.Report) numbers {
	t.Helper()
	b, bom := bytes.CutPrefix(r.CSV(), []byte("\ufeff"))
	c := csv.NewReader(bytes.NewReader(b))
	c.Comma = ';'
	rows, err := c.ReadAll()
	if err != nil || !bom {
		t.Fatal(err, bom)
	}
	return lined(t, rows[1:], scope(r))
}

func fromODS(t *testing.T, r report.Report) numbers {
	t.Helper()
	b, err := r.ODS()
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("content.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var doc struct {
		Tables []struct {
			Rows []struct {
				Cells []struct {
					Type  string `xml:"value-type,attr"`
					Value string `xml:"value,attr"`
					Text  string `xml:"p"`
				} `xml:"table-cell"`
			} `xml:"table-row"`
		} `xml:"body>spreadsheet>table"`
	}
	if err := xml.NewDecoder(f).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for _, row := range doc.Tables[0].Rows {
		var cells []string
		for _, c := range row.Cells {
			if c.Type == "float" {
				cells = append(cells, c.Value)
			} else {
				cells = append(cells, c.Text)
			}
		}
		rows = append(rows, cells)
	}
	return lined(t, rows, scope(r))
}

// cells are the texts of a row's cells.
func cells(row *html.Node) (all []string) {
	for c := row.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode {
			var b strings.Builder
			for d := range c.Descendants() {
				if d.Type == html.TextNode {
					b.WriteString(d.Data)
				}
			}
			all = append(all, bare(b.String()))
		}
	}
	return all
}

func fromHTML(t *testing.T, r report.Report) numbers {
	t.Helper()
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(page)))
	if err != nil {
		t.Fatal(err)
	}
	n := numbers{sites: map[string][5]string{}}
	at := 0
	for node := range doc.Descendants() {
		if node.Type != html.ElementNode || node.Data != "tr" {
			continue
		}
		for _, a := range node.Attr {
			switch c := cells(node); a.Key {
			case "data-figure":
				n.figures[at] = [3]string(c[1:4])
				at++
			case "data-site":
				n.sites[c[0]] = [5]string(c[1:6])
			}
		}
	}
	return n
}

func pdf(t *testing.T, r report.Report) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "report.pdf")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := r.PDF(f); err != nil {
		t.Fatal(err)
	}
	return name
}

// tool runs a program of .ci/packages; a developer without it skips the test, CI fails.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err, "(.ci/deps installs it)")
	}
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

// words reads the words of a PDF's page with their places, and returns the lines that begin at the left margin with what follows in
// columns: cells are apart by more than a space.
func fromPDF(t *testing.T, r report.Report) numbers {
	t.Helper()
	n := numbers{sites: map[string][5]string{}}
	text := tool(t, "pdftotext", "-layout", pdf(t, r), "-")
	names := map[string]bool{}
	for _, p := range r.Parts {
		names[p.Name] = true
	}
	for _, line := range strings.Split(text, "\n") {
		var row []string
		for _, c := range strings.Split(strings.ReplaceAll(line, "\u00a0", " "), "  ") {
			if c = strings.TrimSpace(c); c != "" {
				row = append(row, bare(c))
			}
		}
		if len(row) == 0 {
			continue
		}
		for k, l := range labels {
			if strings.HasPrefix(row[0], l+" (") && len(row) == 4 {
				n.figures[k] = [3]string(row[1:4])
			}
		}
		if names[row[0]] && len(row) == 6 {
			n.sites[row[0]] = [5]string(row[1:6])
		}
	}
	return n
}

func TestPagePDFCSVAndSpreadsheetSayTheSameNumbers(t *testing.T) {
	one, err := town().SiteReport("s-Maison des habitants")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]report.Report{
		"a town": must(t, town()), "fourteen places": must(t, many(14)), "nothing measured": must(t, commune(site("Mairie", nil, nil, nil))), "one place": one,
	} {
		t.Run(name, func(t *testing.T) {
			want := fromCSV(t, r)
			for k, line := range r.Lines { // what is read is what was computed
				if got := want.figures[k][0]; got != bare(strings.ReplaceAll(line.Now.String(), " ", " ")) {
					t.Errorf("%s: %q in the CSV, %v computed", line.Key, got, line.Now)
				}
			}
			if len(want.sites) != len(r.Parts) {
				t.Fatalf("%d sites read of %d", len(want.sites), len(r.Parts))
			}
			for of, got := range map[string]numbers{"page": fromHTML(t, r), "spreadsheet": fromODS(t, r), "PDF": fromPDF(t, r)} {
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("the %s says\n%v\nthe CSV\n%v", of, got, want)
				}
			}
		})
	}
}

func TestThePDFIsOneSheetHoweverManyPlacesThereAre(t *testing.T) {
	for _, n := range []int{1, 14, 15, 500} {
		in := many(n)
		for i := range in.Sites { // the most that is said around the figures
			in.Sites[i].Left = 1
			for d := range in.Sites[i].Now {
				in.Sites[i].Now[d].Down = 700
				if d%2 == 0 {
					in.Sites[i].Now[d].Measured = 0
				}
			}
		}
		r := must(t, in)
		info := tool(t, "pdfinfo", pdf(t, r))
		if !strings.Contains(info, "Pages:           1\n") || !strings.Contains(info, "(A4)") {
			t.Errorf("%d places:\n%s", n, info)
		}
	}
}

// The report is printed by the town hall's printer, which has black alone.
func TestThePDFHasNoColour(t *testing.T) {
	to := filepath.Join(t.TempDir(), "page")
	tool(t, "pdftoppm", "-r", "40", pdf(t, must(t, town())), to)
	pages, err := filepath.Glob(to + "*.ppm")
	if err != nil || len(pages) != 1 {
		t.Fatal(pages, err)
	}
	f, err := os.ReadFile(pages[0])
	if err != nil {
		t.Fatal(err)
	}
	var w, h, most int
	r := bytes.NewReader(f)
	if _, err := fmt.Fscanf(r, "P6\n%d %d\n%d\n", &w, &h, &most); err != nil {
		t.Fatal(err)
	}
	px, err := io.ReadAll(r)
	if err != nil || len(px) != 3*w*h {
		t.Fatal(len(px), w, h, err)
	}
	dark := 0
	for i := 0; i < len(px); i += 3 {
		if px[i] != px[i+1] || px[i] != px[i+2] {
			t.Fatalf("pixel %d is coloured: %v", i/3, px[i:i+3])
		}
		if px[i] < 128 {
			dark++
		}
	}
	if dark < 500 {
		t.Errorf("the page is nearly empty: %d dark pixels", dark)
	}
}
