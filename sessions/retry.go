package sessions

import (
	"time"

	"parvis/internal/clock"
)

// What failed is tried again after 1 s, 2 s, 4 s … 30 s.
const (
	retryFirst = time.Second
	retryMost  = 30 * time.Second
)

// retry is the state of something that may fail and is then tried again. The zero value is healthy.
type retry struct {
	wanted bool
	at     clock.Boot
	wait   time.Duration
	err    error      // of the last try; nil when healthy
	tried  clock.Boot // when it last failed
}

// want asks for a try at once.
func (r *retry) want(now clock.Boot) { r.wanted, r.at, r.wait = true, now, 0 }

func (r *retry) failed(now clock.Boot, err error) {
	r.wait = min(max(2*r.wait, retryFirst), retryMost)
	r.wanted, r.at, r.err, r.tried = true, now.Add(r.wait), err, now
}

func (r *retry) done() { *r = retry{} }

func (r *retry) due(now clock.Boot) bool { return r.wanted && r.at <= now }
