package printing

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// patient gives a sender a minute for each piece, and not for the whole.
type patient struct {
	io.Reader
	control *http.ResponseController
	mu      sync.Mutex
	over    bool
}

func (p *patient) Read(b []byte) (int, error) {
	p.mu.Lock()
	if !p.over {
		p.control.SetReadDeadline(time.Now().Add(stalled)) // where that is not possible the session's end is the bound
	}
	p.mu.Unlock()
	return p.Reader.Read(b)
}

// cut ends a read that waits, and all to come: else the answer would wait for the sender.
func (p *patient) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	p.control.SetReadDeadline(time.Unix(1, 0))
}

// document is what follows a message.
type document struct {
	io.Reader
	sender *patient
}
