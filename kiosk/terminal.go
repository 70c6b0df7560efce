// Package kiosk knows the fixed terminals (postes) of a place: which machines they are, what state each is in, and what is open
// on it for the person who sits there.
//
// A terminal has a network of its own and reaches nothing by itself. Its right to pass is a session as any other, which
// package sessions owns; what it may reach meanwhile is a list of names, which the gate enforces. Posts joins the two:
// it opens the session, gives the gate its names, and does not open a terminal again before its browser has come back clean.
// What state a terminal is in follows from its session and from what was seen of it, and is stored nowhere.
package kiosk

import (
	"errors"
	"net/netip"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// State says what a terminal is doing.
type State string

// The states of a terminal.
const (
	Newcomer State = "new"      // seen on the terminals' network, and not adopted
	Locked   State = "locked"   // ready for the next person
	Open     State = "open"     // somebody's
	Ending   State = "ending"   // its last five minutes
	Cleaning State = "cleaning" // its session has ended, and its browser has not come back clean
	Waiting  State = "waiting"  // cleaning for more than two minutes: somebody has to restart the browser
	Silent   State = "silent"   // locked, and not heard of for three minutes
)

// What time brings.
const (
	EndingLast   = 5 * time.Minute // of an open terminal: Ending
	CleaningMost = 2 * time.Minute // then: Waiting
	SilentAfter  = 3 * time.Minute
)

// The renderers: what a terminal runs.
const (
	Porteus = "porteus" // Porteus Kiosk
	Linux   = "linux"   // an ordinary Linux machine with managed browser policies
)

// Details is what the town's IT says of a terminal.
type Details struct {
	Name     string `json:"name"`  // shown to people, "Poste 3"; at most 40 characters; "" one is made
	Place    string `json:"place"` // where it stands: no name of a person; at most 80 characters
	PCID     string `json:"pcid"`  // as Porteus calls the machine; "" what it calls itself
	Renderer string `json:"renderer"`
	Prints   bool   `json:"prints"`
	USB      bool   `json:"usb"` // keys can be used
}

// Terminal is one of them, as it was at the moment of asking. It is a copy.
type Terminal struct {
	ID string `json:"id"` // "poste-3", ours, from its adoption on; before "nouveau-1", until the daemon restarts
	Details
	MAC      mac.Addr   `json:"mac"`
	IPv4     netip.Addr `json:"ipv4,omitzero"` // last seen; not valid: never seen
	Adopted  bool       `json:"adopted"`
	Seen     time.Time  `json:"seen,omitzero"` // civil time
	State    State      `json:"state"`
	Mismatch bool       `json:"mismatch,omitempty"` // it calls itself otherwise (?kiosk=) than the machine with its MAC does
	FreshAt  clock.Boot `json:"-"`                  // when a clean browser was last seen; 0: not since the daemon's start
}

// Use is what is open on a terminal for one person, from the opening until its browser has come back clean.
type Use struct {
	Session Session  `json:"session"` // the zero Session once it is forgotten
	Bundles []string `json:"bundles"`
	Mail    bool     `json:"mail"`            // the bundle of mailboxes too
	Names   []string `json:"names,omitempty"` // added by the desk for this person
	Grace   bool     `json:"grace"`           // the one extension that does not ask who waits may still be had
	Phone   bool     `json:"phone"`           // a phone was opened with it
	Refused bool     `json:"refused"`         // something was refused that its person may show
	Shown   []string `json:"shown,omitempty"` // refused names that its person has agreed to show
	Message string   `json:"message,omitempty"`
}

// Visit is one request of a terminal that shows that it is there.
type Visit struct {
	MAC   mac.Addr
	IPv4  netip.Addr
	Label string // what it calls itself (?kiosk=): anybody may write anything there; "" nothing
	// Fresh: its homepage was asked for by a browser that has no cookie of ours, which is what one does that has just begun.
	Fresh bool
}

// Session is a terminal's session in this package's words.
type Session struct {
	ID       string        `json:"id"`
	Slot     uint16        `json:"slot,omitempty"`
	Open     bool          `json:"open"`
	Started  time.Time     `json:"started,omitzero"` // civil time
	End      clock.Boot    `json:"-"`                // while open
	Left     time.Duration `json:"left"`             // while open
	Closing  bool          `json:"closing,omitempty"`
	Reason   string        `json:"reason,omitempty"` // once ended, as package sessions has it
	Message  string        `json:"message,omitempty"`
	LineDown bool          `json:"line_down,omitempty"` // its time stands still
}

// Opening is what the desk asks for.
type Opening struct {
	For     time.Duration // more than 0
	Bundles []string      // services and bundles of the catalogue; nil: the place's usual ones
	Mail    bool
	Phone   string // code of a waiting phone that is opened with the same end: "K7-42"; "" none
}

// Errors that callers decide by. Those of the owner of sessions come through as they are.
var (
	ErrNotFound   = errors.New("kiosk: no such terminal")
	ErrNotAdopted = errors.New("kiosk: the terminal is not adopted")
	ErrNotFresh   = errors.New("kiosk: the browser has not come back clean since the last session")
	ErrBusy       = errors.New("kiosk: somebody is using the terminal")
	ErrNotOpen    = errors.New("kiosk: nothing is open on the terminal")
	ErrNoAddress  = errors.New("kiosk: the terminal has not been seen on its network yet")
	ErrTooEarly   = errors.New("kiosk: it is not in its last minutes")
	ErrNoMore     = errors.New("kiosk: nothing more can be added")
	ErrNoRestart  = errors.New("kiosk: terminals do not ask whether to restart")
	ErrDetails    = errors.New("kiosk: not what can be said of a terminal")
	ErrName       = errors.New("kiosk: not a name that can be allowed")
	ErrMany       = errors.New("kiosk: there are too many")
	ErrPhone      = errors.New("kiosk: no phone waits with this code")
	ErrStore      = errors.New("kiosk: the store does not take writes")
)
