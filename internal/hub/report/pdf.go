package report

import (
	"fmt"
	"io"

	"codeberg.org/go-pdf/fpdf"

	"parvis/internal/figure"
	"parvis/portal/paper/fonts"
)

// Sizes of the sheet, in mm; of letters, in points.
const (
	width, height = 210.0, 297.0
	margin        = 18.0
	inner         = width - 2*margin
	mmPerPoint    = 25.4 / 72
	foot          = height - margin - 13
)

// doc is an A4 sheet that is written from its top to its bottom.
type doc struct {
	*fpdf.Fpdf
	y float64
}

// PDF writes the report as one A4 sheet that can be read in grey. Its text is in reading order; it is not tagged, which the PDF writer
// cannot do: the page is the accessible version (RGAA 13.3).
func (r Report) PDF(w io.Writer) error {
	d := &doc{fpdf.NewCustom(&fpdf.InitType{OrientationStr: "P", UnitStr: "mm", Size: fpdf.SizeType{Wd: width, Ht: height}}), margin}
	d.AddUTF8FontFromBytes("text", "", fonts.Regular)
	d.AddUTF8FontFromBytes("text", "B", fonts.Bold)
	d.SetMargins(margin, margin, margin)
	d.SetCellMargin(0)
	d.SetAutoPageBreak(false, 0)
	d.SetTitle(r.Title()+", "+r.Subtitle(), true)
	d.SetLang("fr")
	d.SetProducer("Parvis", true)
	d.SetCreationDate(r.Made)
	d.SetModificationDate(r.Made)
	d.AddPage()

	d.line("B", 20, r.Title())
	d.line("", 15, r.Subtitle())
	d.y += 2
	d.words("", 10, r.State())
	d.y += 4
	for _, s := range r.Sentences() {
		d.words("", 13, s)
		d.y += 2
	}
	d.y += 3
	d.figures(r)
	top, half := d.y, inner/2
	d.list(margin, half-4, head("outages"), r.outages())
	below := d.y
	d.y = top
	d.list(margin+half, half, head("gaps"), r.gaps())
	d.y = max(d.y, below) + 2
	d.parts(r.Parts)
	d.y = foot
	d.words("", 9, say.Say("privacy"))
	d.words("", 9, r.made())
	if err := d.Output(w); err != nil {
		return fmt.Errorf("report: write PDF of %s: %w", r.File(), err)
	}
	return nil
}

// at writes one line in a box, made smaller if it is wider.
func (d *doc) at(x, w float64, weight string, size float64, align, text string) {
	d.SetFont("text", weight, size)
	if wide := d.GetStringWidth(text); wide > w {
		d.SetFontSize(size * w / wide * 0.99)
	}
	d.SetXY(x, d.y)
	d.CellFormat(w, size*mmPerPoint*1.2, text, "", 0, align, false, 0, "")
}

func (d *doc) line(weight string, size float64, text string) {
	d.at(margin, inner, weight, size, "L", text)
	d.y += size * mmPerPoint * 1.3
}

func (d *doc) words(weight string, size float64, text string) {
	d.SetFont("text", weight, size)
	d.SetXY(margin, d.y)
	d.MultiCell(inner, size*mmPerPoint*1.3, text, "", "L", false)
	d.y = d.GetY()
}

func (d *doc) rule() {
	d.SetLineWidth(0.2)
	d.Line(margin, d.y, width-margin, d.y)
	d.y += 1
}

// figures is the table of the five, and under each figure a bar for each month: black, grey and an outline.
func (d *doc) figures(r Report) {
	const first, each = 81.0, (inner - 81) / 3
	row := func(size float64, name string, cells [3]string) {
		d.at(margin, first, "", size, "L", name)
		for i, c := range cells {
			weight := ""
			if i == 0 {
				weight = "B"
			}
			d.at(margin+first+float64(i)*each+6, each-6, weight, size, "R", c)
		}
	}
	d.line("B", 13, head("figures"))
	row(9, "", r.months())
	d.y += 5
	for _, l := range r.Lines {
		d.rule()
		row(12, label(l.Key)+" ("+unit(l.Key)+")", [3]string{value(l.Now), value(l.Before), value(l.YearAgo)})
		d.y += 6.5
		d.bars(l)
	}
	d.rule()
	d.y += 2
}

// bars compare the months that have a number; one alone compares with nothing.
func (d *doc) bars(l Line) {
	months := [3]figure.Figure{l.Now, l.Before, l.YearAgo}
	most, plain := uint64(0), 0
	for _, f := range months {
		if f.How == figure.Plain {
			plain++
			most = max(most, f.Value)
		}
	}
	if plain < 2 || most == 0 {
		return
	}
	d.SetLineWidth(0.2)
	for i, f := range months {
		if f.How != figure.Plain {
			continue
		}
		style := "F"
		switch i {
		case 0:
			d.SetFillColor(0, 0, 0)
		case 1:
			d.SetFillColor(150, 150, 150)
		default:
			style = "D"
		}
		if long := inner * float64(f.Value) / float64(most); long > 0 {
			d.Rect(margin, d.y, long, 1, style)
		}
		d.y += 1.4
	}
	d.y += 1.2
}

func (d *doc) list(x, w float64, title string, items []string) {
	d.at(x, w, "B", 11, "L", title)
	d.y += 5
	for _, s := range items {
		d.at(x, w, "", 10, "L", s)
		d.y += 4.5
	}
}

// parts is the table of a commune's sites, where there is room for all of them.
func (d *doc) parts(parts []Part) {
	if len(parts) == 0 {
		return
	}
	d.line("B", 11, head("sites"))
	const row = 4
	if d.y+7+row*float64(len(parts)) > foot-2 {
		d.line("", 10, say.Say("pdf.sites-elsewhere"))
		return
	}
	const name, each = 64.0, (inner - 64) / 5
	for k, key := range Keys {
		d.at(margin+name+4+float64(k)*each, each-4, "", 8, "R", unit(key))
	}
	y := d.y
	d.y += 3
	for k, key := range Keys {
		d.at(margin+name+4+float64(k)*each, each-4, "", 8, "R", say.Say("short."+key))
	}
	d.y = y + 7
	for _, p := range parts {
		d.at(margin, name-2, "", 9, "L", p.Name)
		for k, l := range p.Lines {
			d.at(margin+name+4+float64(k)*each, each-4, "", 9, "R", value(l.Now))
		}
		d.y += row
	}
}
