package control

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"parvis/sessions"
)

// The gestures of a VoucherRequest.
const (
	VoucherMake    = "make"
	VoucherRevoke  = "revoke"
	VoucherReplace = "replace" // a sheet
	VoucherRedeem  = "redeem"  // for a device
	VoucherPrint   = "print"   // on the ticket printer, once more
)

// VoucherRequest is one gesture about tickets.
type VoucherRequest struct {
	Do string `json:"do"`
	// To make: times are "18:00" by the place's clocks, a date with or without a time, or a duration from now; "" not bounded.
	Label   string        `json:"label,omitempty"`
	Profile string        `json:"profile,omitempty"` // "" the portal's
	For     time.Duration `json:"for,omitempty"`     // 0 the profile's
	Devices int           `json:"devices,omitempty"` // 0 the profile's
	Count   int           `json:"count,omitempty"`
	From    string        `json:"from,omitempty"`
	Until   string        `json:"until,omitempty"`

	Print bool `json:"print,omitempty"` // made or replaced, they are printed on the ticket printer at once
	Skip  int  `json:"skip,omitempty"`  // to print: so many are out already

	Batch string     `json:"batch,omitempty"` // to revoke, to replace, to print
	Cut   bool       `json:"cut,omitempty"`   // to revoke: what it has opened ends
	Sheet int        `json:"sheet,omitempty"` // to replace; to print: this one alone
	IPv4  netip.Addr `json:"ipv4,omitzero"`   // to redeem
	Code  string     `json:"code,omitempty"`  // to redeem
}

// VoucherAnswer is what came of it.
type VoucherAnswer struct {
	Batch   *sessions.Batch   `json:"batch,omitempty"`
	Tickets []sessions.Ticket `json:"tickets,omitempty"` // the only time that their codes are told
	Session *sessions.Session `json:"session,omitempty"`
	Printed *Printed          `json:"printed,omitempty"` // where it was asked for
}

// Printed is what has become of tickets on the ticket printer.
type Printed struct {
	Tickets int    `json:"tickets"`       // that are out, for all that is known
	Of      int    `json:"of"`            // that were to be
	Going   bool   `json:"going"`         // the rest goes on by itself
	Why     string `json:"why,omitempty"` // it stopped: a printer.State; "" it did not
}

// The gestures of a WorkshopRequest.
const (
	WorkshopMake    = "make"
	WorkshopStart   = "start"
	WorkshopProlong = "prolong"
	WorkshopEnd     = "end"
	WorkshopHeads   = "heads"
)

// WorkshopRequest is one gesture about a workshop.
type WorkshopRequest struct {
	Do string `json:"do"`
	ID string `json:"id,omitempty"` // all but to make

	Again   string        `json:"again,omitempty"` // to make: like this one
	Title   string        `json:"title,omitempty"`
	Profile string        `json:"profile,omitempty"` // "" the portal's
	Places  int           `json:"places,omitempty"`
	Length  time.Duration `json:"length,omitempty"`
	At      string        `json:"at,omitempty"`      // as VoucherRequest.From; "" it is started by hand
	Reserve uint64        `json:"reserve,omitempty"` // bits per second, of all places together

	By    time.Duration `json:"by,omitempty"` // to prolong
	Heads int           `json:"heads,omitempty"`
}

// paperVerbs are those of tickets and workshops.
func paperVerbs(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("GET /v1/vouchers", func(w http.ResponseWriter, _ *http.Request) { answer(w, d.Vouchers(), nil) })
	mux.HandleFunc("POST /v1/vouchers", func(w http.ResponseWriter, r *http.Request) {
		var req VoucherRequest
		if read(w, r, &req) {
			a, err := d.Voucher(r.Context(), req)
			answer(w, a, err)
		}
	})
	mux.HandleFunc("GET /v1/workshops", func(w http.ResponseWriter, _ *http.Request) { answer(w, d.Workshops(), nil) })
	mux.HandleFunc("POST /v1/workshops", func(w http.ResponseWriter, r *http.Request) {
		var req WorkshopRequest
		if read(w, r, &req) {
			a, err := d.Workshop(r.Context(), req)
			answer(w, a, err)
		}
	})
}

// Vouchers lists batches of tickets.
func (c *Client) Vouchers(ctx context.Context) (l []sessions.Batch, err error) {
	return l, c.do(ctx, http.MethodGet, "/v1/vouchers", nil, &l)
}

// Voucher makes, revokes, replaces or redeems tickets.
func (c *Client) Voucher(ctx context.Context, r VoucherRequest) (a VoucherAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/vouchers", r, &a)
}

// Workshops lists workshops.
func (c *Client) Workshops(ctx context.Context) (l []sessions.Workshop, err error) {
	return l, c.do(ctx, http.MethodGet, "/v1/workshops", nil, &l)
}

// Workshop makes, starts, prolongs or ends one, or notes its heads.
func (c *Client) Workshop(ctx context.Context, r WorkshopRequest) (w sessions.Workshop, err error) {
	return w, c.do(ctx, http.MethodPost, "/v1/workshops", r, &w)
}
