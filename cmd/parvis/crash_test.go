package main

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/sessions"
)

// A hundred people are connected, each with a download; the daemon is killed ten times at random moments. Nobody's download
// breaks before its time, none goes on for more than a second after it, and the restarted daemon counts the same people.
func TestKillsCutNobodyAndGiveNobodyTime(t *testing.T) {
	const (
		people = 100
		kills  = 10
		grace  = time.Second
		stall  = 3 * time.Second // a flow without a byte for so long has broken; TCP on a full machine may pause
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
		last  clock.Boot // of the last byte
		gap   time.Duration
	}
	persons := make([]person, people)
	var (
		mu    sync.Mutex
		flows errgroup.Group
	)
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
			last := p.clock.Boot()
			for {
				select {
				case <-f.seen:
					now := p.clock.Boot()
					mu.Lock()
					who.gap = max(who.gap, now.Sub(last))
					who.last = now
					mu.Unlock()
					last = now
					continue
				case <-f.last:
				case <-time.After(stall):
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
	for i := range persons {
		who := &persons[i]
		switch early, late := who.end.Sub(who.last), who.last.Sub(who.end); {
		case early > 500*time.Millisecond:
			t.Errorf("%s: the download broke %v before the session's end", who.guest.Name, early)
		case late > grace:
			t.Errorf("%s: the download went on for %v after the session's end", who.guest.Name, late)
		}
		over, gap = max(over, who.last.Sub(who.end)), max(gap, who.gap)
	}
	t.Logf("%d flows, %d kills: longest pause in a flow %v, longest flow after its session's end %v", people, kills, gap, over)
}
