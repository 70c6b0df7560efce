package firewall

import "errors"

// A floor is taken from what guests are guaranteed together, so that guarantees never add up to more than the line: what
// floors take is no longer shared out evenly. It is taken in steps of an eighth, and ahead of who comes, since each step changes
// the classes of everybody who is in. It is given back by the next Sync.
const floorSteps = 8

// part is what one session of a side is guaranteed, in bytes per second. Floors that are more together than guests have
// are each cut by as much.
func (s sides) part(d side, floor uint64) uint64 {
	guests := d.share(guestShare)
	even := (guests - min(s.floors, guests)) / s.slots()
	kept := floor / 8
	if s.floors > guests {
		kept = uint64(float64(kept) * float64(guests) / float64(s.floors))
	}
	return max(even, kept)
}

// floorsFor is what is to be kept for floors of so many bits per second together.
func (s sides) floorsFor(bits uint64) uint64 {
	step := max(min(s.guest.share(guestShare), s.wan.share(guestShare))/floorSteps, 1)
	return (bits/8 + step - 1) / step * step
}

func floorsOf(grants []Grant) (bits uint64) {
	for _, g := range grants {
		bits += g.Floor
	}
	return bits
}

// makeRoom keeps as much for floors as the grant needs beside those of who is in.
func (f *Firewall) makeRoom(g Grant) error {
	if g.Floor == 0 {
		return nil
	}
	bits := g.Floor
	for slot, r := range f.slots {
		if r.open && slot != g.Slot {
			bits += r.Floor
		}
	}
	for slot, n := range f.named {
		if slot != g.Slot {
			bits += n.Floor
		}
	}
	next := f.sides
	if next.floors = next.floorsFor(bits); next.floors <= f.sides.floors {
		return nil
	}
	list := f.changedClasses(next, g.Slot)
	f.sides = next
	return errors.Join(sortedErrors(f.layClasses(list))...)
}

// changedClasses are those that are there and that other sides want otherwise, but for one slot's.
func (f *Firewall) changedClasses(next sides, but uint16) (list []classChange) {
	add := func(slot uint16, g Grant, open bool) {
		for _, wan := range []bool{false, true} {
			was, want := f.sides.spared(wan), next.spared(wan)
			if open {
				was = f.sides.want(wan, g.rate(wan), g.Floor)
				want = next.want(wan, g.rate(wan), g.Floor)
			}
			if was != want {
				list = append(list, classChange{wan: wan, minor: slot, want: &want})
			}
		}
	}
	for n := int(f.sides.first); n <= int(f.sides.last); n++ {
		slot := uint16(n)
		if g, open := f.granted(slot); slot != but && (open || slot <= f.ready) {
			add(slot, g, open)
		}
	}
	return list
}
