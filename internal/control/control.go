// Package control is the operator's way to the daemon: HTTP over a unix socket that only root may open. The command
// line is its client; nothing of it is reachable from a network.
package control

import (
	"net/netip"
	"time"

	"parvis/internal/lang"
	"parvis/internal/mac"
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

	Sessions  Sessions `json:"sessions"`
	Portal    string   `json:"portal"`     // address of the user portal
	API       string   `json:"api"`        // RFC 8908 URI; "" without a certificate
	Backend   string   `json:"backend"`    // iptables in use: legacy or nft
	LeafQdisc string   `json:"leaf_qdisc"` // "" where the kernel offers none
	// ConfirmSeconds: all is taken back in so many seconds unless `parvis confirm` is run; 0 when confirmed.
	ConfirmSeconds int `json:"confirm_seconds,omitempty"`
}

// Sessions counts them.
type Sessions struct {
	Open    int `json:"open"`
	Free    int `json:"free"`
	Resting int `json:"resting"`
	Total   int `json:"total"`
	// Resumed at the daemon's start: found in the store and let in again without their doing anything.
	Resumed int `json:"resumed"`
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

// ShiftRequest moves the lab's clock forward.
type ShiftRequest struct {
	Forward time.Duration `json:"forward"`
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
