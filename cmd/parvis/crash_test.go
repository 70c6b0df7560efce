package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/sessions"
)

// A hundred people are connected, each with a download; the daemon is killed ten times at random moments. Nobody's download
// breaks before its time, none goes on after it, and the restarted daemon counts the same people.
func TestKillsCutNobodyAndGiveNobodyTime(t *testing.T) {
	const (
		people = 100
		kills  = 10
		// The kernel's timeouts are whole seconds, rounded up; the rest is between our reading the clock and the kernel's
		// having the entry, and that may be seconds on a full machine. The promise is one second: the log says what it was. When
		// bytes have come is the kernel's word, not the reader's.
		grace = 5 * time.Second
		stall = 10 * time.Second // a flow without a byte for so long has broken; TCP on a full machine may pause
	)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))

	p := open(t, lab.Options{}, lab.Site{})
	guests, err := p.AddGuests(ctx(t), people)
	if err != nil {
		t.Fatal(err)
	}
	type person struct {
		guest *lab.Guest
		end   clock.Boot
		last  time.Time // of the last byte
		gap   time.Duration
	}
	persons := make([]person, people)
	var flows errgroup.Group
	open := func(g *lab.Guest, lasts time.Duration) clock.Boot {
		s, err := p.client.Open(ctx(t), control.OpenRequest{IPv4: g.Lease().Address.Addr(), For: lasts})
		if err != nil {
			t.Fatal(err)
		}
		return p.clock.Boot().Add(s.Left)
	}
	downloads := make([]*flow, people)
	for i, g := range guests {
		open(g, time.Hour)
		downloads[i] = p.download(g)
	}
	// Now that everybody is at it, the time of each is set: some end between kills, some while the daemon is dead, most
	// after them.
	for i, g := range guests {
		who, f := &persons[i], downloads[i]
		who.guest, who.end = g, open(g, time.Duration(15+rnd.IntN(40))*time.Second)
		flows.Go(func() error {
			for {
				select {
				case <-f.seen:
					now := f.conn.at()
					if !who.last.IsZero() {
						who.gap = max(who.gap, now.Sub(who.last))
					}
					who.last = now
					continue
				case who.last = <-f.last:
				case <-time.After(stall):
					who.last = f.conn.at()
				}
				f.cancel()
				return nil
			}
		})
	}
	if s, err := p.client.Status(ctx(t)); err != nil || s.Sessions.Open != people {
		t.Fatalf("before: %d open, %v", s.Sessions.Open, err)
	}
	for range kills {
		pause, stop := p.clock.At(p.clock.Boot().Add(time.Duration(rnd.IntN(3000)) * time.Millisecond))
		<-pause
		stop()
		if err := p.daemon.Kill(); err != nil {
			t.Fatal(err)
		}
		p.serve()
		list, err := p.client.Sessions(ctx(t))
		if err != nil {
			t.Fatal(err)
		}
		now, open, due := p.clock.Boot(), 0, 0
		for _, s := range list {
			if s.State == sessions.Open {
				open++
			}
		}
		for i := range persons {
			if persons[i].end > now {
				due++
			}
		}
		if open < due {
			t.Errorf("after a kill %d sessions are open, %d should be", open, due)
		}
	}
	if err := flows.Wait(); err != nil {
		t.Fatal(err)
	}
	var over, gap time.Duration
	started := time.Now().Add(-time.Duration(p.clock.Boot())).Round(0) // the machine, by the clock of the stamps
	for i := range persons {
		who := &persons[i]
		end := started.Add(time.Duration(who.end))
		switch early, late := end.Sub(who.last), who.last.Sub(end); {
		case early > 3*time.Second: // a pause may be its last
			t.Errorf("%s: the download broke %v before the session's end", who.guest.Name, early)
		case late > grace:
			t.Errorf("%s: the download went on for %v after the session's end", who.guest.Name, late)
		}
		over, gap = max(over, who.last.Sub(end)), max(gap, who.gap)
	}
	t.Logf("%d flows, %d kills: longest pause in a flow %v, longest flow after its session's end %v", people, kills, gap, over)
}
