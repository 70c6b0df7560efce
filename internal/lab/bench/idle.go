package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// resources measures what the daemon costs while nothing happens but a little traffic: every admitted device sends a frame a second.
func (r *run) resources(ctx context.Context) error {
	for _, n := range r.resident {
		if err := r.resourcesAt(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) resourcesAt(ctx context.Context, n int) (err error) {
	s, err := r.raise(ctx, r.Backend, onDisk, roomy)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	guests, err := s.devices(ctx, 1)
	if err != nil {
		return err
	}
	if err := errors.Join(s.fill(ctx, n), s.settle(ctx)); err != nil {
		return err
	}
	// All of them speak through one port of the bridge, as behind an access point.
	var frames [][]byte
	for i := range n {
		ip, m := others(i)
		b, err := frame(m[:], ip, 40000, shortest)
		if err != nil {
			return err
		}
		frames = append(frames, b)
	}
	crowd, err := newFlood(guests[0].NS, frames...)
	if err != nil {
		return err
	}
	defer crowd.close()

	cpu, err := s.processorTime()
	if err != nil {
		return err
	}
	begun := time.Now()
	for time.Since(begun) < r.scale.idle {
		if err := crowd.once(); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
	took := time.Since(begun)
	used, err := s.processorTime()
	if err != nil {
		return err
	}
	r.value(fmt.Sprintf("idle_cpu_pct_%d", n), "%", float64(used-cpu)/float64(took)*100)
	rss, err := s.proc("status", "VmRSS")
	if err != nil {
		return err
	}
	r.value(fmt.Sprintf("rss_mb_%d", n), "MB", rss/1000)
	return s.writes(ctx, n, crowd)
}

// writes moves the daemon's clock through some minutes, with traffic in each, and scales what the daemon had written to storage by then to
// an hour (write_bytes of proc_pid_io(5): pages made dirty on a file system with a device; its journal is not in it).
func (s *site) writes(ctx context.Context, n int, crowd *flood) error {
	minutes := s.run.minutes
	minute := func() error {
		if err := crowd.once(); err != nil {
			return err
		}
		if err := s.client.Shift(ctx, time.Minute); err != nil {
			return err
		}
		time.Sleep(500 * time.Millisecond) // the daemon's own timers run at their own pace
		return nil
	}
	if err := minute(); err != nil { // what the openings have left behind
		return err
	}
	before, err := s.proc("io", "write_bytes")
	if err != nil {
		return err
	}
	for range minutes {
		if err := minute(); err != nil {
			return err
		}
	}
	after, err := s.proc("io", "write_bytes")
	if err != nil {
		return err
	}
	s.run.value(fmt.Sprintf("disk_mb_per_hour_%d", n), "MB", (after-before)/1e6*60/float64(minutes))
	return nil
}

// proc reads a number from a file below /proc/PID.
func (s *site) proc(file, key string) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.daemon.PID(), file))
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		var v float64
		if k, rest, ok := strings.Cut(line, ":"); ok && k == key {
			if _, err := fmt.Sscan(rest, &v); err == nil {
				return v, nil
			}
		}
	}
	return 0, fmt.Errorf("bench: no %s in /proc/PID/%s", key, file)
}

// processorTime is what the daemon's threads have run so far, by its own clock (clock_getcpuclockid(3)).
func (s *site) processorTime() (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED, linux/posix-timers.h
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^s.daemon.PID()<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("bench: processor time of the daemon: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
