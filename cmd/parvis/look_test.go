package main

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"parvis/firewall"
	"parvis/internal/clock"
	"parvis/internal/mac"
)

// stepping is a clock that goes on by as much as somebody waits for.
type stepping struct{ *clock.Fake }

func (s stepping) At(b clock.Boot) (<-chan struct{}, func()) {
	s.Advance(b.Sub(s.Boot()))
	return s.Fake.At(b)
}

func TestADeviceThatTheKernelLooksForIsWaitedFor(t *testing.T) {
	missing := fmt.Errorf("firewall: identify: %w", firewall.ErrNoNeighbour)
	there := firewall.Device{MAC: mac.Addr{2, 0, 0, 0, 0, 1}, IPv4: netip.MustParseAddr("10.77.0.9")}
	for _, tc := range []struct {
		what  string
		after time.Duration // when the kernel answers otherwise
		err   error         // what it says then
		took  time.Duration
		want  error
	}{
		{"it is there", 0, nil, 0, nil},
		{"it comes in the time of a delayed acknowledgement", 200 * time.Millisecond, nil, 200 * time.Millisecond, nil},
		{"it does not come", time.Hour, nil, lookFor, firewall.ErrNoNeighbour},
		{"it is another's, and waiting changes nothing", 0, firewall.ErrOtherDevice, 0, firewall.ErrOtherDevice},
		{"it is another's when it comes", 40 * time.Millisecond, firewall.ErrOtherDevice, 40 * time.Millisecond, firewall.ErrOtherDevice},
	} {
		t.Run(tc.what, func(t *testing.T) {
			c := stepping{clock.NewFake()}
			began := c.Boot()
			dev, err := lookAgain(c, there.IPv4, func(a netip.Addr) (firewall.Device, error) {
				switch {
				case a != there.IPv4:
					t.Errorf("asked for %v", a)
				case c.Boot().Sub(began) < tc.after:
					return firewall.Device{}, missing
				case tc.err != nil:
					return firewall.Device{}, tc.err
				}
				return there, nil
			})
			if !errors.Is(err, tc.want) || tc.want == nil && dev != there {
				t.Errorf("%+v, %v; expected %v", dev, err, tc.want)
			}
			if took := c.Boot().Sub(began); took != tc.took {
				t.Errorf("it took %v, expected %v", took, tc.took)
			}
		})
	}
}
