package paper

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

var place = Place{
	Name: "Maison des habitants du Parvis", Desk: "L'accueil", Portal: "wifi.parvis.example", WiFi: WiFi{Name: "Médiathèque; à tous"},
}

// lot returns n tickets.
func lot(n int) Lot {
	l := Lot{
		Place: place, Title: "Semaine 48", Length: 90 * time.Minute, Devices: 2,
		From: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for i := range n {
		l.Tickets = append(l.Tickets, Ticket{Code: fmt.Sprintf("K7M2-R4XT-%04d", 2222+i), Sheet: i/PerSheet + 1, Number: i%PerSheet + 1})
	}
	return l
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
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, said.String())
	}
	return string(out)
}

// file writes a PDF.
func file(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "paper.pdf")
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// decode prints a PDF at 300 dots an inch and reads its QR codes with zbar.
func decode(t *testing.T, pdf string) (codes []string) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "page")
	tool(t, "pdftoppm", "-r", "300", "-png", pdf, to)
	pages, err := filepath.Glob(to + "*.png")
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages", err)
	}
	for _, p := range pages {
		codes = append(codes, scan(t, p)...)
	}
	slices.Sort(codes)
	return codes
}

// scan reads the QR codes of a picture with zbar.
func scan(t *testing.T, picture string) (codes []string) {
	t.Helper()
	// As bytes: zbar guesses at the alphabet of what has accents, where phones read UTF-8.
	out := tool(t, "zbarimg", "-q", "--xml", "-Sdisable", "-Sqr.enable", "-Sqr.binary", picture)
	for _, m := range regexp.MustCompile(`(?s)<data( format='base64')?[^>]*><!\[CDATA\[(.*?)\]\]>`).FindAllStringSubmatch(out, -1) {
		if m[1] == "" {
			codes = append(codes, m[2])
			continue
		}
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(m[2]), ""))
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, string(b))
	}
	slices.Sort(codes)
	return codes
}

func TestEveryCodeOfEveryTicketIsReadFromTheRasterisedPDF(t *testing.T) {
	for _, c := range []struct {
		format Format
		n      int
	}{{Sheet, 30}, {Single, 2}, {Roll58, 2}, {Roll80, 2}} {
		t.Run(string(c.format), func(t *testing.T) {
			l := lot(c.n)
			var want []string
			for _, ticket := range l.Tickets {
				want = append(want, place.WiFi.URI(), "http://wifi.parvis.example/code#"+ticket.Code)
			}
			slices.Sort(want)
			got := decode(t, file(t, func(w io.Writer) error { return l.PDF(w, c.format) }))
			if !slices.Equal(got, want) {
				t.Errorf("%d codes read, %d printed:\n%q", len(got), len(want), got)
			}
		})
	}
}

func TestThePrintedPageIsReadLikeThePDF(t *testing.T) {
	l := lot(26)
	dir := t.TempDir()
	page, pdf := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.pdf")
	var b bytes.Buffer
	if err := l.HTML(&b, Sheet, "/tickets"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+page)
	var want []string
	for _, ticket := range l.Tickets {
		want = append(want, place.WiFi.URI(), place.Address(ticket.Code))
	}
	slices.Sort(want)
	if got := decode(t, pdf); !slices.Equal(got, want) {
		t.Errorf("%d codes read, %d printed", len(got), len(want))
	}
}

