package staff

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"parvis/internal/openid"
	"parvis/internal/order"
	"parvis/internal/secrets"
)

// Member is a colleague as C19 and the command line show them.
type Member struct {
	Person
	Login   string
	City    bool // an account of the town
	PIN     bool
	Until   time.Time // of a one-day pass; else zero
	Closed  bool
	Invited bool // has not made the account yet
}

// cleanName refuses what is no name of a person on a page.
func cleanName(name string) (string, error) {
	if clean, ok := openid.Name(name); ok {
		return clean, nil
	}
	return "", ErrName
}

// active reports whether the account may be used. Called with mu held.
func (s *Staff) active(a *Account) bool { return a != nil && a.ClosedAt.IsZero() && !s.over(a.Until) }

// People lists the accounts and the invitations, by name.
func (s *Staff) People() []Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Member
	for _, a := range s.accounts {
		all = append(all, Member{
			Person: a.Person(), Login: a.Login, City: a.Subject != "", PIN: a.PIN != "", Until: a.Until.Wall, Closed: !s.active(a),
		})
	}
	for _, t := range s.tokens {
		if t.Kind == ForAccount && s.accounts[t.Person] == nil && !s.over(t.Until) {
			all = append(all, Member{Person: Person{ID: t.Person, Name: t.Label, Role: t.Role}, Until: t.Day.Wall, Invited: true})
		}
	}
	order.Func(all, func(a, b Member) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return all
}

// Find returns the account with that id or login.
func (s *Staff) Find(which string) (Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.find(which); a != nil {
		return a.Person(), true
	}
	return Person{}, false
}

func (s *Staff) find(which string) *Account {
	if a := s.accounts[which]; a != nil {
		return a
	}
	return s.byLogin(which)
}

// byLogin returns the account of a login, also a closed one. Called with mu held.
func (s *Staff) byLogin(login string) *Account {
	login = strings.ToLower(strings.TrimSpace(login))
	for _, a := range s.accounts {
		if a.Login == login && login != "" {
			return a
		}
	}
	return nil
}

// Close closes an account, or takes an invitation back: its links, logins and devices end at once.
func (s *Staff) Close(ctx context.Context, by Person, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Change{}
	role := Role("")
	if a := s.find(id); a != nil {
		if !a.ClosedAt.IsZero() {
			return nil
		}
		closed := *a
		closed.ClosedAt, closed.Password, closed.PIN = s.o.Clock.Wall().Time, "", ""
		id, role = a.ID, a.Role
		c.Accounts = []Account{closed}
		if s.lastManager(a) {
			return ErrLast
		}
	}
	for h, t := range s.tokens {
		if t.Person == id && id != "" {
			c.ForgetTokens = append(c.ForgetTokens, h)
			role = cmp.Or(role, t.Role)
		}
	}
	if role == "" {
		return ErrNotFound
	}
	if !by.Role.manages(role) {
		return ErrForbidden
	}
	c.ForgetLogins = s.loginsOf(id, "")
	for _, d := range s.devices {
		if d.Owner == id && !d.Desk {
			c.ForgetDevices = append(c.ForgetDevices, d.ID)
		}
	}
	c.Log = []Entry{entry(by, "close", id)}
	if err := s.change(ctx, c); err != nil {
		return err
	}
	return s.expel(ctx, c.ForgetDevices...)
}

// lastManager reports whether nobody else could manage everybody. Called with mu held.
func (s *Staff) lastManager(a *Account) bool {
	if !a.Role.May(ManageAll) {
		return false
	}
	for _, other := range s.accounts {
		if other.ID != a.ID && s.active(other) && other.Role.May(ManageAll) && other.Until.IsZero() {
			return false
		}
	}
	return true
}

// SetRole gives an account another role; who works under it has to enter again.
func (s *Staff) SetRole(ctx context.Context, by Person, id string, role Role) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.find(id)
	switch {
	case a == nil || !s.active(a):
		return ErrNotFound
	case !role.Valid() || !by.Role.manages(a.Role) || !by.Role.manages(role):
		return ErrForbidden
	case a.Role == role:
		return nil
	case !role.May(ManageAll) && s.lastManager(a):
		return ErrLast
	}
	changed := *a
	changed.Role = role
	return s.change(ctx, Change{
		Accounts: []Account{changed}, ForgetLogins: s.loginsOf(a.ID, ""), Log: []Entry{entry(by, "role-"+string(role), a.ID)},
	})
}

// ChangePassword chooses a new one; every other browser of the person has to enter again, and this one goes on with a new
// secret.
func (s *Staff) ChangePassword(w http.ResponseWriter, r *http.Request, who Person, old, password string) error {
	ctx := r.Context()
	a, err := s.account(who)
	if err == nil {
		err = secrets.Strong(password, a.Login, a.Name)
	}
	if err == nil {
		err = s.prove(ctx, a, old)
	}
	if err != nil {
		return err
	}
	hash, err := s.hash.Make(ctx, []byte(password))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.accounts[who.ID]
	if !s.active(now) {
		return ErrNotFound
	}
	changed := *now
	changed.Password, changed.PINFails = hash, 0
	c := Change{Accounts: []Account{changed}, ForgetLogins: s.loginsOf(who.ID, ""), Log: []Entry{entry(who, "password", who.ID)}}
	secret := s.login(&c, who.ID, ByPassword)
	if err := s.change(ctx, c); err != nil {
		return err
	}
	setLogin(w, secret)
	return nil
}

// SetPIN chooses a PIN; "" takes it away. A local account proves itself by its password; one of the town has entered
// through the town.
func (s *Staff) SetPIN(ctx context.Context, who Person, password, pin string) error {
	a, err := s.account(who)
	if err == nil && pin != "" {
		err = usablePIN(pin)
	}
	if err == nil && a.Subject == "" {
		err = s.prove(ctx, a, password)
	}
	if err != nil {
		return err
	}
	hash := ""
	if pin != "" {
		if hash, err = s.hash.Make(ctx, s.pinSecret(who.ID, pin)); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.accounts[who.ID]
	if !s.active(now) {
		return ErrNotFound
	}
	changed := *now
	changed.PIN, changed.PINFails = hash, 0
	return s.change(ctx, Change{Accounts: []Account{changed}, Log: []Entry{entry(who, "pin", who.ID)}})
}

// account returns the account of somebody who has entered.
func (s *Staff) account(who Person) (Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[who.ID]
	if !s.active(a) {
		return Account{}, ErrNotFound
	}
	return *a, nil
}

// prove checks the password of somebody who has entered already, with the same limits as an entry.
func (s *Staff) prove(ctx context.Context, a Account, password string) error {
	name := "proof " + a.ID
	if err := s.tries.take(freeTries, name); err != nil {
		return err
	}
	ok, err := s.hash.Check(ctx, a.Password, []byte(password))
	switch {
	case err != nil:
		s.tries.right(name, false)
		return err
	case !ok:
		return ErrWrong
	}
	s.tries.right(name, true)
	return nil
}
