package console_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/portal/console"
	crew "parvis/portal/staff"
	"parvis/portal/staff/sqlite"
	"parvis/sessions"
)

const teamPassword = "girafe lampe ruisseau"

// team is a place with real accounts, behind what keeps others out.
type team struct {
	*place
	crew    *crew.Staff
	handler http.Handler
	cookies map[string]string
}

type crewStaff struct{ *crew.Staff }

func (s crewStaff) Who(r *http.Request) (console.Person, bool) {
	p, ok := s.Staff.Who(r)
	return console.Person{ID: p.ID, Name: p.Name, Role: string(p.Role)}, ok
}

func (s crewStaff) Record(ctx context.Context, p console.Person, what, object string) {
	s.Staff.Record(ctx, crew.Person{ID: p.ID, Name: p.Name, Role: crew.Role(p.Role)}, what, object)
}

func newTeam(t testing.TB, options ...func(*place)) *team {
	t.Helper()
	tm := &team{cookies: map[string]string{}}
	tm.place = newPlace(t, append(options, func(p *place) {
		p.clock.SetWall(clock.Wall{Time: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), Quality: clock.Synchronised})
		store, err := sqlite.Open(filepath.Join(t.TempDir(), "staff.db"), p.clock)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		tm.crew, err = crew.New(t.Context(), crew.Options{
			Name: "console.lab.test", Store: store, Clock: p.clock, Log: slog.New(slog.DiscardHandler), Location: time.UTC,
			Guests: netip.MustParsePrefix("10.77.0.1/16"), Lease: 2 * time.Hour,
			Identify: func(netip.Addr) (sessions.Device, error) { return sessions.Device{}, nil },
			Admit:    func(context.Context, sessions.Device, time.Duration) error { return nil },
			Expel:    func(context.Context, mac.Addr) error { return nil },
			City:     &crew.Provider{Issuer: "https://compte.ville.test", ClientID: "parvis", RoleClaim: "roles"},
		})
		if err != nil {
			t.Fatal(err)
		}
		p.parts.Staff, p.parts.Team = crewStaff{tm.crew}, tm.crew
	})...)
	tm.handler = tm.crew.Handler(tm.Console)
	return tm
}

// ask is a browser that keeps cookies.
func (tm *team) ask(method, target string, fields ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.Host = "console.lab.test"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for k, v := range tm.cookies {
		r.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	w := httptest.NewRecorder()
	tm.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if tm.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(tm.cookies, c.Name)
		}
	}
	return w
}

func secretOf(l crew.Link) string {
	u, _ := url.Parse(l.URL) // of our own making
	return u.Query().Get("j")
}

// join makes an account through the pages.
func (tm *team) join(login string, role crew.Role) {
	tm.t.Helper()
	l, err := tm.crew.Invite(tm.t.Context(), crew.Operator, role, login, false)
	if err != nil {
		tm.t.Fatal(err)
	}
	w := tm.ask(http.MethodPost, "/invitation", "j", secretOf(l), "nom", login, "identifiant", login, "mot-de-passe", teamPassword, "encore", teamPassword)
	if w.Code != http.StatusSeeOther {
		tm.t.Fatal(w.Code, text(w.Body.String()))
	}
}

func (tm *team) enter(login string) {
	tm.t.Helper()
	if w := tm.ask(http.MethodPost, "/entrer", "identifiant", login, "mot-de-passe", teamPassword); w.Code != http.StatusSeeOther {
		tm.t.Fatal(w.Code, text(w.Body.String()))
	}
}

func TestEnteringByThePages(t *testing.T) {
	tm := newTeam(t)
	tm.join("mediatrice", crew.Mediator)
	says(t, tm.ask(http.MethodGet, "/entrer").Body.String(), "Entrer", "Identifiant", "Entrer avec le compte de la ville", "Mot de passe oublié ?")
	w := tm.ask(http.MethodPost, "/entrer", "identifiant", "mediatrice", "mot-de-passe", "wrong wrong wrong", "suite", "/attente")
	says(t, w.Body.String(), "Cet identifiant ou ce mot de passe ne va pas.")
	if !strings.Contains(w.Body.String(), `value="mediatrice"`) || strings.Contains(w.Body.String(), "wrong wrong") || w.Code != http.StatusForbidden {
		t.Error("what was typed is lost, or the password is in the page")
	}
	w = tm.ask(http.MethodPost, "/entrer", "identifiant", "mediatrice", "mot-de-passe", teamPassword, "suite", "//evil.example/")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	says(t, tm.ask(http.MethodGet, "/compte").Body.String(), "Mon compte", "identifiant : mediatrice")
	w = tm.ask(http.MethodPost, "/sortir")
	if w.Header().Get("Location") != "/entrer?fait=sorti" || len(tm.cookies) != 0 {
		t.Errorf("%d to %q with %v", w.Code, w.Header().Get("Location"), tm.cookies)
	}
	for range 6 {
		w = tm.ask(http.MethodPost, "/entrer", "identifiant", "mediatrice", "mot-de-passe", "wrong wrong wrong")
	}
	says(t, w.Body.String(), "Trop d'essais. Attendez 1 min, puis essayez encore.")
}

