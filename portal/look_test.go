package portal_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"parvis/internal/look"
	"parvis/portal"
	"parvis/sessions"
)

// dressed gives a place the look of a town.
func dressed(t testing.TB) func(*portal.Config) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 180, 80))
	draw.Draw(m, image.Rect(10, 10, 90, 70), image.NewUniform(color.RGBA{0x1d, 0x3f, 0x8f, 255}), image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(90, 30, 170, 70), image.NewUniform(color.RGBA{0xb0, 0x3a, 0x6f, 255}), image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	logo, err := look.Open(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	main, accent := look.Colour{0x1d, 0x3f, 0x8f}, look.Colour{0xb0, 0x3a, 0x6f}
	return func(c *portal.Config) {
		c.Look = look.Style{Town: "Ville d'Exemple-sur-Rivière", Main: &main, Accent: &accent, Logo: logo}
	}
}

func TestAPlaceWearsTheLookOfItsTown(t *testing.T) {
	p := newPlace(t, dressed(t))
	w := p.get("/")
	body := w.Body.String()
	for _, want := range []string{"Ville d&#39;Exemple-sur-Rivière", "#1d3f8f", "#b03a6f", `alt="" width="90" height="40"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the first page has no %s", want)
		}
	}
	if strings.Contains(body, "#17564b") || strings.Contains(body, "#a4501f") {
		t.Error("Parvis' own colours are left")
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; img-src 'self'") {
		t.Errorf("policy: %s", policy)
	}
	_, address, _ := strings.Cut(body, `src="`)
	address, _, _ = strings.Cut(address, `"`)
	w = p.get(address)
	if _, kind, err := image.DecodeConfig(w.Body); w.Code != http.StatusOK || err != nil || kind != "png" || w.Header().Get("Content-Type") != "image/png" ||
		w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: %d %v, %v", address, w.Code, w.Header(), err)
	}
	p = newPlace(t, dressed(t), func(c *portal.Config) { c.Look.Town = "" })
	if body := p.get("/").Body.String(); !strings.Contains(body, `alt="Ville d&#39;exemple"`) {
		t.Error("a logo alone does not say whose it is")
	}
}

func TestAPlaceWithoutALookHasNoLogo(t *testing.T) {
	p := newPlace(t)
	if w := p.get("/logo"); w.Code != http.StatusNotFound {
		t.Errorf("/logo: %d", w.Code)
	}
	if body := p.get("/").Body.String(); strings.Contains(body, "<img") {
		t.Error("there is an image")
	}
}

// With a town's look, and in each scheme of colours; what the browser shows is left where PARVIS_SCREENSHOTS says.
func TestAxeFindsNothingInTheLookOfATownNorInTheDark(t *testing.T) {
	b := window(t)
	shots := os.Getenv("PARVIS_SCREENSHOTS")
	for name, change := range map[string][]func(*portal.Config){"parvis": nil, "town": {dressed(t)}} {
		p := newPlace(t, change...)
		url := gallery(t, p)
		visit := func(page, lang string) {
			for _, scheme := range []string{"light", "dark"} {
				for _, width := range []int64{320, 1280} {
					if err := b.Media(t.Context(), "screen", scheme); err != nil {
						t.Fatal(err)
					}
					if err := b.Viewport(t.Context(), width, 720); err != nil {
						t.Fatal(err)
					}
					if err := b.Open(t.Context(), url+page+"?fixe=1&l="+lang); err != nil {
						t.Fatal(err)
					}
					found, err := b.Axe(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					for _, v := range found {
						t.Errorf("%s, %s, %s at %d px: %s", name, page, scheme, width, v)
					}
					if shots != "" {
						file := strings.Join([]string{"look", name, strings.Trim(page, "/"), lang, scheme, strconv.FormatInt(width, 10)}, "-") + ".png"
						if err := b.Whole(t.Context(), filepath.Join(shots, file)); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
		visit("/", "fr")
		visit("/", "ar")
		visit("/attendre", "fr")
		visit("/code", "fr")
		visit("/aide", "fr")
		p.open(phone, visitor, sessions.FromDesk)
		visit("/ma-connexion", "fr")
		if shots != "" {
			if err := b.Media(t.Context(), "print", "light"); err != nil {
				t.Fatal(err)
			}
			if err := b.Open(t.Context(), url+"/vos-donnees?l=fr"); err != nil {
				t.Fatal(err)
			}
			if err := b.Whole(t.Context(), filepath.Join(shots, "look-"+name+"-print.png")); err != nil {
				t.Fatal(err)
			}
		}
	}
}
