package bench

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/gopacket/layers"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/internal/mac"
	"parvis/sessions"
)

// fill brings the number of other people's sessions to n. They are of devices that are not there: what counts is what the
// daemon and the kernel hold.
func (s *site) fill(ctx context.Context, n int) error {
	status, err := s.client.Status(ctx)
	if err != nil {
		return err
	}
	for i := status.Sessions.Open; i < n; i++ {
		m := mac.Addr{0x3c, 0x22, 0xfc, 0, byte(i >> 8), byte(i)}
		ip := netip.AddrFrom4([4]byte{10, 77, byte(0x80 | i>>8), byte(i)})
		if _, err := s.client.Open(ctx, control.OpenRequest{IPv4: ip, MAC: &m}); err != nil {
			return fmt.Errorf("bench: fill session %d: %w", i, err)
		}
	}
	return nil
}

// opening measures the milliseconds from a POST's arrival on the guest bridge to the first packet of the guest on the line. A
// datagram leaves the guest every 0.2 ms throughout, which is the measure's grain. The devices open one after the other;
// then all are ended, and the next round begins when the daemon has read their last counts.
func (s *site) opening(ctx context.Context) ([]float64, error) {
	var port atomic.Uint32
	posts, err := watch(s.town.Router, lab.GuestBridge, layers.IPProtocolTCP, isPost)
	if err != nil {
		return nil, err
	}
	defer posts.close()
	passed, err := watch(s.town.Router, lab.WAN, layers.IPProtocolUDP, isUDPTo(func() uint16 { return uint16(port.Load()) }))
	if err != nil {
		return nil, err
	}
	defer passed.close()

	echo, _ := lab.Echo()
	var all []float64
	for round := range rounds + 1 {
		for _, g := range s.guests {
			// A port of its own each time: no conversation of an earlier one is in the kernel's table.
			port.Store(uint32(20000 + s.opened))
			s.opened++
			stop, err := knock(ctx, g, netip.AddrPortFrom(echo.Addr(), uint16(port.Load())))
			if err != nil {
				return nil, err
			}
			took, err := open(ctx, g, posts, passed)
			stop()
			if err != nil {
				return nil, err
			}
			if round > 0 { // the first warms up: ports that have just joined are still being laid
				all = append(all, float64(took)/float64(time.Millisecond))
			}
		}
		if err := s.endAll(ctx); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func open(ctx context.Context, g *lab.Guest, posts, passed *capture) (time.Duration, error) {
	arrival, first := posts.next(), passed.next()
	resp, err := g.Client().PostForm("http://"+lab.PortalName+"/ouvrir", url.Values{"l": {"fr"}})
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") == "/" {
		return 0, fmt.Errorf("bench: opening is answered by %s", resp.Status)
	}
	asked, err := wait(ctx, arrival, "the POST on the guest bridge")
	if err != nil {
		return 0, err
	}
	in, err := wait(ctx, first, "the guest's first packet on the line")
	return in.Sub(asked), err
}

// endAll ends the measuring devices' sessions and waits until their entries are gone: only then does the portal catch them again.
func (s *site) endAll(ctx context.Context) error {
	for _, g := range s.guests {
		ip := g.Lease().Address.Addr().String()
		if _, err := s.client.End(ctx, control.EndRequest{Which: ip, Reason: sessions.ByOperator}); err != nil {
			return err
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	target := net.JoinHostPort(s.town.Host("captive.apple.com").V4.String(), "80")
	for _, g := range s.guests {
		for g.NS.Do(func() error { return ask(target, make([]byte, 4096)) }) != nil {
			if time.Now().After(deadline) {
				return fmt.Errorf("bench: %s is not led to the portal after its end", g.Name)
			}
		}
	}
	return nil
}

func wait(ctx context.Context, ch <-chan time.Time, what string) (time.Time, error) {
	select {
	case t := <-ch:
		return t, nil
	case <-time.After(5 * time.Second):
		return time.Time{}, fmt.Errorf("bench: %s was not seen", what)
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
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

// redirects asks for a foreign page over n connections at once, a new one for each request as systems' probes do, and returns
// answers per second and how long each took, in milliseconds.
func (s *site) redirects(ctx context.Context, n int) (perSecond float64, waits []float64, err error) {
	type result struct {
		waits []float64
		err   error
	}
	results := make(chan result, n)
	target := net.JoinHostPort(s.town.Host("captive.apple.com").V4.String(), "80")
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, load)
	defer cancel()
	for i := range n {
		g := s.guests[i/10%len(s.guests)] // ten connections a device: it has at most 32
		go func() {
			var r result
			// One connection at a time from each; a fresh thread in the device's namespace for all of them.
			r.err = g.NS.Do(func() error {
				buf := make([]byte, 4096)
				for ctx.Err() == nil {
					begun := time.Now()
					if err := ask(target, buf); err != nil {
						return err
					}
					r.waits = append(r.waits, float64(time.Since(begun))/float64(time.Millisecond))
				}
				return nil
			})
			results <- r
		}()
	}
	for range n {
		r := <-results
		if r.err != nil {
			err = r.err
		}
		waits = append(waits, r.waits...)
	}
	return float64(len(waits)) / time.Since(start).Seconds(), waits, err
}

var probe = []byte("GET /hotspot-detect.html HTTP/1.1\r\nHost: captive.apple.com\r\nUser-Agent: CaptiveNetworkSupport wispr\r\nConnection: close\r\n\r\n")

// ask makes one probe and reads its answer to the end.
func ask(target string, buf []byte) error {
	c, err := net.DialTimeout("tcp", target, 10*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := c.Write(probe); err != nil {
		return err
	}
	total := 0
	for {
		n, err := c.Read(buf[total:])
		total += n
		if err != nil || total == len(buf) {
			break
		}
	}
	if string(buf[:min(total, 12)]) != "HTTP/1.1 302" {
		return fmt.Errorf("bench: a probe was answered by %q", buf[:total])
	}
	return nil
}

// percentile is the value below which p of 100 lie (nearest rank).
func percentile[T cmp.Ordered](values []T, p int) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}
