package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// gateCut ends the session of one terminal after the other while all of them download, and takes the time from the
// word to the terminal's last byte.
func (r *run) gateCut(ctx context.Context, d *door) error {
	streams := make([]*download, r.scale.devices+1)
	defer func() {
		for _, s := range streams {
			if s != nil {
				s.close()
			}
		}
	}()
	open := func(i int) error {
		near, far, err := d.tunnel(ctx, i)
		if err == nil {
			streams[i] = newDownload(near, far)
		}
		return err
	}
	for i := 1; i <= r.scale.devices; i++ {
		if err := open(i); err != nil {
			return err
		}
	}
	var took []float64
	for range r.scale.openings {
		for i := 1; i <= r.scale.devices; i++ {
			begun := time.Now()
			if _, err := fmt.Fprintf(d.orders, "drop %d\n", i); err != nil {
				return fmt.Errorf("bench: gate: %w", err)
			}
			last, err := streams[i].end(ctx)
			if err != nil {
				return err
			}
			took = append(took, max(float64(last.Sub(begun))/float64(time.Millisecond), 0))
			streams[i].close()
			streams[i] = nil
			if _, err := fmt.Fprintf(d.orders, "put %d\n", i); err != nil {
				return fmt.Errorf("bench: gate: %w", err)
			}
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
				if err := open(i); err == nil {
					break
				} else if time.Now().After(deadline) {
					return err
				}
			}
		}
	}
	r.note(Figure{
		Name: "cut_ms_p99", Unit: "ms", Value: percentile(took, 99), Rounds: len(took), Low: percentile(took, 0), High: percentile(took, 100),
	})
	return nil
}

// pace of a download: 5 Mbit/s, so that twenty fill a line of 100 Mbit/s and leave the machine room to be measured.
const (
	paceEvery = 10 * time.Millisecond
	paceBytes = 5e6 / 8 / 100
)

// download is a site that sends at a pace, and a terminal that reads.
type download struct {
	near, far net.Conn
	last      atomic.Int64  // UnixNano of the last byte that arrived
	over      chan struct{} // nothing arrives any more
	ended     sync.WaitGroup
}

func newDownload(near, far net.Conn) *download {
	d := &download{near: near, far: far, over: make(chan struct{})}
	d.ended.Go(func() {
		tick := time.NewTicker(paceEvery)
		defer tick.Stop()
		for range tick.C {
			if _, err := far.Write(make([]byte, paceBytes)); err != nil {
				return
			}
		}
	})
	d.ended.Go(func() {
		defer close(d.over)
		b := make([]byte, 64<<10)
		for {
			n, err := near.Read(b)
			if n > 0 {
				d.last.Store(time.Now().UnixNano())
			}
			if err != nil {
				return
			}
		}
	})
	return d
}

func (d *download) close() {
	d.near.Close()
	d.far.Close()
	d.ended.Wait()
}

// end waits until nothing arrives any more, and returns when the last byte did.
func (d *download) end(ctx context.Context) (time.Time, error) {
	select {
	case <-d.over:
		return time.Unix(0, d.last.Load()), nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	case <-time.After(10 * time.Second):
		return time.Time{}, errors.New("bench: bytes still arrive 10 s after the end of the session")
	}
}

// gateMemory is what the gate's process grows by, for each of many tunnels that have carried a hello.
func (r *run) gateMemory(ctx context.Context, d *door) error {
	before, err := resident(d.process.PID())
	if err != nil {
		return err
	}
	n := slices.Max(r.scale.connections)
	var held []net.Conn
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	for i := range n {
		near, far, err := d.tunnel(ctx, i%r.scale.devices+1)
		if err != nil {
			return fmt.Errorf("bench: tunnel %d: %w", i, err)
		}
		held = append(held, near, far)
	}
	after, err := resident(d.process.PID())
	if err != nil {
		return err
	}
	r.note(Figure{Name: "gate_tunnel_kb", Unit: "kB", Value: (after - before) / float64(n), With: after / 1000, Without: before / 1000, Of: "MB"})
	return nil
}

// resident is the memory of a process in kB (VmRSS of proc_pid_status(5)).
func resident(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		var v float64
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			_, err := fmt.Sscan(rest, &v)
			return v, err
		}
	}
	return 0, errors.New("bench: no VmRSS")
}
