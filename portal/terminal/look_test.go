package terminal_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"parvis/internal/look"
	"parvis/portal/terminal"
)

// dressed gives the posts the look of a town.
func dressed(t testing.TB) func(*terminal.Options) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 120, 120))
	draw.Draw(m, image.Rect(10, 10, 110, 60), image.NewUniform(color.RGBA{0x1d, 0x3f, 0x8f, 255}), image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	logo, err := look.Open(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	main, accent := look.Colour{0x1d, 0x3f, 0x8f}, look.Colour{0xb0, 0x3a, 0x6f}
	return func(o *terminal.Options) {
		o.Look = look.Style{Town: "Ville d'Exemple", Main: &main, Accent: &accent, Logo: logo}
	}
}

func TestAPostWearsTheLookOfItsTown(t *testing.T) {
	p := newPlace(t, dressed(t))
	body := p.get("/kiosk/")
	if !strings.Contains(body, "Ville d&#39;Exemple") {
		t.Error("the town is not named")
	}
	for what, pattern := range map[string]string{"text/css": `rel="stylesheet" href="([^"]+)"`, "image/png": `src="(/kiosk/fichiers/logo-[^"]+)" alt=""`} {
		m := regexp.MustCompile(pattern).FindStringSubmatch(body)
		if m == nil {
			t.Fatalf("the page has no %s", what)
		}
		w := p.do(httptest.NewRequest(http.MethodGet, m[1], nil))
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), what) {
			t.Errorf("%s: %d %v", m[1], w.Code, w.Header())
		}
		if what == "text/css" && (!strings.Contains(w.Body.String(), "#1d3f8f") || strings.Contains(w.Body.String(), "#17564b")) {
			t.Error("the style sheet has other colours")
		}
	}
	if other := newPlace(t).get("/kiosk/"); strings.Contains(other, "<img") {
		t.Error("a place without a look has a logo")
	}
}

func TestAxeFindsNothingInTheLookOfATown(t *testing.T) {
	shotsIn := os.Getenv("PARVIS_SCREENSHOTS")
	b := window(t)
	p := newPlace(t, dressed(t))
	url := serve(t, func() *place { return p })
	for _, page := range []string{"/kiosk/", "/kiosk/besoins"} {
		if page == "/kiosk/besoins" {
			p.open(30 * time.Minute)
		}
		for _, width := range []int64{320, 1280} {
			must(t, b.Viewport(t.Context(), width, 720))
			must(t, b.Open(t.Context(), url+page+"?fixe=1"))
			found, err := b.Axe(t.Context())
			must(t, err)
			for _, v := range found {
				t.Errorf("%s at %d px: %s", page, width, v)
			}
			if shotsIn != "" {
				must(t, b.Whole(t.Context(), filepath.Join(shotsIn, "look-"+strings.ReplaceAll(page, "/", "")+"-"+strconv.FormatInt(width, 10)+".png")))
			}
		}
	}
}
