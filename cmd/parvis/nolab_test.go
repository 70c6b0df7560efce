//go:build nolab

package main

import (
	"testing"
	"time"

	"parvis/internal/clock"
)

// Run by `go test -tags 'nomsgpack nolab' -run TestARoutersClockIsNotSet ./cmd/parvis`, as `make lint` does.
func TestARoutersClockIsNotSet(t *testing.T) {
	c := clock.NewShifted(clock.NewFake())
	before := c.Wall()
	if err := setClock(c, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Error("it is set")
	}
	if after := c.Wall(); after != before {
		t.Errorf("it was %v and is %v", before, after)
	}
}
