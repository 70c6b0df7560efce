package paper

import (
	"fmt"
	"io"
	"math"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"parvis/portal/paper/fonts"
)

const (
	a4Width, a4Height = 210.0, 297.0 // mm
	mmPerPoint        = 25.4 / 72
)

// document is a PDF in mm, without margins nor automatic page breaks.
type document struct{ *fpdf.Fpdf }

func newDocument(title string, size fpdf.SizeType) *document {
	d := &document{fpdf.NewCustom(&fpdf.InitType{OrientationStr: "P", UnitStr: "mm", Size: size})}
	// Arabic needs shaping, which the PDF writer has not: the print page has it, from the browser.
	d.AddUTF8FontFromBytes("text", "", fonts.Regular)
	d.AddUTF8FontFromBytes("text", "B", fonts.Bold)
	d.SetMargins(0, 0, 0)
	d.SetCellMargin(0)
	d.SetAutoPageBreak(false, 0)
	d.SetTitle(title, true)
	d.SetLang("fr")
	d.SetProducer("Parvis", true)
	d.SetCreationDate(time.Unix(0, 0).UTC()) // the paper says what it is valid for; a date here would only tell the clock
	d.SetModificationDate(time.Unix(0, 0).UTC())
	d.SetLineCapStyle("round")
	d.SetLineJoinStyle("round")
	d.SetDrawColor(0, 0, 0)
	d.SetFillColor(0, 0, 0)
	return d
}

func (d *document) write(w io.Writer) error {
	if err := d.Output(w); err != nil {
		return fmt.Errorf("paper: write PDF: %w", err)
	}
	return nil
}

// style is "" or "B", size in points.
type style struct {
	weight string
	size   float64
}

func (s style) height() float64 { return s.size * mmPerPoint * 1.2 }

// align is where a line stands in its width.
type align string

const (
	left   align = "L"
	center align = "C"
)

// line writes one line, its top at y, made smaller if it is wider than w. It returns where it ends.
func (d *document) line(x, y, w float64, s style, a align, text string) float64 {
	d.SetFont("text", s.weight, s.size)
	if wide := d.GetStringWidth(text); wide > w {
		d.SetFont("text", s.weight, s.size*w/wide*0.99)
	}
	d.SetXY(x, y)
	d.CellFormat(w, s.height(), text, "", 0, string(a), false, 0, "")
	return y + s.height()
}

// text writes words over as many lines as they need. It returns where it ends.
func (d *document) text(x, y, w float64, s style, a align, text string) float64 {
	d.SetFont("text", s.weight, s.size)
	d.SetXY(x, y)
	d.MultiCell(w, s.height(), text, "", string(a), false)
	return d.GetY()
}

// qr puts a QR code in the middle of a square of side mm. It returns the side that it took, quiet zone included.
func (d *document) qr(text string, x, y, side float64) float64 {
	c, err := encode(text)
	if err != nil {
		d.SetError(err)
		return 0
	}
	m, err := c.module(side)
	if err != nil {
		d.SetError(err)
		return 0
	}
	took := m * float64(c.modules())
	x, y = x+(side-took)/2, y+(side-took)/2
	c.runs(func(cx, cy, n int) { d.Rect(x+float64(cx)*m, y+float64(cy)*m, float64(n)*m, m, "F") })
	return took
}

// badge is a number in a disc; it goes with the words beside it.
func (d *document) badge(x, y, diameter float64, number string) {
	d.Circle(x+diameter/2, y+diameter/2, diameter/2, "F")
	d.SetTextColor(255, 255, 255)
	s := style{"B", diameter / mmPerPoint * 0.72}
	d.line(x, y+(diameter-s.height())/2, diameter, s, center, number)
	d.SetTextColor(0, 0, 0)
}

// need is the side of a square that the code of text needs at the least width of modules, in mm.
func need(text string) (float64, error) {
	c, err := encode(text)
	if err != nil {
		return 0, err
	}
	return math.Nextafter(float64(c.modules())*leastDots*dot, math.Inf(1)), nil
}
