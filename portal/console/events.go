package console

import (
	"net/http"
	"sync"
	"time"

	"parvis/internal/bell"
)

const (
	maxStreams = 64                     // open pages that are told of changes; one more refreshes itself
	apart      = 200 * time.Millisecond // least time between two events of one page
	heartbeat  = 20 * time.Second       // longest time between two: minutes on the page go on, and who has gone is noticed
	streamLife = 30 * time.Minute       // the page connects again by itself, and whether it still may is looked at anew
)

// events is who is told of changes, and until when. An event says that something has changed and never what: the page fetches
// itself anew, as what its reader may see.
type events struct {
	bell   bell.Bell
	places chan struct{}
	ended  chan struct{}
	end    sync.Once
}

func newEvents() *events {
	return &events{places: make(chan struct{}, maxStreams), ended: make(chan struct{})}
}

func (e *events) close() { e.end.Do(func() { close(e.ended) }) }

func (c *Console) eventPages(m *http.ServeMux) { m.HandleFunc("GET /evenements", c.stream) }

// stream is text/event-stream (HTML, "Server-sent events"). Without a place it answers 503, after which an EventSource does
// not try again and the script refreshes the page by itself.
func (c *Console) stream(w http.ResponseWriter, r *http.Request) {
	if _, ok := c.Staff.Who(r); !ok {
		http.Error(w, "Entrez d'abord.", http.StatusForbidden)
		return
	}
	select {
	case c.events.places <- struct{}{}:
		defer func() { <-c.events.places }()
	default:
		http.Error(w, "Trop de pages ouvertes.", http.StatusServiceUnavailable)
		return
	}
	changed, stop := c.events.bell.Listen()
	defer stop()

	out := http.NewResponseController(w)
	// The server's limits are for pages: this answer lasts, and so does the silence of who reads it.
	_ = out.SetReadDeadline(time.Time{}) // not every writer of tests has deadlines
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no")
	tell := func() bool {
		_ = out.SetWriteDeadline(time.Now().Add(heartbeat))
		_, err := w.Write([]byte("data: 1\n\n"))
		return err == nil && out.Flush() == nil
	}
	if _, err := w.Write([]byte("retry: 3000\n")); err != nil || !tell() {
		return
	}
	life := time.NewTimer(streamLife)
	defer life.Stop()
	for {
		beat := time.NewTimer(heartbeat)
		select {
		case <-changed:
		case <-beat.C:
		case <-life.C:
			return
		case <-c.events.ended:
			return
		case <-r.Context().Done():
			return
		}
		beat.Stop()
		if !tell() {
			return
		}
		rest := time.NewTimer(apart)
		select {
		case <-rest.C:
		case <-c.events.ended:
			return
		case <-r.Context().Done():
			return
		}
	}
}
