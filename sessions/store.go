package sessions

import (
	"context"
	"time"

	"parvis/internal/clock"
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
	Mark  Mark
	Rows  []Row
	Rests []Rest
}

// Mark says how far time had been seen to run when the store was last written. Every other Boot in the store belongs to
// the boot that Mark names, and what remained of a session at a power cut is its End less Seen.
type Mark struct {
	BootID string
	Seen   clock.Boot
}

// Change is one transaction: first rows are forgotten, then rows are put in the order given (ended ones first, so that
// a slot is never held by two open rows in between), then the mark is moved.
type Change struct {
	Mark   Mark
	Forget []string // ids; one that is not there is no error
	Put    []Row    // new, or in the place of the row with the same id
	Rests  []Rest   // new, or in the place of what was known of the slot
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

	Reason  Reason     // once ended
	Ended   clock.Boot // once ended
	EndedAt time.Time  // once ended, for people
}
