package console

import (
	"net/http"
	"strconv"
	"time"

	"parvis/internal/clock"
)

// find is for a device without a page: nothing tells it from others but what its person does with it. They switch its Wi-Fi off
// and on, and what has asked for its address since then is the device; who joins at the same moment is on the list too,
// and another turn tells them apart. A device's name or address is shown nowhere.
type find struct {
	queue
	Searched bool
	Mark     int64 // clock.Boot of this page, for the search that comes next
}

// findSlack is what the lease file rounds away: it knows seconds.
const findSlack = time.Second

func (c *Console) find(w http.ResponseWriter, r *http.Request) {
	if c.Joined == nil {
		c.missing(w, r)
		return
	}
	now := c.Clock.Boot()
	d := find{Mark: int64(now), queue: queue{From: "/attente"}}
	if mark, err := strconv.ParseInt(r.URL.Query().Get("depuis"), 10, 64); err == nil && mark > 0 && mark <= int64(now) {
		d.Searched, d.Mark = true, mark
		d.queue = c.queue(r, "/attente")
		joined := map[string]bool{}
		for _, e := range c.Waiting.Entries() {
			ago, ok := c.Joined(e.Device)
			joined[e.Code] = ok && now.Sub(clock.Boot(mark)) > ago-findSlack
		}
		var found []waiter
		for _, l := range append(d.Pageless, d.Lines...) {
			if joined[l.Code] {
				found = append(found, l)
			}
		}
		d.Lines, d.Pageless = found, nil
	}
	c.render(w, r, page{Template: "find", Title: "Trouver un appareil sans page", Here: "/attente", Live: d.Searched}, d)
}
