package control

import (
	"context"
	"net/http"

	"parvis/kiosk/queue"
)

// The gestures of a QueueRequest.
const (
	QueueList   = "list"
	QueueAdd    = "add"    // a number is given
	QueueTake   = "take"   // the next one is called
	QueueCancel = "cancel" // the last gesture is taken back, within a minute
)

// QueueRequest is one gesture on the queue for terminals.
type QueueRequest struct {
	Do   string `json:"do"`
	Post string `json:"post,omitempty"` // to take: the name or id of a terminal that is ready; "" the desk
}

// QueueAnswer is the queue as it is then.
type QueueAnswer struct {
	Label    string          `json:"label,omitempty"` // of the number that was given or called
	Waiting  []queue.Ticket  `json:"waiting"`         // the first to be called first
	Called   []queue.Ticket  `json:"called"`          // the last who was called first
	Absent   []queue.Ticket  `json:"absent"`
	Bookings []queue.Booking `json:"bookings"` // of today, that have not come
}

func queueVerb(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("POST /v1/terminals/queue", func(w http.ResponseWriter, r *http.Request) {
		var req QueueRequest
		if read(w, r, &req) {
			a, err := d.Queue(r.Context(), req)
			answer(w, a, err)
		}
	})
}

// Queue asks for one gesture on the queue for terminals.
func (c *Client) Queue(ctx context.Context, r QueueRequest) (a QueueAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/terminals/queue", r, &a)
}
