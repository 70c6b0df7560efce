package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// memory is a place for the daemon's state in the lab's tmpfs.
func (s *site) memory() string { return filepath.Join(filepath.Dir(s.parvis.Socket), "state") }

// move stops the daemon and starts it again with its state in another place.
func (s *site) move(ctx context.Context, state string) error {
	if state == s.parvis.State {
		return nil
	}
	if err := s.daemon.Stop(); err != nil {
		return err
	}
	if err := os.RemoveAll(state); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if err := os.CopyFS(state, os.DirFS(s.parvis.State)); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	s.parvis.State = state
	_, err := s.start(ctx)
	return err
}

// restore kills the daemon while n are admitted and measures its next start, until all is in force: with the kernel as it
// was left, and onto a kernel that holds nothing of Parvis, as after a reboot.
func (s *site) restore(ctx context.Context, n int) error {
	if !slices.Contains(s.run.restored, n) {
		return nil
	}
	for _, empty := range []bool{false, true} {
		name := fmt.Sprintf("restore_ms_%d", n)
		if empty {
			name += "_empty_kernel"
		}
		var took []float64
		for begun := time.Now(); len(took) < 3 && time.Since(begun) < 20*time.Second; {
			if err := s.daemon.Kill(); err != nil {
				return err
			}
			if empty {
				if _, err := s.parvis.Output(ctx, "down"); err != nil {
					return err
				}
			}
			d, err := s.start(ctx)
			if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
				s.run.miss(name, fmt.Sprintf("not in force within %v", startWithin))
				return nil
			}
			if err != nil {
				return err
			}
			took = append(took, float64(d)/float64(time.Millisecond))
		}
		status, err := s.client.Status(ctx)
		if err != nil {
			return err
		}
		if status.Sessions.Open < n {
			return fmt.Errorf("bench: %s: %d are open, there were %d", name, status.Sessions.Open, n)
		}
		s.run.note(Figure{Name: name, Unit: "ms", Value: median(took), Low: slices.Min(took), High: slices.Max(took), Rounds: len(took)})
	}
	return nil
}
