package escpos_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parvis/hw/escpos"
	"parvis/hw/escpos/escpostest"
)

func TestAPictureComesOutAsItWentIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width, height := 8*rapid.IntRange(1, 12).Draw(t, "width/8"), rapid.IntRange(1, 300).Draw(t, "height")
		img := image.NewGray(image.Rect(3, 5, 3+width, 5+height)) // pictures need not begin at 0
		seed := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "dots")
		for i := range img.Pix {
			img.Pix[i] = seed[i*7%len(seed)]
		}
		cut := rapid.Bool().Draw(t, "cut")
		var b bytes.Buffer
		if err := escpos.Ticket(&b, img, cut); err != nil {
			t.Fatal(err)
		}
		papers, err := escpostest.Decode(&b, nil)
		if err != nil || len(papers) != 1 || papers[0].Cut != cut || papers[0].Image.Bounds().Size() != img.Bounds().Size() {
			t.Fatalf("%v, %v", papers, err)
		}
		for y := range height {
			for x := range width {
				if black := img.GrayAt(3+x, 5+y).Y < 128; black != (papers[0].Image.GrayAt(x, y).Y == 0) {
					t.Fatalf("%d, %d", x, y)
				}
			}
		}
	})
}

func TestAnyKindOfPictureIsPrinted(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 8, 1))
	img.Set(0, 0, color.RGBA{R: 40, A: 255})
	img.Set(1, 0, color.White)
	for x := 2; x < 8; x++ {
		img.Set(x, 0, color.RGBA{R: 255, G: 240, B: 200, A: 255})
	}
	var b bytes.Buffer
	if err := escpos.Ticket(&b, img, true); err != nil {
		t.Fatal(err)
	}
	if want := "\x1b@\x1dv0\x00\x01\x00\x01\x00\x80\x1dV\x42\x00"; b.String() != want {
		t.Errorf("%q; expected %q", b.String(), want)
	}
}

func TestAPictureOfAnotherSizeIsRefused(t *testing.T) {
	for _, r := range []image.Rectangle{
		image.Rect(0, 0, 0, 0), image.Rect(0, 0, 12, 8), image.Rect(0, 0, 8, 0), image.Rect(0, 0, escpos.MostWidth+8, 1), image.Rect(0, 0, 8, escpos.MostHeight+1),
	} {
		if err := escpos.Ticket(io.Discard, image.NewAlpha(r), true); !errors.Is(err, escpos.ErrSize) {
			t.Errorf("%v: %v", r, err)
		}
	}
}

func TestAPrinterSaysWhatIsWrong(t *testing.T) {
	for about, tc := range map[string]struct {
		answers string
		want    escpos.Status
	}{
		"nothing":                 {"\x12\x12\x12", escpos.Status{}},
		"no paper":                {"\x1a\x32\x72", escpos.Status{Offline: true, NoPaper: true}},
		"the end is near":         {"\x12\x12\x1e", escpos.Status{LowPaper: true}},
		"open":                    {"\x1a\x16\x12", escpos.Status{Offline: true, Cover: true}},
		"stuck":                   {"\x1a\x52\x12", escpos.Status{Offline: true, Fault: true}},
		"what nobody asked for":   {"\x11\x13\x14\x00\x00\x0f\x12\x12\x12", escpos.Status{}},
		"the drawer is something": {"\x16\x12\x12", escpos.Status{}},
	} {
		t.Run(about, func(t *testing.T) {
			s, err := escpos.Ask(conn{strings.NewReader(tc.answers), io.Discard})
			if err != nil || s != tc.want {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

func TestWhatIsNoPrinterIsTold(t *testing.T) {
	if _, err := escpos.Ask(conn{strings.NewReader(strings.Repeat("HTTP/1.1 ", 20)), io.Discard}); !errors.Is(err, escpos.ErrStatus) {
		t.Error(err)
	}
	if _, err := escpos.Ask(conn{strings.NewReader("\x12"), io.Discard}); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if err := new(escpos.Status).Read(3, 0x12); !errors.Is(err, escpos.ErrStatus) {
		t.Error(err)
	}
}

type conn struct {
	io.Reader
	io.Writer
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte("\x12\x12\x12"))
	f.Add([]byte("\x1a\x32\x72"))
	f.Add([]byte{0xff, 0x10, 0x14})
	f.Fuzz(func(t *testing.T, answers []byte) {
		r := bytes.NewReader(answers)
		s, err := escpos.Ask(conn{r, io.Discard})
		if err == nil && len(answers) < len(escpos.Questions) {
			t.Errorf("%+v of %d bytes", s, len(answers))
		}
		if read := len(answers) - r.Len(); read > 3*(65+1) {
			t.Errorf("%d bytes were read", read)
		}
	})
}

func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	if err := escpos.Ticket(&b, image.NewGray(image.Rect(0, 0, 8, 2)), true); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		papers, _ := escpostest.Decode(bytes.NewReader(in), func(byte) error { return nil })
		for _, p := range papers {
			if p.Image.Bounds().Empty() {
				t.Error("a ticket without a dot of room")
			}
		}
	})
}
