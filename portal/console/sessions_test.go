package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"parvis/sessions"
	"parvis/sessions/waiting"
)

func TestWhoIsInIsListedByCodeAndNeverByWhatTheyDo(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	p.clock.Advance(10 * time.Minute)
	says(t, p.get("/connexions"), "1 appareil connecté.", s.Code, "Visite", "50 min")
}

func TestACodeIsFoundHoweverItIsTyped(t *testing.T) {
	p := newPlace(t)
	s, other := p.open(1), p.open(2)
	for _, typed := range []string{s.Code, strings.ToLower(s.Code), strings.ReplaceAll(s.Code, "-", ""), strings.ReplaceAll(s.Code, "-", "+")} {
		page := p.get("/connexions?q=" + typed)
		says(t, page, s.Code)
		if strings.Contains(page, "c-"+other.ID) {
			t.Errorf("%q finds the other one too", typed)
		}
	}
	says(t, p.get("/connexions?q=ZZ"), "Aucune connexion n'a ce code.")
}

func TestTimeIsAddedAndTaken(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	says(t, p.follow("/connexions/"+s.ID+"/temps", "temps", "30m"), "Le temps est ajouté.", "Il reste 1 h 30")
	says(t, p.follow("/connexions/"+s.ID+"/temps", "temps", "-15m"), "Le temps est enlevé.", "Il reste 1 h 15")
	if got := p.of(1).Left; got != 75*time.Minute {
		t.Errorf("left %v", got)
	}
	want := "session.extend " + s.ID + ", session.shorten " + s.ID
	if got := strings.Join(p.staff.recorded(), ", "); got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

func TestWhatWouldEndAConnectionIsNotOfferedAsLessTime(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	p.clock.Advance(40 * time.Minute)
	page := p.get("/connexions/" + s.ID)
	says(t, page, "− 15 min")
	silent(t, page, "− 30 min")
}

func TestATimeThatNoButtonHasIsNotAdded(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	for _, value := range []string{"", "24h", "-2h", "abc"} {
		if w := p.post("/connexions/"+s.ID+"/temps", "temps", value); w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d", value, w.Code)
		}
	}
	if got := p.of(1).Left; got != time.Hour {
		t.Errorf("left %v", got)
	}
}

func TestAMessageIsSentAndTheDeskSeesWhetherItWasSeen(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	says(t, p.follow("/connexions/"+s.ID+"/message", "texte", " Votre rendez-vous\r\nest là. "), "Le message est envoyé.", "Votre rendez-vous est là.", "Envoyé.")
	p.clock.Advance(6 * time.Second)
	says(t, p.get("/connexions/"+s.ID), "Pas encore vu.")
	says(t, p.get("/connexions"), "message pas encore vu")
	p.manager.MessageSeen(s.ID)
	says(t, p.get("/connexions/"+s.ID), "Affiché sur l'appareil.")
	for _, done := range p.staff.recorded() {
		if strings.Contains(done, "rendez-vous") {
			t.Errorf("the log holds the message: %q", done)
		}
	}
}

func TestAMessageThatIsTooLongOrEmptyIsRefused(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	for _, text := range []string{"", "   ", strings.Repeat("é", 201)} {
		if w := p.post("/connexions/"+s.ID+"/message", "texte", text); w.Code != http.StatusBadRequest {
			t.Errorf("%d signs: %d", len(text), w.Code)
		}
	}
	if p.of(1).Message != nil || len(p.staff.recorded()) != 0 {
		t.Errorf("%+v", p.of(1).Message)
	}
}

func TestTheSameDeviceTakesItsConnectionBack(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	p.clock.Advance(20 * time.Minute)
	code := p.wait(2, waiting.Visit{Page: true})
	says(t, p.get("/connexions/"+s.ID+"/meme"), code, "C'est lui")
	page := p.follow("/connexions/"+s.ID+"/meme", "code", code)
	says(t, page, "La connexion continue sur cet appareil.", s.Code, "Il reste 40 min")
	now, err := p.manager.Get(s.ID)
	if err != nil || now.Device != device(2) || now.State != sessions.Open {
		t.Errorf("%+v, %v", now, err)
	}
	if done := p.staff.recorded(); len(done) != 1 || done[0] != "session.move "+s.ID {
		t.Error(done)
	}
}

