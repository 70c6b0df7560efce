package locale

import (
	"testing"
	"time"
)

func speakers(t *testing.T) map[string]*Locale {
	t.Helper()
	ls, err := New([]string{"fr", "en", "ar"})
	if err != nil {
		t.Fatal(err)
	}
	return ls.ByTag
}

func TestDurationsAreSaidInWords(t *testing.T) {
	say := speakers(t)
	for _, tc := range []struct {
		d          time.Duration
		fr, en, ar string
	}{
		{-time.Minute, "moins de 1 minute", "less than 1 minute", "أقل من دقيقة"},
		{29 * time.Second, "moins de 1 minute", "less than 1 minute", "أقل من دقيقة"},
		{30 * time.Second, "1 minute", "1 minute", "دقيقة واحدة"},
		{2 * time.Minute, "2 minutes", "2 minutes", "دقيقتان"},
		{5 * time.Minute, "5 minutes", "5 minutes", "5 دقائق"},
		{11 * time.Minute, "11 minutes", "11 minutes", "11 دقيقة"},
		{58*time.Minute + 29*time.Second, "58 minutes", "58 minutes", "58 دقيقة"},
		{time.Hour - time.Millisecond, "1 heure", "1 hour", "ساعة واحدة"},
		{80 * time.Minute, "1 heure 20 minutes", "1 hour 20 minutes", "ساعة واحدة و20 دقيقة"},
		{2*time.Hour + time.Minute, "2 heures 1 minute", "2 hours 1 minute", "ساعتان ودقيقة واحدة"},
		{12 * time.Hour, "12 heures", "12 hours", "12 ساعة"},
		{24 * time.Hour, "24 heures", "24 hours", "24 ساعة"},
		{48 * time.Hour, "2 jours", "2 days", "يومان"},
		{72 * time.Hour, "3 jours", "3 days", "3 أيام"},
		{100 * 24 * time.Hour, "100 jours", "100 days", "100 يوم"},
		{103 * 24 * time.Hour, "103 jours", "103 days", "103 أيام"},
	} {
		for lang, want := range map[string]string{"fr": tc.fr, "en": tc.en, "ar": tc.ar} {
			if got := say[lang].Duration(tc.d); got != want {
				t.Errorf("%v in %s: %q, expected %q", tc.d, lang, got, want)
			}
		}
	}
}

func TestHoursAndDatesAreSaidAsPeopleSayThem(t *testing.T) {
	say := speakers(t)
	at := func(h, m, s int) time.Time { return time.Date(2026, 12, 1, h, m, s, 0, time.UTC) }
	for _, tc := range []struct {
		t      time.Time
		fr, en string
	}{
		{at(15, 40, 0), "15\u00a0h\u00a040", "15:40"},
		{at(15, 4, 31), "15\u00a0h\u00a005", "15:05"},
		{at(9, 0, 0), "9\u00a0h", "9:00"},
		{at(23, 59, 45), "0\u00a0h", "0:00"},
	} {
		if fr, en := say["fr"].Hour(tc.t), say["en"].Hour(tc.t); fr != tc.fr || en != tc.en {
			t.Errorf("%v: %q and %q, expected %q and %q", tc.t, fr, en, tc.fr, tc.en)
		}
	}
	for _, tc := range []struct {
		t          time.Time
		fr, en, ar string
	}{
		{at(1, 0, 0), "1er décembre", "1 December", "1 ديسمبر"},
		{at(1, 0, 0).AddDate(0, 0, 24), "25 décembre", "25 December", "25 ديسمبر"},
		{at(1, 0, 0).AddDate(0, 1, 1), "2 janvier", "2 January", "2 يناير"},
	} {
		if fr, en, ar := say["fr"].Date(tc.t), say["en"].Date(tc.t), say["ar"].Date(tc.t); fr != tc.fr || en != tc.en || ar != tc.ar {
			t.Errorf("%v: %q, %q and %q", tc.t, fr, en, ar)
		}
	}
}

func TestAmountsAreShort(t *testing.T) {
	say := speakers(t)
	for n, want := range map[uint64]string{
		0: "moins de 1 Mo", 999_999: "moins de 1 Mo", 1_000_000: "1 Mo", 800_400_000: "800 Mo", 999_999_999: "999 Mo",
		1_000_000_000: "1 Go", 1_500_000_000: "1,5 Go", 2_049_000_000: "2 Go", 150_900_000_000: "150 Go", 1<<64 - 1: "18446744073 Go",
	} {
		if got := say["fr"].Bytes(n); got != want {
			t.Errorf("%d: %q, expected %q", n, got, want)
		}
	}
	if got := say["en"].Bytes(1_500_000_000); got != "1.5 GB" {
		t.Errorf("in English: %q", got)
	}
}

func TestTheArticleMeltsIntoThePreposition(t *testing.T) {
	say := speakers(t)
	for place, want := range map[string]string{
		"le Patio": "au Patio", "Le Patio": "au Patio", "les Halles": "aux Halles", "la Source": "à la Source", "La Source": "à la Source",
		"l'Espace": "à l'Espace", "L’Espace": "à l’Espace", "Médiathèque": "à Médiathèque", "Lens": "à Lens", "le ": "à le ", "": "à ",
	} {
		if got := Plain(say["fr"].At(place)); got != want {
			t.Errorf("%q: %q, expected %q", place, got, want)
		}
	}
	for word, want := range map[string]string{"l'accueil": "L'accueil", "élan": "Élan", "12 rue": "12 rue", "": "", "\xff": "\xff"} {
		if got := Plain(Capital(MarkOpen + word + MarkClose)); got != want {
			t.Errorf("%q: %q, expected %q", word, got, want)
		}
	}
}
