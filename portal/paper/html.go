package paper

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed templates/*.html templates/*.css templates/*.js
var assets embed.FS

// Policy is the Content-Security-Policy under which a server sends these pages.
var Policy = "default-src 'none'; style-src " + digest(asset("print.css")) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func asset(name string) string {
	b, err := assets.ReadFile("templates/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return strings.TrimSpace(string(b))
}

// digest is a source expression of a policy (CSP 3, 2.3.1).
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"svg": svg, "at": at, "inc": func(i int) int { return i + 1 },
	"style": func() template.CSS { return template.CSS(asset("print.css")) }, //nolint:gosec // our own file
}).ParseFS(assets, "templates/*.html"))

func show(w io.Writer, name string, data any) error {
	var b bytes.Buffer // whole or not at all
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("paper: show %s: %w", name, err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("paper: write %s: %w", name, err)
	}
	return nil
}

// picture is a QR code with what it is for.
type picture struct {
	Short, Long string
	Image       template.HTML
}

// printed is a ticket in a page.
type printed struct {
	Ticket
	Steps []picture
}

// HTML writes the tickets as a page that prints like the PDF and that screen readers read. back is the address of a link
// that leads back; none without it.
func (l Lot) HTML(w io.Writer, f Format, back string) error {
	known := false
	for _, k := range Formats {
		known = known || k.Format == f
	}
	if !known {
		return fmt.Errorf("%w: %q", ErrFormat, f)
	}
	var pages [][]printed
	for _, page := range l.pages() {
		var out []printed
		for _, t := range page {
			p := printed{Ticket: t}
			for i, s := range l.steps(t) {
				name := fmt.Sprintf("Carré %d : %s", i+1, s.short)
				image, err := QR(s.text, name)
				if err != nil {
					return err
				}
				p.Steps = append(p.Steps, picture{s.short, s.long, image})
			}
			out = append(out, p)
		}
		pages = append(pages, out)
	}
	return show(w, "tickets.html", map[string]any{
		"Lot": l, "Format": f, "Pages": pages, "Back": back, "Title": l.name(), "Length": spell(l.Length),
		"Devices": count(l.devices(), "appareil"), "Validity": l.validity(), "Sentences": l.sentences(),
	})
}

// PosterHTML writes the wall poster as a page. It fails with ErrNoWiFi.
func (p Place) PosterHTML(w io.Writer, back string) error {
	if p.WiFi.Name == "" {
		return ErrNoWiFi
	}
	image, err := QR(p.WiFi.URI(), "Carré : entrer dans le Wi-Fi "+p.WiFi.Name)
	if err != nil {
		return err
	}
	return show(w, "poster.html", map[string]any{
		"Place": p, "Image": image, "Rows": p.rowsOf(), "Help": p.help(), "Back": back, "Title": "Affiche Wi-Fi, " + p.Name,
	})
}

// PictogramHTML writes the entrance's pictogram as a page.
func (p Place) PictogramHTML(w io.Writer, back string) error {
	return show(w, "pictogram.html", map[string]any{
		"Place": p, "Words": pictogramWords, "Back": back, "Title": "Pictogramme Wi-Fi, " + p.Name,
	})
}

// OutsideHTML writes the page for the town's web site: who opens a ticket's address over mobile data reads there to join
// the Wi-Fi first. It is one file, asks nobody for anything, and has the Wi-Fi's name but not its password. The code
// stays in the browser: it is in the address's fragment, which the script shows and no server is sent.
func (p Place) OutsideHTML(w io.Writer) error {
	if p.WiFi.Name == "" {
		return ErrNoWiFi
	}
	style, script := asset("outside.css"), asset("outside.js")
	return show(w, "outside.html", map[string]any{
		"Place":  p,
		"Style":  template.CSS(style), //nolint:gosec // our own file
		"Script": template.JS(script), //nolint:gosec // our own file
		"Policy": "default-src 'none'; style-src " + digest(style) + "; script-src " + digest(script) + "; base-uri 'none'; form-action 'none'",
	})
}
