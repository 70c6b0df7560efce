package sessions

import (
	"context"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// Store remembers sessions over a restart and a power cut. Its two verbs are enough because the manager holds all
// of its state in memory: the store is read once and then only written.
type Store interface {
	// Load returns all that was saved. A store that is new returns a zero Saved.
	Load(ctx context.Context) (Saved, error)
	// Save makes c durable as one transaction; when it returns nil, a power cut takes nothing of it back.
	Save(ctx context.Context, c Change) error
}

// Saved is all that a store holds.
type Saved struct {
	Mark   Mark
	Rows   []Row
	Rests  []Rest
	Days   []Day
	Site   Site
	Papers Papers
}

// Mark says how far time had been seen to run when the store was last written. Every other Boot in the store belongs to
// the boot that Mark names, and what remained of a session at a power cut is its End less Seen.
type Mark struct {
	BootID string
	Seen   clock.Boot
	Wall   time.Time // at Seen, for people
	Sure   bool      // Wall was synchronised
	Day    string    // the calendar day that Days are of, as 2006-01-02; "" not known yet
}

// Change is one transaction: first rows are forgotten, then rows are put in the order given (ended ones first, so that
// a slot is never held by two open rows in between), then the mark is moved.
type Change struct {
	Mark   Mark
	Forget []string // ids; one that is not there is no error
	Put    []Row    // new, or in the place of the row with the same id
	Rests  []Rest   // new, or in the place of what was known of the slot
	NewDay bool     // every Day goes before Days are put
	Days   []Day    // new, or in the place of the device's
	Site   *Site    // in the place of the one that was there; nil leaves it
	Torn   Torn     // goes before Papers are put
	Papers Papers   // new, or in the place of what had the same id
}

// Day is what one device has had of its allowance on the day that Mark names.
type Day struct {
	MAC     mac.Addr
	Used    time.Duration // online, until Through
	Bytes   uint64        // both ways together
	Through clock.Boot    // a session that is open and not suspended has been online since then too
}

// Rest says since when a slot rests. It outlives the session, which may have gone on under another slot.
type Rest struct {
	Slot  uint16
	Since clock.Boot
}

// Row is what is remembered of one session.
type Row struct {
	ID       string
	Device   Device
	Profile  string
	State    State
	Slot     uint16 // held while open; once ended, the last one
	OpenedBy Opener
	OpenedAt time.Time // for people

	End  clock.Boot    // while open; it stands after an end when time runs FromOpening
	Left time.Duration // once ended, when time runs WhileUsed: what coming back gives

	Down, Up             uint64     // bytes since the first opening
	KernelDown, KernelUp uint64     // the slot's counters when last read; Down and Up hold them already
	Active               clock.Boot // when traffic was last seen

	OwnRates         bool   // RateDown and RateUp hold, and not the profile's
	RateDown, RateUp uint64 // bits per second; 0 the line's

	Suspended   Contest    // while open: nothing passes
	SuspendedAt clock.Boot // since then; End and Active stand still when time runs WhileUsed

	Reason  Reason     // once ended
	Ended   clock.Boot // once ended
	EndedAt time.Time  // once ended, for people

	Code       string     // to be said at the desk
	Extensions int        // that its resident has had
	PastUntil  clock.Boot // it may go on until then although the place is closed; 0 never given
	LineDown   bool       // while open: its time stands still
	LineAt     clock.Boot // since then; what stood before is in End already

	MessageText string // of the desk; "" none
	MessageAt   clock.Boot
	MessageSeen bool

	Voucher, Workshop string    // ids of the batch and of the workshop; "" none
	Ticket            TicketKey // of the batch, that the session has used; zero: none
}
