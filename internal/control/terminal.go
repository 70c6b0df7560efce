package control

import (
	"context"
	"net/http"
	"time"

	"parvis/kiosk"
)

// Terminals counts the place's own terminals.
type Terminals struct {
	Adopted int            `json:"adopted"`
	States  map[string]int `json:"states"` // how many are in each
}

// The gestures of a TerminalRequest.
const (
	TerminalAdopt   = "adopt"
	TerminalChange  = "change"
	TerminalRemove  = "remove"
	TerminalOpen    = "open"
	TerminalExtend  = "extend"
	TerminalEnd     = "end"
	TerminalMessage = "message"
	TerminalRestart = "restart"
)

// TerminalRequest is one gesture for one terminal.
type TerminalRequest struct {
	Do    string `json:"do"`
	Which string `json:"which"` // id, name, MAC or IPv4 address

	Name     *string `json:"name,omitempty"` // to adopt, to change; nil leaves what is known
	Place    *string `json:"place,omitempty"`
	PCID     *string `json:"pcid,omitempty"`
	Renderer *string `json:"renderer,omitempty"`
	Prints   *bool   `json:"prints,omitempty"`
	USB      *bool   `json:"usb,omitempty"`

	For     time.Duration `json:"for,omitempty"`     // to open; 0: the first of terminals.offers
	Bundles []string      `json:"bundles,omitempty"` // to open; nil: gate.services
	Mail    bool          `json:"mail,omitempty"`    // to open
	Phone   string        `json:"phone,omitempty"`   // to open
	By      time.Duration `json:"by,omitempty"`      // to extend
	Text    string        `json:"text,omitempty"`    // to message
}

// TerminalAnswer is a terminal and what is open on it.
type TerminalAnswer struct {
	kiosk.Terminal
	Use *kiosk.Use `json:"use,omitempty"`
}

func terminalVerbs(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("GET /v1/terminals", func(w http.ResponseWriter, _ *http.Request) {
		list := d.Terminals()
		if list == nil {
			list = []TerminalAnswer{} // [] and not null for programs that read it
		}
		answer(w, list, nil)
	})
	mux.HandleFunc("POST /v1/terminals", func(w http.ResponseWriter, r *http.Request) {
		var req TerminalRequest
		if read(w, r, &req) {
			a, err := d.Terminal(r.Context(), req)
			answer(w, a, err)
		}
	})
}

// Terminals lists the place's own terminals.
func (c *Client) Terminals(ctx context.Context) (l []TerminalAnswer, err error) {
	return l, c.do(ctx, http.MethodGet, "/v1/terminals", nil, &l)
}

// Terminal does something for one of them and returns it.
func (c *Client) Terminal(ctx context.Context, r TerminalRequest) (a TerminalAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/terminals", r, &a)
}
