package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/gopacket/layers"

	"parvis/internal/lab"
	"parvis/sessions"
)

// openings measures how long opening and ending take while others are admitted, with the daemon's state on disk and in
// memory, and how long the daemon needs to have everything in force again.
func (r *run) openings(ctx context.Context) (err error) {
	s, err := r.raise(ctx, r.Backend, inMemory, roomy) // where filling is quickest
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	guests, err := s.devices(ctx, r.scale.devices)
	if err != nil {
		return err
	}
	memory, disk := s.parvis.State, filepath.Join(s.town.Dir, "var")
	r.Machine.Storage = fileSystem(disk)
	w, err := newWitness(s.town)
	if err != nil {
		return err
	}
	defer w.close()
	for _, n := range r.others {
		if err := s.move(ctx, memory); err != nil {
			return err
		}
		if err := errors.Join(s.fill(ctx, n), s.settle(ctx)); err != nil {
			return err
		}
		for _, at := range []struct{ state, suffix string }{{memory, "_without_storage"}, {disk, ""}} {
			if err := s.move(ctx, at.state); err != nil {
				return err
			}
			// At a place's own pace a slot has rested when it is given again, and has its classes.
			if err := s.client.Shift(ctx, 2*sessions.SlotRest); err != nil {
				return err
			}
			if err := s.openAndEnd(ctx, w, guests, n, at.suffix); err != nil {
				return err
			}
		}
		if err := s.restore(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// witness sees POSTs arrive on the guests' link, and a guest's datagrams leave by the line.
type witness struct {
	posts, passed *capture
	port          atomic.Uint32
}

func newWitness(t *lab.Town) (w *witness, err error) {
	w = &witness{}
	if w.posts, err = watch(t.Router, lab.GuestBridge, layers.IPProtocolTCP, isPost); err != nil {
		return nil, err
	}
	w.passed, err = watch(t.Router, lab.WAN, layers.IPProtocolUDP, isUDPTo(func() uint16 { return uint16(w.port.Load()) }))
	if err != nil {
		w.posts.close()
		return nil, err
	}
	w.port.Store(20000)
	return w, nil
}

func (w *witness) close() {
	w.posts.close()
	w.passed.close()
}

// openAndEnd has every device open, one after the other, and then end, again and again. A datagram leaves the device every 0.2 ms
// throughout, which is the grain of both measures:
//
//	open  from the POST's arrival on the guests' link to the first datagram on the line
//	end   from the POST's arrival to the last datagram on the line
func (s *site) openAndEnd(ctx context.Context, w *witness, guests []*lab.Guest, n int, suffix string) error {
	var opened, ended []float64
	for round := range s.run.scale.openings + 1 {
		for _, path := range []string{"/ouvrir", "/arreter"} {
			for _, g := range guests {
				took, err := w.post(ctx, g, path)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", g.Name, path, err)
				}
				switch ms := float64(took) / float64(time.Millisecond); {
				case round == 0: // warms up
				case path == "/ouvrir":
					opened = append(opened, ms)
				default:
					ended = append(ended, ms)
				}
			}
		}
		if err := s.caught(ctx, guests); err != nil {
			return err
		}
	}
	for _, m := range []struct {
		name   string
		values []float64
	}{{"open", opened}, {"end", ended}} {
		for _, p := range []int{50, 99} {
			s.run.note(Figure{
				Name: fmt.Sprintf("%s_ms_p%d_%d%s", m.name, p, n, suffix), Unit: "ms", Value: percentile(m.values, p), Rounds: len(m.values),
				Low: percentile(m.values, 0), High: percentile(m.values, 100),
			})
		}
	}
	return nil
}

// post measures one opening or one end.
func (w *witness) post(ctx context.Context, g *lab.Guest, path string) (time.Duration, error) {
	if path == "/ouvrir" { // a port of its own each time: no conversation of an earlier one is in the kernel's table
		w.port.Store(20000 + (w.port.Load()-20000+1)%40000)
	}
	echo, _ := lab.Echo()
	stop, err := knock(ctx, g, netip.AddrPortFrom(echo.Addr(), uint16(w.port.Load())))
	if err != nil {
		return 0, err
	}
	defer stop()
	if path == "/arreter" { // it must be seen to flow, or its stopping says nothing
		w.passed.forget()
		if _, err := w.passed.first("the guest's datagram"); err != nil {
			return 0, err
		}
	}
	w.posts.forget()
	w.passed.forget()
	resp, err := g.Client().PostForm("http://"+lab.PortalName+path, url.Values{"l": {"fr"}})
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	if led := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || (path == "/ouvrir") != strings.HasPrefix(led, "/ouvert") {
		return 0, fmt.Errorf("bench: answered by %s, to %s", resp.Status, led)
	}
	arrival, err := w.posts.first("the POST on the guests' link")
	if err != nil {
		return 0, err
	}
	if path == "/ouvrir" {
		first, err := w.passed.first("the guest's first packet on the line")
		return first.Sub(arrival), err
	}
	last, err := w.passed.last(20 * time.Millisecond)
	return max(last.Sub(arrival), 0), err
}

// caught waits until every device is led to the portal again: the last counts of its session have been read then.
func (s *site) caught(ctx context.Context, guests []*lab.Guest) error {
	deadline := time.Now().Add(10 * time.Second)
	for _, g := range guests {
		for {
			err := s.probe(ctx, g)
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("bench: %s is not led to the portal after its end: %w", g.Name, err)
			}
		}
	}
	return nil
}

// probe asks for a foreign page, as a phone does that looks for a portal.
func (s *site) probe(ctx context.Context, g *lab.Guest) error {
	target := net.JoinHostPort(s.town.Host("captive.apple.com").V4.String(), "80")
	c, err := g.Dial(ctx, "tcp4", target)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = exchange(c, make([]byte, 4096))
	return err
}

// knock sends a datagram every 0.2 ms until it is stopped.
func knock(ctx context.Context, g *lab.Guest, to netip.AddrPort) (stop func(), err error) {
	c, err := g.Dial(ctx, "udp", to.String())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(200 * time.Microsecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				c.Write([]byte("?")) // refused until the opening: that is the point
			}
		}
	}()
	return func() {
		cancel()
		<-done
		c.Close()
	}, nil
}
