package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"parvis/internal/clock"
	"parvis/kiosk/printing"
)

// How often what does not tell by itself is asked. A printer is asked seldom: each time is one short request that some of them wake up for.
const (
	printerEvery = 5 * time.Minute
	gateEvery    = time.Minute
	askedAgain   = time.Minute      // after a no
	askedWithin  = 10 * time.Second // then nobody answers
	sureAfter    = 2                // noes one after the other: one may be a printer that wakes up
)

// question is asked again and again, as long as there is somebody whom a no would keep from something.
type question struct {
	every  time.Duration
	matter func() bool // nil: always
	ask    func(context.Context) error

	noes int
	no   atomic.Bool // it was answered with no for sure
}

// No reports whether the answer is no. Of a question that there is not, it is not.
func (q *question) No() bool { return q != nil && q.no.Load() }

// run asks until ctx ends.
func (q *question) run(ctx context.Context, c clock.Clock) error {
	for {
		due, stop := c.At(c.Boot().Add(q.turn(ctx)))
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-due:
		}
	}
}

// turn asks once and returns when to ask again.
func (q *question) turn(ctx context.Context) time.Duration {
	if q.matter != nil && !q.matter() {
		q.noes = 0
		q.no.Store(false)
		return askedAgain
	}
	within, cancel := context.WithTimeout(ctx, askedWithin)
	defer cancel()
	err := q.ask(within)
	switch {
	case ctx.Err() != nil: // nobody was asked to the end
		return askedAgain
	case err == nil:
		q.noes = 0
		q.no.Store(false)
		return q.every
	}
	q.noes++
	q.no.Store(q.noes >= sureAfter)
	return min(q.every, askedAgain)
}

// asked is what the daemon knows only by asking: whether the terminals' printer takes jobs, and whether the gate answers.
type asked struct {
	printer, gate *question // nil: there is none
}

// newAsked makes the questions. The printer is asked while the place is open: at night it may be off.
func newAsked(d *daemon) (a asked, err error) {
	if t := d.cfg.Terminals; t.There() && t.Printer != "" {
		address, err := url.Parse(t.Printer)
		if err != nil {
			return a, refused(err)
		}
		a.printer = &question{
			every:  printerEvery,
			matter: func() bool { return d.manager.Site().Open },
			ask:    func(ctx context.Context) error { return printing.Reach(ctx, address) },
		}
	}
	if all := d.door.addresses(); len(all) > 0 {
		a.gate = &question{every: gateEvery, ask: func(ctx context.Context) error {
			for _, at := range all {
				if err := takesCalls(ctx, at); err != nil {
					return err
				}
			}
			return nil
		}}
	}
	return a, nil
}

func (a asked) run(ctx context.Context, c clock.Clock) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, q := range []*question{a.printer, a.gate} {
		if q != nil {
			group.Go(func() error { return q.run(ctx, c) })
		}
	}
	return group.Wait()
}

// addresses are where the gate listens.
func (o *door) addresses() (all []netip.AddrPort) {
	for _, ln := range []net.Listener{o.proxy, o.relay, o.relayHTTP} {
		if ln != nil {
			all = append(all, ln.Addr().(*net.TCPAddr).AddrPort())
		}
	}
	return all
}

// errNoWord: a listener took the connection, as the kernel does by itself, and said nothing.
var errNoWord = errors.New("it takes connections and says nothing")

// takesCalls asks a listener of ours for its first byte, as a client that it does not know: it refuses that one at once, and notes nothing. It is
// asked from its own address, so that an address that has gone with its interface is not looked for beyond the line.
func takesCalls(ctx context.Context, at netip.AddrPort) error {
	from := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(at.Addr(), 0))}
	c, err := from.DialContext(ctx, "tcp", at.String())
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Now()) })
	defer stop()
	if _, err := c.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	if _, err := c.Read(make([]byte, 1)); ctx.Err() != nil {
		return fmt.Errorf("gate: %w", errNoWord)
	} else if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	return nil
}
