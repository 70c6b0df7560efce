package staff

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"parvis/internal/clock"
	"parvis/internal/secrets"
)

// Cookies. __Host- means: Secure, for this host alone, for every path (RFC 6265bis, 4.1.3.2).
const (
	loginCookie  = "__Host-parvis-equipe"
	deviceCookie = "__Host-parvis-appareil"
)

// idle is how long a login lasts without a request.
const idle = 12 * time.Hour

// addressTries are how many wrong tries one address has: a team behind one machine makes more mistakes than one person.
const addressTries = 20

func remote(r *http.Request) netip.Addr {
	ap, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address is one more name to count under
	return ap.Addr().Unmap()
}

func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > 128 {
		return ""
	}
	return c.Value
}

// Who is behind a request: somebody who has entered, and still may.
func (s *Staff) Who(r *http.Request) (Person, bool) {
	hash := secrets.HashOf(cookieOf(r, loginCookie))
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.logins[hash]
	if l == nil || !s.alive(l) {
		return Person{}, false
	}
	if now := s.o.Clock.Boot(); now.Sub(l.Seen) >= time.Hour { // to the hour, so that a page costs no write
		seen := *l
		seen.Seen = now
		if err := s.change(r.Context(), Change{Logins: []Login{seen}}); err != nil {
			s.logins[hash].Seen = now // it lasts until a restart
		}
	}
	return s.accounts[l.Person].Person(), true
}

// alive reports whether a login still holds. Called with mu held. Seen is an hour late at most, so nobody is sent
// away before his time.
func (s *Staff) alive(l *Login) bool {
	return l.BootID == s.o.Clock.BootID() && s.o.Clock.Boot().Sub(l.Seen) < idle+time.Hour && s.active(s.accounts[l.Person])
}

// loginsOf lists the logins of a person but one. Called with mu held.
func (s *Staff) loginsOf(person, but string) (hashes []string) {
	for h, l := range s.logins {
		if l.Person == person && h != but {
			hashes = append(hashes, h)
		}
	}
	slices.Sort(hashes)
	return hashes
}

// loginOf names the login that a request comes with.
func loginOf(r *http.Request) string { return secrets.HashOf(cookieOf(r, loginCookie)) }

// Enter lets somebody in by login and password. It fails with ErrWrong, *Locked or ErrBusy, and says the same in the same time
// whether or not there is such an account.
func (s *Staff) Enter(w http.ResponseWriter, r *http.Request, login, password string) (Person, error) {
	login = strings.ToLower(strings.TrimSpace(login))
	if len(login) > 64 || len(password) > 4*secrets.MaxPassword {
		return Person{}, ErrWrong
	}
	// An enrolled device has tries of its own: nobody elsewhere can keep a colleague out at the desk.
	device, _ := s.Device(r)
	from, name := "address "+remote(r).String(), "login "+device.ID+" "+login
	if err := s.take(from, name); err != nil {
		return Person{}, err
	}
	s.mu.Lock()
	var a Account
	if found := s.byLogin(login); s.active(found) && found.Password != "" {
		a = *found
	}
	s.mu.Unlock()
	hash := a.Password
	if hash == "" {
		hash = secrets.Decoy
	}
	ok, err := s.hash.Check(r.Context(), hash, []byte(password))
	if err != nil {
		s.tries.right(from, false)
		s.tries.right(name, false)
		return Person{}, err
	}
	if !ok || a.ID == "" {
		if a.ID != "" {
			s.Record(r.Context(), a.Person(), "refused", "")
		}
		return Person{}, ErrWrong
	}
	s.tries.right(from, false)
	s.tries.right(name, true)
	who, _, err := s.begin(w, r, a.ID, ByPassword, func(*Account) {})
	return who, err
}

// take counts a try of both names, or of none.
func (s *Staff) take(from, name string) error {
	if err := s.tries.take(addressTries, from); err != nil {
		return err
	}
	if err := s.tries.take(freeTries, name); err != nil {
		s.tries.right(from, false)
		return err
	}
	return nil
}

// begin makes a login: a new secret whatever the request came with, and the login that it came with ends.
func (s *Staff) begin(w http.ResponseWriter, r *http.Request, id string, via Via, update func(*Account)) (who Person, hash string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[id]
	if !s.active(a) {
		return Person{}, "", ErrWrong
	}
	changed := *a
	update(&changed)
	changed.PINFails = 0
	c := Change{Log: []Entry{entry(changed.Person(), "enter-"+string(via), "")}}
	if changed != *a {
		c.Accounts = []Account{changed}
	}
	if old := loginOf(r); s.logins[old] != nil {
		c.ForgetLogins = append(c.ForgetLogins, old)
	}
	if changed.Role != a.Role {
		c.ForgetLogins = append(c.ForgetLogins, s.loginsOf(id, loginOf(r))...)
	}
	secret := s.login(&c, id, via)
	if err := s.change(r.Context(), c); err != nil {
		return Person{}, "", err
	}
	setLogin(w, secret)
	return changed.Person(), secrets.HashOf(secret), nil
}

