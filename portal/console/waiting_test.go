package console_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"parvis/portal/console"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
	"parvis/sessions/waiting"
)

func TestAWaitingDeviceIsListedByItsDrawingItsCodeAndWhatIsKnownOfIt(t *testing.T) {
	p := newPlace(t)
	code := p.wait(1, waiting.Visit{Kind: waiting.Phone, Language: "ar", Page: true})
	p.clock.Advance(3*time.Minute + 30*time.Second)
	for _, path := range []string{"/", "/attente"} {
		page := p.get(path)
		says(t, page, code, "depuis 3 min", "téléphone", "page en arabe")
		if !strings.Contains(page, `<svg class="dr"`) {
			t.Error("no drawing")
		}
	}
}

func TestOneTapOpensForTheTimeOfTheButton(t *testing.T) {
	for _, c := range []struct {
		value string
		want  time.Duration
	}{{"30m", 30 * time.Minute}, {"1h", time.Hour}, {"2h", 2 * time.Hour}, {"jour", 12 * time.Hour}} {
		t.Run(c.value, func(t *testing.T) {
			p := newPlace(t)
			code := p.wait(1, waiting.Visit{Page: true})
			page := p.follow("/attente/ouvrir", "code", code, "pour", c.value, "retour", "/")
			says(t, page, "Internet est ouvert pour "+code, "Annuler")
			s := p.of(1)
			if s.State != sessions.Open || s.Left != c.want || s.OpenedBy != sessions.FromDesk || s.Code != code {
				t.Errorf("%+v", s)
			}
			if len(p.kernel.Grants()) != 1 {
				t.Error("the kernel lets nobody pass")
			}
			if got, want := strings.Join(p.staff.recorded(), ", "), "session.open "+s.ID; got != want {
				t.Errorf("recorded %q, want %q", got, want)
			}
		})
	}
}

func TestTheDayEndsWithThePlace(t *testing.T) {
	p := newPlaceWith(t, mornings)
	if err := p.manager.OpenUntil(t.Context(), p.clock.Wall().Time.Add(3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	p.step()
	code := p.wait(1, waiting.Visit{Page: true})
	p.follow("/attente/ouvrir", "code", code, "pour", "jour")
	if s := p.of(1); s.Left != 3*time.Hour {
		t.Errorf("left %v", s.Left)
	}
}

func TestAProfileOfItsOwnCanBeChosenForADevice(t *testing.T) {
	p := newPlace(t)
	code := p.wait(1, waiting.Visit{Page: true})
	says(t, p.get("/attente"), "La règle habituelle", "Étude")
	p.follow("/attente/ouvrir", "code", code, "pour", "1h", "profil", "etude")
	if s := p.of(1); s.Profile != "etude" {
		t.Errorf("%+v", s)
	}
}

func TestTakingBackAnOpeningPutsTheDeviceBack(t *testing.T) {
	p := newPlace(t)
	code := p.wait(1, waiting.Visit{Page: true})
	silent(t, p.follow("/attente/ouvrir", "code", code, "pour", "1h"), "téléphone")
	s := p.of(1)
	p.clock.Advance(9 * time.Second)
	page := p.follow("/attente/annuler", "id", s.ID)
	says(t, page, "C'est annulé. L'appareil attend de nouveau.", code)
	if got := p.of(1); got.State != sessions.Ended || len(p.kernel.Grants()) != 0 {
		t.Errorf("%+v", got)
	}
	if done := p.staff.recorded(); len(done) != 2 || done[1] != "session.undo "+s.ID {
		t.Error(done)
	}
}

func TestTheOfferToTakeBackLastsTenSeconds(t *testing.T) {
	p := newPlace(t)
	code := p.wait(1, waiting.Visit{Page: true})
	w := p.post("/attente/ouvrir", "code", code, "pour", "1h")
	to := w.Header().Get("Location")
	says(t, p.get(to), "Annuler")
	p.clock.Advance(10 * time.Second)
	silent(t, p.get(to), "Annuler")
	p.clock.Advance(5 * time.Second)
	late := p.post("/attente/annuler", "id", p.of(1).ID)
	if late.Code != http.StatusConflict || p.of(1).State != sessions.Open {
		t.Errorf("%d, %+v", late.Code, p.of(1))
	}
	says(t, late.Body.String(), "Il est trop tard pour annuler.")
}

// What the desk did not just open is not taken back, whatever the form says.
func TestOnlyAnOpeningOfTheDeskIsTakenBack(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	if w := p.post("/attente/annuler", "id", s.ID); w.Code != http.StatusConflict || p.of(1).State != sessions.Open {
		t.Error(w.Code)
	}
}

func TestAFingerThatTapsTwiceOpensOnce(t *testing.T) {
	p := newPlace(t)
	code := p.wait(1, waiting.Visit{Page: true})
	p.follow("/attente/ouvrir", "code", code, "pour", "1h")
	says(t, p.follow("/attente/ouvrir", "code", code, "pour", "1h"), "Internet est ouvert pour "+code)
	if done := p.staff.recorded(); len(done) != 1 {
		t.Error(done)
	}
}

func TestADeviceThatHasLeftIsNotOpened(t *testing.T) {
	p := newPlace(t)
	w := p.post("/attente/ouvrir", "code", "K7-42", "pour", "1h")
	if w.Code != http.StatusConflict {
		t.Error(w.Code)
	}
	says(t, w.Body.String(), "Cet appareil n'attend plus.", "Il est peut-être déjà connecté, ou il est parti.")
}

func TestATimeThatNoButtonHasIsRefused(t *testing.T) {
	p := newPlace(t)
	code := p.wait(1, waiting.Visit{Page: true})
	for _, value := range []string{"", "500h", "-1h", "1h30m"} {
		if w := p.post("/attente/ouvrir", "code", code, "pour", value); w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d", value, w.Code)
		}
	}
	if s := p.of(1); s.ID != "" {
		t.Errorf("%+v", s)
	}
}

func TestWhatKeepsADeviceOutIsSaidWithWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		fault func(*place)
		says  string
	}{
		"the disk is full":           {func(p *place) { p.store.Fail(sessionstest.Save, context.DeadlineExceeded) }, "Le boîtier n'arrive plus à écrire."},
		"the kernel does not follow": {func(p *place) { p.kernel.Fail(sessionstest.Put, context.DeadlineExceeded) }, "Le boîtier n'a pas pu le faire."},
		"every place is taken": {func(p *place) {
			for n := range byte(16) {
				p.open(100 + n)
			}
		}, "Toutes les places sont prises."},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			code := p.wait(1, waiting.Visit{Page: true})
			c.fault(p)
			w := p.post("/attente/ouvrir", "code", code, "pour", "1h")
			if w.Code != http.StatusServiceUnavailable {
				t.Error(w.Code)
			}
			says(t, w.Body.String(), c.says)
			if done := p.staff.recorded(); len(done) != 0 {
				t.Error(done)
			}
		})
	}
}

