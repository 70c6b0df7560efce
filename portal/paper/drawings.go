package paper

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
)

// Drawings are ours, of one line on a field of 48 by 48, and say nothing that the text beside them does not: screen
// readers pass them over. Their paths use M, L, C and Z alone, which both a browser and the PDF writer draw.
var drawings = map[string]string{
	"wifi": "M 5 19 C 16 8 32 8 43 19 M 11 26 C 18 19 30 19 37 26 M 17 33 C 21 29 27 29 31 33 M 23.9 40 L 24.1 40",
	"aim":  "M 13 3 L 35 3 L 35 45 L 13 45 Z M 18 14 L 18 10 L 22 10 M 26 10 L 30 10 L 30 14 M 30 24 L 30 28 L 26 28 M 22 28 L 18 28 L 18 24 M 23 39 L 25 39",
	"page": "M 5 8 L 43 8 L 43 40 L 5 40 Z M 5 16 L 43 16 M 14 25 L 34 25 L 34 33 L 14 33 Z M 10.9 12 L 11.1 12",
	"show": "M 4 43 L 44 43 M 8 43 L 8 31 L 40 31 L 40 43 M 24 5 C 31 5 31 16 24 16 C 17 16 17 5 24 5 M 14 31 C 14 19 34 19 34 31",
	"open": "M 24 5 C 50 5 50 43 24 43 C -2 43 -2 5 24 5 M 15 24 L 22 31 L 34 17",
	"help": "M 24 5 C 50 5 50 43 24 43 C -2 43 -2 5 24 5 M 18 19 C 18 11 30 11 30 19 C 30 24 24 23 24 29 M 24 34.9 L 24 35.1",
	// The door of a house that has Wi-Fi.
	"door": "M 4 44 L 44 44 M 9 44 L 9 24 C 9 2 39 2 39 24 L 39 44 M 15 22 C 20 17 28 17 33 22 M 18.500 27 C 21.500 24 26.500 24 29.500 27 M 23.900 32 L 24.100 32",
}

// svg is a drawing in a page.
func svg(name string) template.HTML {
	return template.HTML(`<svg class="dr" viewBox="0 0 48 48" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"><path d="` + //nolint:gosec // our own paths
		drawings[name] + `"/></svg>`)
}

// draw puts a drawing on the PDF, its corner at x, y, side mm wide.
func (d *document) draw(name string, x, y, side float64) {
	scale := side / 48
	d.SetLineWidth(3 * scale)
	words := strings.Fields(drawings[name])
	next := func(n int) (at [6]float64) {
		for i := range n {
			v, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				d.SetError(fmt.Errorf("paper: draw %s: %w", name, err))
			}
			at[i] = [2]float64{x, y}[i%2] + v*scale
		}
		words = words[n:]
		return at
	}
	for len(words) > 0 {
		verb := words[0]
		words = words[1:]
		switch verb {
		case "M":
			p := next(2)
			d.MoveTo(p[0], p[1])
		case "L":
			p := next(2)
			d.LineTo(p[0], p[1])
		case "C":
			p := next(6)
			d.CurveBezierCubicTo(p[0], p[1], p[2], p[3], p[4], p[5])
		case "Z":
			d.ClosePath()
		default:
			d.SetError(fmt.Errorf("paper: draw %s: no verb %q", name, verb))
			return
		}
	}
	d.DrawPath("D")
}
