package staff

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"parvis/internal/openid"
	"parvis/internal/secrets"
)

// How long a link may be used: it goes to another organisation, over a weekend; a colleague of sites may be away for a week.
const (
	linkFor    = 72 * time.Hour
	welcomeFor = 7 * 24 * time.Hour
)

// Link is a one-time link. Its secret is in it and nowhere else.
type Link struct {
	URL    string
	Person string // id that the account has, or will have
	Until  time.Time
}

// Member is a colleague as H12 shows them.
type Member struct {
	Person
	Login   string
	City    bool // an account of the provider
	Closed  bool
	Invited bool // has not made the account yet
}

// People lists the accounts and the invitations of by's own team.
func (s *Staff) People(ctx context.Context, by Person) ([]Member, error) {
	accounts, tokens, err := s.o.Store.People(ctx, by.Tenant)
	if err != nil {
		return nil, err
	}
	var all []Member
	has := map[string]bool{}
	for _, a := range accounts {
		has[a.ID] = true
		all = append(all, Member{Person: a.Person(), Login: a.Login, City: a.Subject != "", Closed: !a.ClosedAt.IsZero()})
	}
	for _, t := range tokens {
		if !has[t.Person] && t.Login == "" && s.now().Before(t.Until) {
			all = append(all, Member{Person: Person{ID: t.Person, Name: t.Label, Tenant: t.Tenant, Role: t.Role}, Invited: true})
		}
	}
	return all, nil
}

// member finds a person of by's own team: of another team nobody exists.
func (s *Staff) member(ctx context.Context, by Person, id string) (Member, error) {
	all, err := s.People(ctx, by)
	if err != nil {
		return Member{}, err
	}
	i := slices.IndexFunc(all, func(m Member) bool { return m.ID == id && id != "" })
	if i < 0 {
		return Member{}, ErrNotFound
	}
	return all[i], nil
}

// Invite makes the link with which somebody makes an account of that role. tenant is by's own; the EPCI invites the first
// administrator of a commune too, as long as nobody there may manage its team.
func (s *Staff) Invite(ctx context.Context, by Person, tenant string, role Role, label string) (Link, error) {
	if !by.Role.May(ManageTeam) || !slices.Contains(Roles(tenant), role) {
		return Link{}, ErrForbidden
	}
	if tenant != by.Tenant {
		if !by.Role.May(Communes) || role != DSI {
			return Link{}, ErrForbidden
		}
		accounts, _, err := s.o.Store.People(ctx, tenant)
		if err != nil {
			return Link{}, err
		}
		if by.ID != "" && slices.ContainsFunc(accounts, func(a Account) bool { return a.ClosedAt.IsZero() && a.Role.May(ManageTeam) }) {
			return Link{}, ErrForbidden
		}
	}
	label, ok := openid.Name(label)
	if !ok {
		return Link{}, ErrName
	}
	return s.offer(ctx, by, Token{Person: secrets.NewID(), Tenant: tenant, Role: role, Label: label}, "invite-"+string(role))
}

// Reset makes the link with which a colleague chooses a new password.
func (s *Staff) Reset(ctx context.Context, by Person, id string) (Link, error) {
	if !by.Role.May(ManageTeam) {
		return Link{}, ErrForbidden
	}
	m, err := s.member(ctx, by, id)
	if err != nil {
		return Link{}, err
	}
	if m.Closed || m.Invited || m.City {
		return Link{}, ErrNotFound
	}
	return s.offer(ctx, by, Token{Person: m.ID, Tenant: m.Tenant, Role: m.Role, Label: m.Name}, "reset")
}

// Welcome makes the link with which a colleague of sites chooses a password: it is one for every site where they work, and for the hub where they
// have an account here. who is a colleague of by's own commune. A link that they had before works no longer.
func (s *Staff) Welcome(ctx context.Context, by, who Person, login string) (Link, error) {
	if !by.Role.May(Operate) || who.Tenant != by.Tenant || login == "" {
		return Link{}, ErrForbidden
	}
	return s.offer(ctx, by, Token{Person: who.ID, Tenant: who.Tenant, Role: who.Role, Label: who.Name, Login: login}, "welcome")
}

func (s *Staff) offer(ctx context.Context, by Person, t Token, what string) (Link, error) {
	secret, hash := secrets.New()
	t.Hash, t.By, t.Until = hash, by.ID, s.now().Add(linkFor)
	if t.Login != "" {
		t.Until = s.now().Add(welcomeFor)
	}
	c := Change{Tokens: []Token{t}, ForgetTokens: []string{t.Person}, Log: []Entry{s.entry(by, what, t.Person)}}
	if err := s.o.Store.Save(ctx, c); err != nil {
		return Link{}, err
	}
	return Link{URL: s.o.Origin + InvitationPath + "?j=" + secret, Person: t.Person, Until: t.Until}, nil
}

// Offer is what a link is about.
type Offer struct {
	Label, Tenant string
	Role          Role
	Login         string // of an account that exists: only its password is chosen anew
	Sites         bool   // a colleague of sites
}

// Offered says what a link is about, without using it up. It fails with ErrToken.
func (s *Staff) Offered(ctx context.Context, secret string) (Offer, error) {
	o, _, _, err := s.offered(ctx, secret)
	return o, err
}

