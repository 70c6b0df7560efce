package words_test

import (
	"os"
	"testing"

	"parvis/portal/locale/localetest"
)

// What elected officials, technicians and the public read keeps the rules of what residents read.
func TestTheTextsAreEasyToRead(t *testing.T) {
	for _, dir := range []string{"../report", "../alerts", "../opendata"} {
		texts := localetest.Catalogue(t, os.DirFS(dir), "fr")
		if len(texts) == 0 {
			t.Errorf("%s has no texts", dir)
		}
		for key, text := range texts {
			for _, wrong := range localetest.Lint(text) {
				t.Errorf("%s: %s: %q: %s", dir, key, text, wrong)
			}
		}
	}
}
