package staff

import (
	"context"
	"strings"

	"parvis/internal/secrets"
)

// Colleague is somebody of the staff as the town's centre keeps them, for all sites where they work.
type Colleague struct {
	ID          string // the same at every site
	Login, Name string
	Role        Role
	Password    string // argon2id in its usual text form; "": only by the town's accounts
	Subject     string // at the OpenID provider: issuer, a space, sub; "": none
	Closed      bool
}

// centre is who changes accounts that are kept at the hub.
var centre = Person{Name: "hub"}

// Follow makes the accounts of colleagues as the centre has them, all at once. Accounts that the centre does not name stay as they are: a
// site lives without it. Whom the centre has closed loses every account here with the same number, login or subject, with its logins, links and devices,
// and cannot come back by the town's provider. It returns the logins that somebody else has here: those colleagues keep the other ways in.
func (s *Staff) Follow(ctx context.Context, all []Colleague) (taken []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var c Change
	for _, m := range all {
		m.Login = strings.ToLower(strings.TrimSpace(m.Login))
		if m.Closed {
			s.closeEverywhere(&c, m)
			continue
		}
		if !m.Role.Valid() || m.ID == "" {
			continue // of a newer hub: nobody gets in by a word that we do not know
		}
		if other := s.byLogin(m.Login); other != nil && other.ID != m.ID {
			taken = append(taken, m.Login)
			m.Login, m.Password = "", ""
		}
		if s.bySubject(m.Subject, m.ID) {
			m.Subject = "" // the account that she has here by the town's provider goes on
		}
		old := s.accounts[m.ID]
		if old == nil && len(s.accounts)+len(c.Accounts) >= maxAccounts {
			return nil, ErrFull
		}
		next := Account{ID: m.ID, Made: s.o.Clock.Wall().Time.Round(0)}
		if old != nil {
			next = *old
		}
		next.Login, next.Name, next.Role, next.Password, next.Subject = m.Login, m.Name, m.Role, m.Password, m.Subject
		next.ClosedAt, next.Until = Account{}.ClosedAt, Term{}
		if old != nil && *old == next {
			continue
		}
		what := "account"
		if old != nil {
			what = "role-" + string(m.Role)
			if old.Role != next.Role || old.Password != next.Password {
				c.ForgetLogins = append(c.ForgetLogins, s.loginsOf(m.ID, "")...)
			}
		}
		c.Accounts = append(c.Accounts, next)
		c.Log = append(c.Log, entry(centre, what, m.ID))
	}
	if len(c.Accounts) == 0 {
		return taken, nil
	}
	if err := s.change(ctx, c); err != nil {
		return nil, err
	}
	return taken, s.expel(ctx, c.ForgetDevices...)
}

// bySubject reports whether another account than id has that subject. Called with mu held.
func (s *Staff) bySubject(subject, id string) bool {
	for _, a := range s.accounts {
		if subject != "" && a.Subject == subject && a.ID != id {
			return true
		}
	}
	return false
}

// closeEverywhere adds the end of every account of a colleague to a change. Called with mu held.
func (s *Staff) closeEverywhere(c *Change, m Colleague) {
	now := s.o.Clock.Wall().Time.Round(0)
	for _, a := range s.accounts {
		if a.ID != m.ID && (m.Subject == "" || a.Subject != m.Subject) && (m.Login == "" || a.Login != m.Login) {
			continue
		}
		if !a.ClosedAt.IsZero() {
			continue
		}
		closed := *a
		closed.ClosedAt, closed.Password, closed.PIN = now, "", ""
		c.Accounts = append(c.Accounts, closed)
		c.ForgetLogins = append(c.ForgetLogins, s.loginsOf(a.ID, "")...)
		for h, t := range s.tokens {
			if t.Person == a.ID {
				c.ForgetTokens = append(c.ForgetTokens, h)
			}
		}
		for _, d := range s.devices {
			if d.Owner == a.ID && !d.Desk {
				c.ForgetDevices = append(c.ForgetDevices, d.ID)
			}
		}
		c.Log = append(c.Log, entry(centre, "close", a.ID))
	}
	if m.Subject == "" || s.bySubject(m.Subject, "") {
		return
	}
	// Nobody has entered here by that subject yet: the closed account is what keeps them out.
	a := Account{ID: m.ID, Name: m.Name, Role: Mediator, Subject: m.Subject, Made: now, ClosedAt: now}
	if s.accounts[m.ID] != nil {
		a.ID = secrets.NewID()
	}
	c.Accounts = append(c.Accounts, a)
	c.Log = append(c.Log, entry(centre, "close", a.ID))
}
