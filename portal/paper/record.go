package paper

import (
	"io"
	"strconv"

	"codeberg.org/go-pdf/fpdf"
)

// Record is the report of a site's acceptance: one page that two people sign.
type Record struct {
	Place   string
	When    string // in words
	Router  string // its model and Parvis' version
	Outcome string
	Steps   []RecordStep
}

// RecordStep is one thing that was tried.
type RecordStep struct {
	Title   string
	Verdict string // in a word
	Good    bool   // nothing is to be done
	Found   []string
	Do      []string
}

// recordTitle is of page and PDF.
func (r Record) title() string { return "Recette du Wi-Fi public, " + r.Place }

// signers are who signs.
var signers = []string{"Pour l'équipe technique", "Pour le lieu"}

// HTML writes the record as a page that prints.
func (r Record) HTML(w io.Writer) error {
	return show(w, "record.html", map[string]any{"Record": r, "Title": r.title(), "Signers": signers, "Back": ""})
}

// PDF writes the record for the printer. It is one page while what was found fits: the type becomes smaller, down to 7 points, before
// a second page is begun.
func (r Record) PDF(w io.Writer) error {
	for size := 10.5; ; size -= 0.5 {
		d := newDocument(r.title(), fpdf.SizeType{Wd: a4Width, Ht: a4Height})
		if r.draw(d, size); d.PageCount() == 1 || size <= 7 {
			return d.write(w)
		}
	}
}

const (
	recordX     = 18.0
	recordWidth = a4Width - 2*recordX
	recordEnd   = a4Height - 14 // of a page
	signHeight  = 40.0
)

func (r Record) draw(d *document, size float64) {
	d.AddPage()
	y := d.line(recordX, 14, recordWidth, style{"B", 20}, left, "Recette du Wi-Fi public")
	y = d.line(recordX, y+1, recordWidth, style{"B", 14}, left, r.Place)
	for _, s := range []string{r.When, r.Router} {
		y = d.text(recordX, y+0.5, recordWidth, style{"", size}, left, s)
	}
	y = d.text(recordX, y+2, recordWidth, style{"B", size + 2}, left, r.Outcome) + 2
	const verdict = 30.0
	for _, s := range r.Steps {
		y = d.room(y, size*mmPerPoint*1.2*float64(2+len(s.Found)+len(s.Do)))
		d.SetLineWidth(0.2)
		d.Line(recordX, y, recordX+recordWidth, y)
		weight := ""
		if !s.Good {
			weight = "B"
		}
		d.line(recordX, y+1, verdict-2, style{weight, size}, left, s.Verdict)
		y = d.text(recordX+verdict, y+1, recordWidth-verdict, style{"B", size}, left, s.Title)
		for _, f := range s.Found {
			y = d.text(recordX+verdict, y, recordWidth-verdict, style{"", size - 1}, left, f)
		}
		for _, f := range s.Do {
			y = d.text(recordX+verdict, y, recordWidth-verdict, style{"", size - 1}, left, "À faire : "+f)
		}
		y++
	}
	y = d.room(y, signHeight)
	d.Line(recordX, y, recordX+recordWidth, y)
	half := recordWidth / float64(len(signers))
	for i, s := range signers {
		at := recordX + float64(i)*half
		end := d.line(at, y+2, half-4, style{"B", size}, left, s)
		for _, l := range []string{"Nom :", "Date :", "Signature :"} {
			end = d.line(at, end+1.5, half-4, style{"", size}, left, l)
		}
	}
	pages := d.PageNo()
	for i := 0; pages > 1 && i < pages; i++ {
		d.SetPage(i + 1)
		d.line(recordX, a4Height-10, recordWidth, style{"", 8}, center, "Page "+strconv.Itoa(i+1)+" sur "+strconv.Itoa(pages))
	}
}

// room begins another page when what comes does not fit. It returns where to go on.
func (d *document) room(y, height float64) float64 {
	if y+height <= recordEnd {
		return y
	}
	d.AddPage()
	return 14
}
