package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/portal/console"
	"parvis/sessions"
	"parvis/sessions/hours"
)

func TestAPlaceIsPausedOnceOneHasSeenWhomItCuts(t *testing.T) {
	p := newPlace(t)
	p.open(1)
	p.open(2)
	says(t, p.get("/ouverture/pause?pour=30m"), "Cela coupe 2 appareils tout de suite.", "La pause dure 30 minutes")
	if s := p.of(1); s.State != sessions.Open {
		t.Fatal("asking has cut somebody")
	}
	page := p.follow("/ouverture/pause", "pour", "30m")
	says(t, page, "Le Wi-Fi est en pause", "La pause finit à")
	if s := p.of(1); s.State != sessions.Ended || s.Reason != sessions.ByPause {
		t.Errorf("%+v", s)
	}
	page = p.follow("/ouverture/reprendre")
	says(t, page, "Les horaires reprennent.", "Le lieu est ouvert")
	if got := strings.Join(p.staff.recorded(), ", "); got != "site.pause site, site.resume site" {
		t.Error(got)
	}
}

func TestAPauseEndsByItself(t *testing.T) {
	p := newPlace(t)
	p.follow("/ouverture/pause", "pour", "15m")
	p.clock.Advance(15 * time.Minute)
	p.step()
	says(t, p.get("/ouverture"), "Le lieu est ouvert")
}

func TestAPlaceIsOpenedForAWhileOrUntilAnHour(t *testing.T) {
	for _, field := range [][2]string{{"pour", "1h"}, {"heure", "15:42"}, {"heure", "15h42"}} {
		p := newPlaceWith(t, mornings)
		says(t, p.follow("/ouverture/ouvrir", field[0], field[1]), "Le lieu est ouvert.", "Il ferme aujourd'hui à 15 h 42.", "C'est ce que l'accueil a choisi.")
	}
}

func TestAPlaceThatIsOpenStaysOpenLonger(t *testing.T) {
	p := newPlaceWith(t, mornings)
	p.follow("/ouverture/ouvrir", "pour", "1h")
	p.clock.Advance(50 * time.Minute)
	says(t, p.follow("/ouverture/ouvrir", "pour", "30m"), "Il ferme aujourd'hui à 16 h 12.")
}

func TestAnHourThatHasPassedIsTomorrows(t *testing.T) {
	p := newPlaceWith(t, mornings)
	says(t, p.follow("/ouverture/ouvrir", "heure", "2:00"), "Il ferme demain à 2 h.")
}

func TestAnHourThatIsNoneIsRefused(t *testing.T) {
	p := newPlace(t)
	for _, hour := range []string{"", "25:00", "9:75", "midi", "9:00:00", "-1"} {
		w := p.post("/ouverture/ouvrir", "heure", hour)
		if w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d", hour, w.Code)
		}
	}
	if done := p.staff.recorded(); len(done) != 0 {
		t.Error(done)
	}
}

func TestADayIsNotedAndForgotten(t *testing.T) {
	p := newPlace(t)
	page := p.follow("/ouverture/jour", "date", "2026-12-24", "de1", "09:00", "a1", "12:00", "de2", "", "a2", "")
	says(t, page, "Le jour est noté.", "jeudi 24 décembre", "9 h à 12 h")
	says(t, p.follow("/ouverture/jour", "date", "2026-12-25"), "vendredi 25 décembre", "fermé")
	if got := p.manager.Exceptions(); len(got) != 2 || len(got[0].Open) != 1 || got[0].Open[0] != (hours.Span{From: 9 * 60, To: 12 * 60}) || len(got[1].Open) != 0 {
		t.Errorf("%+v", got)
	}
	silent(t, p.follow("/ouverture/jour/oublier", "date", "2026-12-25"), "25 décembre")
	if got := p.manager.Exceptions(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestADayThatCannotBeReadIsRefused(t *testing.T) {
	p := newPlace(t)
	for name, form := range map[string][]string{
		"no date":           {"de1", "9:00", "a1", "12:00"},
		"half a span":       {"date", "2026-12-24", "de1", "9:00"},
		"backwards":         {"date", "2026-12-24", "de1", "12:00", "a1", "9:00"},
		"one in the other":  {"date", "2026-12-24", "de1", "9:00", "a1", "12:00", "de2", "11:00", "a2", "13:00"},
		"a day without any": {"date", "2026-02-30"},
	} {
		w := p.post("/ouverture/jour", form...)
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, w.Code)
		}
		says(t, w.Body.String(), "Les heures vont par deux")
	}
	if got := p.manager.Exceptions(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestAPlaceThatIsClosedSaysWhenItOpens(t *testing.T) {
	p := newPlaceWith(t, mornings)
	for _, path := range []string{"/", "/ouverture"} {
		says(t, p.get(path), "Le lieu est fermé", "Il ouvre demain à 9 h.")
	}
}

func TestTheFirstPageSaysThatAllIsReadyOrTheOneThingThatIsWrong(t *testing.T) {
	p := newPlaceWith(t, mornings)
	says(t, p.get("/"), "Tout est prêt")
	p.line.state = console.LineState{Down: true, Since: p.clock.Boot(), Part: "gateway"}
	page := p.get("/")
	says(t, page, "Internet est en panne.", "Le temps des gens est gardé.")
	silent(t, page, "Tout est prêt")
	p.line.state = console.LineState{}
	if err := p.manager.OpenUntil(t.Context(), p.clock.Wall().Time.Add(20*time.Minute)); err != nil {
		t.Fatal(err)
	}
	says(t, p.get("/"), "Le lieu ferme dans 20 min.")
}

func TestAnUnsetClockIsSaidAndNoHourIsShown(t *testing.T) {
	p := newPlace(t)
	p.clock.SetWall(clock.Wall{Time: time.Unix(0, 0)})
	says(t, p.get("/"), "L'heure du boîtier n'est pas connue.")
	silent(t, p.get("/ouverture"), "Ouvert jusqu'à")
}

func TestAnOutageIsToldInWords(t *testing.T) {
	p := newPlace(t)
	p.line.state = console.LineState{Down: true, Since: p.clock.Boot(), Part: "resolver"}
	p.clock.Advance(12 * time.Minute)
	says(t, p.get("/incident"), "Internet est en panne depuis 12 min", "La panne a commencé à 14 h 42.", "La panne est chez l'opérateur.", "04 76 00 00 00")
}

func TestAnOutageThatIsOverIsOneLine(t *testing.T) {
	p := newPlace(t)
	p.open(1)
	p.manager.SetLine(t.Context(), false, p.clock.Boot())
	p.clock.Advance(12 * time.Minute)
	p.step()
	p.manager.SetLine(t.Context(), true, p.clock.Boot())
	says(t, p.get("/incident"), "aujourd'hui, 14 h 42 à 14 h 54. 1 appareil. 10 min rendues.")
}

func FuzzClockTime(f *testing.F) {
	for _, s := range []string{"18:30", "18h30", "18 h", "18", "24:00", "-1", "9:5", "h", ":", "１８:３０"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := console.ClockTime(s); err == nil && (n < 0 || n >= 24*60) {
			t.Errorf("%q: %d", s, n)
		}
	})
}
