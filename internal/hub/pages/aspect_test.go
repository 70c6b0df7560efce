package pages_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"parvis/internal/hub/rollout"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/look"
)

func drawn(w, h int) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			m.Set(x, y, color.NRGBA{uint8(x), uint8(y), 120, 255})
		}
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

// wears sends the form of the look, with the mark that the page has, as a browser does.
func (w *world) wears(logo []byte, fields ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	m := readMark.FindStringSubmatch(w.ask(http.MethodGet, "/aspect").Body.String())
	if m == nil {
		w.t.Fatal("/aspect has no form")
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	put := map[string]string{"lu": m[1], "nom": "Saint-Lac", "couleur": "#17564b", "dessins": "#a4501f"}
	for i := 0; i+1 < len(fields); i += 2 {
		put[fields[i]] = fields[i+1]
	}
	for k, v := range put {
		w.must(form.WriteField(k, v))
	}
	part, err := form.CreateFormFile("logo", "logo.svg")
	w.must(err)
	_, err = part.Write(logo)
	w.must(err)
	w.must(form.Close())
	r := httptest.NewRequest(http.MethodPost, "/aspect", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.AddCookie(w.who)
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, r)
	return answer
}

func (w *world) lookNow() (l store.Look) {
	w.t.Helper()
	storetest.In(w.t, w.hub, "lac", func(ctx context.Context, t *store.Tenant) (err error) {
		l, err = t.Look(ctx)
		return err
	})
	return l
}

// A look reaches every site by the next publication, under what the commune writes, and the page says where it comes from.
func TestACommunesLookGoesOutWithAPublication(t *testing.T) {
	w := administered(t)
	answer := w.wears(encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, drawn(900, 300)) }), "couleur", "#1D3F8F", "dessins", "#b03a6f")
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("saved: %d %s", answer.Code, answer.Body)
	}
	l := w.lookNow()
	if l.Town != "Saint-Lac" || l.Main != "#1d3f8f" || l.Accent != "#b03a6f" || l.Logo == "" {
		t.Errorf("%+v", l)
	}
	if body := w.ask(http.MethodGet, "/reglages/"+w.lac.ID).Body.String(); !strings.Contains(body, "portal.colour") || !strings.Contains(body, "l&#39;aspect des pages") ||
		!strings.Contains(body, "<code>logo</code>") {
		t.Error("the site's page does not show the look, or where it is from")
	}
	var offers []store.Offer
	var logo []byte
	storetest.In(t, w.hub, "lac", func(ctx context.Context, tt *store.Tenant) (err error) {
		if offers, err = rollout.Pending(ctx, tt); err == nil {
			logo, err = tt.Attachment(ctx, offers[0].Logo)
		}
		return err
	})
	if len(offers) != 1 || offers[0].Config != "[portal]\naccent = \"#b03a6f\"\ncolour = \"#1d3f8f\"\ntown = \"Saint-Lac\"\n" {
		t.Fatalf("%+v", offers)
	}
	if opened, err := look.Open(logo); err != nil || opened.Width != 360 || opened.Height != 120 {
		t.Errorf("%d × %d, %v", opened.Width, opened.Height, err)
	}
	image := w.ask(http.MethodGet, "/aspect/logo")
	if image.Header().Get("Content-Type") != "image/png" || !bytes.Equal(image.Body.Bytes(), logo) {
		t.Errorf("the page's logo: %v", image.Header())
	}
	if to := w.ask(http.MethodPost, "/publications").Header().Get("Location"); !strings.HasPrefix(to, "/publications/") {
		t.Fatalf("published: %s", to)
	}
	// Parvis' own look again, without its logo.
	if answer := w.wears(nil, "nom", "", "sans-logo", "oui"); answer.Code != http.StatusSeeOther {
		t.Fatalf("taken back: %d", answer.Code)
	}
	if l := w.lookNow(); l.Town != "" || l.Main != "" || l.Accent != "" || l.Logo != "" {
		t.Errorf("taken back: %+v", l)
	}
	if answer := w.ask(http.MethodGet, "/aspect/logo"); answer.Code != http.StatusNotFound {
		t.Errorf("no logo: %d", answer.Code)
	}
}

