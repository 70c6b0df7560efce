// Package look is what a town may change of how its pages look: two colours, whose contrast is computed and not believed (WCAG 2.2, success
// criteria 1.4.3 and 1.4.11), and a logo. It knows values alone: a configuration, a portal and a hub use the same rules.
package look

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Colour is red, green and blue in sRGB.
type Colour [3]uint8

var written = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// Parse reads #rrggbb, in letters of either case.
func Parse(s string) (c Colour, ok bool) {
	s = strings.ToLower(s)
	if !written.MatchString(s) {
		return c, false
	}
	for i := range c {
		v, err := strconv.ParseUint(s[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return c, false
		}
		c[i] = uint8(v)
	}
	return c, true
}

// must reads one of ours.
func must(s string) Colour {
	c, ok := Parse(s)
	if !ok {
		panic("look: " + s)
	}
	return c
}

func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// luminance is relative luminance (WCAG 2.2, definitions), 0 to 1.
func (c Colour) luminance() float64 {
	var l [3]float64
	for i, v := range c {
		s := float64(v) / 255
		if s <= 0.04045 {
			l[i] = s / 12.92
		} else {
			l[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2]
}

// Contrast is the contrast ratio of two colours, 1 to 21.
func Contrast(a, b Colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// What WCAG 2.2 asks for at level AA: of text (1.4.3), and of the parts of a page that must be seen (1.4.11).
const (
	OfText  = 4.5
	OfParts = 3.0
)

// The grounds of our pages, and what they are in the dark.
var (
	ground, dark = must("#f6efe3"), must("#2b2520") // the darker of the two light ones, the lighter of the two dark ones: the hardest
	black, white = Colour{}, Colour{255, 255, 255}
)

// mix is c with so many 255ths of another colour.
func (c Colour) mix(other Colour, part int) Colour {
	for i := range c {
		c[i] = uint8((int(c[i])*(255-part) + int(other[i])*part + 127) / 255) //nolint:gosec // between both
	}
	return c
}

// toward is the nearest colour on the way to another one that has the contrast on a ground.
func (c Colour) toward(other Colour, least float64, on Colour) Colour {
	for part := range 256 {
		if next := c.mix(other, part); Contrast(next, on) >= least {
			return next
		}
	}
	return other
}

// Verdict is what is computed of a colour.
type Verdict struct {
	Contrast float64 // with the ground on which it is hardest to see
	Least    float64
	Nearest  Colour // that passes; the colour itself where it does
}

// Passes reports whether it may be used.
func (v Verdict) Passes() bool { return v.Contrast >= v.Least }

// Main judges the colour of buttons and links: white text stands on it, and it is itself text on a light ground, which is the harder of the two.
func Main(c Colour) Verdict { return judge(c, OfText) }

// Accent judges the colour of pictures and borders.
func Accent(c Colour) Verdict { return judge(c, OfParts) }

func judge(c Colour, least float64) Verdict {
	return Verdict{Contrast(c, ground), least, c.toward(black, least, ground)}
}

// Style is what a town has chosen; its zero value is Parvis' own.
type Style struct {
	Town         string  // its name; "" none is shown
	Main, Accent *Colour // nil: Parvis' own
	Logo         Logo
}

// Ours are the colours that style sheets and pictures of Parvis are written with. Paint puts the town's in their place.
const (
	oursMain, oursDeep, oursLight = "#17564b", "#0f4138", "#8fd0bd" // buttons, under the pointer, links in the dark
	oursTint                      = "#e3efe8"                       // under the pointer, with text of the main colour on it
	oursAccent, oursGlow          = "#a4501f", "#e8a87c"
)

// Paint is a style sheet or a picture of ours in the town's colours.
func (s Style) Paint(ours string) string {
	var pairs []string
	if s.Main != nil {
		pairs = append(pairs, oursMain, s.Main.String(), oursDeep, s.Main.mix(black, 64).String(),
			oursLight, s.Main.toward(white, OfText, dark).String(), oursTint, ground.String())
	}
	if s.Accent != nil {
		pairs = append(pairs, oursAccent, s.Accent.String(), oursGlow, s.Accent.toward(white, OfParts, dark).String())
	}
	return strings.NewReplacer(pairs...).Replace(ours)
}
