package hwlab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/internal/lab/box"
	"parvis/sessions"
)

const (
	people    = 12
	redeemers = 2 // of them: who come with tickets
	// A cut gives away or takes what counts at most: the minute in which times are stored. The second is ours: clocks are read one
	// after the other.
	minute = time.Minute
	reads  = time.Second
)

// tryPower cuts the power at random moments while twelve people, whose devices never ask DHCP again, open and end sessions and redeem
// tickets. The disk is all that a machine has of the one before it.
func tryPower(ctx context.Context, l *Lab) (err error) {
	seed := rand.Uint64()
	l.Say("seed %d", seed)
	r, err := l.newRouter(ctx, lab.Site{Duration: "12h", Idle: "0s"}, box.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	c := &cuts{router: r, rnd: rand.New(rand.NewPCG(seed, 1)), boots: map[string]bool{}}
	for n := range l.Cuts + 1 {
		if err := c.round(ctx, n); err != nil {
			return fmt.Errorf("seed %d, after %d cuts: %w\nParvis said:\n%s", seed, n, err, c.said)
		}
	}
	l.Say("%d power cuts, each in the middle of writing: %d openings, ends and tickets acknowledged, none lost; %d were under way",
		l.Cuts, c.acknowledged, c.underway)
	slices.Sort(c.ready)
	slices.Sort(c.gained)
	if n := len(c.gained); n > 0 {
		l.Say("time of people who were online, against what was told before the cut: from %.1f s lost to %.1f s gained (allowed: 60)", -c.gained[0].Seconds(), c.gained[n-1].Seconds())
	}
	l.Say("power to Parvis' being ready, from a kernel that has started: median %.1f s, at most %.1f s", c.ready[len(c.ready)/2].Seconds(), c.ready[len(c.ready)-1].Seconds())
	return nil
}

// cuts is the run of a place whose power goes again and again.
type cuts struct {
	*router
	rnd     *rand.Rand
	persons []*person
	boots   map[string]bool
	batches map[string]*batch
	newest  *batch // whose tickets are given

	acknowledged, underway int
	ready                  []time.Duration
	gained                 []time.Duration
}

// batch is one of tickets: how many are known to be used, and how many may be.
type batch struct{ used, perhaps int }

// round gives the power, looks that all is as it was acknowledged, lets people live, and takes the power away.
func (c *cuts) round(ctx context.Context, n int) error {
	begun := time.Now()
	if err := c.on(ctx); err != nil {
		return err
	}
	c.ready = append(c.ready, time.Since(begun))
	if id := c.bootID(); len(id) != 36 || c.boots[id] {
		return fmt.Errorf("boot id %q: expected another one than before", id)
	} else {
		c.boots[id] = true
	}
	if n == 0 {
		if err := c.arrive(ctx); err != nil {
			return err
		}
	}
	if err := c.look(ctx, begun, n > 0); err != nil {
		return err
	}
	if n == c.lab.Cuts {
		return c.cut()
	}
	if err := c.shift(ctx); err != nil {
		return err
	}
	if err := c.tickets(ctx); err != nil {
		return err
	}
	err := c.write(ctx)
	if n%20 == 19 {
		fmt.Fprintf(c.lab.Out, "  %d cuts\n", n+1)
	}
	return err
}

// arrive brings the people. Each is given an address and never asks again.
func (c *cuts) arrive(ctx context.Context) error {
	guests, err := c.AddGuests(ctx, people)
	if err != nil {
		return err
	}
	for _, g := range guests {
		if err := g.StopDHCP(); err != nil {
			return err
		}
		c.persons = append(c.persons, &person{Guest: g, known: true})
	}
	c.batches = map[string]*batch{}
	return nil
}

// look compares what the daemon knows, and what the web answers, with what was acknowledged.
func (c *cuts) look(ctx context.Context, on time.Time, cut bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	list, err := c.client.Sessions(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	of := map[netip.Addr]sessions.Session{} // an open one rather than an ended one
	for _, s := range list {
		if had, there := of[s.Device.IPv4]; !there || had.State != sessions.Open {
			of[s.Device.IPv4] = s
		}
	}
	var group errgroup.Group
	for i, p := range c.persons {
		s, there := of[p.Lease().Address.Addr()]
		open := there && s.State == sessions.Open
		if cut && p.known && open != p.open {
			return fmt.Errorf("%s was told open=%v, and open=%v (%+v)", p.Name, p.open, open, s)
		}
		if redeems := i < redeemers; cut && there && !redeems && p.left > 0 {
			gained := s.Left - (p.left - p.most)
			lost := (p.left - p.least) - s.Left
			if open {
				lost -= now.Sub(on)
			}
			if gained > minute+reads+(p.most-p.least) || lost > minute+reads+(p.most-p.least) {
				return fmt.Errorf("%s had %v left, was online for %v to %v since, and has %v: more than a minute too much or too little",
					p.Name, p.left, p.least, p.most, s.Left)
			}
			if p.known && p.open {
				c.gained = append(c.gained, gained)
			}
		}
		p.known, p.open, p.left, p.least, p.most = true, open, s.Left, 0, 0
		p.asked, p.since = now, now
		group.Go(func() error {
			passes, err := p.passes(ctx)
			if err == nil && passes != open {
				err = fmt.Errorf("%s: open=%v, and the web answers=%v", p.Name, open, passes)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return c.count(ctx)
}

// count looks at the tickets: each that was acknowledged is used, and none that nobody gave.
func (c *cuts) count(ctx context.Context) error {
	list, err := c.client.Vouchers(ctx)
	if err != nil {
		return err
	}
	found := 0
	for _, is := range list {
		b := c.batches[is.ID]
		if b == nil {
			return fmt.Errorf("batch %s: nobody has made it", is.ID)
		}
		if is.Used < b.used || is.Used > b.used+b.perhaps {
			return fmt.Errorf("batch %s: %d tickets are used; %d were acknowledged, %d more were under way", is.ID, is.Used, b.used, b.perhaps)
		}
		found, b.used, b.perhaps = found+1, is.Used, 0
	}
	if found != len(c.batches) {
		return fmt.Errorf("%d batches of tickets are there of %d", found, len(c.batches))
	}
	return nil
}

// shift lets up to two minutes pass in every other life, so that times are stored and some are not yet.
func (c *cuts) shift(ctx context.Context) error {
	if c.rnd.IntN(2) == 0 {
		return nil
	}
	by := time.Duration(c.rnd.IntN(120)) * time.Second
	if err := c.client.Shift(ctx, by); err != nil {
		return err
	}
	for _, p := range c.persons {
		if p.open {
			p.least, p.most = p.least+by, p.most+by
		}
	}
	return nil
}

// tickets makes some and gives them to those who redeem.
func (c *cuts) tickets(ctx context.Context) error {
	const each = 4
	a, err := c.client.Voucher(ctx, control.VoucherRequest{Do: control.VoucherMake, Label: "essai", Count: each * redeemers})
	if err != nil {
		return err
	}
	c.newest = &batch{}
	c.batches[a.Batch.ID] = c.newest
	for i, p := range c.persons[:redeemers] {
		p.tickets = nil
		for _, t := range a.Tickets[i*each : (i+1)*each] {
			p.tickets = append(p.tickets, t.Code)
		}
	}
	return nil
}

// write lets everybody do as they like and cuts the power at a random moment.
func (c *cuts) write(ctx context.Context) error {
	living, gone := context.WithCancel(ctx)
	defer gone()
	var group errgroup.Group
	answered := make(chan struct{}, 1000)
	for _, p := range c.persons {
		rnd := rand.New(rand.NewPCG(c.rnd.Uint64(), 2))
		group.Go(func() error { return p.live(living, rnd, answered) })
	}
	// The moment: after some answers, and then some time. It does not depend on how fast the machine is.
	long := time.NewTimer(patience)
	defer long.Stop()
	for range c.rnd.IntN(24) {
		select {
		case <-answered:
		case <-long.C:
			return fmt.Errorf("nobody has had an answer for long")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	<-time.After(time.Duration(c.rnd.IntN(300)) * time.Millisecond)
	at := time.Now()
	if err := c.cut(); err != nil {
		return err
	}
	// What has left the machine still arrives; what has not is given up then.
	late := time.AfterFunc(200*time.Millisecond, gone)
	defer late.Stop()
	err := group.Wait()
	for _, p := range c.persons {
		p.cut(at)
		if !p.known {
			c.underway++
		}
		c.acknowledged += p.answers
		c.newest.used, c.newest.perhaps = c.newest.used+p.used, c.newest.perhaps+p.attempted-p.used
		p.answers, p.used, p.attempted = 0, 0, 0
	}
	return err
}