func TestAReferentInvitesAMediatorAndClosesTheAccount(t *testing.T) {
	tm := newTeam(t)
	tm.join("ref", crew.Referent)
	tm.join("collegue", crew.Mediator)
	tm.enter("ref")
	says(t, tm.ask(http.MethodGet, "/equipe").Body.String(), "Équipe", "collegue", "Inviter une personne", "Machines de l'accueil")
	w := tm.ask(http.MethodPost, "/equipe/inviter", "nom", "Nouvelle collègue", "role", "mediator")
	says(t, w.Body.String(), "Invitation", "https://console.lab.test/invitation?j=", "Cette page ne le montre qu'une fois.")
	if !strings.Contains(w.Body.String(), `<svg class="qr"`) {
		t.Error("no QR code")
	}
	says(t, tm.ask(http.MethodPost, "/equipe/inviter", "nom", "Chef", "role", "dsi").Body.String(), "Votre rôle ne permet pas ce geste.")
	collegue, _ := tm.crew.Find("collegue")
	says(t, tm.ask(http.MethodGet, "/equipe/"+collegue.ID).Body.String(), "collegue", "Fermer ce compte")
	if w := tm.ask(http.MethodPost, "/equipe/"+collegue.ID+"/fermer"); w.Header().Get("Location") != "/equipe?fait=ferme" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	silent(t, tm.ask(http.MethodGet, "/equipe").Body.String(), "collegue")
}

func TestAMediatorSeesColleaguesAndInvitesNobody(t *testing.T) {
	tm := newTeam(t)
	tm.join("mediatrice", crew.Mediator)
	tm.enter("mediatrice")
	page := tm.ask(http.MethodGet, "/equipe").Body.String()
	says(t, page, "mediatrice", "demandez au référent")
	silent(t, page, "Inviter une personne", "Machines de l'accueil")
	if w := tm.ask(http.MethodPost, "/equipe/inviter", "nom", "Nouvelle collègue", "role", "mediator"); w.Code != http.StatusUnprocessableEntity {
		t.Error(w.Code)
	}
}

func TestOnesOwnAccount(t *testing.T) {
	tm := newTeam(t)
	tm.join("mediatrice", crew.Mediator)
	tm.enter("mediatrice")
	for _, c := range []struct {
		path   string
		fields []string
		says   string
	}{
		{"/compte/mot-de-passe", []string{"actuel", "wrong wrong wrong", "mot-de-passe", "hibou nuage escalier", "encore", "hibou nuage escalier"}, "Ce n'est pas votre mot de passe actuel."},
		{"/compte/mot-de-passe", []string{"actuel", teamPassword, "mot-de-passe", "hibou nuage escalier", "encore", "hibou nuage"}, "Les deux nouveaux mots de passe ne sont pas les mêmes."},
		{"/compte/mot-de-passe", []string{"actuel", teamPassword, "mot-de-passe", "motdepasse12", "encore", "motdepasse12"}, "trop facile à deviner"},
		{"/compte/code", []string{"actuel", teamPassword, "code", "123456"}, "Ce code ne va pas"},
		{"/compte/code", []string{"actuel", teamPassword, "code", ""}, "Ce code ne va pas"},
	} {
		says(t, tm.ask(http.MethodPost, c.path, c.fields...).Body.String(), c.says)
	}
	for path, fields := range map[string][]string{"/compte/code": {"actuel", teamPassword, "code", "804273"}} {
		w := tm.ask(http.MethodPost, path, fields...)
		says(t, tm.ask(http.MethodGet, w.Header().Get("Location")).Body.String(), "Le code est changé.", "Vous avez un code.")
	}
	w := tm.ask(http.MethodPost, "/compte/mot-de-passe", "actuel", teamPassword, "mot-de-passe", "hibou nuage escalier", "encore", "hibou nuage escalier")
	says(t, tm.ask(http.MethodGet, w.Header().Get("Location")).Body.String(), "Le mot de passe est changé.")
	says(t, tm.ask(http.MethodPost, "/compte/appareil", "nom", "mon téléphone").Body.String(), "https://console.lab.test/appareil?j=")
	trace := tm.ask(http.MethodGet, "/compte/trace?tous=1").Body.String()
	says(t, trace, "Ce que j'ai fait", "Mot de passe changé", "Entrée, par mot de passe")
	silent(t, trace, "Toute l'équipe")
}
