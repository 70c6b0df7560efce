package bench

import (
	"testing"
	"time"
)

func TestThePauseIsTheLongestTimeWithoutAPacket(t *testing.T) {
	at := func(ms ...int) (out []time.Time) {
		for _, m := range ms {
			out = append(out, time.Unix(0, 0).Add(time.Duration(m)*time.Millisecond))
		}
		return out
	}
	tests := []struct {
		name  string
		seen  []int
		end   int
		pause int
		flows bool
	}{
		{"in the middle", []int{1, 2, 700, 701}, 702, 698, true},
		{"from the beginning", []int{400, 401, 402}, 403, 400, true},
		{"until the end: it does not flow", []int{1, 2}, 900, 898, false},
		{"nothing at all", nil, 900, 900, false},
	}
	for _, tt := range tests {
		pause, flows := longestPause(at(0)[0], at(tt.end)[0], at(tt.seen...))
		if pause != time.Duration(tt.pause)*time.Millisecond || flows != tt.flows {
			t.Errorf("%s: %v, flows %v; want %d ms, %v", tt.name, pause, flows, tt.pause, tt.flows)
		}
	}
}
