package pages

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // of which the first picture is taken
	"image/png"

	"golang.org/x/image/draw"

	"parvis/internal/look"
)

// What is taken as a logo: an image is decoded into memory before it is made small.
const maxPixels = 8 << 20

var errImage = errors.New("hub pages: not usable as a logo")

// shrink makes a logo of an image from outside (PNG, JPEG, GIF): small enough for the pages of a place, and written anew as PNG, so that nothing of
// what else was in the file goes on. Of SVG nothing is taken: it may hold scripts and addresses.
func shrink(b []byte) ([]byte, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil || c.Width < 1 || c.Height < 1 || c.Width > maxPixels/c.Height {
		return nil, errImage
	}
	from, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, errImage
	}
	// Twice and three times the size on a page, for dense screens; the smaller ones for pictures with much in them.
	for _, most := range []image.Point{{480, 120}, {320, 80}, {160, 40}} {
		w, h := fit(c.Width, c.Height, most)
		to := image.NewNRGBA(image.Rect(0, 0, w, h))
		draw.CatmullRom.Scale(to, to.Bounds(), from, from.Bounds(), draw.Src, nil)
		var out bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to); err != nil {
			return nil, fmt.Errorf("hub pages: write a logo: %w", err)
		}
		if out.Len() <= look.MaxLogo {
			return out.Bytes(), nil
		}
	}
	return nil, errImage
}

// fit is a size with the same shape that is no larger than most, nor than it was.
func fit(w, h int, most image.Point) (int, int) {
	if w > most.X {
		w, h = most.X, h*most.X/w
	}
	if h > most.Y {
		w, h = w*most.Y/h, most.Y
	}
	return max(w, 1), max(h, 1)
}
