package paper

import (
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// ticketFile writes a ticket as a file.
func ticketFile(t *testing.T, img image.Image) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ticket.png")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestATicketForAHeadHasItsWidthAndBothCodes(t *testing.T) {
	for f, dots := range map[Format]int{Roll58: 384, Roll80: 576} {
		t.Run(string(f), func(t *testing.T) {
			l, n := lot(3), 0
			for img, err := range l.Raster(f) {
				if err != nil {
					t.Fatal(err)
				}
				if img.Bounds().Dx() != dots || img.Bounds().Dy() < 600 || img.Bounds().Dy() > 2000 {
					t.Errorf("%v", img.Bounds())
				}
				want := []string{place.WiFi.URI(), place.Address(l.Tickets[n].Code)}
				slices.Sort(want)
				if got := scan(t, ticketFile(t, img)); !slices.Equal(got, want) {
					t.Errorf("%q; expected %q", got, want)
				}
				n++
			}
			if n != 3 {
				t.Errorf("%d tickets", n)
			}
		})
	}
}

func TestEveryDotIsBlackOrWhiteAndNoneIsAtTheEdge(t *testing.T) {
	l := lot(1)
	l.Place.Name = "Médiathèque Ægidius-Œuvrard, ça & là : « où l'été brûle »"
	l.Place.WiFi = WiFi{Name: "Parvis-Public", Passphrase: strings.Repeat("motdepasse", 6)}
	for img, err := range l.Raster(Roll58) {
		if err != nil {
			t.Fatal(err)
		}
		b := img.Bounds()
		black := 0
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				switch v := img.At(x, y).(color.Gray).Y; {
				case v != 0 && v != 255:
					t.Fatalf("%d at %d, %d", v, x, y)
				case v == 0:
					black++
					if y == 0 || y == b.Max.Y-1 {
						t.Fatalf("black at %d, %d", x, y)
					}
				}
			}
		}
		if all := b.Dx() * b.Dy(); black < all/50 || black > all/2 {
			t.Errorf("%d of %d dots are black", black, all)
		}
		if codes := scan(t, ticketFile(t, img)); len(codes) != 2 {
			t.Errorf("%q", codes)
		}
	}
}

func TestFrenchLettersAreDrawnAndNotReplaced(t *testing.T) {
	r := &raster{}
	for weight, f := range typefaces() {
		for _, letter := range "àâäæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ«»’–…€°ñ" {
			if i, err := f.GlyphIndex(nil, letter); i == 0 || err != nil {
				t.Errorf("%q has no %c", weight, letter)
			}
		}
	}
	if wide(r.face(style{"", 10}), "é") <= 0 {
		t.Error("é has no width")
	}
}

func TestATicketThatNeedsNoLengthIsNotLonger(t *testing.T) {
	short, long := lot(1), lot(1)
	short.Place.WiFi = WiFi{}
	height := func(l Lot) int {
		for img, err := range l.Raster(Roll80) {
			if err != nil {
				t.Fatal(err)
			}
			return img.Bounds().Dy()
		}
		return 0
	}
	if s, l := height(short), height(long); s >= l {
		t.Errorf("%d, %d", s, l)
	}
}

func TestWhatIsNoRollOrDoesNotFitIsSaid(t *testing.T) {
	for _, f := range []Format{Sheet, Single, "", "62"} {
		for _, err := range lot(1).Raster(f) {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("%s: %v", f, err)
			}
		}
	}
	l := Lot{Place: place, Length: time.Hour, Tickets: []Ticket{{Code: strings.Repeat("K7M2-", 200)}}}
	l.Place.WiFi = WiFi{}
	n := 0
	for img, err := range l.Raster(Roll58) {
		n++
		if img != nil || !errors.Is(err, ErrRoom) {
			t.Errorf("%v", err)
		}
	}
	if n != 1 {
		t.Error(n)
	}
}
