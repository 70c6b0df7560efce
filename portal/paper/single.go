package paper

import (
	"strconv"

	"codeberg.org/go-pdf/fpdf"
)

// singles are tickets in large print: 14 points and more (Information for all, standard on written information).
func (l Lot) singles() *document {
	d := newDocument(l.name(), fpdf.SizeType{Wd: a4Width, Ht: a4Height})
	for _, t := range l.Tickets {
		d.AddPage()
		const x, w = 20.0, a4Width - 40
		y := d.line(x, 18, w, style{"B", 20}, left, l.Place.Name)
		y = d.line(x, y+2, w, style{"B", 34}, left, "Ticket Wi-Fi : "+spell(l.Length))
		y = d.line(x, y+2, w, style{"", 16}, left, count(l.devices(), "appareil"))
		if v := l.validity(); v != "" {
			y = d.line(x, y+1, w, style{"", 16}, left, v)
		}
		y += 8
		steps := l.steps(t)
		for i, s := range steps {
			const side = 58.0
			d.SetLineWidth(0.4)
			d.RoundedRect(x, y, w, side+6, 4, "1234", "D")
			d.qr(s.text, x+w-side-3, y+3, side)
			inside := w - side - 14
			if len(steps) > 1 {
				d.badge(x+6, y+8, 14, strconv.Itoa(i+1))
			}
			at := d.text(x+24, y+9, inside-16, style{"B", 18}, left, s.long)
			at = d.text(x+6, max(at, y+26)+3, inside, style{"", 15}, left, "Visez ce carré avec votre téléphone.")
			if i < len(steps)-1 {
				d.text(x+6, at+2, inside, style{"", 15}, left, "Son nom : "+l.Place.WiFi.Name)
			}
			d.draw([]string{"wifi", "open"}[i+2-len(steps)], x+6, y+side-14, 14)
			y += side + 12
		}
		y = d.line(x, y, w, style{"", 15}, left, "Ou tapez ce code sur la page du Wi-Fi :")
		y = d.line(x, y+3, w, style{"B", 40}, center, t.Code)
		if p := l.Place.WiFi.Passphrase; p != "" {
			y = d.line(x, y+4, w, style{"", 15}, left, "Mot de passe du Wi-Fi : "+p)
		}
		d.line(x, y+4, w, style{"", 15}, left, "Besoin d'aide ? Venez "+at(l.Place.Desk)+".")
	}
	return d
}

// roll are tickets for a ticket printer: pages of its width, as long as the ticket.
func (l Lot) roll(width float64) *document {
	long := 0.0
	if len(l.Tickets) > 0 { // all are of one length: only their codes differ, which have one length too
		trial := newDocument("", fpdf.SizeType{Wd: width, Ht: 500})
		trial.AddPage()
		long = l.strip(trial, width, l.Tickets[0])
		if trial.Err() {
			return trial
		}
	}
	d := newDocument(l.name(), fpdf.SizeType{Wd: width, Ht: long})
	for _, t := range l.Tickets {
		d.AddPage()
		l.strip(d, width, t)
	}
	return d
}

// canvas is what a ticket for a roll is drawn on: a page of a PDF, or the dots of a printer's head. Lengths are mm.
type canvas interface {
	line(x, y, w float64, s style, a align, text string) (end float64)
	text(x, y, w float64, s style, a align, text string) (end float64)
	qr(text string, x, y, side float64) (took float64)
	badge(x, y, diameter float64, number string)
}

// head is where the head of a ticket printer prints on its paper: 48 of 58 mm, 72 of 80 mm.
func head(width float64) (x, w float64) {
	if width > 70 {
		return 4, 72
	}
	return 5, 48
}

// strip draws a ticket for a roll and returns its length.
func (l Lot) strip(d canvas, width float64, t Ticket) (length float64) {
	x, w := head(width)
	y := d.text(x, 4, w, style{"B", 11}, center, l.Place.Name)
	y = d.line(x, y+1, w, style{"B", 18}, center, spell(l.Length))
	y = d.line(x, y, w, style{"", 9}, center, count(l.devices(), "appareil"))
	if v := l.validity(); v != "" {
		y = d.text(x, y, w, style{"", 9}, center, v)
	}
	steps := l.steps(t)
	for i, s := range steps {
		y += 3
		indent := 0.0
		if len(steps) > 1 {
			d.badge(x, y, 6, strconv.Itoa(i+1))
			indent = 8
		}
		y = d.text(x+indent, y+0.8, w-indent, style{"B", 11}, left, s.long)
		if i < len(steps)-1 {
			y = d.text(x+indent, y, w-indent, style{"", 9}, left, "Son nom : "+l.Place.WiFi.Name)
		}
		const side = 44.0
		d.qr(s.text, x+(w-side)/2, y, side)
		y += side
	}
	y = d.line(x, y+1, w, style{"B", 17}, center, t.Code)
	if p := l.Place.WiFi.Passphrase; p != "" {
		y = d.text(x, y+1, w, style{"", 9}, left, "Mot de passe du Wi-Fi : "+p)
	}
	for _, s := range l.sentences() {
		y = d.text(x, y+1, w, style{"", 10}, left, s)
	}
	return y + 5
}