func TestADeviceThatNoLongerWaitsTakesNothingBack(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	w := p.post("/connexions/"+s.ID+"/meme", "code", "K7-42")
	if now, err := p.manager.Get(s.ID); w.Code != http.StatusConflict || err != nil || now.Device != device(1) {
		t.Errorf("%d, %+v, %v", w.Code, now, err)
	}
}

func TestWhyAConnectionIsSuspendedIsSaid(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	p.suspend(1, sessions.TwoPorts)
	says(t, p.get("/connexions"), "suspendue")
	says(t, p.get("/connexions/"+s.ID), "Deux appareils utilisent la même adresse.")
}

func TestOneGoesOnPastClosing(t *testing.T) {
	p := newPlaceWith(t, mornings)
	if err := p.manager.OpenUntil(t.Context(), p.clock.Wall().Time.Add(20*time.Minute)); err != nil {
		t.Fatal(err)
	}
	p.step()
	s := p.open(1)
	says(t, p.get("/connexions/"+s.ID), "à la fermeture du lieu", "Continuer après la fermeture")
	page := p.follow("/connexions/"+s.ID+"/fermeture", "temps", "30m")
	says(t, page, "La connexion continue après la fermeture.", "Il reste 50 min", "après la fermeture du lieu")
	if done := p.staff.recorded(); len(done) != 1 || done[0] != "session.past-closing "+s.ID {
		t.Error(done)
	}
}

// A day's session ends with the place from the morning on; going on after it is for the end of the day.
func TestGoingOnPastClosingIsOfferedInItsLastTwoHours(t *testing.T) {
	p := newPlaceWith(t, mornings)
	if err := p.manager.OpenUntil(t.Context(), p.clock.Wall().Time.Add(3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	p.step()
	s, err := p.manager.Open(t.Context(), sessions.OpenRequest{Device: device(1), Profile: "etude", For: 4 * time.Hour, By: sessions.FromDesk})
	if err != nil {
		t.Fatal(err)
	}
	page := p.get("/connexions/" + s.ID)
	says(t, page, "à la fermeture du lieu")
	silent(t, page, "Continuer après la fermeture")
	p.clock.Advance(59 * time.Minute)
	silent(t, p.get("/connexions/"+s.ID), "Continuer après la fermeture")
	p.clock.Advance(time.Minute)
	says(t, p.get("/connexions/"+s.ID), "Continuer après la fermeture")
}

func TestStoppingAConnection(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	page := p.follow("/connexions/" + s.ID + "/arreter")
	says(t, page, "La connexion est arrêtée.", "Cette connexion est finie.", "L'accueil l'a arrêtée.")
	if now, err := p.manager.Get(s.ID); err != nil || now.Reason != sessions.ByOperator {
		t.Errorf("%+v, %v", now, err)
	}
	if done := p.staff.recorded(); len(done) != 1 || done[0] != "session.end "+s.ID {
		t.Error(done)
	}
}

func TestAConnectionThatIsNotThereIsToldSoByEveryGesture(t *testing.T) {
	p := newPlace(t)
	code := p.wait(1, waiting.Visit{Page: true})
	for _, c := range [][]string{
		{"arreter"}, {"temps", "temps", "15m"}, {"fermeture", "temps", "15m"}, {"message", "texte", "Bonjour"}, {"meme", "code", code},
	} {
		w := p.post("/connexions/zzz/"+c[0], c[1:]...)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", c[0], w.Code)
		}
		says(t, w.Body.String(), "Cette connexion n'existe plus.")
	}
	if done := p.staff.recorded(); len(done) != 0 {
		t.Error(done)
	}
}