func TestAColourThatIsHardToReadIsRefusedAndTheNearestIsOffered(t *testing.T) {
	w := administered(t)
	for name, tc := range map[string]struct {
		fields []string
		want   []string
	}{
		"of buttons":  {[]string{"couleur", "#ffcc00"}, []string{"La couleur #ffcc00 ne se lit pas assez bien", "1,3", "4,5", `value="#856a00"`}},
		"of drawings": {[]string{"dessins", "#ffcc00"}, []string{"La couleur #ffcc00 ne se lit pas assez bien", "il faut au moins 3"}},
		"no colour":   {[]string{"couleur", "bleu"}, []string{"n&#39;est pas une couleur"}},
	} {
		answer := w.wears(nil, tc.fields...)
		if answer.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, answer.Code)
		}
		for _, want := range tc.want {
			if !strings.Contains(answer.Body.String(), want) {
				t.Errorf("%s: the page does not say %q", name, want)
			}
		}
	}
	if l := w.lookNow(); !l.Made.IsZero() {
		t.Errorf("something was saved: %+v", l)
	}
}

// An image comes from outside: it is written anew, and what is no image, or a program's, is refused.
func TestALogoIsMadeAnew(t *testing.T) {
	w := administered(t)
	small := drawn(40, 40)
	hidden := append(encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, small) }), "<script>alert(1)</script>"...)
	for name, tc := range map[string]struct {
		logo []byte
		code int
	}{
		"PNG":            {hidden, http.StatusSeeOther},
		"JPEG":           {encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, small, nil) }), http.StatusSeeOther},
		"GIF":            {encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, small, nil) }), http.StatusSeeOther},
		"SVG":            {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), http.StatusUnprocessableEntity},
		"half an image":  {hidden[:60], http.StatusUnprocessableEntity},
		"a huge promise": {promise(), http.StatusUnprocessableEntity},
		"too heavy":      {make([]byte, 4<<20), http.StatusRequestEntityTooLarge},
	} {
		if answer := w.wears(tc.logo); answer.Code != tc.code {
			t.Errorf("%s: %d, want %d", name, answer.Code, tc.code)
		}
	}
	image := w.ask(http.MethodGet, "/aspect/logo").Body.Bytes()
	if _, err := png.Decode(bytes.NewReader(image)); err != nil || bytes.Contains(image, []byte("script")) {
		t.Errorf("the logo in force: %v", err)
	}
}

// promise is a PNG of a few bytes that says it has 40,000 × 40,000 pixels.
func promise() []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))) // a buffer takes everything
	all := b.Bytes()
	copy(all[16:24], []byte{0, 0, 0x9c, 0x40, 0, 0, 0x9c, 0x40})
	return all
}

func TestTwoPeopleDoNotOverwriteALook(t *testing.T) {
	w := administered(t)
	if answer := w.wears(nil, "lu", "x"); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "une autre personne") {
		t.Errorf("%d", answer.Code)
	}
}

// Six steps, of which the page says what is done and what is next.
func TestACommuneJoinsInSixSteps(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "administration", "dsi")
	w.enter("administration")
	if to := w.ask(http.MethodGet, "/").Header().Get("Location"); to != "/sites" {
		t.Errorf("a commune with a site begins at %s", to)
	}
	w.join("bois", "nouvelle", "dsi")
	storetest.In(t, w.hub, "bois", func(ctx context.Context, tt *store.Tenant) error { return tt.RemoveSite(ctx, w.bois.ID) })
	w.enter("nouvelle")
	if to := w.ask(http.MethodGet, "/").Header().Get("Location"); to != "/rejoindre" {
		t.Errorf("a commune without a site begins at %s", to)
	}
	w.enter("administration")
	done := func() (n int, next string) {
		body := w.ask(http.MethodGet, "/rejoindre").Body.String()
		_, after, _ := strings.Cut(body, `class="go" href="`)
		next, _, _ = strings.Cut(after, `"`)
		return strings.Count(body, ">Fait"), next
	}
	expect := func(n int, next string) {
		t.Helper()
		if got, to := done(); got != n || to != next {
			t.Errorf("%d done, then %q; expected %d, %q", got, to, n, next)
		}
	}
	expect(1, "/aspect")
	w.wears(nil)
	expect(2, "/reglages")
	w.writes("/reglages", "[site]\ndesk = \"le comptoir\"\n")
	expect(3, "/enroler")
	w.enrols("lac", w.lac.ID)
	expect(4, "/personnes")
	w.chooses(w.adds("lea", ""), chosen)
	expect(5, "/reglages")
	w.ask(http.MethodPost, "/publications")
	storetest.In(t, w.hub, "lac", func(ctx context.Context, tt *store.Tenant) error { return rollout.Advance(ctx, tt, w.now) })
	expect(6, "")
}
