package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/portal/console"
)

// counted is what was counted, in a test: nothing before the asked month is over.
type counted struct {
	now    func() time.Time
	asked  time.Time
	second bool
}

func (u *counted) HalfDay(_ context.Context, day time.Time, afternoon bool) (console.Draft, error) {
	u.asked, u.second = day, afternoon
	return console.Draft{Text: "Type d’activité : Atelier collectif\nLieu : <Maison>", CSV: []byte("\ufeffType d’activité;Date\r\n")}, nil
}

func (u *counted) Month(_ context.Context, t time.Time) (console.Month, error) {
	if !t.AddDate(0, 1, 0).Before(u.now()) {
		return console.Month{}, console.ErrNotOver
	}
	return console.Month{
		Remark: "Il manque des heures.",
		Facts:  []console.Fact{{"Connexions", "412"}, {"Refus", "moins de 5"}},
		Tables: []console.Table{{Title: "Jour par jour", Head: []string{"Jour", "Connexions"}, Lines: [][]string{{"1er octobre", "masqué"}, {"2 octobre", "pas de mesure"}}}},
		CSV:    []byte("\ufeffJour;Connexions\r\n"),
	}, nil
}

func withCounts(p *place) {
	p.parts.Usage = &counted{now: func() time.Time { return p.clock.Wall().Time }}
}

func TestTheHalfDaysDraftIsThereToCopyAndAsATable(t *testing.T) {
	p := newPlace(t, withCounts)
	u := p.parts.Usage.(*counted)
	page := p.get("/bilan?jour=2026-10-07&partie=apres-midi")
	says(t, page, "Type d’activité : Atelier collectif", "Lieu : <Maison>", "Rien n'est envoyé à La Coop.")
	if u.asked.Format(time.DateOnly) != "2026-10-07" || !u.second {
		t.Error(u.asked, u.second)
	}
	w := p.do(httptest.NewRequest(http.MethodGet, "/bilan/brouillon.csv?jour=2026-10-07&partie=matin", nil))
	if h := w.Header(); w.Code != http.StatusOK || h.Get("Content-Disposition") != `attachment; filename="brouillon-2026-10-07-matin.csv"` ||
		!strings.HasPrefix(h.Get("Content-Type"), "text/csv") || !strings.HasPrefix(w.Body.String(), "\ufeff") || u.second {
		t.Error(w.Code, h, u.second)
	}
}

func TestTheMonthSaysWhatIsMaskedAndWhatIsMissing(t *testing.T) {
	p := newPlace(t, withCounts)
	now := p.clock.Wall().Time
	says(t, p.get("/bilan"), "Connexions 412", "Refus moins de 5", "1er octobre masqué", "2 octobre pas de mesure", "Il manque des heures.", "Ce sont des appareils, pas des personnes.")
	says(t, p.get("/bilan?mois="+now.Format("2006-01")), "Ce mois n'est pas fini.")
	if w := p.do(httptest.NewRequest(http.MethodGet, "/bilan/mois.csv?mois="+now.Format("2006-01"), nil)); w.Code != http.StatusConflict {
		t.Error(w.Code)
	}
	if body := p.get("/bilan/mois.csv"); !strings.HasPrefix(body, "\ufeffJour") {
		t.Error(body)
	}
}

// A select without a chosen option shows its first one, which would be another month than the one beside it.
func TestTheMonthThatIsShownIsTheOneThatIsChosen(t *testing.T) {
	p := newPlace(t, withCounts)
	now := p.clock.Wall().Time
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	for what, months := range map[string]int{
		"not over": 0, "to come": 2, "the last": -1, "the oldest that is offered": -12, "older than those that are offered": -13,
	} {
		asked := first.AddDate(0, months, 0).Format("2006-01")
		w := p.do(httptest.NewRequest(http.MethodGet, "/bilan?mois="+asked, nil))
		body := w.Body.String()
		if !strings.Contains(body, `<option value="`+asked+`" selected>`) {
			t.Errorf("%s: %s is not chosen", what, asked)
		}
		if n := strings.Count(body, `<option value="`+asked+`"`); n != 1 {
			t.Errorf("%s: %s is offered %d times", what, asked, n)
		}
	}
}

func TestWithoutTheTimeThereIsNoBalanceAndThePageSaysSo(t *testing.T) {
	p := newPlace(t, withCounts)
	p.clock.SetWall(clock.Wall{Time: time.Unix(0, 0), Quality: clock.Unknown})
	says(t, p.get("/bilan"), "Le boîtier ne connaît pas encore l'heure.")
}

func TestNobodyWhoHasNotEnteredGetsTheCounts(t *testing.T) {
	p := newPlace(t, withCounts)
	for _, path := range []string{"/bilan/brouillon.csv", "/bilan/mois.csv"} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
