package sessions

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"

	"parvis/internal/clock"
	"parvis/internal/order"
)

// SlotRest is how long a slot rests after its end before it is given again: late packets, connections that are still
// remembered by the kernel and the public ports of the former holder must not be taken for the next one's.
const SlotRest = 5 * time.Minute

// slots are those that nobody holds. One that was held before goes first once it has rested, the longest rested before the
// others: the kernel has its classes already, where a new one's would have to be made.
type slots struct {
	queue []resting
	fresh []uint16
}

type resting struct {
	slot uint16
	from clock.Boot // may be given from then on
}

const always = clock.Boot(math.MinInt64)

// newSlots queues every slot from first to last that is not held; rests holds since when a slot rests.
func newSlots(first, last uint16, held map[uint16]bool, rests map[uint16]clock.Boot) *slots {
	q := &slots{}
	for n := int(first); n <= int(last); n++ {
		slot := uint16(n)
		if held[slot] {
			continue
		}
		if at, ok := rests[slot]; ok {
			q.queue = append(q.queue, resting{slot, at.Add(SlotRest)})
		} else {
			q.fresh = append(q.fresh, slot)
		}
	}
	order.Stable(q.queue, func(a, b resting) int { return cmp.Compare(a.from, b.from) })
	return q
}

func (q *slots) ready(now clock.Boot) bool {
	return len(q.fresh) > 0 || len(q.queue) > 0 && q.queue[0].from <= now
}

// take gives a slot.
func (q *slots) take(now clock.Boot) (slot uint16, ok bool) {
	switch {
	case len(q.queue) > 0 && q.queue[0].from <= now:
		slot, q.queue = q.queue[0].slot, q.queue[1:]
	case len(q.fresh) > 0:
		slot, q.fresh = q.fresh[0], q.fresh[1:]
	default:
		return 0, false
	}
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
	return free + len(q.fresh), len(q.queue) - free
}
