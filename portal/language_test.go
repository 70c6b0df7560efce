package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"parvis/sessions"
)

func TestTranslationsSayThatNobodyHasProofreadThem(t *testing.T) {
	notice := map[string]string{"en": "Nobody has proofread it yet.", "ar": "لم يراجعه أحد بعد."}
	each(t, func(t *testing.T, lang string, _ *http.Response, body string) {
		if want := notice[lang]; want != "" && !strings.Contains(body, want) {
			t.Error("the notice is missing")
		}
	})
}

func TestAValueKeepsItsOwnDirection(t *testing.T) {
	p := newPlace(t)
	p.open(phone, visitor, sessions.FromResident)
	body := p.get("/ouvert?l=ar").Body.String()
	for _, want := range []string{"<bdi>15:42</bdi>", "<bdi>ساعة واحدة</bdi>", "<bdi>wifi.ville.example</bdi>"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
}

func TestThePageIsInTheReadersLanguage(t *testing.T) {
	for _, tc := range []struct{ accept, query, want string }{
		{"", "", "fr"},
		{"fr-FR,fr;q=0.9,en;q=0.8", "", "fr"},
		{"en-GB,en;q=0.9", "", "en"},
		{"ar-DZ,fr;q=0.5", "", "ar"},
		{"tr,ar;q=0.5", "", "ar"},
		{"tr", "", "fr"},
		{"zh-CN", "", "fr"},
		{"en", "ar", "ar"},
		{"en", "xx", "en"},
		{"en", "AR", "en"},
		{strings.Repeat("a-b-c,", 4000), "", "fr"},
		{"\x00;q=x", "", "fr"},
	} {
		r := request(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", tc.accept)
		if tc.query != "" {
			r.URL.RawQuery = "l=" + tc.query
		}
		if got := newPlace(t).do(r).Header().Get("Content-Language"); got != tc.want {
			t.Errorf("%.40q with l=%q: %s, expected %s", tc.accept, tc.query, got, tc.want)
		}
	}
}

func FuzzLanguage(f *testing.F) {
	for _, s := range []string{"", "fr", "ar-DZ;q=0.3,*", "x-y-z", "en;q=2", strings.Repeat("a,", 300), "\xff"} {
		f.Add(s, s)
	}
	p := newPlace(f)
	f.Fuzz(func(t *testing.T, accept, l string) {
		r := request(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", accept)
		q := r.URL.Query()
		q.Set("l", l)
		r.URL.RawQuery = q.Encode()
		w := p.do(r)
		got := w.Header().Get("Content-Language")
		if w.Code != http.StatusOK || got != "fr" && got != "en" && got != "ar" {
			t.Errorf("status %d in %q", w.Code, got)
		}
		if (l == "fr" || l == "en" || l == "ar") && got != l {
			t.Errorf("%s was chosen, %s came", l, got)
		}
	})
}
