package sessions

import (
	"errors"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

func guesserMAC(n int) mac.Addr { return mac.Addr{2, 0, 0, byte(n >> 16), byte(n >> 8), byte(n)} }

func waits(t *testing.T, th *throttle, d mac.Addr) time.Duration {
	t.Helper()
	err := th.check(d)
	if err == nil {
		return 0
	}
	var w *Throttled
	if !errors.As(err, &w) {
		t.Fatal(err)
	}
	return w.Wait
}

func TestADeviceWaitsLongerAfterEachMistakeFromTheFifthOn(t *testing.T) {
	c := clock.NewFake()
	th := newThrottle(c)
	for n, want := range []time.Duration{0, 0, 0, 0, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		th.wrong(guesserMAC(1))
		if got := waits(t, th, guesserMAC(1)); got != want {
			t.Errorf("after mistake %d it waits %v, want %v", n+1, got, want)
		}
		if got := waits(t, th, guesserMAC(2)); got != 0 {
			t.Errorf("another device waits %v", got)
		}
		c.Advance(want)
	}
	c.Advance(time.Hour)
	th.wrong(guesserMAC(1))
	if got := waits(t, th, guesserMAC(1)); got != 0 {
		t.Errorf("an hour later it is forgotten, and waits %v", got)
	}
}

func TestAllDevicesTogetherWaitAfterSixtyMistakesInTenMinutes(t *testing.T) {
	c := clock.NewFake()
	th := newThrottle(c)
	for n := range 60 {
		if got := waits(t, th, guesserMAC(n)); got != 0 {
			t.Fatalf("after %d mistakes a new device waits %v", n, got)
		}
		th.wrong(guesserMAC(n))
		c.Advance(time.Second)
	}
	if got := waits(t, th, guesserMAC(999)); got != 9*time.Minute {
		t.Errorf("a new device waits %v", got)
	}
	c.Advance(9 * time.Minute)
	if got := waits(t, th, guesserMAC(999)); got != 0 {
		t.Errorf("ten minutes after the first it waits %v", got)
	}
}

func TestWhatGuessersMakeUsRememberIsBounded(t *testing.T) {
	th := newThrottle(clock.NewFake())
	for n := range 5000 {
		th.wrong(guesserMAC(n))
	}
	if len(th.guessers) > guessersMost || th.order.Len() != len(th.guessers) || len(th.site) > siteMost {
		t.Errorf("%d devices, %d in order, %d mistakes", len(th.guessers), th.order.Len(), len(th.site))
	}
}