func (s *Staff) offered(ctx context.Context, secret string) (Offer, Token, Account, error) {
	t, err := s.o.Store.Token(ctx, secrets.HashOf(secret))
	if err != nil {
		return Offer{}, Token{}, Account{}, err
	}
	a, err := s.o.Store.Account(ctx, Key{ID: t.Person})
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return Offer{}, Token{}, Account{}, err
	case !a.ClosedAt.IsZero() && t.Login == "":
		return Offer{}, Token{}, Account{}, ErrToken
	case !a.ClosedAt.IsZero():
		a = Account{} // a colleague of sites who no longer works with the hub
	}
	if !s.now().Before(t.Until) {
		return Offer{}, Token{}, Account{}, ErrToken
	}
	o := Offer{Label: t.Label, Tenant: t.Tenant, Role: t.Role, Login: a.Login, Sites: t.Login != ""}
	if o.Sites {
		o.Login = t.Login
	}
	return o, t, a, nil
}

// Accept uses a link up: it makes the account, or gives it the new password and ends its logins; a colleague's password goes to every site
// where they work. It fails with ErrToken, ErrLogin, ErrTaken, ErrName, ErrWeak or ErrBusy; the link stays good but with ErrToken.
func (s *Staff) Accept(ctx context.Context, secret, login, name, password string) (Person, error) {
	_, t, a, err := s.offered(ctx, secret)
	if err != nil {
		return Person{}, err
	}
	alone := a.ID == "" && t.Login != "" // a colleague who works with sites and not with the hub
	if alone {
		a = Account{ID: t.Person, Tenant: t.Tenant, Login: t.Login, Name: t.Label}
	}
	if a.ID == "" {
		clean, ok := openid.Name(name)
		switch {
		case !secrets.Login(login):
			return Person{}, ErrLogin
		case !ok:
			return Person{}, ErrName
		}
		a = Account{ID: t.Person, Tenant: t.Tenant, Login: login, Name: clean, Role: t.Role, Made: s.now()}
	}
	if err := secrets.Strong(password, a.Login, a.Name); err != nil {
		return Person{}, err
	}
	if a.Password, err = s.hash.Make(ctx, []byte(password)); err != nil {
		return Person{}, err
	}
	c := Change{
		Use: []string{t.Hash}, EndLogins: []string{a.ID}, Log: []Entry{s.entry(a.Person(), "account", a.ID)},
		Passwords: map[string]string{a.ID: a.Password},
	}
	if !alone {
		c.Accounts = []Account{a}
	}
	return a.Person(), s.o.Store.Save(ctx, c)
}

// SetRole changes what a colleague is; what they have open ends.
func (s *Staff) SetRole(ctx context.Context, by Person, id string, role Role) error {
	if !by.Role.May(ManageTeam) || !slices.Contains(Roles(by.Tenant), role) {
		return ErrForbidden
	}
	if _, err := s.member(ctx, by, id); err != nil {
		return err
	}
	a, err := s.o.Store.Account(ctx, Key{ID: id})
	if err != nil {
		return err
	}
	if !a.ClosedAt.IsZero() || a.Subject != "" { // the provider's accounts have the provider's role
		return ErrNotFound
	}
	a.Role = role
	return s.o.Store.Save(ctx, Change{
		Accounts: []Account{a}, EndLogins: []string{id}, Keep: &by.Tenant, Log: []Entry{s.entry(by, "role-"+string(role), id)},
	})
}

// Close closes an account, or takes an invitation back: its links and logins end at once, at every hub.
func (s *Staff) Close(ctx context.Context, by Person, id string) error {
	if !by.Role.May(ManageTeam) {
		return ErrForbidden
	}
	m, err := s.member(ctx, by, id)
	if err != nil {
		return err
	}
	c := Change{ForgetTokens: []string{id}, EndLogins: []string{id}, Log: []Entry{s.entry(by, "close", id)}}
	if !m.Invited {
		a, err := s.o.Store.Account(ctx, Key{ID: id})
		if err != nil {
			return err
		}
		if !a.ClosedAt.IsZero() {
			return nil
		}
		a.ClosedAt, a.Password = s.now(), ""
		c.Accounts, c.Keep = []Account{a}, &by.Tenant
	}
	return s.o.Store.Save(ctx, c)
}

// Password changes the person's own password. It fails with ErrWrong when old is not it, and with ErrWeak. Other logins end.
func (s *Staff) Password(r *http.Request, who Person, old, password string) error {
	ctx := r.Context()
	wait, err := s.o.Store.Try(ctx, "password "+who.ID, loginTries)
	if err != nil {
		return err
	}
	if wait > 0 {
		return &Locked{wait}
	}
	l, a, err := s.o.Store.Login(ctx, secrets.HashOf(cookieOf(r, loginCookie)))
	if err != nil {
		return err
	}
	if a.Subject != "" || a.ID != who.ID {
		return ErrNotFound
	}
	ok, err := s.hash.Check(ctx, a.Password, []byte(old))
	if err != nil {
		return err
	}
	if !ok {
		return ErrWrong
	}
	if err := s.o.Store.Forgive(ctx, "password "+who.ID, true); err != nil {
		return err
	}
	if err := secrets.Strong(password, a.Login, a.Name); err != nil {
		return err
	}
	if a.Password, err = s.hash.Make(ctx, []byte(password)); err != nil {
		return err
	}
	// EndLogins ends the login of this request as well; it is put anew by the same change.
	return s.o.Store.Save(ctx, Change{
		Accounts: []Account{a}, EndLogins: []string{a.ID}, Logins: []Login{l}, Log: []Entry{s.entry(who, "password", "")},
		Passwords: map[string]string{a.ID: a.Password},
	})
}
