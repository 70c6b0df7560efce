package bundle_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hublink/bundle"
)

// asked is a clock that tells when it is asked for a timer.
type asked struct {
	*clock.Fake
	timers chan struct{}
}

func (a asked) At(b clock.Boot) (<-chan struct{}, func()) {
	timer, stop := a.Fake.At(b)
	a.timers <- struct{}{}
	return timer, stop
}

func TestABundleProvesItselfOrIsTakenBack(t *testing.T) {
	type at = func(time.Duration) bool // of the time since the start
	var (
		never  at = func(time.Duration) bool { return false }
		always at = func(time.Duration) bool { return true }
		after     = func(d time.Duration) at { return func(now time.Duration) bool { return now >= d } }
	)
	for _, tc := range []struct {
		name                 string
		check, reached, line at
		back                 string        // "" confirmed
		from, until          time.Duration // when it is over
	}{
		{"all is well", always, always, always, "", 0, time.Minute},
		{"the hub answers late", always, after(9 * time.Minute), always, "", 9 * time.Minute, 10 * time.Minute},
		{"the hub never answers", always, never, always, "hub", bundle.Window, bundle.Window + time.Minute},
		{"its own check fails", never, always, always, "check", bundle.Window, bundle.Window + time.Minute},
		{"the line is down for a while", always, after(15 * time.Minute), after(8 * time.Minute), "", 15 * time.Minute, 16 * time.Minute},
		{"the line never comes back", always, never, never, "line", 2 * bundle.Window, 2*bundle.Window + time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pub, key := signer(t)
			k, err := bundle.Keep(filepath.Join(t.TempDir(), "b"), "site-1", pub)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := k.Offer(signed(t, key, bundle.Payload{Site: "site-1", Version: 1})); err != nil {
				t.Fatal(err)
			}
			clk := asked{clock.NewFake(), make(chan struct{})}
			start := clk.Boot()
			since := func() time.Duration { return clk.Boot().Sub(start) }
			type end struct {
				back bool
				err  error
			}
			over := make(chan end, 1)
			go func() {
				back, err := k.Prove(context.Background(), clk, bundle.Proof{
					Check: func(context.Context) error {
						if !tc.check(since()) {
							return errors.New("not well")
						}
						return nil
					},
					Reached: func() bool { return tc.reached(since()) },
					Line:    func() bool { return tc.line(since()) },
				})
				over <- end{back, err}
			}()
			var e end
			for done := false; !done; {
				if since() > time.Hour {
					t.Fatal("it never ends")
				}
				select {
				case <-clk.timers:
					clk.Advance(10 * time.Second)
				case e = <-over:
					done = true
				}
			}
			if e.err != nil || e.back != (tc.back != "") {
				t.Fatalf("%+v", e)
			}
			_, refused := k.Says()
			if k.Trying() || (refused != nil) != e.back || e.back && refused.Why != tc.back {
				t.Errorf("trying %v, refused %+v; expected %q", k.Trying(), refused, tc.back)
			}
			if s := since(); s < tc.from || s > tc.until {
				t.Errorf("over after %v; expected between %v and %v", s, tc.from, tc.until)
			}
		})
	}
}

func TestATrialIsNotJudgedByAnEndOfTheDaemon(t *testing.T) {
	pub, key := signer(t)
	k, err := bundle.Keep(filepath.Join(t.TempDir(), "b"), "site-1", pub)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Offer(signed(t, key, bundle.Payload{Site: "site-1", Version: 1})); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	back, err := k.Prove(ctx, clock.NewFake(), bundle.Proof{})
	if back || err != nil || !k.Trying() {
		t.Errorf("back %v, %v, trying %v", back, err, k.Trying())
	}
}
