package paper

import (
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"
)

const (
	quiet = 4 // modules of white on every side (ISO/IEC 18004, 6.3.8)
	// dot is a printer's, at 300 dots an inch, in mm. Modules are whole dots, so that a printer makes all of them alike, and
	// at least leastDots wide (0.339 mm).
	dot       = 25.4 / 300
	leastDots = 4
)

// code is a QR code at error correction M (15 % may be lost to a thumb or a fold).
type code struct{ qr *qr.Code }

func encode(text string) (code, error) {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return code{}, fmt.Errorf("paper: encode %d bytes: %w", len(text), err)
	}
	return code{c}, nil
}

// modules is its width with both quiet zones.
func (c code) modules() int { return c.qr.Size + 2*quiet }

// module returns the width of a module, in mm, with which the code with its quiet zones fits into side, if any does.
func (c code) module(side float64) (float64, error) {
	dots := int(side/(dot*float64(c.modules())) + 1e-9)
	if dots < leastDots {
		return 0, fmt.Errorf("%w: %d modules in %.1f mm", ErrRoom, c.modules(), side)
	}
	return float64(dots) * dot, nil
}

// runs calls f for each horizontal run of black modules, counted from the corner of the quiet zone.
func (c code) runs(f func(x, y, n int)) {
	for y := range c.qr.Size {
		for x := 0; x < c.qr.Size; x++ {
			n := 0
			for x+n < c.qr.Size && c.qr.Black(x+n, y) {
				n++
			}
			if n > 0 {
				f(x+quiet, y+quiet, n)
				x += n
			}
		}
	}
}

// svg is the code as a picture whose name screen readers say.
func (c code) svg(name string) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="qr" role="img" aria-label="%s" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%[2]dv%[2]dH0z"/><path d="`,
		template.HTMLEscapeString(name), c.modules(), c.modules())
	c.runs(func(x, y, n int) { fmt.Fprintf(&b, "M%d %dh%dv1H%d", x, y, n, x) })
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()) //nolint:gosec // the name is escaped, the rest is numbers
}

// QR returns a QR code as an SVG picture named name, for screens. Its quiet zone is part of it.
func QR(text, name string) (template.HTML, error) {
	c, err := encode(text)
	if err != nil {
		return "", err
	}
	return c.svg(name), nil
}
