package staff

import (
	"errors"
	"net/http"

	"parvis/internal/openid"
	"parvis/internal/secrets"
)

// City reports whether there are accounts of the town.
func (s *Staff) City() bool { return s.city != nil }

// goToCity sends the browser to the provider.
func (s *Staff) goToCity(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		redirect(w, EnterPath)
		return
	}
	to, state, err := s.city.Depart(r.Context(), Next(r.URL.Query().Get("suite")))
	if err != nil {
		s.o.Log.Warn("staff: the town's provider does not answer", "cause", openid.Scrub(err))
		redirect(w, EnterPath+"?refus=ville")
		return
	}
	http.SetCookie(w, &http.Cookie{
		// Lax: it has to come along when the provider sends the browser back.
		Name: cityCookie, Value: state, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(openid.Patience.Seconds()),
	})
	redirect(w, to)
}

// backFromCity ends the way through the provider.
func (s *Staff) backFromCity(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	state := q.Get("state")
	http.SetCookie(w, &http.Cookie{Name: cityCookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: -1})
	if state == "" || cookieOf(r, cityCookie) != state || q.Get("code") == "" {
		redirect(w, EnterPath+"?refus=ville")
		return
	}
	who, err := s.city.Arrive(r.Context(), state, q.Get("code"), func(roles []string) bool { return roleIn(roles) != "" })
	if err == nil {
		err = s.enterFromCity(w, r, who)
	}
	switch {
	case errors.Is(err, openid.ErrNoRole):
		redirect(w, EnterPath+"?refus=role")
		return
	case err != nil:
		s.o.Log.Warn("staff: enter by the town's provider", "cause", err)
		redirect(w, EnterPath+"?refus=ville")
		return
	}
	// A redirection would still count as the provider's, and the browser would keep the new cookie back (SameSite=Strict).
	w.Header().Set("Refresh", "0; url="+who.Next)
	s.say(w, http.StatusOK, page{Head: "Vous êtes entré.", To: who.Next, Go: "Continuer"})
}

// enterFromCity makes or finds the account, whose name and role are the town's at each entry.
func (s *Staff) enterFromCity(w http.ResponseWriter, r *http.Request, who openid.Arrival) error {
	s.mu.Lock()
	var id string
	for _, a := range s.accounts {
		if a.Subject == who.Subject {
			id = a.ID
		}
	}
	if id == "" {
		if len(s.accounts) >= maxAccounts {
			s.mu.Unlock()
			return ErrFull
		}
		a := Account{
			ID: secrets.NewID(), Name: who.Name, Role: roleIn(who.Roles), Subject: who.Subject, Made: s.o.Clock.Wall().Time.Round(0),
		}
		if a.Name == "" {
			a.Name = "Compte de la ville"
		}
		if err := s.change(r.Context(), Change{Accounts: []Account{a}, Log: []Entry{entry(a.Person(), "account", a.ID)}}); err != nil {
			s.mu.Unlock()
			return err
		}
		id = a.ID
	}
	s.mu.Unlock()
	_, hash, err := s.begin(w, r, id, ByCity, func(a *Account) {
		a.Role = roleIn(who.Roles)
		if who.Name != "" {
			a.Name = who.Name
		}
	})
	if err == nil {
		s.city.remember(hash, who.Hint)
	}
	return err
}
