package pages_test

import (
	"context"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/mac"
	site "parvis/portal/staff"
	"parvis/portal/staff/sqlite"
	"parvis/sessions"
)

const chosen = "velours tambour citron"

var shownLink = regexp.MustCompile(`https://hub\.exemple\.test/invitation\?j=([^<]+)<`)

// secretIn is the secret of the link that a page shows.
func (w *world) secretIn(answer *httptest.ResponseRecorder) string {
	w.t.Helper()
	m := shownLink.FindStringSubmatch(html.UnescapeString(answer.Body.String()))
	if m == nil {
		w.t.Fatalf("no link on the page: %d %s", answer.Code, answer.Body)
	}
	return m[1]
}

// adds makes a colleague of lac's site, with a role at the hub or "", and returns the link's secret.
func (w *world) adds(login, hub string) (secret string) {
	w.t.Helper()
	return w.secretIn(w.ask(http.MethodPost, "/personnes", "nom", "Léa "+login, "identifiant", login, "role", "mediator", "centre", hub, "lieu", w.lac.ID))
}

// chooses uses a link up, as nobody who has entered.
func (w *world) chooses(secret, password string) *httptest.ResponseRecorder {
	w.t.Helper()
	was := w.who
	w.who = nil
	defer func() { w.who = was }()
	return w.ask(http.MethodPost, "/invitation", "j", secret, "mot-de-passe", password, "encore", password)
}

// colleague is one of lac's, by login.
func (w *world) colleague(login string) (c store.Colleague) {
	w.t.Helper()
	storetest.In(w.t, w.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
		all, err := t.Colleagues(ctx)
		for _, one := range all {
			if one.Login == login {
				c = one
			}
		}
		return err
	})
	return c
}

// atTheSite are the accounts of a router at lac's site, on its real store, as its hub's list makes them.
func (w *world) atTheSite() *site.Staff {
	w.t.Helper()
	kept, err := sqlite.Open(filepath.Join(w.t.TempDir(), "staff.db"), w.clock)
	w.must(err)
	w.t.Cleanup(func() { kept.Close() })
	s, err := site.New(w.t.Context(), site.Options{
		Name: "equipe.lab.test", Store: kept, Clock: w.clock, Log: slog.New(slog.DiscardHandler), Location: time.UTC,
		Guests: netip.MustParsePrefix("10.77.0.1/16"), Lease: time.Hour,
		Closing:  func(time.Time) time.Time { return time.Time{} },
		Identify: func(netip.Addr) (sessions.Device, error) { return sessions.Device{}, nil },
		Admit:    func(context.Context, sessions.Device, time.Duration) error { return nil },
		Expel:    func(context.Context, mac.Addr) error { return nil },
	})
	w.must(err)
	w.follows(s)
	return s
}

// follows tells a site who works there.
func (w *world) follows(s *site.Staff) {
	w.t.Helper()
	var all []site.Colleague
	storetest.In(w.t, w.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
		kept, _, err := t.Roster(ctx, w.lac.ID)
		for _, c := range kept {
			all = append(all, site.Colleague{ID: c.ID, Login: c.Login, Name: c.Name, Role: site.Role(c.Role), Password: c.Password, Closed: !c.Closed.IsZero()})
		}
		return err
	})
	_, err := s.Follow(w.t.Context(), all)
	w.must(err)
}

func entersAt(s *site.Staff, login, password string) error {
	r := httptest.NewRequest(http.MethodPost, "/entrer", nil)
	_, err := s.Enter(httptest.NewRecorder(), r, login, password)
	return err
}

func (w *world) getsIn(login, password string) bool {
	was := w.who
	w.who = nil // who enters ends the entry that the browser had
	defer func() { w.who = was }()
	return w.ask(http.MethodPost, "/entrer", "identifiant", login, "mot-de-passe", password).Code == http.StatusSeeOther
}

