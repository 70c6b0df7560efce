package control

import (
	"context"
	"net/http"
	"time"
)

// Copies is how the encrypted copies of the site are.
type Copies struct {
	// Made is when the newest good one was made, by the router's clock; nil: none yet.
	Made *time.Time `json:"made,omitempty"`
	// Old: it is older than three days, or none was made for as long.
	Old     bool        `json:"old"`
	Running bool        `json:"running,omitempty"` // one is being made
	Places  []CopyPlace `json:"places"`
}

// CopyPlace is one place where copies go.
type CopyPlace struct {
	Name  string     `json:"name"` // directory, hub
	Made  *time.Time `json:"made,omitempty"`
	Size  int64      `json:"size"` // bytes
	Error string     `json:"error,omitempty"`
}

func copyVerb(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("POST /v1/copy", func(w http.ResponseWriter, r *http.Request) {
		c, err := d.Copy(r.Context())
		answer(w, c, err)
	})
}

// Copy makes a copy of the site at once.
func (c *Client) Copy(ctx context.Context) (a Copies, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/copy", nil, &a)
}
