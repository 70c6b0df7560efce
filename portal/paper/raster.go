package paper

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"iter"
	"math"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"parvis/portal/paper/fonts"
)

// perMM is the dots of a ticket printer's head in a millimetre (203 dots an inch); leastHeadDots the least width of a QR code's module, 0.375 mm.
const (
	perMM         = 8
	leastHeadDots = 3
)

// Raster is the tickets as pictures for a ticket printer, as wide as its head: 384 dots on Roll58, 576 on Roll80, black and white. They are made
// one by one, as they are asked for. The error is ErrFormat, or ErrRoom of a ticket that has no picture.
func (l Lot) Raster(f Format) iter.Seq2[image.Image, error] {
	return func(yield func(image.Image, error) bool) {
		width := map[Format]float64{Roll58: 58, Roll80: 80}[f]
		if width == 0 {
			yield(nil, fmt.Errorf("%w: %q", ErrFormat, f))
			return
		}
		left, wide := head(width)
		for _, t := range l.Tickets {
			trial := &raster{left: left}
			long := l.strip(trial, width, t)
			r := &raster{left: left, img: image.NewGray(image.Rect(0, 0, int(wide*perMM), int(math.Ceil(long*perMM)))), err: trial.err}
			draw.Draw(r.img, r.img.Bounds(), image.White, image.Point{}, draw.Src)
			l.strip(r, width, t)
			if r.err != nil {
				yield(nil, r.err)
				return
			}
			r.sharpen()
			if !yield(r.img, nil) {
				return
			}
		}
	}
}

// raster is a canvas of dots. Without a picture it only measures.
type raster struct {
	left float64 // of the head on the paper, mm
	img  *image.Gray
	err  error
}

// typefaces are the two weights, read once.
var typefaces = sync.OnceValue(func() map[string]*opentype.Font {
	all := map[string]*opentype.Font{}
	for weight, ttf := range map[string][]byte{"": fonts.Regular, "B": fonts.Bold} {
		f, err := opentype.Parse(ttf)
		if err != nil {
			panic("paper: fonts: " + err.Error()) // they are embedded
		}
		all[weight] = f
	}
	return all
})

func (r *raster) face(s style) font.Face {
	f, err := opentype.NewFace(typefaces()[s.weight], &opentype.FaceOptions{Size: s.size, DPI: perMM * 25.4, Hinting: font.HintingFull})
	if err != nil {
		panic("paper: typeface: " + err.Error()) // opentype makes none
	}
	return f
}

// wide is the width of words, mm.
func wide(f font.Face, text string) float64 {
	return float64(font.MeasureString(f, text)) / 64 / perMM
}

func (r *raster) line(x, y, w float64, s style, a align, text string) float64 {
	f := r.face(s)
	if full := wide(f, text); full > w {
		f = r.face(style{s.weight, s.size * w / full * 0.99})
	}
	r.put(f, x, y, w, s.height(), a, text, color.Black)
	return y + s.height()
}

// put writes one line in the middle of its height.
func (r *raster) put(f font.Face, x, y, w, high float64, a align, text string, c color.Color) {
	if r.img == nil {
		return
	}
	if a == center {
		x += (w - wide(f, text)) / 2
	}
	m := f.Metrics()
	base := (y+high/2)*perMM + float64(m.Ascent-m.Descent)/64/2
	d := font.Drawer{Dst: r.img, Src: image.NewUniform(c), Face: f, Dot: fixed.P(int(math.Round((x-r.left)*perMM)), int(math.Round(base)))}
	d.DrawString(text)
}

func (r *raster) text(x, y, w float64, s style, a align, text string) float64 {
	f := r.face(s)
	var line string
	for _, word := range strings.Split(text, " ") { // a no-break space keeps its words together
		longer := strings.TrimPrefix(line+" "+word, " ")
		if line != "" && wide(f, longer) > w {
			y = r.line(x, y, w, s, a, line)
			longer = word
		}
		for wide(f, longer) > w { // a password: made smaller nobody could read it
			part := fitting(f, longer, w)
			y = r.line(x, y, w, s, a, part)
			longer = longer[len(part):]
		}
		line = longer
	}
	return r.line(x, y, w, s, a, line)
}

// fitting is as much of a word's beginning as has room, and at least one letter.
func fitting(f font.Face, word string, w float64) string {
	end := 0
	for i, letter := range word {
		if next := i + utf8.RuneLen(letter); end == 0 || wide(f, word[:next]) <= w {
			end = next
			continue
		}
		break
	}
	return word[:end]
}

// qr draws modules of whole dots, in the middle of the square.
func (r *raster) qr(text string, x, y, side float64) float64 {
	c, err := encode(text)
	if err != nil {
		r.err = err
		return 0
	}
	dots := int(side*perMM) / c.modules()
	if dots < leastHeadDots {
		r.err = fmt.Errorf("%w: %d modules in %.0f mm", ErrRoom, c.modules(), side)
		return 0
	}
	took := dots * c.modules()
	if r.img != nil {
		left, top := int((x-r.left)*perMM)+(int(side*perMM)-took)/2, int(y*perMM)+(int(side*perMM)-took)/2
		c.runs(func(cx, cy, n int) {
			draw.Draw(r.img, image.Rect(0, 0, n*dots, dots).Add(image.Pt(left+cx*dots, top+cy*dots)), image.Black, image.Point{}, draw.Src)
		})
	}
	return float64(took) / perMM
}

func (r *raster) badge(x, y, diameter float64, number string) {
	if r.img == nil {
		return
	}
	radius := diameter / 2 * perMM
	cx, cy := (x-r.left)*perMM+radius, y*perMM+radius
	for py := int(cy - radius); py <= int(cy+radius); py++ {
		for px := int(cx - radius); px <= int(cx+radius); px++ {
			if math.Hypot(float64(px)+0.5-cx, float64(py)+0.5-cy) <= radius {
				r.img.Set(px, py, color.Black)
			}
		}
	}
	s := style{"B", diameter / mmPerPoint * 0.72}
	r.put(r.face(s), x, y, diameter, diameter, center, number, color.White)
}

// sharpen makes every dot black or white: a head knows nothing between.
func (r *raster) sharpen() {
	for i, v := range r.img.Pix {
		r.img.Pix[i] = 255
		if v < 128 {
			r.img.Pix[i] = 0
		}
	}
}