// login adds a new login to a change. Called with mu held.
func (s *Staff) login(c *Change, id string, via Via) (secret string) {
	secret, hash := secrets.New()
	c.Logins = []Login{{Hash: hash, Person: id, Via: via, BootID: s.o.Clock.BootID(), Seen: s.o.Clock.Boot()}}
	if len(s.logins) >= maxLogins {
		c.ForgetLogins = append(c.ForgetLogins, s.oldestLogin())
	}
	return secret
}

func setLogin(w http.ResponseWriter, secret string) {
	http.SetCookie(w, &http.Cookie{
		Name: loginCookie, Value: secret, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

func (s *Staff) oldestLogin() (oldest string) {
	for h, l := range s.logins {
		if oldest == "" || l.Seen < s.logins[oldest].Seen {
			oldest = h
		}
	}
	return oldest
}

// Leave ends the login of a request. away is where the browser ends its login at the town as well; "" when there is none.
func (s *Staff) Leave(w http.ResponseWriter, r *http.Request) (away string) {
	hash := loginOf(r)
	s.mu.Lock()
	if l := s.logins[hash]; l != nil {
		c := Change{ForgetLogins: []string{hash}}
		if a := s.accounts[l.Person]; a != nil {
			c.Log = []Entry{entry(a.Person(), "leave", "")}
		}
		if err := s.change(context.WithoutCancel(r.Context()), c); err != nil {
			s.o.Log.Warn("staff: a login that ended is still in the database", "cause", err)
			delete(s.logins, hash)
		}
	}
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{
		Name: loginCookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: -1,
	})
	if s.city != nil {
		away = s.city.leave(hash)
	}
	return away
}

// Desk lists who may enter by PIN on the machine that a request comes from: those who have one, on an enrolled machine of
// the desk. ok is false on any other.
func (s *Staff) Desk(r *http.Request) (people []Person, ok bool) {
	d, known := s.Device(r)
	if !known || !d.Desk {
		return nil, false
	}
	for _, m := range s.People() {
		if m.PIN && !m.Closed {
			people = append(people, m.Person)
		}
	}
	return people, true
}

// maxPINFails is how many wrong PINs in a row switch a PIN off until its owner enters by password.
const maxPINFails = 5

// EnterPIN lets somebody in at an enrolled machine of the desk. It fails with ErrWrong, ErrPINOff, *Locked or ErrBusy.
func (s *Staff) EnterPIN(w http.ResponseWriter, r *http.Request, id, pin string) (Person, error) {
	d, known := s.Device(r)
	if !known || !d.Desk || len(pin) > 2*pinLength {
		return Person{}, ErrWrong
	}
	from := "pin " + d.ID
	if err := s.tries.take(addressTries, from); err != nil {
		return Person{}, err
	}
	s.mu.Lock()
	found := s.accounts[id]
	if !s.active(found) || found.PIN == "" {
		s.mu.Unlock()
		return Person{}, ErrWrong
	}
	if found.PINFails >= maxPINFails {
		s.mu.Unlock()
		return Person{}, ErrPINOff
	}
	// Counted before it is known how it ends, and written: neither many at once nor a restart give more tries.
	a := *found
	a.PINFails++
	err := s.change(r.Context(), Change{Accounts: []Account{a}})
	s.mu.Unlock()
	if err != nil {
		return Person{}, err
	}
	ok, err := s.hash.Check(r.Context(), a.PIN, s.pinSecret(id, pin))
	if err != nil {
		return Person{}, err
	}
	if !ok {
		s.Record(r.Context(), a.Person(), "refused", "")
		if a.PINFails >= maxPINFails {
			return Person{}, ErrPINOff
		}
		return Person{}, ErrWrong
	}
	s.tries.right(from, false)
	who, _, err := s.begin(w, r, id, ByPIN, func(*Account) {})
	return who, err
}

// Next is where somebody wanted to go before entering: a path of ours, or "/". Nothing else is ever led to.
func Next(to string) string {
	u, err := url.Parse(to)
	if err != nil || len(to) > 512 || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") ||
		strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return "/"
	}
	for _, p := range []string{EnterPath, LeavePath, InvitationPath, DevicePath} {
		if u.Path == p || strings.HasPrefix(u.Path, p+"/") {
			return "/"
		}
	}
	return to
}

// certain reports whether b can be said by the civil clock.
func (s *Staff) certain(b bool) bool { return b && s.o.Clock.Wall().Quality == clock.Synchronised }
