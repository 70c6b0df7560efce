package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"parvis/internal/control"
	"parvis/sessions"
)

// quiet measures what a place costs in which nothing happens: memory, and how often the daemon's threads wake up; then what a usual day
// writes.
func (r *run) quiet(ctx context.Context) (err error) {
	s, err := r.raise(ctx, r.Backend, onDisk, roomy)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.settle(ctx); err != nil {
		return err
	}
	before, err := s.wakes()
	if err != nil {
		return err
	}
	begun := time.Now()
	select {
	case <-time.After(2 * r.scale.idle):
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := s.wakes()
	if err != nil {
		return err
	}
	r.value("idle_wakes_per_s", "1/s", (after-before)/time.Since(begun).Seconds())
	rss, err := s.proc("status", "VmRSS")
	if err != nil {
		return err
	}
	r.value("rss_mb_idle", "MB", rss/1000)
	own, err := s.proc("status", "RssAnon")
	if err != nil {
		return err
	}
	r.value("rss_own_mb_idle", "MB", own/1000)
	return s.day(ctx)
}

// day opens a tenth of a day's sixty sessions, one after another, each with twenty minutes of traffic, and scales what was written.
func (s *site) day(ctx context.Context) error {
	const opened, tenths = 6, 10
	guests, err := s.devices(ctx, 1)
	if err != nil {
		return err
	}
	before, err := s.proc("io", "write_bytes")
	if err != nil {
		return err
	}
	for i := range opened {
		ip, m := others(i)
		if _, err := s.client.Open(ctx, control.OpenRequest{IPv4: ip, MAC: &m}); err != nil {
			return fmt.Errorf("bench: open session %d of the day: %w", i, err)
		}
		b, err := frame(m[:], ip, 40000, shortest)
		if err != nil {
			return err
		}
		one, err := newFlood(guests[0].NS, b)
		if err != nil {
			return err
		}
		for range 2 * s.run.minutes {
			if err := one.once(); err != nil {
				return errors.Join(err, one.close())
			}
			if err := s.client.Shift(ctx, time.Minute); err != nil {
				return errors.Join(err, one.close())
			}
			time.Sleep(500 * time.Millisecond) // the daemon's own timers run at their own pace
		}
		if err := one.close(); err != nil {
			return err
		}
		if _, err := s.client.End(ctx, control.EndRequest{Which: ip.String(), Reason: sessions.ByOperator}); err != nil {
			return fmt.Errorf("bench: end session %d of the day: %w", i, err)
		}
	}
	after, err := s.proc("io", "write_bytes")
	if err != nil {
		return err
	}
	s.run.value("disk_mb_per_day_60", "MB", (after-before)/1e6*tenths)
	return nil
}

// wakes is how often the daemon's threads have slept and been woken so far (voluntary_ctxt_switches of proc_pid_status(5)).
func (s *site) wakes() (n float64, err error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.daemon.PID()))
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // a thread that has ended
		}
		for line := range strings.Lines(string(b)) {
			var v float64
			if rest, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				if _, err := fmt.Sscan(rest, &v); err == nil {
					n += v
				}
			}
		}
	}
	return n, nil
}
