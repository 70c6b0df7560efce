package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"parvis/internal/lab"
)

// A TCP segment of 1,448 bytes (with timestamps) travels in a frame of 1,514, which is what HTB counts.
const segment, framed = 1448.0, 1514.0

// fair measures shaping: how exact the rates of profiles are, how evenly a full uplink is shared, and what a light guest waits
// beside the greedy ones.
func (r *run) fair(ctx context.Context) error {
	return errors.Join(r.exactness(ctx), r.sharing(ctx))
}

// exactness keeps one TCP connection of each profile full each way, all at the same time on a line that is wide enough.
func (r *run) exactness(ctx context.Context) (err error) {
	rates := []int{1, 5, 20} // Mbit/s
	conf := lab.Site{}
	for _, m := range rates {
		conf.More += fmt.Sprintf("[[profile]]\nname = \"m%d\"\nlabel = \"%d Mbit/s\"\nduration = \"1h\"\ndown = \"%dmbit\"\nup = \"%dmbit\"\n", m, m, m, m)
	}
	s, err := r.raise(ctx, r.Backend, inMemory, conf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	guests, err := s.devices(ctx, 2*len(rates))
	if err != nil {
		return err
	}
	if err := segments(s.town.Internet, "eth0"); err != nil {
		return err
	}
	got := make([]float64, len(guests))
	var group errgroup.Group
	for i, g := range guests {
		if err := errors.Join(s.admit(ctx, g, fmt.Sprintf("m%d", rates[i/2])), segments(g.NS, "eth0")); err != nil {
			return err
		}
		group.Go(func() error {
			st, err := dialStream(ctx, g.NS, s.town.Internet, i%2 == 0)
			if err != nil {
				return err
			}
			defer st.close()
			time.Sleep(r.scale.fair / 3) // the window opens and the burst is spent
			got[i] = st.measure(r.scale.fair) / 1e6 * framed / segment
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, v := range got {
		m := float64(rates[i/2])
		r.note(Figure{
			Name: fmt.Sprintf("shape_error_pct_%s_%d", [2]string{"up", "down"}[i%2], rates[i/2]), Unit: "%",
			Value: (v/m - 1) * 100, With: v, Without: m, Of: "Mbit/s",
		})
	}
	return nil
}

// sharing fills an uplink with greedy guests and listens to one that hardly uses it.
func (r *run) sharing(ctx context.Context) (err error) {
	s, err := r.raise(ctx, r.Backend, inMemory, lab.Site{Line: "50mbit", Up: "10mbit", Down: "10mbit"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	guests, err := s.devices(ctx, r.greedy+1)
	if err != nil {
		return err
	}
	for _, g := range guests {
		if err := errors.Join(s.admit(ctx, g, ""), segments(g.NS, "eth0")); err != nil {
			return err
		}
	}
	light, greedy := guests[0], guests[1:]
	idle, err := r.ping(ctx, light)
	if err != nil {
		return err
	}
	streams := make([]*stream, len(greedy))
	defer func() {
		for _, st := range streams {
			if st != nil {
				st.close()
			}
		}
	}()
	for i, g := range greedy {
		if streams[i], err = dialStream(ctx, g.NS, s.town.Internet, true); err != nil {
			return err
		}
	}
	time.Sleep(r.scale.fair / 2) // the bursts are spent and the windows open
	before, begun := make([]uint64, len(streams)), time.Now()
	for i, st := range streams {
		before[i] = st.received.Load()
	}
	busy, err := r.ping(ctx, light)
	if err != nil {
		return err
	}
	time.Sleep(r.scale.fair - time.Since(begun))
	shares, sum := make([]float64, len(streams)), 0.0
	for i, st := range streams {
		shares[i] = float64(st.received.Load() - before[i])
		sum += shares[i]
	}
	full := sum * 8 / time.Since(begun).Seconds() / 1e6 * framed / segment
	r.value("jain_index", "index", jain(shares))
	r.note(Figure{Name: "uplink_used_pct", Unit: "%", Value: full / 50 * 100, With: full, Without: 50, Of: "Mbit/s"})
	for _, p := range []int{50, 99} {
		with, without := percentile(busy, p), percentile(idle, p)
		r.note(Figure{Name: fmt.Sprintf("latency_under_load_ms_p%d", p), Unit: "ms", Value: with, With: with, Without: without, Of: "ms"})
	}
	return nil
}

// ping sends a datagram to the echo beyond the line every 20 ms and returns what each took there and back, in milliseconds. A
// lost one counts as a second.
func (r *run) ping(ctx context.Context, g *lab.Guest) ([]float64, error) {
	echo, _ := lab.Echo()
	c, err := g.Dial(ctx, "udp4", echo.String())
	if err != nil {
		return nil, fmt.Errorf("bench: ping: %w", err)
	}
	defer c.Close()
	out := make([]float64, 0, r.pings)
	buf := make([]byte, 64)
	for i := range r.pings {
		begun := time.Now()
		word := fmt.Sprintf("%08d", i)
		if _, err := io.WriteString(c, word); err != nil {
			return nil, fmt.Errorf("bench: ping: %w", err)
		}
		if err := c.SetReadDeadline(begun.Add(time.Second)); err != nil {
			return nil, fmt.Errorf("bench: ping: %w", err)
		}
		for {
			n, err := c.Read(buf)
			if err != nil || string(buf[:n]) == word { // an earlier one's late echo is not this one's
				break
			}
		}
		out = append(out, float64(time.Since(begun))/float64(time.Millisecond))
		time.Sleep(20*time.Millisecond - time.Since(begun))
	}
	return out, nil
}
