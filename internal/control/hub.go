package control

import (
	"context"
	"net/http"
	"time"
)

// The gestures of a HubRequest.
const (
	HubEnrol = "enrol"
	HubLeave = "leave"
)

// HubRequest is one gesture for the enrolment.
type HubRequest struct {
	Do   string `json:"do"`
	Code string `json:"code,omitempty"` // to enrol: it works once
}

// Hub is how the site stands with the town's hub. The token is not in it.
type Hub struct {
	URL      string `json:"url"` // "": hub.url is not set
	Enrolled bool   `json:"enrolled"`
	Site     string `json:"site,omitempty"` // as the hub knows it
	Name     string `json:"name,omitempty"`
	// SilentSeconds: since the hub has last acknowledged something, or since the daemon's start where it has not yet.
	SilentSeconds int64 `json:"silent_seconds"`
	// Heard is when it last did, by the router's clock of then; nil: never.
	Heard *time.Time `json:"heard,omitempty"`
	Left  int        `json:"left"` // hours that waited after the last try
	Error string     `json:"error,omitempty"`
}

func hubVerbs(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("GET /v1/hub", func(w http.ResponseWriter, _ *http.Request) { answer(w, d.HubStatus(), nil) })
	mux.HandleFunc("POST /v1/hub", func(w http.ResponseWriter, r *http.Request) {
		var req HubRequest
		if read(w, r, &req) {
			h, err := d.Hub(r.Context(), req)
			answer(w, h, err)
		}
	})
}

// HubStatus asks how the site stands with the hub.
func (c *Client) HubStatus(ctx context.Context) (h Hub, err error) {
	return h, c.do(ctx, http.MethodGet, "/v1/hub", nil, &h)
}

// Hub makes one gesture, and returns what is then.
func (c *Client) Hub(ctx context.Context, r HubRequest) (h Hub, err error) {
	return h, c.do(ctx, http.MethodPost, "/v1/hub", r, &h)
}
