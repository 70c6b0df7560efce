package line

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"parvis/internal/clock"
)

// Part is how far the line reaches; the nearest part that fails is the one that is named.
type Part string

// The parts.
const (
	Gateway  Part = "gateway"  // the next machine, usually the operator's box
	Resolver Part = "resolver" // whoever answers names beyond this machine
	HTTP     Part = "http"     // the page of wan.probe
)

// State is what is known of the way out.
type State struct {
	Down  bool
	Since clock.Boot // of the first failure of this outage; of the return when it is over; 0 when there was none
	Part  Part       // that fails while Down; "" else
}

// Nameless reports whether no resolver beyond this machine answers.
func (s State) Nameless() bool { return s.Down && s.Part != HTTP }

// Network is what the uplink looks at.
type Network interface {
	// Carried reports whether so much has come in by the line since the last call that it is proof of it.
	Carried() bool
	// Name asks every resolver for a name that none of them can have kept; nil: one has found out. ErrNobody: none is known.
	Name(context.Context) error
	// Page fetches the page of wan.probe; nil where there is none.
	Page(context.Context) error
	// Gateway reports whether the next machine answers.
	Gateway() bool
}

// How often it is asked, and what is concluded.
const (
	calm     = 15 * time.Second // between two questions when the line is up and quiet
	glance   = 5 * time.Second  // between two looks at what comes in
	doubt    = 2 * time.Second  // after a failure
	longest  = 4 * time.Second  // while it is down
	patient  = 2 * time.Second  // for an answer
	trusted  = time.Minute      // what comes in spares questions for so long
	pageRest = time.Minute      // between two fetches while all is well

	// One failure counts 2; while much comes in it counts 1: a resolver that is slow behind a full line is not gone.
	fails, failsBusy, downAt = 2, 1, 6
)

// verdict is the pure part: outcomes in, state out. It goes down after three failures in a row (six while much comes in), and up at
// the first answer.
type verdict struct {
	state State
	score int
	first clock.Boot // of the failures that are counted
	calms int        // answers in a row
}

// add takes one outcome in: the part that failed, "" for none. at is when it was begun.
func (v *verdict) add(at clock.Boot, failed Part, carried bool) {
	if failed == "" {
		v.score = 0
		v.calms++
		if v.state.Down {
			v.state = State{Since: at}
		}
		return
	}
	if v.score == 0 {
		v.first = at
	}
	v.calms = 0
	if carried {
		v.score += failsBusy
	} else {
		v.score += fails
	}
	if v.score = min(v.score, downAt); v.score == downAt && !v.state.Down {
		v.state = State{Down: true, Since: v.first}
	}
	if v.state.Down {
		v.state.Part = failed
	}
}

// pause is how long to wait for the next look.
func (v *verdict) pause(carried bool) time.Duration {
	switch {
	case v.state.Down:
		return longest
	case v.score > 0:
		return doubt
	case carried:
		return glance
	default:
		return min(glance*time.Duration(max(v.calms, 1)), calm)
	}
}

// UplinkOptions are what an Uplink is made of.
type UplinkOptions struct {
	Network Network
	// Changed is told of every change of Down, in order, by Run. It may take its time: nothing is looked at meanwhile.
	Changed func(context.Context, State)
	// Asked is told of each question for a name: how long its answer took, or that none came; nil: nobody is.
	Asked func(took time.Duration, lost bool)
	Log   *slog.Logger
}

// Uplink knows whether the line leads to the internet, while Run runs.
//
// It is frugal: while much comes in by the line, that is proof enough and one question a minute is asked; else one every
// fifteen seconds, of about sixty bytes. After a failure it asks every two to four seconds, until there is an answer.
type Uplink struct {
	opt   UplinkOptions
	clock clock.Clock

	mu      sync.RWMutex
	verdict verdict

	answered, paged clock.Boot // when the last question, and the last page, was answered
	began           bool
}

// NewUplink returns an uplink that takes the line for up until it has looked.
func NewUplink(opt UplinkOptions, clk clock.Clock) *Uplink { return &Uplink{opt: opt, clock: clk} }

// State waits for nothing.
func (u *Uplink) State() State {
	u.mu.RLock()
	defer u.mu.RUnlock()
	return u.verdict.state
}

// Run looks until ctx ends.
func (u *Uplink) Run(ctx context.Context) error {
	for {
		pause := u.look(ctx)
		timer, stop := u.clock.At(u.clock.Boot().Add(pause))
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-timer:
		}
	}
}

// look looks once and returns how long to wait for the next look.
func (u *Uplink) look(ctx context.Context) time.Duration {
	now := u.clock.Boot()
	carried := u.opt.Network.Carried()
	if carried && u.began && u.verdict.score == 0 && now.Sub(u.answered) < trusted {
		return u.verdict.pause(true)
	}
	failed := u.ask(ctx, now)
	if ctx.Err() != nil {
		return 0 // what was cut short tells nothing
	}
	u.began = true
	if failed == "" {
		u.answered = now
	}
	before := u.State()
	u.mu.Lock()
	u.verdict.add(now, failed, carried)
	after, pause := u.verdict.state, u.verdict.pause(carried)
	u.mu.Unlock()
	switch {
	case before.Down == after.Down:
	case after.Down:
		u.opt.Log.Warn("the line is down", "part", string(after.Part))
	default:
		u.opt.Log.Info("the line is back", "after", now.Sub(before.Since).Round(time.Second))
	}
	if before.Down != after.Down && u.opt.Changed != nil {
		u.opt.Changed(ctx, after)
	}
	return pause
}

// ask returns the nearest part that fails, "" for none.
func (u *Uplink) ask(ctx context.Context, now clock.Boot) Part {
	ask, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	err := u.opt.Network.Name(ask)
	if u.opt.Asked != nil && ctx.Err() == nil && !errors.Is(err, ErrNobody) {
		u.opt.Asked(min(u.clock.Boot().Sub(now), patient), err != nil)
	}
	switch {
	case err != nil && !u.opt.Network.Gateway():
		return Gateway
	case err != nil:
		return Resolver
	case u.began && u.verdict.score == 0 && now.Sub(u.paged) < pageRest:
		return ""
	}
	page, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	if u.opt.Network.Page(page) != nil {
		return HTTP
	}
	u.paged = now
	return ""
}
