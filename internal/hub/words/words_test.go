package words_test

import (
	"testing"
	"testing/fstest"
	"time"

	"parvis/internal/hub/words"
)

// plain shows the spaces that do not break.
func plain(s string) string {
	out := ""
	for _, r := range s {
		if r == '\u00a0' {
			r = '_'
		}
		out += string(r)
	}
	return out
}

func TestHowThingsAreSaid(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{words.Number(0), "0"},
		{words.Number(999), "999"},
		{words.Number(1000), "1_000"},
		{words.Number(1234567), "1_234_567"},
		{words.Duration(0), "0_minute"},
		{words.Duration(1), "1_minute"},
		{words.Duration(59), "59_minutes"},
		{words.Duration(60), "1_heure"},
		{words.Duration(61), "1_heure_01"},
		{words.Duration(200), "3_heures_20"},
		{words.Day(1, time.November), "1er_novembre"},
		{words.Day(2, time.August), "2_août"},
		{words.Month(2026, time.November), "novembre_2026"},
		{words.Moment(time.Date(2026, 11, 28, 14, 5, 0, 0, time.UTC)), "28_novembre_2026 à 14_h_05"},
		{words.Of("octobre"), "d'octobre"},
		{words.Of("août"), "d'août"},
		{words.Of("novembre"), "de novembre"},
		{words.Of("Échirolles"), "d'Échirolles"},
		{words.List(nil), ""},
		{words.List([]string{"a"}), "a"},
		{words.List([]string{"a", "b", "c"}), "a, b et c"},
	} {
		if got := plain(tt.got); got != tt.want {
			t.Errorf("%q, expected %q", got, tt.want)
		}
	}
}

func TestPluralsAndSpaces(t *testing.T) {
	w := words.Must(fstest.MapFS{"texts/fr.toml": {Data: []byte("title = \"Rapport : {{.Of}}\"\n[n]\none = \"{{.N}} lieu\"\nother = \"{{.N}} lieux\"\n")}})
	for n, want := range map[uint64]string{0: "0 lieu", 1: "1 lieu", 2: "2 lieux", 2000: "2_000 lieux"} {
		if got := plain(w.Count("n", n)); got != want {
			t.Errorf("%d: %q, expected %q", n, got, want)
		}
	}
	if got := plain(w.Text("title", words.V{"Of": "mai"})); got != "Rapport_: mai" {
		t.Errorf("%q", got)
	}
}

func TestACatalogueThatIsNotThereIsAnError(t *testing.T) {
	if _, err := words.New(fstest.MapFS{}); err == nil {
		t.Error("no error")
	}
}
