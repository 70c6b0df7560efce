package paper

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"codeberg.org/go-pdf/fpdf"
)

// The sheet: 3 × 8 tickets, and around them the margins that printers cannot print on.
const (
	columns, rows    = 3, 8
	marginX, marginY = 6.0, 8.5
	cellWidth        = (a4Width - 2*marginX) / columns // 66
	cellHeight       = (a4Height - 2*marginY) / rows   // 35
	inner            = 2.5                             // between a cut and the text
	codeSide         = 18.0                            // of a QR code, unless it needs more
	textLeast        = 18.0                            // for the words beside the codes
)

// PDF writes the tickets. An error of w comes back; so do ErrFormat and ErrRoom (a very long Wi-Fi name with a very long
// password).
func (l Lot) PDF(w io.Writer, f Format) error {
	switch f {
	case Sheet:
		return l.sheets().write(w)
	case Single:
		return l.singles().write(w)
	case Roll58:
		return l.roll(58).write(w)
	case Roll80:
		return l.roll(80).write(w)
	default:
		return fmt.Errorf("%w: %q", ErrFormat, f)
	}
}

func (l Lot) name() string { return "Tickets Wi-Fi, " + l.Place.Name }

// pages cuts the tickets into sheets, which keep their numbers: who replaces one finds it.
func (l Lot) pages() (pages [][]Ticket) {
	for _, t := range l.Tickets {
		n := len(pages)
		if n == 0 || len(pages[n-1]) == PerSheet || pages[n-1][0].Sheet != t.Sheet {
			pages = append(pages, nil)
			n++
		}
		pages[n-1] = append(pages[n-1], t)
	}
	return pages
}

func (l Lot) sheets() *document {
	d := newDocument(l.name(), fpdf.SizeType{Wd: a4Width, Ht: a4Height})
	for _, page := range l.pages() {
		d.AddPage()
		d.cuts()
		d.line(marginX, 2.5, a4Width-2*marginX, style{"", 7}, center, l.margin(page[0].Sheet))
		for i, t := range page {
			l.cell(d, marginX+float64(i%columns)*cellWidth, marginY+float64(i/columns)*cellHeight, t)
		}
	}
	return d
}

// margin says which sheet it is, to who put it down somewhere.
func (l Lot) margin(sheet int) string {
	s := l.Place.Name
	if l.Title != "" {
		s += " · " + l.Title
	}
	if sheet > 0 {
		s += " · planche " + strconv.Itoa(sheet)
	}
	return s
}

// cuts marks where to cut: strokes in the margins and small crosses inside.
func (d *document) cuts() {
	d.SetLineWidth(0.15)
	const stroke, cross = 4.0, 1.2
	for c := range columns + 1 {
		x := marginX + float64(c)*cellWidth
		d.Line(x, marginY-stroke+1, x, marginY-0.5)
		d.Line(x, a4Height-marginY+0.5, x, a4Height-marginY+stroke-1)
		for r := 1; r < rows; r++ {
			y := marginY + float64(r)*cellHeight
			d.Line(x-cross, y, x+cross, y)
			d.Line(x, y-cross, x, y+cross)
		}
	}
	for r := range rows + 1 {
		y := marginY + float64(r)*cellHeight
		d.Line(marginX-stroke+0.5, y, marginX-0.5, y)
		d.Line(a4Width-marginX+0.5, y, a4Width-marginX+stroke-0.5, y)
	}
}

// step is one of the two QR codes of a ticket.
type step struct {
	short, long string // what it is for, in words
	text        string // what is in the code
}

func (l Lot) steps(t Ticket) (s []step) {
	if l.Place.WiFi.Name != "" {
		s = append(s, step{"Le Wi-Fi", "Entrez dans le Wi-Fi.", l.Place.WiFi.URI()})
	}
	return append(s, step{"Le code", "Ouvrez internet.", l.Place.Address(t.Code)})
}

// sentences are the same on every ticket.
func (l Lot) sentences() [2]string {
	if l.Place.WiFi.Name == "" {
		return [2]string{"Entrez dans le Wi-Fi.", "Visez le carré, ou tapez le code."}
	}
	return [2]string{"Visez le carré 1, puis le carré 2.", "Ou tapez le code sur la page du Wi-Fi."}
}

// cell is one ticket of a sheet, its corner at x, y.
func (l Lot) cell(d *document, x, y float64, t Ticket) {
	x, y = x+inner, y+inner-0.5
	const width = cellWidth - 2*inner
	d.line(x, y, width, style{"B", 7.5}, left, l.Place.Name)

	// The codes stand at the right, as large as they need and no smaller than the others on the sheet.
	right := x + width
	steps := l.steps(t)
	sides := make([]float64, len(steps))
	room := width - textLeast
	for i, s := range steps {
		least, err := need(s.text)
		if err != nil {
			d.SetError(err)
			return
		}
		sides[i] = math.Max(codeSide, least)
		room -= sides[i]
	}
	if room < 0 {
		d.SetError(fmt.Errorf("%w: %.0f mm are missing on a ticket of a sheet", ErrRoom, -room))
		return
	}
	low := y
	for i := len(steps) - 1; i >= 0; i-- {
		right -= sides[i]
		top := y + 4
		if len(steps) > 1 {
			d.badge(right+1.5, top, 2.8, strconv.Itoa(i+1))
		}
		d.line(right+4.8, top, sides[i]-4.8, style{"B", 6.5}, left, steps[i].short)
		d.qr(steps[i].text, right, top+2.6, sides[i])
		low = math.Max(low, top+2.6+sides[i])
	}

	w := right - x - 0.5
	at := d.line(x, y+4, w, style{"B", 11}, left, spell(l.Length))
	at = d.line(x, at+0.5, w, style{"", 6.5}, left, count(l.devices(), "appareil"))
	if name := l.Place.WiFi.Name; name != "" {
		at = d.line(x, at, w, style{"", 6.5}, left, "Wi-Fi : "+name)
	}
	if pass := l.Place.WiFi.Passphrase; pass != "" {
		at = d.line(x, at, w, style{"", 6.5}, left, "Mot de passe : "+pass)
	}
	if v := l.validity(); v != "" {
		at = d.text(x, at+0.5, w, style{"", 6}, left, v)
	}
	low = math.Max(low, at)
	at = d.line(x, low-0.5, width, style{"B", 14}, center, t.Code)
	sentences := l.sentences()
	d.line(x, at-0.2, width, style{"", 6}, center, sentences[0]+" "+sentences[1])
}
