package look

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"image"
	_ "image/jpeg" // a logo may be one
	_ "image/png"  // and one
)

// Bounds of a logo as it is shown.
const (
	MaxLogo  = 64 << 10 // bytes
	MaxSides = 1000     // pixels, either way
)

// ErrLogo is wrapped by why an image cannot be a logo.
var ErrLogo = errors.New("look: not usable as a logo")

// Logo is an image that every browser shows; its zero value is none. SVG is not taken: it may hold scripts and addresses.
type Logo struct {
	Image         []byte
	Kind          string // image/png or image/jpeg
	Width, Height int    // pixels
}

// There reports whether there is one.
func (l Logo) There() bool { return len(l.Image) > 0 }

// Mark is other for other images: what a browser has kept is never another logo.
func (l Logo) Mark() string {
	sum := sha256.Sum256(l.Image)
	return hex.EncodeToString(sum[:6])
}

// Open reads a logo: PNG or JPEG, at most MaxLogo bytes and MaxSides pixels either way. It decodes the whole image: half of one is none. It
// fails with ErrLogo.
func Open(b []byte) (Logo, error) {
	if len(b) > MaxLogo {
		return Logo{}, fmt.Errorf("%w: longer than %d bytes", ErrLogo, MaxLogo)
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(b))
	switch {
	case err != nil, format != "png" && format != "jpeg":
		return Logo{}, fmt.Errorf("%w: neither PNG nor JPEG", ErrLogo)
	case c.Width < 1 || c.Height < 1 || c.Width > MaxSides || c.Height > MaxSides:
		return Logo{}, fmt.Errorf("%w: %d × %d pixels; at most %d either way", ErrLogo, c.Width, c.Height, MaxSides)
	}
	if _, _, err := image.Decode(bytes.NewReader(b)); err != nil {
		return Logo{}, fmt.Errorf("%w: the image is cut off or damaged", ErrLogo)
	}
	return Logo{Image: b, Kind: "image/" + format, Width: c.Width, Height: c.Height}, nil
}

// Size is the logo's on a page, in CSS pixels: at most 40 high and 160 wide, its shape kept.
func (l Logo) Size() (width, height int) {
	const most, high = 160, 40
	width, height = max(l.Width*high/max(l.Height, 1), 1), high
	if width > most {
		width, height = most, max(l.Height*most/max(l.Width, 1), 1)
	}
	return width, height
}

// Tag is the image of a page, with a style sheet's class "lo". alt is what is said in its place; "" where text beside it says it already.
func (l Logo) Tag(address, alt string) template.HTML {
	w, h := l.Size()
	return template.HTML(fmt.Sprintf(`<img class="lo" src="%s" alt="%s" width="%d" height="%d">`, //nolint:gosec // escaped
		template.HTMLEscapeString(address), template.HTMLEscapeString(alt), w, h))
}
