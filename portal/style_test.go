package portal_test

import (
	"crypto/sha256"
	"encoding/base64"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestThePolicyAllowsOneStyleSheetAndOurForms(t *testing.T) {
	each(t, func(t *testing.T, _ string, w *http.Response, body string) {
		_, style, _ := strings.Cut(body, "<style>")
		style, _, _ = strings.Cut(style, "</style>")
		sum := sha256.Sum256([]byte(style))
		want := "default-src 'none'; style-src 'unsafe-inline' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
		if _, script, ok := strings.Cut(body, "<script>"); ok { // TestTheScriptOfTheCodesPageIsTheOneThatItsPolicyAllows
			script, _, _ = strings.Cut(script, "</script>")
			sum := sha256.Sum256([]byte(script))
			want += "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
		for k, v := range map[string]string{
			"Content-Security-Policy": want, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Content-Length": strconv.Itoa(len(body)), "Content-Type": "text/html; charset=utf-8",
		} {
			if got := w.Header.Get(k); got != v {
				t.Errorf("%s: %q, expected %q", k, got, v)
			}
		}
	})
}

// contrast is WCAG's, of two colours #rrggbb or #rgb.
func contrast(a, b string) float64 {
	light := func(s string) float64 {
		s = strings.TrimPrefix(s, "#")
		if len(s) == 3 {
			s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
		}
		v, _ := strconv.ParseUint(s, 16, 32)
		channel := func(shift uint) float64 {
			c := float64(v>>shift&255) / 255
			if c <= 0.03928 {
				return c / 12.92
			}
			return math.Pow((c+0.055)/1.055, 2.4)
		}
		return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
	}
	x, y := light(a), light(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestColoursAreReadable(t *testing.T) {
	style := newPlace(t).get("/").Body.String()
	for _, tc := range []struct {
		what, text, under string
		least             float64
	}{
		{"text on the page", "#2b2420", "#f6efe3", 4.5},
		{"text on the sheet", "#2b2420", "#fffdf9", 4.5},
		{"link on the page", "#17564b", "#f6efe3", 4.5},
		{"link on the sheet", "#17564b", "#fffdf9", 4.5},
		{"main button", "#fff", "#17564b", 4.5},
		{"main button under the pointer", "#fff", "#0f4138", 4.5},
		{"pictures", "#a4501f", "#fffdf9", 3},
		{"focus on the sheet", "#9a3d12", "#fffdf9", 3},
		{"focus on the page", "#9a3d12", "#f6efe3", 3},
	} {
		if !strings.Contains(style, tc.text) || !strings.Contains(style, tc.under) {
			t.Errorf("%s: the style has other colours than this test", tc.what)
		}
		if got := contrast(tc.text, tc.under); got < tc.least {
			t.Errorf("%s: contrast %.2f, expected %v", tc.what, got, tc.least)
		}
	}
}

// Chrome 37 (Android 5) and Safari of iOS 10 know none of these.
func TestOldBrowsersUnderstandTheStyle(t *testing.T) {
	body := newPlace(t).get("/").Body.String()
	for _, modern := range []string{"grid", "var(", ":is(", ":where(", ":has(", "-inline", "inset", "gap:", "clamp(", "min(", "max(", "@layer", "aspect-ratio", ":focus-visible", "@supports"} {
		style, _, _ := strings.Cut(strings.SplitN(body, "<style>", 2)[1], "</style>")
		if strings.Contains(style, modern) {
			t.Errorf("the style uses %q", modern)
		}
	}
}
