package control

import (
	"context"
	"net/http"
	"time"
)

// StaffRequest is one of the verbs of `parvis staff`. Which fields count, Do says.
type StaffRequest struct {
	Do    string `json:"do"`              // add, list, role, close, password, invite, enrolled, forget, log
	Which string `json:"which,omitempty"` // login or id of a person; id of a device to forget; "" with invite: the desk's
	Name  string `json:"name,omitempty"`  // of a person or a device
	Role  string `json:"role,omitempty"`
	Day   bool   `json:"day,omitempty"`  // until midnight
	Most  int    `json:"most,omitempty"` // entries of the log
}

// StaffAnswer is what came of it; what the verb is not about is empty.
type StaffAnswer struct {
	Link    string        `json:"link,omitempty"` // works once, for 24 hours
	People  []StaffPerson `json:"people,omitempty"`
	Devices []StaffDevice `json:"devices,omitempty"`
	Log     []StaffEntry  `json:"log,omitempty"`
}

// StaffPerson is a colleague.
type StaffPerson struct {
	ID      string    `json:"id"`
	Login   string    `json:"login,omitempty"`
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	City    bool      `json:"city,omitempty"` // an account of the town
	PIN     bool      `json:"pin,omitempty"`
	Until   time.Time `json:"until,omitzero"` // of a one-day pass
	Closed  bool      `json:"closed,omitempty"`
	Invited bool      `json:"invited,omitempty"` // has not made the account yet
}

// StaffDevice is an enrolled device.
type StaffDevice struct {
	ID    string    `json:"id"`
	Label string    `json:"label"`
	Desk  bool      `json:"desk,omitempty"` // a shared machine
	Owner string    `json:"owner,omitempty"`
	Made  time.Time `json:"made"`
	Seen  time.Time `json:"seen"` // to the day
}

// StaffEntry is a line of the audit log.
type StaffEntry struct {
	At     time.Time `json:"at"`
	Sure   bool      `json:"sure"` // the clock was set
	Who    string    `json:"who,omitempty"`
	Name   string    `json:"name"`
	Role   string    `json:"role"`
	What   string    `json:"what"`
	Object string    `json:"object,omitempty"`
}

// Staff asks one of the verbs of `parvis staff`.
func (c *Client) Staff(ctx context.Context, r StaffRequest) (a StaffAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/staff", r, &a)
}
