package control

import (
	"context"
	"net/http"

	"parvis/kiosk/porteus"
)

// The gestures of a TerminalConfigRequest.
const (
	ConfigShow     = "show"
	ConfigPublish  = "publish"
	ConfigWithdraw = "withdraw"
)

// TerminalConfigRequest is one gesture about the configuration that Porteus Kiosk terminals fetch.
type TerminalConfigRequest struct {
	Do   string `json:"do"`
	Now  bool   `json:"now,omitempty"`  // to publish: although the place is open
	Post string `json:"post,omitempty"` // to publish: id of a terminal that gets a turn although nothing has changed for it
}

// TerminalConfig is how it stands then.
type TerminalConfig struct {
	porteus.Status
	Published string `json:"published"` // the file that is served
	Settings  string `json:"settings"`  // what it would be by today's settings and registry
}

func terminalConfigVerb(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("POST /v1/terminals/config", func(w http.ResponseWriter, r *http.Request) {
		var req TerminalConfigRequest
		if read(w, r, &req) {
			a, err := d.TerminalConfig(r.Context(), req)
			answer(w, a, err)
		}
	})
}

// TerminalConfig shows, publishes or withdraws the configuration of terminals.
func (c *Client) TerminalConfig(ctx context.Context, r TerminalConfigRequest) (a TerminalConfig, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/terminals/config", r, &a)
}
