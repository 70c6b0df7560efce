package firewall

import (
	"testing"

	"pgregory.net/rapid"
)

func TestASessionsClassIsItsRateWithinTheLine(t *testing.T) {
	for _, tc := range []struct {
		name       string
		rate, line uint64 // bits per second
		slots      int
		low, top   uint64 // bytes per second
	}{
		{"a part of what guests have is guaranteed, the rest is borrowed", 80e6, 100e6, 10, 593_750, 10e6},
		{"less than its part", 1e6, 100e6, 10, 125_000, 125_000},
		{"0 is the line's, 95 in a hundred of it", 0, 100e6, 10, 593_750, 11_875_000},
		{"more than the line is the line's", 900e6, 100e6, 10, 593_750, 11_875_000},
		{"HTB is asked for no ceiling below its least", 1, 100e6, 10, minRate, minRate},
		{"many slots on a slow line have little each", 0, 10e6, 20000, 29, 1_187_500},
		{"beyond 32 bits", 64e9, 100e9, 10, 593_750_000, 8_000_000_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := sides{guest: side{line: tc.line}, first: firstSlot, last: uint16(firstSlot + tc.slots - 1)}
			want := class{parent: classLine, rate: tc.low, ceil: tc.top, leaf: true}
			if got := s.want(false, tc.rate, 0); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

// A class within its guarantee does not ask its parent: more guaranteed than there is would be more sent than there is.
func TestGuaranteesAreNeverMoreThanTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, last, _ := Slots(rapid.IntRange(1, MaxCapacity).Draw(t, "capacity"))
		d := side{line: rapid.Uint64Range(1e6, 100e9).Draw(t, "line"), wan: rapid.Bool().Draw(t, "wan")}
		s := sides{guest: d, wan: d, first: first, last: last}
		sum := s.slots() * s.want(d.wan, 0, 0).rate
		for minor, c := range d.house() {
			if c.parent == classLine && minor != classEnded {
				sum += c.rate
			}
		}
		if sum > d.house()[classLine].ceil && s.slots() < d.shaped() {
			t.Fatalf("%d bytes per second guaranteed of %d", sum, d.shaped())
		}
	})
}

func TestAFloorIsTakenFromWhatIsSharedOut(t *testing.T) {
	s := sides{guest: side{line: 100e6}, wan: side{line: 20e6, wan: true}, first: firstSlot, last: firstSlot + 9}
	s.floors = s.floorsFor(4e6)
	for _, tc := range []struct {
		name     string
		wan      bool
		rate     uint64
		floor    uint64
		low, top uint64 // bytes per second
	}{
		{"who has one", false, 0, 2e6, 534_375, 11_875_000}, // its even part is more
		{"who has one on the slower side", true, 0, 2e6, 250_000, 2_375_000},
		{"who has none", true, 0, 0, 59_375, 2_375_000},
		{"its own rate is less", true, 800_000, 2e6, 100_000, 100_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := s.want(tc.wan, tc.rate, tc.floor); got.rate != tc.low || got.ceil != tc.top {
				t.Errorf("%+v, want %d to %d", got, tc.low, tc.top)
			}
		})
	}
}

func TestGuaranteesWithFloorsAreNeverMoreThanTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, last, _ := Slots(rapid.IntRange(1, MaxCapacity).Draw(t, "capacity"))
		line := rapid.Uint64Range(1e6, 1e9)
		s := sides{guest: side{line: line.Draw(t, "down")}, wan: side{line: line.Draw(t, "up"), wan: true}, first: first, last: last}
		var bits uint64
		floors := rapid.SliceOfN(rapid.Uint64Range(0, 20e6), 0, min(30, int(s.slots()))).Draw(t, "floors")
		for _, f := range floors {
			bits += f
		}
		s.floors = s.floorsFor(bits)
		for _, d := range []side{s.guest, s.wan} {
			sum := (s.slots() - uint64(len(floors))) * s.want(d.wan, 0, 0).rate
			for _, f := range floors {
				sum += s.want(d.wan, 0, f).rate
			}
			if most := d.share(guestShare) + s.slots(); sum > most { // a byte is the least of each
				t.Fatalf("%d bytes per second guaranteed of %d", sum, most)
			}
		}
	})
}

func TestClassesAreReadyBeforeTheyAreNeeded(t *testing.T) {
	first, last, _ := Slots(MaxCapacity)
	s := sides{guest: side{line: gigabit}, wan: side{line: gigabit, wan: true}, first: first, last: last}
	g := grant(first+1, "10.77.0.20", 1)
	list := planClasses(true, changes{add: []Grant{g}}, nil, s)
	if n := len(list) - len(s.wan.house()); n != 1+spare || list[len(list)-1].minor != first+spare {
		t.Errorf("%d classes up to %#x, want the session's and %d ready", n, list[len(list)-1].minor, spare)
	}
	has := map[uint16]class{}
	for _, c := range list {
		has[c.minor] = *c.want
	}
	if again := planClasses(true, changes{adopt: []Grant{g}}, has, s); len(again) != 0 {
		t.Errorf("a second time: %+v", again)
	}
}

func TestTheQueueIsATenthOfASecondAndHoldsTheLargestPacket(t *testing.T) {
	for ceil, want := range map[uint64]uint32{minRate: 68 << 10, 12_500_000: 1_250_000, 1 << 40: 1<<32 - 1} {
		if got := (class{ceil: ceil}).fifo(); got != want {
			t.Errorf("%d bytes per second: %d bytes, want %d", ceil, got, want)
		}
	}
}

// What the kernel says of a class is read without a doubt or not at all.
func FuzzDecodeClass(f *testing.F) {
	s := side{index: 7, device: "w"}
	for _, c := range []class{{parent: 1, rate: 1000, ceil: 2000}, {rate: 1 << 34, ceil: 1 << 35}} {
		f.Add(classOp(s, 0x20, c).msg.Data)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		minor, c, ok := decodeClass(b)
		if !ok {
			return
		}
		again, d, ok := decodeClass(classOp(s, minor, c).msg.Data)
		if d.leaf = c.leaf; !ok || again != minor || d != c {
			t.Errorf("%#x %+v comes back as %#x %+v", minor, c, again, d)
		}
	})
}
