// Package sessions knows who may pass, until when and how fast. It owns that state alone: the portal asks it, the
// enforcer makes the kernel follow it, the store remembers it. It knows neither HTTP nor iptables.
package sessions

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
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
	Slow     uint64        // bits per second, each way, once Volume is used up; 0 ends the session then
	Down, Up uint64        // bits per second; 0 the line's
	Keep     time.Duration // how long unused time is remembered after an end

	// What one device may have in a calendar day, over all of its sessions; 0 unlimited.
	Daily       time.Duration // online
	DailyVolume uint64        // bytes, both ways together

	Extend     time.Duration // that its resident may add at once; 0: nothing
	Extensions int           // how often in one session
	Devices    int           // of one voucher, unless its batch says otherwise; 0 means 1
	LineStops  bool          // time stands still while the line is down

	Terminal bool // of the place's own terminals: the desk opens it, on those alone, and nothing else is ever open on them
	Named    bool // a guest's who reaches some services by their names, and nothing else
}

// Grant is what the enforcer is asked to make true for one session.
type Grant struct {
	Slot     uint16
	MAC      mac.Addr
	IPv4     netip.Addr
	End      clock.Boot // the kernel closes by itself at or within a second after End
	Down, Up uint64     // bits per second; 0 the line's
	Floor    uint64     // bits per second that are guaranteed each way; 0: what everybody is
	// Suspended keeps the slot, its class and its counts, and nothing passes.
	Suspended bool
	Terminal  bool   // nothing is forwarded for it: what it may reach, it reaches by name
	Named     bool   // likewise a guest whose Profile has names
	Profile   string // which one
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
	// Touched: another program has changed what was laid in the kernel.
	Touched
	// Contested: the device that Event.MAC names is not alone in using its identity.
	Contested
	// Settled: it is alone again.
	Settled
)

// Contest says what contradicts a device's identity.
type Contest string

// The contests.
const (
	TwoPorts     Contest = "two-ports"     // the same MAC is alive behind two ports at once: a clone
	OtherAddress Contest = "other-address" // it claims an address that is another device's, or that nobody leased
)

// Event is something that the enforcer saw.
type Event struct {
	Kind    EventKind
	Detail  string   // for the log: which interface, what was touched
	MAC     mac.Addr // of Contested and Settled
	Contest Contest  // of Contested
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
	ByDay      Reason = "day"      // what the device may have in a day is used up
	ByPause    Reason = "pause"    // the desk has paused the place
	ByMoved    Reason = "moved"    // its device has taken another session back
	ByWorkshop Reason = "workshop" // the workshop has ended
)

// Resumable reports whether a session that ended so keeps the time that was left.
func (r Reason) Resumable() bool { return r == ByIdle || r == ByResident || r == ByPause }

// Opener says whose gesture opened a session.
type Opener string

// The openers.
const (
	FromResident Opener = "resident"
	FromOperator Opener = "operator" // root, on the command line
	FromDesk     Opener = "desk"     // a mediator
	FromVoucher  Opener = "voucher"
	FromStaff    Opener = "staff" // a device of the staff: not bound by the place's hours
)

func (o Opener) known() bool {
	return slices.Contains([]Opener{FromResident, FromOperator, FromDesk, FromVoucher, FromStaff}, o)
}

// desk reports whether somebody of the place decides, whom neither a day's allowance nor a number of extensions binds.
func (o Opener) desk() bool { return o == FromOperator || o == FromDesk || o == FromStaff }

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
	End       clock.Boot    `json:"-"`                    // while open: when it ends by itself, the day's allowance included
	Left      time.Duration `json:"left"`                 // of time; once ended, what coming back would give
	Down      uint64        `json:"down"`                 // bytes
	Up        uint64        `json:"up"`                   // bytes
	Volume    uint64        `json:"volume"`               // bytes allowed; 0 unlimited
	BytesLeft uint64        `json:"bytes_left"`           // of Volume; 0 when unlimited
	DownRate  uint64        `json:"down_rate"`            // bits per second in force; 0 the line's
	UpRate    uint64        `json:"up_rate"`              // bits per second in force; 0 the line's
	Slow      uint64        `json:"slow,omitempty"`       // bits per second once Volume is used up; 0: it ends then
	Slowed    bool          `json:"slowed,omitempty"`     // Volume is used up and Slow is in force
	DayVolume uint64        `json:"day_volume,omitempty"` // bytes that the device may have in a day; 0 unlimited
	DayLeft   uint64        `json:"day_left,omitempty"`   // bytes, of DayVolume
	Suspended Contest       `json:"suspended,omitempty"`  // while open: nothing passes, and why
	Reason    Reason        `json:"reason,omitempty"`     // once ended
	EndedAt   *time.Time    `json:"ended_at,omitempty"`   // once ended

	Code     string        `json:"code"`                // to be said at the desk: "K7-42"
	Token    string        `json:"-"`                   // 26 characters; whoever shows it is the same person
	Extend   time.Duration `json:"extend,omitempty"`    // what its resident's next extension would add to what End says; 0: nothing
	Message  *Message      `json:"message,omitempty"`   // the last one of the desk
	Closing  bool          `json:"closing,omitempty"`   // End is the place's closing and not the session's own time
	Past     bool          `json:"past,omitempty"`      // goes on past closing, by the desk's gesture
	LineDown bool          `json:"line_down,omitempty"` // its time stands still because the line is down
	Terminal bool          `json:"terminal,omitempty"`  // of one of the place's own terminals
	Voucher  string        `json:"voucher,omitempty"`   // id of the batch; "" none
	Workshop string        `json:"workshop,omitempty"`  // its id; "" none
}

// Message is what the desk has to say to the person of one session. It goes with the session.
type Message struct {
	Text string     `json:"text"`
	At   clock.Boot `json:"-"`
	Seen bool       `json:"seen"` // a page that shows it has been sent
}

// Errors that callers decide by.
var (
	ErrFull           = errors.New("sessions: every slot is taken or resting")
	ErrStore          = errors.New("sessions: the store does not take writes")
	ErrEnforce        = errors.New("sessions: the kernel does not follow")
	ErrUnknownProfile = errors.New("sessions: no such profile")
	ErrNotFound       = errors.New("sessions: no such session")
	ErrContested      = errors.New("sessions: the device is not alone in using its identity")
	ErrDay            = errors.New("sessions: what the device may have in a day is used up")
	ErrClosed         = errors.New("sessions: the place is closed or paused")
	ErrNoMore         = errors.New("sessions: nothing more can be added")
	ErrWhen           = errors.New("sessions: not a time that can be given")
	ErrText           = errors.New("sessions: not a text that can be shown")
	ErrTerminal       = errors.New("sessions: what is for terminals is for terminals alone, and nothing else is for them")
)

// Throttled says that a device, or everybody, has tried too many wrong codes.
type Throttled struct{ Wait time.Duration }

func (t *Throttled) Error() string {
	return fmt.Sprintf("sessions: too many wrong codes: wait %v", t.Wait.Round(time.Second))
}
