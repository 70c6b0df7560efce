package staff

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"parvis/internal/openid"
	"parvis/internal/secrets"
)

// Cookies. __Host- means: Secure, for this host alone, for every path (RFC 6265bis, 4.1.3.2).
const (
	loginCookie = "__Host-parvis-hub"
	cityCookie  = "__Host-parvis-hub-ville"
)

// idle is how long a login lasts without a request.
const idle = 12 * time.Hour

// Wrong tries that cost nothing: a team behind one address makes more mistakes than one person.
const (
	addressTries = 20
	loginTries   = 5
)

func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > 128 {
		return ""
	}
	return c.Value
}

// who is behind a request: somebody who has entered, and still may.
func (s *Staff) who(r *http.Request) (Person, bool, error) {
	secret := cookieOf(r, loginCookie)
	if secret == "" {
		return Person{}, false, nil
	}
	l, a, err := s.o.Store.Login(r.Context(), secrets.HashOf(secret))
	if errors.Is(err, ErrNotFound) {
		return Person{}, false, nil
	}
	if err != nil {
		return Person{}, false, err
	}
	silent := s.now().Sub(l.Seen)
	if !a.ClosedAt.IsZero() || silent >= idle+time.Hour { // Seen is an hour late at most, so nobody is sent away before his time
		return Person{}, false, nil
	}
	if silent >= time.Hour { // to the hour, so that a page costs no write
		l.Seen = s.now()
		if err := s.o.Store.Save(r.Context(), Change{Logins: []Login{l}}); err != nil {
			return Person{}, false, err
		}
	}
	return a.Person(), true, nil
}

// Enter lets somebody in by login and password. It fails with ErrWrong, *Locked or ErrBusy, and says the same in the same time
// whether or not there is such an account.
func (s *Staff) Enter(w http.ResponseWriter, r *http.Request, login, password string) (Person, error) {
	login = strings.ToLower(strings.TrimSpace(login))
	if len(login) > 64 || len(password) > 4*secrets.MaxPassword {
		return Person{}, ErrWrong
	}
	ctx := r.Context()
	from, name := "address "+s.o.Address(r).String(), "login "+login
	for _, try := range []struct {
		name string
		free int
	}{{from, addressTries}, {name, loginTries}} {
		wait, err := s.o.Store.Try(ctx, try.name, try.free)
		if err != nil {
			return Person{}, err
		}
		if wait > 0 {
			return Person{}, &Locked{wait}
		}
	}
	a, err := s.o.Store.Account(ctx, Key{Login: login})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Person{}, err
	}
	known := err == nil && a.ClosedAt.IsZero() && a.Password != ""
	hash := secrets.Decoy
	if known {
		hash = a.Password
	}
	ok, err := s.hash.Check(ctx, hash, []byte(password))
	if err != nil {
		return Person{}, err
	}
	if !ok || !known {
		if known {
			s.Record(ctx, a.Person(), "refused", "")
		}
		return Person{}, ErrWrong
	}
	if err := errors.Join(s.o.Store.Forgive(ctx, from, false), s.o.Store.Forgive(ctx, name, true)); err != nil {
		return Person{}, err
	}
	return a.Person(), s.begin(w, r, a, Login{}, "enter-password")
}

// begin makes a login: a new secret whatever the request came with, and the login that it came with ends.
func (s *Staff) begin(w http.ResponseWriter, r *http.Request, a Account, l Login, what string) error {
	secret, hash := secrets.New()
	l.Hash, l.Person, l.Seen = hash, a.ID, s.now()
	c := Change{Logins: []Login{l}, Log: []Entry{s.entry(a.Person(), what, "")}}
	if old := cookieOf(r, loginCookie); old != "" {
		c.ForgetLogins = []string{secrets.HashOf(old)}
	}
	if err := s.o.Store.Save(r.Context(), c); err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name: loginCookie, Value: secret, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	return nil
}

