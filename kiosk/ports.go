package kiosk

import (
	"context"
	"net/netip"
	"time"

	"parvis/internal/mac"
	"parvis/kiosk/names"
)

// OpenRequest asks for a terminal's session.
type OpenRequest struct {
	MAC  mac.Addr
	IPv4 netip.Addr
	For  time.Duration // 0: the session that is open goes on, under this address
}

// Sessions is the owner of sessions, as this package needs it. Its errors reach who has asked.
type Sessions interface {
	// Of is the open session of a device, or the last ended one that is remembered.
	Of(mac.Addr) (Session, bool)
	Open(context.Context, OpenRequest) (Session, error)
	// Adjust adds time, or takes some when by is negative.
	Adjust(ctx context.Context, id string, by time.Duration) (Session, error)
	End(ctx context.Context, id string) error
	Message(ctx context.Context, id, text string) error
	MessageSeen(id string)
	Changes() (rung <-chan struct{}, stop func())
}

// Policy is told what a terminal may reach while it has a session: *gate.Gate.
type Policy interface {
	Allow(mac.Addr, names.List)
}

// Catalogue says which names the services and bundles with these ids need. An id that it does not know adds nothing.
type Catalogue interface {
	Names(ids []string) names.List
}

// Phones opens a waiting phone together with a terminal.
type Phones interface {
	// Open opens the phone whose page shows the code; ErrPhone when none waits there.
	Open(ctx context.Context, code string, d time.Duration) (session string, err error)
	// Extend gives it more time, or less.
	Extend(ctx context.Context, session string, by time.Duration) error
	// End ends it, where it still is open.
	End(ctx context.Context, session string) error
}

// Mail is the bundle of mailboxes.
const Mail = "messagerie"

// Row is an adopted terminal as the store remembers it.
type Row struct {
	ID string
	Details
	MAC  mac.Addr
	IPv4 netip.Addr
	Seen time.Time

	// From an opening until a clean browser has been seen.
	Dirty   bool
	Bundles []string
	Mail    bool
	Names   []string // added for this person
	Graced  bool     // the extension was had
	Fixed   bool     // the desk has taken time off: its end is not put off by itself
	Phone   string   // the session of the phone that was opened with it; "" none
}

// Store remembers adopted terminals.
type Store interface {
	Load(context.Context) ([]Row, error)
	// Put writes rows as they are now, each durably before it returns.
	Put(context.Context, ...Row) error
	Delete(ctx context.Context, id string) error
}
