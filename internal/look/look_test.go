package look_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parvis/internal/look"
)

func colour(t testing.TB, s string) look.Colour {
	t.Helper()
	c, ok := look.Parse(s)
	if !ok {
		t.Fatalf("%q is no colour", s)
	}
	return c
}

// Ratios of WCAG's own definition, which other programs compute too.
func TestContrastIsWCAGs(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#ffffff", "#ffffff", 1}, {"#767676", "#ffffff", 4.54}, {"#ff0000", "#ffffff", 4.00}, {"#0000ff", "#FFFF00", 8.00}} {
		if got := look.Contrast(colour(t, tc.a), colour(t, tc.b)); got < tc.want-0.005 || got > tc.want+0.005 {
			t.Errorf("%s on %s: %.3f, expected %.2f", tc.a, tc.b, got, tc.want)
		}
	}
}

func TestWhatIsNoColour(t *testing.T) {
	for _, s := range []string{"", "red", "#fff", "#12345", "#1234567", "123456", "#12345g", "#+12345", "#12 456"} {
		if c, ok := look.Parse(s); ok {
			t.Errorf("%q is %v", s, c)
		}
	}
}

// Whatever a town chooses: what passes is left as it is, and what is offered in the place of what does not, passes.
func TestTheNearestColourPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := look.Colour{rapid.Uint8().Draw(t, "r"), rapid.Uint8().Draw(t, "g"), rapid.Uint8().Draw(t, "b")}
		for _, judge := range []func(look.Colour) look.Verdict{look.Main, look.Accent} {
			v := judge(c)
			if v.Passes() && v.Nearest != c {
				t.Errorf("%v passes, and %v is offered", c, v.Nearest)
			}
			if again := judge(v.Nearest); !again.Passes() {
				t.Errorf("%v is offered in the place of %v, and has %.2f", v.Nearest, c, again.Contrast)
			}
		}
	})
}

// In every colour that a town may have, texts and parts are seen on every ground of our style sheets, in the dark too.
func TestPaintedPagesAreReadable(t *testing.T) {
	one := regexp.MustCompile("#[0-9a-f]{6}")
	rapid.Check(t, func(t *rapid.T) {
		c := look.Colour{rapid.Uint8().Draw(t, "r"), rapid.Uint8().Draw(t, "g"), rapid.Uint8().Draw(t, "b")}
		main, accent := look.Main(c).Nearest, look.Accent(c).Nearest
		all := one.FindAllString(look.Style{Main: &main, Accent: &accent}.Paint("#17564b #0f4138 #8fd0bd #e3efe8 #a4501f #e8a87c #2b2420"), -1)
		var p []look.Colour
		for _, s := range all {
			c, _ := look.Parse(s)
			p = append(p, c)
		}
		for _, tc := range []struct {
			what  string
			a     look.Colour
			on    string
			least float64
		}{
			{"a link", p[0], "#f6efe3", 4.5},
			{"a link on a card", p[0], "#fffdf9", 4.5},
			{"a link on a yellow card", p[0], "#fff3cf", 4.5},
			{"a button's text", p[0], "#ffffff", 4.5},
			{"under the pointer", p[1], "#ffffff", 4.5},
			{"a link in the dark", p[2], "#2b2520", 4.5},
			{"a link on the dark ground", p[2], "#1f1a16", 4.5},
			{"a picture", p[4], "#f6efe3", 3},
			{"a picture in the dark", p[5], "#2b2520", 3},
		} {
			on, _ := look.Parse(tc.on)
			if got := look.Contrast(tc.a, on); got < tc.least {
				t.Errorf("%s: %v on %s has %.2f", tc.what, tc.a, tc.on, got)
			}
		}
		if got := look.Contrast(p[0], p[3]); got < 4.5 {
			t.Errorf("text on the tint: %.2f", got)
		}
		if p[6].String() != "#2b2420" {
			t.Error("another colour was changed")
		}
	})
}

// The colours that Paint looks for are those of the style sheets.
func TestPaintKnowsOurStyleSheets(t *testing.T) {
	main, accent := colour(t, "#000001"), colour(t, "#000002")
	for _, file := range []string{"../../portal/templates/style.css", "../../portal/terminal/templates/post.css"} {
		css, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		painted := look.Style{Main: &main, Accent: &accent}.Paint(string(css))
		for _, ours := range []string{"#17564b", "#0f4138", "#a4501f", "#8fd0bd", "#e3efe8"} {
			if strings.Contains(painted, ours) {
				t.Errorf("%s: %s is left", file, ours)
			}
		}
		if !strings.Contains(painted, "#000001") || !strings.Contains(painted, "#000002") {
			t.Errorf("%s: the town's colours are not in it", file)
		}
		if (look.Style{}).Paint(string(css)) != string(css) {
			t.Errorf("%s: changed without a town", file)
		}
	}
}

func picture(w, h int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range min(w, h) {
		m.Set(i, i, color.RGBA{uint8(i), 0, 200, 255})
	}
	return m
}

func encoded(t testing.TB, f func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestALogoIsAnImageThatEveryBrowserShows(t *testing.T) {
	small := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture(320, 80)) })
	for name, tc := range map[string]struct {
		b    []byte
		kind string
	}{
		"PNG":       {small, "image/png"},
		"JPEG":      {encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture(320, 80), nil) }), "image/jpeg"},
		"GIF":       {encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, picture(320, 80), nil) }), ""},
		"SVG":       {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), ""},
		"cut off":   {small[:len(small)/2], ""},
		"nothing":   {nil, ""},
		"too large": {encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture(look.MaxSides+1, 4)) }), ""},
		"too long":  {append(bytes.Clone(small), make([]byte, look.MaxLogo)...), ""},
	} {
		l, err := look.Open(tc.b)
		if l.Kind != tc.kind || (err == nil) != (tc.kind != "") || err != nil && !errors.Is(err, look.ErrLogo) {
			t.Errorf("%s: %q, %v", name, l.Kind, err)
		}
	}
	l, err := look.Open(small)
	if w, h := l.Size(); err != nil || w != 160 || h != 40 {
		t.Errorf("%d × %d, %v", w, h, err)
	}
	if got := l.Tag("/logo", `A "town" & more`); !strings.Contains(string(got), `alt="A &#34;town&#34; &amp; more"`) {
		t.Error(got)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(encoded(f, func(b *bytes.Buffer) error { return png.Encode(b, picture(9, 9)) }))
	f.Add([]byte("<svg/>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := look.Open(b)
		if w, h := l.Size(); err == nil && (w < 1 || h < 1 || w > 160 || h > 160 || !l.There()) {
			t.Errorf("%d × %d of %+v", w, h, l.Kind)
		}
	})
}
