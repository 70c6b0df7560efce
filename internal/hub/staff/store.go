package staff

import (
	"context"
	"time"

	"parvis/internal/openid"
)

// Store keeps everything; a hub process keeps nothing, and two of them share it. internal/hub/store is the real one.
type Store interface {
	openid.Journeys

	// Account finds an account, also a closed one. It fails with ErrNotFound.
	Account(ctx context.Context, by Key) (Account, error)
	// People lists the accounts and the open invitations of a tenant.
	People(ctx context.Context, tenant string) ([]Account, []Token, error)
	// Login returns a login and its account. It fails with ErrNotFound.
	Login(ctx context.Context, hash string) (Login, Account, error)
	// Token returns a link that was not used. It fails with ErrToken.
	Token(ctx context.Context, hash string) (Token, error)
	// Save makes the whole change durable, or nothing of it. It fails with ErrToken when a token of Use is gone, with ErrTaken when
	// a login name is somebody else's, with ErrTenant when an account's tenant is not there, and with ErrLast (Change.Keep).
	Save(ctx context.Context, c Change) error
	// Try counts a try under a name before it is known how it ends, by every process at once. wait > 0 while the name has to wait;
	// nothing is counted then. free is how many wrong ones cost nothing.
	Try(ctx context.Context, name string, free int) (wait time.Duration, err error)
	// Forgive takes one try of a name back, or all of them.
	Forgive(ctx context.Context, name string, all bool) error
	// Log returns the newest entries of a tenant first.
	Log(ctx context.Context, tenant string, f Filter) ([]Entry, error)
	// Tidy forgets what is over at now: links, logins that were silent since idle, journeys, tries, entries of the log and closed
	// accounts older than keep.
	Tidy(ctx context.Context, now time.Time, idle, keep time.Duration) error
}

// KeepLog is how long entries of the log are kept, and the closed accounts that they name, where nothing else is said.
const KeepLog = 365 * 24 * time.Hour

// Waits of Store.Try: the first, doubled each time, never so long that a colleague stands outside for a morning.
const (
	FirstWait   = 30 * time.Second
	LongestWait = 10 * time.Minute
	ForgetAfter = time.Hour // without a try
)

// Key finds an account by one of its names.
type Key struct{ ID, Login, Subject string }

// Filter chooses entries of the log.
type Filter struct {
	Who    string    // account; "" everybody
	What   string    // gesture; "" every one
	Before time.Time // zero: now
	Most   int
}

// Change is one transaction: what is put takes the place of what has the same id or hash.
type Change struct {
	Accounts     []Account
	Tokens       []Token
	Logins       []Login
	Use          []string // hashes of tokens that work once: each must be there
	ForgetTokens []string // persons whose links end
	ForgetLogins []string // hashes
	EndLogins    []string // persons whose logins all end
	Log          []Entry
	// Keep: a tenant that must keep an open account that may ManageTeam, after the change.
	Keep *string
}

// Account is a person as it is kept.
type Account struct {
	ID       string
	Tenant   string // commune; "" the EPCI
	Login    string // "" for accounts of a provider
	Name     string
	Role     Role
	Password string // argon2id in its usual text form; "": none
	Subject  string // at the OpenID provider: issuer, a space, sub; "": a local account
	Made     time.Time
	ClosedAt time.Time // zero: open
}

// Person is the account as others see it.
func (a Account) Person() Person {
	return Person{ID: a.ID, Name: a.Name, Tenant: a.Tenant, Role: a.Role}
}

// Token is a link that works once: it makes an account, or gives one a new password.
type Token struct {
	Hash   string
	By     string // person who made it; "" the operator
	Until  time.Time
	Person string // id that the account has, or will have
	Tenant string
	Role   Role
	Label  string // what the inviter calls the person
}

// Login is somebody who has entered, in one browser.
type Login struct {
	Hash   string // of its cookie
	Person string
	City   bool // by the provider
	Seen   time.Time
}

// Entry is one line of the log: who did what to what. It holds no resident's data.
type Entry struct {
	At     time.Time
	Tenant string
	Who    string
	Name   string
	Role   Role
	What   string
	Object string // an id
}
