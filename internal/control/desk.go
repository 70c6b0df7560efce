package control

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"parvis/sessions"
)

// Site is what `parvis site status` shows.
type Site struct {
	sessions.SiteState
	Zone       string            `json:"zone"`
	Exceptions []string          `json:"exceptions"` // of the desk; the configuration's own are not among them
	Outages    []sessions.Outage `json:"outages"`
}

// The gestures of a SiteRequest.
const (
	SiteOpen   = "open"
	SitePause  = "pause"
	SiteResume = "resume"
	SiteExcept = "except"
	SiteDrop   = "drop" // an exception
)

// SiteRequest opens or closes the place.
type SiteRequest struct {
	Do string `json:"do"`
	// Until, for open and pause: "18:00" by the place's clocks, a date and a time, or a duration such as "30m".
	Until string `json:"until,omitempty"`
	// Exception, for except "2026-12-24 9:00-12:00" or "2026-12-25 fermé", for drop its date.
	Exception string `json:"exception,omitempty"`
}

// SiteAnswer is what the place is afterwards, and how many sessions a pause has ended.
type SiteAnswer struct {
	Site
	Cut int `json:"cut"`
}

// DeskRequest is one gesture for one open session: one of its pointers is set.
type DeskRequest struct {
	// Which: session id, code, MAC or IPv4.
	Which   string         `json:"which"`
	Add     *time.Duration `json:"add,omitempty"`     // more time, or less
	Past    *time.Duration `json:"past,omitempty"`    // after the place's closing
	Message *string        `json:"message,omitempty"` // "" takes it back
	To      *netip.Addr    `json:"to,omitempty"`      // the address that the same person's device has now
}

// deskVerbs are those of the desk.
func deskVerbs(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("GET /v1/site", func(w http.ResponseWriter, _ *http.Request) { answer(w, d.Site(), nil) })
	mux.HandleFunc("POST /v1/site", func(w http.ResponseWriter, r *http.Request) {
		var req SiteRequest
		if read(w, r, &req) {
			s, err := d.Gesture(r.Context(), req)
			answer(w, s, err)
		}
	})
	mux.HandleFunc("POST /v1/sessions/desk", func(w http.ResponseWriter, r *http.Request) {
		var req DeskRequest
		if read(w, r, &req) {
			s, err := d.Desk(r.Context(), req)
			answer(w, s, err)
		}
	})
}

// Site asks whether the place is open.
func (c *Client) Site(ctx context.Context) (s Site, err error) {
	return s, c.do(ctx, http.MethodGet, "/v1/site", nil, &s)
}

// Gesture opens or closes the place.
func (c *Client) Gesture(ctx context.Context, r SiteRequest) (s SiteAnswer, err error) {
	return s, c.do(ctx, http.MethodPost, "/v1/site", r, &s)
}

// Desk does something for one session and returns it.
func (c *Client) Desk(ctx context.Context, r DeskRequest) (s sessions.Session, err error) {
	return s, c.do(ctx, http.MethodPost, "/v1/sessions/desk", r, &s)
}
