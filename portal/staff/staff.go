// Package staff knows who works at the place: accounts and roles, how somebody enters (password, PIN at an enrolled desk,
// OpenID Connect), which devices of theirs are let through on the public network, and what each of them did.
//
// Everything is held in memory and every change is one transaction of the Store before it is true, so that a request asks no
// disk. Secrets are kept as hashes only: argon2id of what people choose, SHA-256 of what is 256 random bits.
//
// What stands where: Handler is in front of the console, on the staff's own listener, which on the public network only
// enrolled devices reach; Door is the one page that everybody else there sees under the console's name. Both decide
// by cookies that no script reads, and by nothing that a request merely says.
package staff

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/internal/secrets"
	"parvis/sessions"
)

// Options is what Staff is given. All are required but those that say what nil means.
type Options struct {
	Name  string // DNS name of the console
	Store Store
	Clock clock.Clock
	Key   [32]byte // the site's; keys of our own are derived from it
	Log   *slog.Logger
	// Location is where the day ends at midnight; nil: the machine's.
	Location *time.Location
	// Closing is the place's last closing before a moment to come; zero: it does not close until then. nil: it never closes.
	Closing func(before time.Time) time.Time

	// Guests is the public network: who comes from there is let through device by device. Identify says which device uses
	// an address there.
	Guests   netip.Prefix
	Identify func(netip.Addr) (sessions.Device, error)
	// Admit lets a device of the staff through for d: to the console, and to the internet without a page. Expel takes it back;
	// the zero address stands for all of them.
	Admit func(ctx context.Context, dev sessions.Device, d time.Duration) error
	Expel func(ctx context.Context, m mac.Addr) error
	Lease time.Duration // how long one admission lasts: the lease of the public network

	City *Provider // accounts of the town (OpenID Connect); nil: none
}

// Limits of what is kept. They are far above any place's need and keep the memory bounded.
const (
	maxAccounts = 500
	maxDevices  = 200
	maxTokens   = 200
	maxLogins   = 1000
)

// Errors that callers decide by.
var (
	ErrWrong     = errors.New("staff: not the right name or secret")
	ErrBusy      = secrets.ErrBusy
	ErrToken     = errors.New("staff: the link is unknown, used or too old")
	ErrForbidden = errors.New("staff: this role may not do that")
	ErrLogin     = errors.New("staff: not usable as a login")
	ErrName      = errors.New("staff: not usable as a name")
	ErrTaken     = errors.New("staff: the login is somebody else's")
	ErrWeak      = secrets.ErrWeak
	ErrPIN       = errors.New("staff: not usable as a PIN")
	ErrPINOff    = errors.New("staff: the PIN is off until the next entry by password")
	ErrNotFound  = errors.New("staff: no such person or device")
	ErrLast      = errors.New("staff: the last account that may manage all the others")
	ErrFull      = errors.New("staff: no room for more")
)

// Locked is returned while an entry is refused because of earlier ones, whether or not the account exists.
type Locked struct{ Wait time.Duration }

func (l *Locked) Error() string { return fmt.Sprintf("staff: locked for %v", l.Wait) }

// Person is who works here.
type Person struct {
	ID   string // 26 characters; "" is the operator at the command line
	Name string // shown to colleagues
	Role Role
}

// Operator is root at the command line.
var Operator = Person{Name: "parvis", Role: DSI}

// Staff is everybody who works at one place. It is safe for concurrent use.
type Staff struct {
	o      Options
	hash   secrets.Hasher
	tries  *throttle
	pepper []byte // of PINs
	city   *city  // nil: no accounts of the town

	mu       sync.Mutex
	accounts map[string]*Account // by id
	devices  map[string]*Device  // by id
	tokens   map[string]*Token   // by hash
	logins   map[string]*Login   // by hash
	present  map[mac.Addr]*presence
}

// New reads the store.
func New(ctx context.Context, o Options) (*Staff, error) {
	if o.Location == nil {
		o.Location = time.Local
	}
	o.Name = strings.ToLower(strings.TrimSuffix(o.Name, "."))
	s := &Staff{
		o: o, hash: secrets.NewHasher(), tries: newThrottle(o.Clock),
		accounts: map[string]*Account{}, devices: map[string]*Device{}, tokens: map[string]*Token{}, logins: map[string]*Login{},
		present: map[mac.Addr]*presence{},
	}
	var err error
	if s.pepper, err = pepper(o.Key); err != nil {
		return nil, err
	}
	if o.City != nil {
		s.city = newCity(*o.City, o.Name, o.Clock)
	}
	saved, err := o.Store.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("staff: read: %w", err)
	}
	s.apply(Change{Accounts: saved.Accounts, Devices: saved.Devices, Tokens: saved.Tokens})
	for _, l := range saved.Logins {
		if l.BootID == o.Clock.BootID() { // deadlines of another boot say nothing
			s.logins[l.Hash] = &l
		}
	}
	return s, nil
}

// change makes a change durable and then true. Called with mu held.
func (s *Staff) change(ctx context.Context, c Change) error {
	for i := range c.Log {
		wall := s.o.Clock.Wall()
		c.Log[i].At, c.Log[i].Sure = wall.Time, wall.Quality == clock.Synchronised
	}
	if err := s.o.Store.Save(ctx, c); err != nil {
		return fmt.Errorf("staff: write: %w", err)
	}
	s.apply(c)
	return nil
}

func (s *Staff) apply(c Change) {
	for _, a := range c.Accounts {
		s.accounts[a.ID] = &a
	}
	for _, id := range c.ForgetAccounts {
		delete(s.accounts, id)
	}
	for _, d := range c.Devices {
		s.devices[d.ID] = &d
	}
	for _, id := range c.ForgetDevices {
		delete(s.devices, id)
	}
	for _, t := range c.Tokens {
		s.tokens[t.Hash] = &t
	}
	for _, h := range c.ForgetTokens {
		delete(s.tokens, h)
	}
	for _, l := range c.Logins {
		s.logins[l.Hash] = &l
	}
	for _, h := range c.ForgetLogins {
		delete(s.logins, h)
	}
}

// entry is a line of the audit log.
func entry(who Person, what, object string) Entry {
	return Entry{Who: who.ID, Name: who.Name, Role: who.Role, What: what, Object: object}
}

// Run lets devices stay in while they are there, and forgets what is over, until ctx ends.
func (s *Staff) Run(ctx context.Context) error {
	for {
		timer, stop := s.o.Clock.At(s.o.Clock.Boot().Add(min(s.o.Lease/4, time.Hour)))
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-timer:
		}
		s.renew(ctx)
		if err := s.tidy(ctx); err != nil {
			s.o.Log.Warn("staff: tidy", "cause", err)
		}
	}
}
