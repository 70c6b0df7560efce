package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"parvis/internal/lab"
)

// repairWithin is how long a fault is given to be repaired.
const repairWithin = 5 * time.Second

// repair measures for how long a guest's traffic stands still when another program flushes the rules or the sets.
func (r *run) repair(ctx context.Context) error {
	faults := []struct {
		name    string
		command []string
	}{
		{"repair_ms_iptables_flush", []string{"iptables", "-F"}},
		{"repair_ms_ipset_flush", []string{"ipset", "flush"}},
	}
	for _, f := range faults {
		var took []float64
		for range r.repairs {
			d, err := r.repairOne(ctx, f.command)
			if errors.Is(err, errNotRepaired) {
				r.miss(f.name, err)
				took = nil
				break
			}
			if err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			took = append(took, float64(d)/float64(time.Millisecond))
		}
		if len(took) > 0 {
			r.note(Figure{Name: f.name, Unit: "ms", Value: median(took), Low: slices.Min(took), High: slices.Max(took), Rounds: len(took)})
		}
	}
	return nil
}

var errNotRepaired = fmt.Errorf("not repaired within %v", repairWithin)

// repairOne raises a town, lets a guest send a datagram every 0.2 ms, runs the command and returns the longest pause on the
// line from then on.
func (r *run) repairOne(ctx context.Context, command []string) (pause time.Duration, err error) {
	s, err := r.raise(ctx, r.Backend, inMemory, lab.Site{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	guests, err := s.devices(ctx, 1)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(s.admit(ctx, guests[0], ""), s.fill(ctx, 20)); err != nil {
		return 0, err
	}
	w, err := newWitness(s.town)
	if err != nil {
		return 0, err
	}
	defer w.close()
	echo, _ := lab.Echo()
	stop, err := knock(ctx, guests[0], netip.AddrPortFrom(echo.Addr(), uint16(w.port.Load())))
	if err != nil {
		return 0, err
	}
	defer stop()
	if _, err := w.passed.first("the guest's datagram"); err != nil {
		return 0, err
	}
	w.passed.forget()
	begun := time.Now()
	if out, err := s.town.RouterOutput(ctx, command[0], command[1:]...); err != nil {
		return 0, fmt.Errorf("%w: %s", err, out)
	}
	for done := time.Now(); time.Since(done) < repairWithin; time.Sleep(20 * time.Millisecond) {
		if pause, flows := longestPause(begun, time.Now(), w.passed.times()); flows && pause > interrupted && time.Since(done) > time.Second {
			return pause, nil
		}
	}
	pause, flows := longestPause(begun, time.Now(), w.passed.times())
	if !flows {
		return 0, errNotRepaired
	}
	return pause, nil
}

// interrupted is a pause that scheduling alone does not make.
const interrupted = 5 * time.Millisecond

// longestPause is the longest time without a packet from begin to end, and whether packets flowed at the end.
func longestPause(begin, end time.Time, seen []time.Time) (pause time.Duration, flows bool) {
	last := begin
	for _, t := range append(seen, end) {
		pause = max(pause, t.Sub(last))
		last = t
	}
	return pause, len(seen) > 0 && end.Sub(seen[len(seen)-1]) < 100*time.Millisecond
}