func TestTheLongestNameAndPasswordStillFitOnASheet(t *testing.T) {
	l := lot(1)
	l.Place.WiFi = WiFi{Name: strings.Repeat(";", 32), Passphrase: strings.Repeat(`\`, 63)}
	got := decode(t, file(t, func(w io.Writer) error { return l.PDF(w, Sheet) }))
	if !slices.Contains(got, l.Place.WiFi.URI()) || len(got) != 2 {
		t.Errorf("%q", got)
	}
}

func TestCodesThatDoNotFitAreRefused(t *testing.T) {
	l := lot(1)
	l.Place.WiFi = WiFi{Name: strings.Repeat(";", 32), Passphrase: strings.Repeat(`\`, 63)}
	l.Place.Portal = strings.Repeat("a.", 120) + "example"
	for _, f := range []Format{Sheet, Single} {
		err := l.PDF(io.Discard, f)
		if f == Sheet && !errors.Is(err, ErrRoom) || f == Single && err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func TestModulesAreWholeDotsAndNeverUnderAThirdOfAMillimetre(t *testing.T) {
	for n := 1; n <= 300; n++ {
		text := strings.Repeat("x", n)
		c, err := encode(text)
		if err != nil {
			t.Fatal(err)
		}
		least, err := need(text)
		if err != nil {
			t.Fatal(err)
		}
		for side := 10.0; side < 60; side += 0.7 {
			m, err := c.module(side)
			if (err != nil) != (side < least) {
				t.Fatalf("%d bytes in %.1f mm: %v, needs %.1f mm", n, side, err, least)
			}
			if err != nil {
				continue
			}
			if dots := m / dot; m < 0.33 || dots != float64(int(dots)) || m*float64(c.modules()) > side+1e-6 {
				t.Fatalf("%d bytes in %.1f mm: modules of %v mm", n, side, m)
			}
		}
	}
}

// words is a page as a reader meets it, on one line.
func words(page []byte) string {
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return ""
	}
	var b strings.Builder
	skip := map[*html.Node]bool{}
	for n := range doc.Descendants() {
		if n.DataAtom == atom.Script || n.DataAtom == atom.Style || skip[n.Parent] {
			skip[n] = true
		} else if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
	}
	return flat(b.String())
}

func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// papers are all that is printed, as page and as PDF.
var papers = []struct {
	name string
	page func(io.Writer) error
	pdf  func(io.Writer) error
	says []string
}{
	{"sheet", html1(Sheet), pdf1(Sheet), append(ticketWords, "Visez le carré 1, puis le carré 2.", "Ou tapez le code sur la page du Wi-Fi.", "Wi-Fi : Médiathèque; à tous", "planche 1", "Semaine 48")},
	{"single", html1(Single), pdf1(Single), append(ticketWords, "Entrez dans le Wi-Fi.", "Ouvrez internet.", "Besoin d'aide ? Venez à l'accueil.")},
	{"58 mm", html1(Roll58), pdf1(Roll58), append(ticketWords, "Entrez dans le Wi-Fi.", "Ouvrez internet.")},
	{"80 mm", html1(Roll80), pdf1(Roll80), append(ticketWords, "Entrez dans le Wi-Fi.", "Ouvrez internet.")},
	{"poster", func(w io.Writer) error { return place.PosterHTML(w, "/tickets") }, place.PosterPDF, []string{
		"Wi-Fi gratuit", "Médiathèque; à tous", "Visez le carré avec votre téléphone.", "Une page s'ouvre. Appuyez sur le bouton.", "Tapez : wifi.parvis.example", "Besoin d'aide ? Venez à l'accueil.",
	}},
	{"pictogram", func(w io.Writer) error { return place.PictogramHTML(w, "/tickets") }, place.PictogramPDF, []string{"Wi-Fi", "Dans ce bâtiment, il y a le Wi-Fi.", "Maison des habitants du Parvis"}},
}

var ticketWords = []string{"Maison des habitants du Parvis", "1 h 30", "2 appareils", "Du 1er décembre 2026 au 31 décembre 2026", "K7M2-R4XT-2222"}

func html1(f Format) func(io.Writer) error {
	return func(w io.Writer) error { return lot(1).HTML(w, f, "/tickets") }
}

func pdf1(f Format) func(io.Writer) error {
	return func(w io.Writer) error { return lot(1).PDF(w, f) }
}

func TestThePageSaysWhatThePDFSays(t *testing.T) {
	for _, p := range papers {
		t.Run(p.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := p.page(&b); err != nil {
				t.Fatal(err)
			}
			printed := flat(tool(t, "pdftotext", "-layout", file(t, p.pdf), "-"))
			page := words(b.Bytes())
			for _, s := range p.says {
				if !strings.Contains(page, s) {
					t.Errorf("the page does not say « %s »:\n%s", s, page)
				}
				// Narrow columns break lines inside of sentences.
				for _, w := range strings.Fields(s) {
					if !strings.Contains(printed, w) {
						t.Errorf("the PDF does not say « %s » of « %s »:\n%s", w, s, printed)
					}
				}
			}
		})
	}
}

// Tickets are given, and people read them by the rules of easy language.
func TestNoPaperHasAPriceALongSentenceOrAHardWord(t *testing.T) {
	outside := papers[0]
	outside.name, outside.page = "outside", place.OutsideHTML
	for _, p := range append(papers, outside) {
		t.Run(p.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := p.page(&b); err != nil {
				t.Fatal(err)
			}
			doc, err := html.Parse(&b)
			if err != nil {
				t.Fatal(err)
			}
			for n := range doc.Descendants() {
				if n.Type != html.TextNode || n.Parent.DataAtom == atom.Style || n.Parent.DataAtom == atom.Script {
					continue
				}
				if found := regexp.MustCompile(`(?i)€|\beuros?\b|\bprix\b|\bvente|\bvend|tarif|payant|erreur|session|authentif|veuillez|expir|portail|terminal`).FindString(n.Data); found != "" {
					t.Errorf("« %s » in %q", found, n.Data)
				}
				for _, s := range regexp.MustCompile(`[.?!:;]\s|[.?!:;]$`).Split(flat(n.Data), -1) {
					if len(strings.Fields(s)) > 12 {
						t.Errorf("more than 12 words: %q", s)
					}
				}
			}
		})
	}
}

func TestThePageOutsideIsOneFileThatKeepsTheCodeAndThePasswordToItself(t *testing.T) {
	p := place
	p.WiFi.Passphrase = "douze lettres"
	var b bytes.Buffer
	if err := p.OutsideHTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if !strings.Contains(words(b.Bytes()), p.WiFi.Name) || strings.Contains(page, p.WiFi.Passphrase) {
		t.Error("it must name the Wi-Fi and not its password")
	}
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	policy := ""
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "src" || a.Key == "href" && a.Val != "/code" || a.Key == "action" {
				t.Errorf("<%s %s=%q> leads elsewhere", n.Data, a.Key, a.Val)
			}
			if a.Key == "content" && strings.Contains(a.Val, "default-src") {
				policy = a.Val
			}
		}
	}
	for n := range doc.Descendants() {
		if n.DataAtom == atom.Style || n.DataAtom == atom.Script {
			if !strings.Contains(policy, digest(n.FirstChild.Data)) {
				t.Errorf("the policy %q does not know its <%s>", policy, n.Data)
			}
		}
	}
}

func TestWithoutAWiFiNameThereAreTicketsAndNoPoster(t *testing.T) {
	l := lot(1)
	l.Place.WiFi.Name = ""
	if got := decode(t, file(t, func(w io.Writer) error { return l.PDF(w, Sheet) })); !slices.Equal(got, []string{"http://wifi.parvis.example/code#K7M2-R4XT-2222"}) {
		t.Errorf("%q", got)
	}
	if err := l.Place.PosterPDF(io.Discard); !errors.Is(err, ErrNoWiFi) {
		t.Error(err)
	}
	if err := l.Place.OutsideHTML(io.Discard); !errors.Is(err, ErrNoWiFi) {
		t.Error(err)
	}
}

func TestAnUnknownFormatIsRefused(t *testing.T) {
	if err := lot(1).PDF(io.Discard, "a3"); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
	if err := lot(1).HTML(io.Discard, "a3", ""); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

func TestSheetsAreCutWhereTheirNumbersChange(t *testing.T) {
	l := lot(3)
	l.Tickets[2].Sheet = 4
	if pages := l.pages(); len(pages) != 2 || len(pages[0]) != 2 || pages[1][0].Sheet != 4 {
		t.Errorf("%v", pages)
	}
}

func TestValidityIsSaidAsADayThatPeopleCount(t *testing.T) {
	at := func(month time.Month, d, h, m int) time.Time { return time.Date(2026, month, d, h, m, 0, 0, time.UTC) }
	for want, l := range map[string]Lot{
		"":                                   {},
		"Jusqu'au 31 décembre 2026":          {Until: at(13, 1, 0, 0)},
		"Jusqu'au 1er décembre 2026 à 18 h":  {Until: at(12, 1, 18, 0)},
		"Jusqu'au 2 décembre 2026 à 17 h 30": {Until: at(12, 2, 17, 30)},
		"À partir du 1er mai 2026":           {From: at(5, 1, 9, 0)},
		"Du 30 novembre 2026 au 4 mars 2026": {From: at(11, 30, 0, 0), Until: at(3, 5, 0, 0)},
	} {
		if got := strings.ReplaceAll(l.validity(), space, " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
