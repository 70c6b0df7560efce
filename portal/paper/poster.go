package paper

import (
	"io"
	"strconv"

	"codeberg.org/go-pdf/fpdf"
)

// row is one sentence of a poster with its drawing.
type row struct{ Drawing, Text string }

// rowsOf tells how to get online, a step a line.
func (p Place) rowsOf() []row {
	third := row{"page", "Une page s'ouvre. Appuyez sur le bouton."}
	if p.ByDesk {
		third = row{"show", "Une page s'ouvre. Montrez-la " + at(p.Desk) + "."}
	}
	return []row{
		{"aim", "Visez le carré avec votre téléphone."},
		{"wifi", "Entrez dans le Wi-Fi."},
		third,
		{"open", "Internet est ouvert."},
	}
}

func (p Place) help() []string {
	return []string{"La page ne s'ouvre pas ? Tapez : " + p.Portal, "Besoin d'aide ? Venez " + at(p.Desk) + "."}
}

// PosterPDF writes the A4 poster for the wall (join the Wi-Fi). It fails with ErrNoWiFi.
func (p Place) PosterPDF(w io.Writer) error {
	if p.WiFi.Name == "" {
		return ErrNoWiFi
	}
	d := newDocument("Affiche Wi-Fi, "+p.Name, fpdf.SizeType{Wd: a4Width, Ht: a4Height})
	d.AddPage()
	const x, width = 18.0, a4Width - 36
	y := d.line(x, 16, width, style{"B", 54}, center, "Wi-Fi gratuit")
	y = d.line(x, y+1, width, style{"", 22}, center, p.Name)
	const side = 96.0
	d.qr(p.WiFi.URI(), (a4Width-side)/2, y+3, side)
	y = d.line(x, y+side+4, width, style{"B", 26}, center, p.WiFi.Name)
	if p.WiFi.Passphrase != "" {
		y = d.line(x, y+1, width, style{"", 17}, center, "Mot de passe : "+p.WiFi.Passphrase)
	}
	y += 8
	for i, r := range p.rowsOf() {
		d.badge(x, y+2, 11, strconv.Itoa(i+1))
		d.draw(r.Drawing, x+17, y, 15)
		s := style{"B", 17}
		d.line(x+38, y+(15-s.height())/2, width-38, s, left, r.Text)
		y += 20
	}
	y += 2
	for _, h := range p.help() {
		y = d.line(x, y+1, width, style{"", 17}, center, h)
	}
	return d.write(w)
}

// PictogramPDF writes the A4 sheet for the entrance: this building offers Wi-Fi (loi n° 2015-136 du 9 février 2015,
// article 5, asks for such a pictogram).
func (p Place) PictogramPDF(w io.Writer) error {
	d := newDocument("Pictogramme Wi-Fi, "+p.Name, fpdf.SizeType{Wd: a4Width, Ht: a4Height})
	d.AddPage()
	const x, width = 20.0, a4Width - 40
	d.draw("door", 35, 30, 140)
	y := d.line(x, 188, width, style{"B", 72}, center, "Wi-Fi")
	y = d.text(x, y+2, width, style{"", 28}, center, pictogramWords)
	d.text(x, y+10, width, style{"", 18}, center, p.Name)
	return d.write(w)
}

const pictogramWords = "Dans ce bâtiment, il y a le Wi-Fi."
