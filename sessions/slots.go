package sessions

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"

	"parvis/internal/clock"
)

// SlotRest is how long a slot rests after its end before it is given again: late packets, connections that are still
// remembered by the kernel and the public ports of the former holder must not be taken for the next one's.
const SlotRest = 5 * time.Minute

// slots is the queue of the slots that nobody holds, the longest rested first.
type slots struct {
	queue []resting
	total int
}

type resting struct {
	slot uint16
	from clock.Boot // may be given from then on
}

const always = clock.Boot(math.MinInt64)

// newSlots queues every slot from first to last that is not held; rests holds since when a slot rests.
func newSlots(first, last uint16, held map[uint16]bool, rests map[uint16]clock.Boot) *slots {
	q := &slots{total: int(last) - int(first) + 1}
	for n := int(first); n <= int(last); n++ {
		r := resting{slot: uint16(n), from: always}
		if held[r.slot] {
			continue
		}
		if at, ok := rests[r.slot]; ok {
			r.from = at.Add(SlotRest)
		}
		q.queue = append(q.queue, r)
	}
	slices.SortStableFunc(q.queue, func(a, b resting) int { return cmp.Compare(a.from, b.from) })
	return q
}

func (q *slots) ready(now clock.Boot) bool { return len(q.queue) > 0 && q.queue[0].from <= now }

// take gives the slot that has rested longest.
func (q *slots) take(now clock.Boot) (slot uint16, ok bool) {
	if !q.ready(now) {
		return 0, false
	}
	slot = q.queue[0].slot
	q.queue = q.queue[1:]
	return slot, true
}

// untake gives back a slot that the kernel never saw: it needs no rest.
func (q *slots) untake(slot uint16) {
	q.queue = slices.Insert(q.queue, 0, resting{slot: slot, from: always})
}

// release puts a slot to rest. Boot never goes back, so the queue stays in order.
func (q *slots) release(slot uint16, now clock.Boot) {
	q.queue = append(q.queue, resting{slot: slot, from: now.Add(SlotRest)})
}

func (q *slots) count(now clock.Boot) (free, rests int) {
	free = sort.Search(len(q.queue), func(i int) bool { return q.queue[i].from > now })
	return free, len(q.queue) - free
}