func TestADeviceWithoutAPageIsListedApart(t *testing.T) {
	p := newPlace(t)
	code := p.wait(1, waiting.Visit{})
	says(t, p.get("/attente"), code, "sans page")
	home := p.get("/")
	says(t, home, "1 appareil sans page")
	silent(t, home, code)
}

// Nothing tells a device without a page from others but that it was switched off and on.
func TestADeviceWithoutAPageIsFoundByItsComingBack(t *testing.T) {
	joined := map[sessions.Device]time.Duration{}
	p := newPlace(t, func(p *place) {
		p.parts.Joined = func(d sessions.Device) (time.Duration, bool) {
			ago, ok := joined[d]
			return ago, ok
		}
	})
	old, back := p.wait(1, waiting.Visit{}), p.wait(2, waiting.Visit{})
	joined[device(1)], joined[device(2)] = time.Hour, time.Hour
	mark := regexp.MustCompile(`name="depuis" value="(\d+)"`).FindStringSubmatch(p.get("/attente/trouver"))
	p.clock.Advance(20 * time.Second)
	says(t, p.get("/attente/trouver?depuis="+mark[1]), "Aucun appareil pour le moment.")
	joined[device(2)] = 5 * time.Second
	page := p.get("/attente/trouver?depuis=" + mark[1])
	says(t, page, back)
	silent(t, page, old)
}

func TestThePlaceThatCannotFindADeviceDoesNotOfferTo(t *testing.T) {
	silent(t, newPlace(t).get("/attente"), "Trouver un appareil")
}

func TestThePageOfTheOpeningIsOneOfTwo(t *testing.T) {
	p := newPlace(t)
	code := p.wait(1, waiting.Visit{Page: true})
	w := p.post("/attente/ouvrir", "code", code, "pour", "1h", "retour", "https://evil.example/")
	if to := w.Header().Get("Location"); !strings.HasPrefix(to, "/attente?ouvert=") {
		t.Errorf("leads to %q", to)
	}
}

var _ console.Waiting = (*waiting.List)(nil)
