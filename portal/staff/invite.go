package staff

import (
	"context"
	"net/http"
	"time"

	"parvis/internal/secrets"
)

// linkFor is how long a link may be used.
const linkFor = 24 * time.Hour

// Link is a one-time link. Its secret is in it and nowhere else.
type Link struct {
	URL    string
	Person string // id that the account has, or will have
}

func (s *Staff) link(path, secret string) string {
	return "https://" + s.o.Name + path + "?j=" + secret
}

// Invite makes the link with which a new colleague makes an account of that role. label is what the inviter calls the
// colleague until then. day limits the account to this day.
func (s *Staff) Invite(ctx context.Context, by Person, role Role, label string, day bool) (Link, error) {
	label, err := cleanName(label)
	if err != nil {
		return Link{}, err
	}
	if !role.Valid() || !by.Role.manages(role) || day && role != Mediator {
		return Link{}, ErrForbidden
	}
	t := Token{Kind: ForAccount, Person: secrets.NewID(), Role: role, Label: label}
	what := "invite-" + string(role)
	if day {
		t.Day, what = s.tonight(), "day-pass"
	}
	return s.offer(ctx, by, t, InvitationPath, what)
}

// Reset makes the link with which somebody chooses a new password, and ends the old one.
func (s *Staff) Reset(ctx context.Context, by Person, which string) (Link, error) {
	s.mu.Lock()
	a := s.find(which)
	s.mu.Unlock()
	switch {
	case a == nil || !s.active(a) || a.Subject != "":
		return Link{}, ErrNotFound
	case !by.Role.manages(a.Role):
		return Link{}, ErrForbidden
	}
	return s.offer(ctx, by, Token{Kind: ForAccount, Person: a.ID, Role: a.Role, Label: a.Name}, InvitationPath, "reset")
}

// InviteDevice makes the link that enrols a device: for "" a shared machine of the desk, else that person's own.
func (s *Staff) InviteDevice(ctx context.Context, by Person, owner, label string) (Link, error) {
	label, err := cleanName(label)
	if err != nil {
		return Link{}, err
	}
	t := Token{Kind: ForDevice, Label: label, Desk: owner == ""}
	if owner == "" && !by.Role.May(Manage) {
		return Link{}, ErrForbidden
	}
	if owner != "" {
		s.mu.Lock()
		a := s.find(owner)
		s.mu.Unlock()
		if a == nil || !s.active(a) {
			return Link{}, ErrNotFound
		}
		if a.ID != by.ID && !by.Role.manages(a.Role) {
			return Link{}, ErrForbidden
		}
		t.Person = a.ID
	}
	return s.offer(ctx, by, t, DevicePath, "invite-device")
}

// offer writes a token down and returns its link. A link of the same kind for the same person ends.
func (s *Staff) offer(ctx context.Context, by Person, t Token, path, what string) (Link, error) {
	secret, hash := secrets.New()
	t.Hash, t.By, t.Until = hash, by.ID, s.in(linkFor)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Change{Tokens: []Token{t}, Log: []Entry{entry(by, what, t.Person)}}
	for h, old := range s.tokens {
		if s.over(old.Until) || old.Kind == t.Kind && old.Person == t.Person && t.Person != "" {
			c.ForgetTokens = append(c.ForgetTokens, h)
		}
	}
	if len(s.tokens)-len(c.ForgetTokens) >= maxTokens {
		return Link{}, ErrFull
	}
	if err := s.change(ctx, c); err != nil {
		return Link{}, err
	}
	return Link{URL: s.link(path, secret), Person: t.Person}, nil
}

// Offer is what a link for an account is about.
type Offer struct {
	Label  string
	Role   Role
	Login  string // of an account that exists: only its password is chosen anew
	Day    time.Time
	Device bool // the device was enrolled by the link already
}

// Offered says what a link for an account is about, without using it up. It fails with ErrToken, also for who comes from
// another device than the link has enrolled.
func (s *Staff) Offered(r *http.Request, secret string) (Offer, error) {
	device, _ := s.Device(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.token(secret, ForAccount)
	if err != nil {
		return Offer{}, err
	}
	if t.Device != "" && t.Device != device.ID {
		return Offer{}, ErrToken
	}
	o := Offer{Label: t.Label, Role: t.Role, Day: t.Day.Wall, Device: t.Device != ""}
	if a := s.accounts[t.Person]; a != nil {
		o.Login = a.Login
	}
	return o, nil
}

// token returns a token that may still be used. Called with mu held.
func (s *Staff) token(secret string, kind TokenKind) (*Token, error) {
	t := s.tokens[secrets.HashOf(secret)]
	if t == nil || t.Kind != kind || s.over(t.Until) {
		return nil, ErrToken
	}
	if a := s.accounts[t.Person]; a != nil && !s.active(a) {
		return nil, ErrToken
	}
	return t, nil
}

// Accept uses a link up: it makes the account, or gives it the new password. login is not asked of an account that exists.
// It fails with ErrToken, ErrLogin, ErrTaken, ErrName, ErrWeak or ErrBusy; the link stays good then.
func (s *Staff) Accept(r *http.Request, secret, login, name, password string) (Person, error) {
	o, err := s.Offered(r, secret)
	if err != nil {
		return Person{}, err
	}
	if o.Login != "" {
		login, name = o.Login, o.Label
	}
	if !secrets.Login(login) {
		return Person{}, ErrLogin
	}
	if name, err = cleanName(name); err != nil {
		return Person{}, err
	}
	if err := secrets.Strong(password, login, name); err != nil {
		return Person{}, err
	}
	hash, err := s.hash.Make(r.Context(), []byte(password))
	if err != nil {
		return Person{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.token(secret, ForAccount) // somebody else may have been quicker
	if err != nil {
		return Person{}, err
	}
	a := Account{ID: t.Person, Login: login, Name: name, Role: t.Role, Until: t.Day, Made: s.o.Clock.Wall().Time.Round(0)}
	if old := s.accounts[t.Person]; old != nil {
		a = *old
	} else if s.byLogin(login) != nil {
		return Person{}, ErrTaken
	} else if len(s.accounts) >= maxAccounts {
		return Person{}, ErrFull
	}
	a.Password, a.PINFails = hash, 0
	c := Change{
		Accounts: []Account{a}, ForgetTokens: []string{t.Hash}, ForgetLogins: s.loginsOf(a.ID, ""),
		Log: []Entry{entry(a.Person(), "account", a.ID)},
	}
	if err := s.change(r.Context(), c); err != nil {
		return Person{}, err
	}
	return a.Person(), nil
}
