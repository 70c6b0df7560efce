// Package staff knows who works with the hub: accounts, their commune and role, how somebody enters (OpenID Connect, or a local
// account for when the provider is down), links that work once, and what each of them did.
//
// Nothing is held in the process: each request asks the Store, so that an account that is closed at one hub is closed at the other.
// Secrets are kept as hashes alone (internal/secrets).
package staff

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"parvis/internal/clock"
	"parvis/internal/openid"
	"parvis/internal/secrets"
)

// Options is what Staff is given. All are required but those that say what nil means.
type Options struct {
	Origin string // of the hub's pages: https://hub.exemple.fr
	Store  Store
	Clock  clock.Clock
	Log    *slog.Logger
	City   *openid.Provider // nil: local accounts alone
	Keep   time.Duration    // of the log, and of the closed accounts that it names; 0: KeepLog
	// Address is where a request comes from, as far as a reverse proxy that is trusted says it; nil: the connection's.
	Address func(*http.Request) netip.Addr
}

// Errors that callers decide by.
var (
	ErrWrong     = errors.New("hub staff: not the right name or secret")
	ErrBusy      = secrets.ErrBusy
	ErrWeak      = secrets.ErrWeak
	ErrToken     = errors.New("hub staff: the link is unknown, used or too old")
	ErrForbidden = errors.New("hub staff: this role may not do that")
	ErrLogin     = errors.New("hub staff: not usable as a login")
	ErrName      = errors.New("hub staff: not usable as a name")
	ErrTaken     = errors.New("hub staff: the login is somebody else's")
	ErrNotFound  = errors.New("hub staff: no such account")
	ErrTenant    = errors.New("hub staff: no such commune")
	ErrLast      = errors.New("hub staff: the last account that may manage the others")
)

// Locked is returned while an entry is refused because of earlier ones, whether or not the account exists.
type Locked struct{ Wait time.Duration }

func (l *Locked) Error() string { return fmt.Sprintf("hub staff: locked for %v", l.Wait) }

// Person is who works with the hub.
type Person struct {
	ID     string // 26 characters; "" is the operator at the command line
	Name   string // shown to colleagues
	Tenant string // commune; "" the EPCI
	Role   Role
}

// Operator is root at the command line. He makes the first link of each team.
var Operator = Person{Name: "parvis-hub", Role: EPCI}

// Staff is everybody who works with one hub. It is safe for concurrent use.
type Staff struct {
	o    Options
	hash secrets.Hasher
	city *openid.Client // nil: local accounts alone
}

// New makes it.
func New(o Options) *Staff {
	o.Origin = strings.TrimSuffix(o.Origin, "/")
	o.Keep = cmp.Or(o.Keep, KeepLog)
	if o.Address == nil {
		o.Address = remote
	}
	s := &Staff{o: o, hash: secrets.NewHasher()}
	if o.City != nil {
		s.city = openid.New(*o.City, o.Origin+returnPath, o.Origin+EnterPath, o.Clock, o.Store)
	}
	return s
}

func remote(r *http.Request) netip.Addr {
	ap, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address is one more name to count under
	return ap.Addr().Unmap()
}

func (s *Staff) now() time.Time { return s.o.Clock.Wall().Time.Round(0).UTC() }

func (s *Staff) entry(who Person, what, object string) Entry {
	return Entry{At: s.now(), Tenant: who.Tenant, Who: who.ID, Name: who.Name, Role: who.Role, What: what, Object: object}
}

// Record appends to the log of the person's own tenant. what is a gesture's name, object the id of what it was done to. An entry that
// cannot be written is told to the program's log: the gesture has been made already.
func (s *Staff) Record(ctx context.Context, who Person, what, object string) {
	if err := s.o.Store.Save(context.WithoutCancel(ctx), Change{Log: []Entry{s.entry(who, what, object)}}); err != nil {
		s.o.Log.Error("hub staff: a gesture is not in the log", "what", what, "cause", err)
	}
}

// Trace is what the people of by's tenant did, newest first.
func (s *Staff) Trace(ctx context.Context, by Person, f Filter) ([]Entry, error) {
	if !by.Role.May(ReadLog) && f.Who != by.ID {
		return nil, ErrForbidden
	}
	return s.o.Store.Log(ctx, by.Tenant, f)
}

// Tidy forgets what is over.
func (s *Staff) Tidy(ctx context.Context) error { return s.o.Store.Tidy(ctx, s.now(), idle, s.o.Keep) }

// loginName is what may be a login: typed on phones, said aloud.
var loginName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,31}$`)