// One password, chosen by a link that works once, is good at every site's console; the hub knows its hash alone.
func TestAColleagueChoosesOnePasswordForEverySite(t *testing.T) {
	w := administered(t)
	secret := w.adds("lea", "")
	if body := w.ask(http.MethodGet, "/personnes").Body.String(); !strings.Contains(body, "mot de passe pas encore choisi") {
		t.Error("the list does not say who has not chosen")
	}
	answer := w.chooses(secret, "court")
	if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "trop facile") {
		t.Errorf("a weak password: %d", answer.Code)
	}
	answer = w.chooses(secret, chosen)
	if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "Votre identifiant est\u00a0: lea.") {
		t.Fatalf("chosen: %d %s", answer.Code, answer.Body)
	}
	if answer = w.chooses(secret, chosen+"s"); answer.Code != http.StatusGone {
		t.Errorf("the link a second time: %d", answer.Code)
	}
	c := w.colleague("lea")
	if !strings.HasPrefix(c.Password, "$argon2id$") || strings.Contains(c.Password, "velours") {
		t.Errorf("the hub keeps %q", c.Password)
	}
	s := w.atTheSite()
	if err := entersAt(s, "lea", chosen); err != nil {
		t.Errorf("at the site: %v", err)
	}
	if w.getsIn("lea", chosen) {
		t.Error("who has no account at the hub enters there")
	}
}

// Whoever works with the hub too has one password for both, wherever it is changed.
func TestAColleagueOfTheHubHasOnePasswordForBoth(t *testing.T) {
	w := administered(t)
	if answer := w.chooses(w.adds("lea", "dpo"), chosen); !strings.Contains(answer.Body.String(), "Entrer au centre") {
		t.Errorf("she is not led to the hub: %s", answer.Body)
	}
	s := w.atTheSite()
	if !w.getsIn("lea", chosen) || entersAt(s, "lea", chosen) != nil {
		t.Error("the password is not good at both")
	}
	admin := w.who
	const other = "pupitre gazelle moulin"
	w.enterAs("lea", chosen)
	if answer := w.ask(http.MethodPost, "/compte", "actuel", chosen, "mot-de-passe", other, "encore", other); answer.Code != http.StatusSeeOther {
		t.Fatalf("changed at the hub: %d", answer.Code)
	}
	w.who = admin
	w.follows(s)
	if entersAt(s, "lea", other) != nil || entersAt(s, "lea", chosen) == nil {
		t.Error("the site does not follow a password that was changed at the hub")
	}
	id := w.colleague("lea").ID
	if answer := w.ask(http.MethodPost, "/personnes/"+id+"/role", "role", "referent", "centre", ""); answer.Code != http.StatusSeeOther {
		t.Fatalf("roles: %d", answer.Code)
	}
	w.follows(s)
	if w.getsIn("lea", other) || entersAt(s, "lea", other) != nil {
		t.Error("without an account at the hub she enters there, or no longer at her site")
	}
	if answer := w.ask(http.MethodPost, "/personnes/"+id+"/role", "role", "referent", "centre", "reader"); answer.Code != http.StatusSeeOther {
		t.Fatalf("roles again: %d", answer.Code)
	}
	if c := w.colleague("lea"); !w.getsIn("lea", other) || c.Role != "referent" || c.Hub != "reader" {
		t.Errorf("back at the hub: %+v", c)
	}
}

func TestALinkIsGivenAgainAndEndsTheOneBefore(t *testing.T) {
	w := administered(t)
	first := w.adds("lea", "")
	id := w.colleague("lea").ID
	second := w.secretIn(w.ask(http.MethodPost, "/personnes/"+id+"/lien"))
	if answer := w.chooses(first, chosen); answer.Code != http.StatusGone {
		t.Errorf("the first link: %d", answer.Code)
	}
	w.clock.SetWall(wallAt(w.now.Add(7*24*time.Hour - time.Minute)))
	if answer := w.chooses(second, chosen); answer.Code != http.StatusOK {
		t.Errorf("the second link, in its last minute: %d", answer.Code)
	}
	w.clock.SetWall(wallAt(w.now))
	third := w.secretIn(w.ask(http.MethodPost, "/personnes/"+id+"/lien"))
	w.clock.SetWall(wallAt(w.now.Add(7 * 24 * time.Hour)))
	if answer := w.chooses(third, chosen); answer.Code != http.StatusGone {
		t.Errorf("after seven days: %d", answer.Code)
	}
}