// Leave ends the login of a request. away is where the browser ends its login at the provider as well; "" when there is none.
func (s *Staff) Leave(w http.ResponseWriter, r *http.Request) (away string, err error) {
	http.SetCookie(w, &http.Cookie{
		Name: loginCookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: -1,
	})
	secret := cookieOf(r, loginCookie)
	if secret == "" {
		return "", nil
	}
	ctx := context.WithoutCancel(r.Context())
	l, a, err := s.o.Store.Login(ctx, secrets.HashOf(secret))
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if err := s.o.Store.Save(ctx, Change{ForgetLogins: []string{l.Hash}, Log: []Entry{s.entry(a.Person(), "leave", "")}}); err != nil {
		return "", err
	}
	if l.City && s.city != nil {
		away = s.city.Leave("")
	}
	return away, nil
}

// City reports whether there is a provider.
func (s *Staff) City() bool { return s.city != nil }

// depart sends the browser to the provider.
func (s *Staff) depart(w http.ResponseWriter, r *http.Request) {
	to, state, err := s.city.Depart(r.Context(), Next(r.URL.Query().Get("suite")))
	if err != nil {
		s.o.Log.Warn("hub staff: the provider does not answer", "cause", openid.Scrub(err))
		redirect(w, EnterPath+"?refus=ville")
		return
	}
	http.SetCookie(w, &http.Cookie{
		// Lax: it has to come along when the provider sends the browser back.
		Name: cityCookie, Value: state, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(openid.Patience.Seconds()),
	})
	redirect(w, to)
}

// arrive ends the way through the provider.
func (s *Staff) arrive(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	state := q.Get("state")
	http.SetCookie(w, &http.Cookie{Name: cityCookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: -1})
	if state == "" || cookieOf(r, cityCookie) != state || q.Get("code") == "" {
		redirect(w, EnterPath+"?refus=ville")
		return
	}
	who, err := s.city.Arrive(r.Context(), state, q.Get("code"), func(roles []string) bool { _, _, ok := roleIn(roles); return ok })
	if err == nil {
		err = s.enterFromCity(w, r, who)
	}
	switch {
	case errors.Is(err, openid.ErrNoRole), errors.Is(err, ErrTenant):
		redirect(w, EnterPath+"?refus=role")
	case errors.Is(err, ErrWrong):
		redirect(w, EnterPath+"?refus=ferme")
	case err != nil:
		s.o.Log.Warn("hub staff: enter by the provider", "cause", openid.Scrub(err))
		redirect(w, EnterPath+"?refus=ville")
	default:
		// A redirection would still count as the provider's, and the browser would keep the new cookie back (SameSite=Strict): the
		// page of this address leads on.
		redirect(w, arrivedPath+"?suite="+queryEscape(who.Next))
	}
}

// enterFromCity makes or finds the account, whose name, commune and role are the provider's at each entry. What a changed commune or
// role has ended are its other logins.
func (s *Staff) enterFromCity(w http.ResponseWriter, r *http.Request, who openid.Arrival) error {
	tenant, role, _ := roleIn(who.Roles)
	a, err := s.o.Store.Account(r.Context(), Key{Subject: who.Subject})
	before := a
	switch {
	case errors.Is(err, ErrNotFound):
		a = Account{ID: secrets.NewID(), Subject: who.Subject, Name: "Compte de la ville", Made: s.now()}
	case err != nil:
		return err
	case !a.ClosedAt.IsZero():
		return ErrWrong
	}
	a.Tenant, a.Role = tenant, role
	if who.Name != "" {
		a.Name = who.Name
	}
	if a != before {
		c := Change{Accounts: []Account{a}}
		if before.ID == "" {
			c.Log = []Entry{s.entry(a.Person(), "account", a.ID)}
		} else if a.Role != before.Role || a.Tenant != before.Tenant {
			c.EndLogins = []string{a.ID}
		}
		if err := s.o.Store.Save(r.Context(), c); err != nil {
			return err
		}
	}
	return s.begin(w, r, a, Login{City: true}, "enter-city")
}
