// Package sessions knows who may pass, until when and how fast. It owns that state alone: the portal asks it, the
// enforcer makes the kernel follow it, the store remembers it. It knows neither HTTP nor iptables.
package sessions

import (
	"errors"
	"net/netip"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// Device is who asks, as it was seen on the guest link.
type Device struct {
	MAC  mac.Addr   `json:"mac"`
	IPv4 netip.Addr `json:"ipv4"`
}

// Runs says when the time of a session runs.
type Runs string

// The ways time runs.
const (
	// FromOpening: the end stands from the moment of opening, used or not.
	FromOpening Runs = "from-opening"
	// WhileUsed: time stands still between an end by the resident or by idleness and the return.
	WhileUsed Runs = "while-used"
)

// Profile is the rules of a session.
type Profile struct {
	Name     string
	Label    string        // French, shown to people
	Duration time.Duration // of one session
	Runs     Runs
	Idle     time.Duration // end after so long without traffic; 0 never
	Volume   uint64        // bytes, both ways together; 0 unlimited
	Down, Up uint64        // bits per second; 0 the line's
	Keep     time.Duration // how long unused time is remembered after an end
}

// Grant is what the enforcer is asked to make true for one session.
type Grant struct {
	Slot     uint16
	MAC      mac.Addr
	IPv4     netip.Addr
	End      clock.Boot // the kernel closes by itself at or within a second after End
	Down, Up uint64     // bits per second; 0 the line's
	Parent   uint16     // minor of the parent class; 1 is the root
}

// Usage is what one slot has carried since its Grant was first put, in bytes as the kernel counts them.
type Usage struct {
	Slot     uint16
	Down, Up uint64
	Final    bool // the slot was dropped; this count is its last and is reported once
}

// EventKind says what happened to the kernel's side behind our back.
type EventKind uint8

const (
	// LinkLost: the guest interface or the line's interface is gone; nothing can be enforced, nothing passes.
	LinkLost EventKind = iota + 1
	// LinkBack: it is there again, and everything must be laid anew.
	LinkBack
)

// Event is something that the enforcer saw.
type Event struct {
	Kind   EventKind
	Detail string // for the log: which interface
}

// Enforcer makes the kernel follow. Sync is the whole desired state, and what is not in it is taken away.
type Enforcer interface {
	Put(Grant) error   // new, or changed when the slot is already there for the same device
	Drop(uint16) error // stops the slot's flows at once
	Sync([]Grant) error
	Usage() ([]Usage, error) // every slot that is there, silent ones too, and the final counts of dropped ones
	Events() <-chan Event
}

// State of a session.
type State string

// The states of a session.
const (
	Open  State = "open"
	Ended State = "ended"
)

// Reason why a session ended.
type Reason string

// The reasons of an end.
const (
	ByTime     Reason = "time"
	ByIdle     Reason = "idle"
	ByVolume   Reason = "volume"
	ByResident Reason = "resident"
	ByOperator Reason = "operator"
	ByClosing  Reason = "closing"
	ByReplaced Reason = "replaced" // the address went to another device
)

// Resumable reports whether a session that ended so keeps the time that was left.
func (r Reason) Resumable() bool { return r == ByIdle || r == ByResident }

// Opener says whose gesture opened a session.
type Opener string

// The openers.
const (
	FromResident Opener = "resident"
	FromOperator Opener = "operator"
)

// Session is one device's right to pass, as it was at the moment of asking. It is a copy.
type Session struct {
	ID        string        `json:"id"`
	Device    Device        `json:"device"`
	Profile   string        `json:"profile"`
	Label     string        `json:"label"`
	State     State         `json:"state"`
	Slot      uint16        `json:"slot,omitempty"` // while open
	OpenedBy  Opener        `json:"opened_by"`
	OpenedAt  time.Time     `json:"opened_at"`
	End       clock.Boot    `json:"-"`                  // while open
	Left      time.Duration `json:"left"`               // until End; once ended, what coming back would give
	Down      uint64        `json:"down"`               // bytes
	Up        uint64        `json:"up"`                 // bytes
	Volume    uint64        `json:"volume"`             // bytes allowed; 0 unlimited
	BytesLeft uint64        `json:"bytes_left"`         // of Volume; 0 when unlimited
	Reason    Reason        `json:"reason,omitempty"`   // once ended
	EndedAt   *time.Time    `json:"ended_at,omitempty"` // once ended
}

// Errors that callers decide by.
var (
	ErrFull           = errors.New("sessions: every slot is taken or resting")
	ErrStore          = errors.New("sessions: the store does not take writes")
	ErrEnforce        = errors.New("sessions: the kernel does not follow")
	ErrUnknownProfile = errors.New("sessions: no such profile")
	ErrNotFound       = errors.New("sessions: no such session")
)
