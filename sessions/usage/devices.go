package usage

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"parvis/internal/mac"
)

// dayPart is a day, written 20261124, or a part of it.
type dayPart struct {
	day  int
	part int
}

// The parts.
const (
	whole = iota
	morning
	afternoon
)

// day counts different devices between two midnights.
type day struct {
	number int
	salt   [32]byte
	seen   [3]map[uint64]struct{}
}

func number(t time.Time) int {
	y, m, d := t.Date()
	return y*10000 + int(m)*100 + d
}

// device counts a device on the day of t. Called with mu held.
func (u *Usage) device(a mac.Addr, t time.Time) {
	if u.day != nil && u.day.number != number(t) {
		u.endDay()
	}
	if u.day == nil {
		u.day = &day{number: number(t)}
		rand.Read(u.day.salt[:]) // does not fail
		for i := range u.day.seen {
			u.day.seen[i] = map[uint64]struct{}{}
		}
	}
	sum := sha256.Sum256(append(u.day.salt[:], a[:]...))
	part := morning
	if PartOf(t) == Afternoon {
		part = afternoon
	}
	for _, p := range []int{whole, part} {
		if len(u.day.seen[p]) < mostDevices {
			u.day.seen[p][binary.BigEndian.Uint64(sum[:])] = struct{}{}
		}
	}
}

// countDay puts the counts of the day that lasts into days. Called with mu held.
func (u *Usage) countDay(days map[dayPart]int) {
	if u.day == nil {
		return
	}
	for p, seen := range u.day.seen {
		if len(seen) > 0 {
			days[dayPart{u.day.number, p}] = len(seen)
		}
	}
}

// endDay keeps the counts and destroys what they were made of. Called with mu held.
func (u *Usage) endDay() {
	u.countDay(u.ended)
	clear(u.day.salt[:])
	for _, seen := range u.day.seen {
		clear(seen)
	}
	u.day = nil
}
