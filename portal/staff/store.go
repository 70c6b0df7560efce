package staff

import (
	"context"
	"time"

	"parvis/internal/clock"
)

// Store remembers across restarts. portal/staff/sqlite is the real one.
type Store interface {
	Load(context.Context) (Saved, error)
	// Save makes the whole change durable, or nothing of it.
	Save(context.Context, Change) error
	// Log returns the newest entries first; who "" is everybody's.
	Log(ctx context.Context, who string, most int) ([]Entry, error)
	// Purge deletes entries of before; it refuses what is younger than KeepLog by the database's own clock.
	Purge(ctx context.Context, before time.Time) error
}

// KeepLog is how long entries of the audit log are kept.
const KeepLog = 365 * 24 * time.Hour

// Saved is what a store holds, but for the log.
type Saved struct {
	Accounts []Account
	Devices  []Device
	Tokens   []Token
	Logins   []Login
}

// Change is one transaction: what is put takes the place of what has the same id or hash.
type Change struct {
	Accounts                                                  []Account
	Devices                                                   []Device
	Tokens                                                    []Token
	Logins                                                    []Login
	ForgetAccounts, ForgetDevices, ForgetTokens, ForgetLogins []string
	Log                                                       []Entry
}

// Account is a person as it is kept.
type Account struct {
	ID, Login, Name string
	Role            Role
	Password        string // argon2id in its usual text form; "": none, as for accounts of the town
	PIN             string // the same of a PIN; "": none
	PINFails        int    // wrong PINs since the last right secret
	Subject         string // at the OpenID provider: issuer, a space, sub; "": a local account
	Until           Term   // zero: no end
	Made            time.Time
	ClosedAt        time.Time // zero: open
}

// Person is the account as others see it.
func (a Account) Person() Person { return Person{ID: a.ID, Name: a.Name, Role: a.Role} }

// Device is a device of the staff that was enrolled.
type Device struct {
	ID    string
	Label string
	Desk  bool   // a shared machine of the desk: whoever has a PIN may enter at it
	Owner string // person, unless Desk
	Hash  string // of its cookie
	Made  time.Time
	Seen  time.Time // day at which it was last seen, roughly
}

// Token is a link that works once.
type Token struct {
	Hash   string
	Kind   TokenKind
	By     string // person who made it; "" the operator
	Until  Term
	Person string // whose account or device it is about; for a new account, the id that it will have
	Role   Role   // of a new account
	Label  string // of a device; of a new account, what the inviter calls it
	Desk   bool   // of a device
	Day    Term   // end of a new account; zero: none
	Device string // that a link for an account has enrolled already; nobody else may go on with it
}

// TokenKind is what a link does.
type TokenKind string

// The kinds of links.
const (
	ForAccount TokenKind = "account" // make an account, or choose a password anew
	ForDevice  TokenKind = "device"  // enrol a device
)

// Login is somebody who has entered, in one browser.
type Login struct {
	Hash   string // of its cookie
	Person string
	Via    Via
	BootID string
	Seen   clock.Boot // last request, to the hour
}

// Via is how somebody has entered.
type Via string

// The ways in.
const (
	ByPassword Via = "password"
	ByPIN      Via = "pin"
	ByCity     Via = "city" // account of the town
)

// Entry is one line of the audit log: who did what to what. It holds no resident's data.
type Entry struct {
	At     time.Time
	Sure   bool // the clock was set
	Who    string
	Name   string
	Role   Role
	What   string
	Object string // an id
}

// Term is a moment that is known on both clocks: on the one that never jumps while the machine runs, and on the civil
// one after a restart. The zero Term never comes.
type Term struct {
	BootID string
	Boot   clock.Boot
	Wall   time.Time
}

// IsZero reports whether there is no such moment.
func (t Term) IsZero() bool { return t.Wall.IsZero() }

// in is the moment d from now.
func (s *Staff) in(d time.Duration) Term {
	return Term{BootID: s.o.Clock.BootID(), Boot: s.o.Clock.Boot().Add(d), Wall: s.o.Clock.Wall().Time.Add(d).Round(0)}
}

// over reports whether the moment has come. After a restart with a clock that nobody has set it has: nothing is let in
// by a date that cannot be judged.
func (s *Staff) over(t Term) bool {
	switch w := s.o.Clock.Wall(); {
	case t.IsZero():
		return false
	case t.BootID == s.o.Clock.BootID():
		return s.o.Clock.Boot() >= t.Boot
	default:
		return w.Quality != clock.Synchronised || !w.Time.Before(t.Wall)
	}
}

// tonight is the place's last closing of the day, or the next midnight if it does not close before; 12 hours from now while the clock is not set.
func (s *Staff) tonight() Term {
	w := s.o.Clock.Wall()
	if w.Quality != clock.Synchronised {
		return s.in(12 * time.Hour)
	}
	y, m, d := w.Time.In(s.o.Location).Date()
	end := time.Date(y, m, d+1, 0, 0, 0, 0, s.o.Location)
	if s.o.Closing != nil {
		if at := s.o.Closing(end); at.After(w.Time) && at.Before(end) {
			end = at
		}
	}
	return s.in(end.Sub(w.Time))
}
