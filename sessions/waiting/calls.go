package waiting

import (
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"

	"parvis/internal/bell"
	"parvis/internal/clock"
)

const (
	// MostCalls is how many calls are open at once.
	MostCalls = 64
	// CallLasts is after how long a call is forgotten that nobody has closed.
	CallLasts = time.Hour
	// Unanswered is after how long a call that nobody has seen is said to be so.
	Unanswered = 2 * time.Minute
)

// Errors that callers decide by.
var (
	ErrManyCalls = errors.New("waiting: too many calls are open")
	ErrNoCall    = errors.New("waiting: no such call")
)

// Call is somebody who asks for help. It is a copy.
type Call struct {
	ID     string
	Code   string // that the person's page shows
	Since  clock.Boot
	Coming bool   // somebody has said that they come
	Post   string // name of the terminal it comes from; "" a device of the guest network
}

// Calls is the open calls, the oldest first. It may be used from several goroutines.
type Calls struct {
	clock clock.Clock
	bell  bell.Bell

	mu   sync.Mutex
	open []Call
}

// NewCalls returns no call.
func NewCalls(c clock.Clock) *Calls { return &Calls{clock: c} }

// Ask opens a call; who has one open already keeps it. ErrManyCalls when MostCalls are open.
func (c *Calls) Ask(code, post string) (Call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	if i := slices.IndexFunc(c.open, func(o Call) bool { return o.Code == code && o.Post == post }); i >= 0 {
		return c.open[i], nil
	}
	if len(c.open) >= MostCalls {
		return Call{}, ErrManyCalls
	}
	call := Call{ID: rand.Text(), Code: code, Since: c.clock.Boot(), Post: post}
	c.open = append(c.open, call)
	c.bell.Ring()
	return call, nil
}

// Coming notes that somebody comes. ErrNoCall when the call is not open.
func (c *Calls) Coming(id string) error {
	return c.with(id, func(i int) { c.open[i].Coming = true })
}

// Done closes a call. ErrNoCall when it is not open.
func (c *Calls) Done(id string) error {
	return c.with(id, func(i int) { c.open = slices.Delete(c.open, i, i+1) })
}

func (c *Calls) with(id string, do func(i int)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	i := slices.IndexFunc(c.open, func(o Call) bool { return o.ID == id })
	if i < 0 {
		return ErrNoCall
	}
	do(i)
	c.bell.Ring()
	return nil
}

// Open returns the open calls, the oldest first.
func (c *Calls) Open() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	return slices.Clone(c.open)
}

// Of returns the open call of a code.
func (c *Calls) Of(code string) (Call, bool) {
	return c.find(func(o Call) bool { return o.Code == code && o.Post == "" })
}

// OfPost returns the open call of a terminal, by its name.
func (c *Calls) OfPost(post string) (Call, bool) {
	return c.find(func(o Call) bool { return o.Post == post && post != "" })
}

func (c *Calls) find(is func(Call) bool) (Call, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	i := slices.IndexFunc(c.open, is)
	if i < 0 {
		return Call{}, false
	}
	return c.open[i], true
}

func (c *Calls) expire() {
	now := c.clock.Boot()
	c.open = slices.DeleteFunc(c.open, func(o Call) bool { return now.Sub(o.Since) >= CallLasts })
}

// Changes returns a channel that receives after a call was opened, answered or closed, and what ends that.
func (c *Calls) Changes() (rung <-chan struct{}, stop func()) { return c.bell.Listen() }
