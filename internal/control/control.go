// Package control is the operator's way to the daemon: HTTP over a unix socket that only root may open. The command
// line is its client; nothing of it is reachable from a network.
package control

import (
	"net/netip"
	"time"

	"parvis/internal/lang"
	"parvis/internal/mac"
	"parvis/internal/upgrade"
	"parvis/sessions"
)

// Status is what `parvis status` shows.
type Status struct {
	Version string    `json:"version"`
	Site    string    `json:"site"`
	Since   time.Time `json:"since"` // wall time of the daemon's start
	// Clock is the quality of the civil time: unknown or synchronised.
	Clock string `json:"clock"`
	// Ready: everything is in force. Else Problems says what is not.
	Ready    bool      `json:"ready"`
	Problems []Problem `json:"problems"`
	// Notes are worth knowing and keep nothing from being in force.
	Notes []Problem `json:"notes"`

	Sessions Sessions `json:"sessions"`
	Portal   string   `json:"portal"`  // address of the user portal
	API      string   `json:"api"`     // RFC 8908 URI; "" without a certificate
	Backend  string   `json:"backend"` // iptables in use: legacy or nft
	Line     Line     `json:"line"`
	// Hub is nil where the place has none.
	Hub *Hub `json:"hub,omitempty"`
	// Terminals is nil where the place has none.
	Terminals *Terminals `json:"terminals,omitempty"`
	LeafQdisc string     `json:"leaf_qdisc"` // within one session: fq_codel, or bfifo where the kernel has none
	// Repairs: another program had changed the kernel's state and it was laid anew; the last ones, newest last.
	Repairs   []Repair  `json:"repairs"`
	Condition Condition `json:"condition"`
	// Upgrade is what became of the last version that was asked for.
	Upgrade upgrade.Report `json:"upgrade"`
	// ConfirmSeconds: all is taken back in so many seconds unless `parvis confirm` is run; 0 when confirmed.
	ConfirmSeconds int `json:"confirm_seconds,omitempty"`
}

// Repair is one time that something was found changed and was laid anew.
type Repair struct {
	SecondsAgo   int64   `json:"seconds_ago"`
	Milliseconds int64   `json:"milliseconds"` // from when it was noticed until all was in force
	What         Problem `json:"what"`
}

// Sessions counts them.
type Sessions struct {
	Open    int `json:"open"`
	Free    int `json:"free"`
	Resting int `json:"resting"`
	Total   int `json:"total"`
	// Suspended: open, and nothing passes because two devices use one identity.
	Suspended int `json:"suspended"`
	// Off is when the router was last without power; nil when the machine has not restarted since the daemon ran before.
	Off *Off `json:"off,omitempty"`
	// Resumed at the daemon's start: found in the store and let in again without their doing anything.
	Resumed int `json:"resumed"`
}

// Line is what was seen of the line to the internet.
type Line struct {
	Watched bool `json:"watched"` // there is a resolver beyond it that can be asked; else a slower line goes unseen
	Down    Way  `json:"down"`
	Up      Way  `json:"up"`
}

// Way is one direction; rates are bits per second.
type Way struct {
	Configured uint64 `json:"configured"`
	// Carries is what it carried when it was full, seen to be less than Configured; 0 when that was not seen.
	Carries        uint64 `json:"carries,omitempty"`
	SeenSecondsAgo int    `json:"seen_seconds_ago,omitempty"`
}

// Off is a time without power. The ends are civil times; one that is not sure is what a clock said that nobody had set.
type Off struct {
	From     time.Time `json:"from"` // the last sign of life before: a minute early at most while somebody was inside
	FromSure bool      `json:"from_sure"`
	To       time.Time `json:"to"` // when the machine started again
	ToSure   bool      `json:"to_sure"`
}

// Problem is one thing that is not as it should be, in the operator's languages.
type Problem struct {
	EN string `json:"en"`
	FR string `json:"fr"`
}

// In returns the problem in l.
func (p Problem) In(l lang.Lang) string { return lang.Text{EN: p.EN, FR: p.FR}.In(l) }

// OpenRequest asks for a session.
type OpenRequest struct {
	// IPv4 of the device. Without MAC the device must be on the guest link with a lease.
	IPv4 netip.Addr `json:"ipv4"`
	// MAC, when the operator vouches for a device that need not be there yet.
	MAC     *mac.Addr     `json:"mac,omitempty"`
	Profile string        `json:"profile,omitempty"` // "" the portal's
	For     time.Duration `json:"for,omitempty"`     // 0 the profile's
}

// EndRequest ends one session or all.
type EndRequest struct {
	// Which: session id, MAC or IPv4; "" with All.
	Which  string          `json:"which,omitempty"`
	All    bool            `json:"all,omitempty"`
	Reason sessions.Reason `json:"reason"`
}

// ChangeRequest gives open sessions other rates, in bits per second; nil leaves what a session has.
type ChangeRequest struct {
	// Which: session id, MAC or IPv4.
	Which string  `json:"which"`
	Down  *uint64 `json:"down,omitempty"`
	Up    *uint64 `json:"up,omitempty"`
}

// ShiftRequest moves the lab's clock.
type ShiftRequest struct {
	Forward time.Duration `json:"forward"`
	// Wall makes the civil time alone jump, either way; nobody knows how good it is then.
	Wall time.Duration `json:"wall,omitempty"`
	// Set, where it is given, is the civil time, which a time daemon keeps from now on.
	Set time.Time `json:"set,omitzero"`
}

// The kinds of refusal; the command line makes exit codes of them.
const (
	NotFound = "not-found"
	Refused  = "refused"
	BadInput = "bad-input"
)

// Refusal is an error that the daemon answered, in the operator's languages.
type Refusal struct {
	Kind string `json:"kind"`
	EN   string `json:"en"`
	FR   string `json:"fr"`
}

func (r *Refusal) Error() string { return r.EN }

// In returns the refusal in l.
func (r *Refusal) In(l lang.Lang) string { return lang.Text{EN: r.EN, FR: r.FR}.In(l) }

// Refuse makes a refusal.
func Refuse(kind string, t lang.Text, args ...any) *Refusal {
	return &Refusal{Kind: kind, EN: t.In(lang.EN, args...), FR: t.In(lang.FR, args...)}
}