// A closing is taken back: the same sites, another password.
func TestAClosingIsTakenBack(t *testing.T) {
	w := administered(t)
	w.chooses(w.adds("lea", "reader"), chosen)
	s := w.atTheSite()
	id := w.colleague("lea").ID
	waiting := w.secretIn(w.ask(http.MethodPost, "/personnes/"+id+"/lien"))
	for range 2 { // the second time, nothing is lost of where she worked
		if answer := w.ask(http.MethodPost, "/personnes/"+id+"/fermer"); answer.Code != http.StatusSeeOther {
			t.Fatalf("closed: %d", answer.Code)
		}
	}
	w.follows(s)
	if w.getsIn("lea", chosen) || entersAt(s, "lea", chosen) == nil {
		t.Error("who was closed enters")
	}
	if answer := w.chooses(waiting, chosen); answer.Code != http.StatusGone {
		t.Errorf("a link of who was closed: %d", answer.Code)
	}
	if answer := w.ask(http.MethodPost, "/personnes/"+id+"/role", "role", "dsi"); answer.Code != http.StatusNotFound {
		t.Errorf("a closed account gets a role: %d", answer.Code)
	}
	const other = "pupitre gazelle moulin"
	if answer := w.chooses(w.secretIn(w.ask(http.MethodPost, "/personnes/"+id+"/rouvrir")), other); answer.Code != http.StatusOK {
		t.Fatalf("chosen anew: %d", answer.Code)
	}
	w.follows(s)
	if c := w.colleague("lea"); len(c.Sites) != 1 || entersAt(s, "lea", other) != nil || entersAt(s, "lea", chosen) == nil {
		t.Errorf("taken back: %+v", c)
	}
	if answer := w.ask(http.MethodPost, "/personnes/"+id+"/rouvrir"); answer.Code != http.StatusNotFound {
		t.Errorf("an open account is opened: %d", answer.Code)
	}
}

func TestWhatDoesNotGoOfAColleague(t *testing.T) {
	w := administered(t)
	w.join("bois", "prise", staff.DSI)
	w.adds("lea", "")
	for name, tc := range map[string]struct {
		fields []string
		code   int
		says   string
	}{
		"no name":              {[]string{"nom", "x", "identifiant", "max", "role", "mediator"}, http.StatusUnprocessableEntity, "Ce nom ne va pas"},
		"no login":             {[]string{"nom", "Max", "identifiant", "É!", "role", "mediator"}, http.StatusUnprocessableEntity, "Cet identifiant ne va pas"},
		"the commune has it":   {[]string{"nom", "Max", "identifiant", "lea", "role", "mediator"}, http.StatusConflict, "déjà pris"},
		"the hub has it":       {[]string{"nom", "Max", "identifiant", "prise", "role", "mediator", "centre", "reader"}, http.StatusConflict, "déjà pris"},
		"no role of a site":    {[]string{"nom", "Max", "identifiant", "max", "role", "epci"}, http.StatusForbidden, ""},
		"no role of a commune": {[]string{"nom", "Max", "identifiant", "max", "role", "mediator", "centre", "epci"}, http.StatusForbidden, ""},
		"another's site":       {[]string{"nom", "Max", "identifiant", "max", "role", "mediator", "lieu", w.bois.ID}, http.StatusNotFound, ""},
	} {
		answer := w.ask(http.MethodPost, "/personnes", tc.fields...)
		if answer.Code != tc.code || !strings.Contains(answer.Body.String(), tc.says) {
			t.Errorf("%s: %d, without %q", name, answer.Code, tc.says)
		}
	}
	if c := w.colleague("max"); c.ID != "" {
		t.Errorf("something of it was kept: %+v", c)
	}
}

// The last who administers a commune is not closed by the way of the sites.
func TestTheLastAdministratorIsNotClosedBySites(t *testing.T) {
	w := administered(t)
	w.chooses(w.adds("lea", "dsi"), chosen)
	id := w.colleague("lea").ID
	people, err := w.staff.People(t.Context(), staff.Person{Tenant: "lac"})
	w.must(err)
	w.enterAs("lea", chosen)
	for _, m := range people {
		if m.ID != id {
			w.must(w.staff.Close(t.Context(), staff.Person{ID: id, Tenant: "lac", Role: staff.DSI}, m.ID))
		}
	}
	if answer := w.ask(http.MethodPost, "/personnes/"+id+"/fermer"); answer.Code != http.StatusConflict {
		t.Errorf("closed: %d", answer.Code)
	}
	if answer := w.ask(http.MethodPost, "/personnes/"+id+"/role", "role", "dsi", "centre", ""); answer.Code != http.StatusConflict {
		t.Errorf("without the hub: %d", answer.Code)
	}
	if c := w.colleague("lea"); !c.Closed.IsZero() || c.Hub != "dsi" {
		t.Errorf("%+v", c)
	}
}
