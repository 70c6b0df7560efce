package firewall

import (
	"errors"
	"slices"
	"time"

	"parvis/firewall/ipset"
	"parvis/internal/clock"
	"parvis/internal/lang"
)

// A glance looks, twice a second and at a cost that does not grow with the guests, whether another program has touched
// what we laid. It compares marks of the tables, reads the switches, tries one entry of each set at random, and takes
// the kernel's notices about queues, classes and neighbours. Everything is compared, as Sync would, only once in
// lookEvery, or when the kernel had more notices than the socket could hold.
const (
	glanceEvery = time.Second / 2
	lookEvery   = 5 * time.Minute

	// lateEntry is how long before its end an entry may be missed: the kernel's clock for timeouts is not ours.
	lateEntry = 3 * time.Second
)

// fault is something of ours that was not as we laid it.
type fault string

const (
	faultRules      fault = "rules"
	faultSets       fault = "sets"
	faultQueues     fault = "queues"
	faultSwitches   fault = "switches"
	faultNeighbours fault = "neighbours"
	faultPort       fault = "port"
	faultLink       fault = "interface"
)

var faultTexts = map[fault]lang.Text{
	faultRules:      {EN: "firewall rules", FR: "règles du pare-feu"},
	faultSets:       {EN: "the list of who may pass", FR: "liste de ceux qui passent"},
	faultQueues:     {EN: "bandwidth classes", FR: "classes de débit"},
	faultSwitches:   {EN: "kernel switches", FR: "réglages du noyau"},
	faultNeighbours: {EN: "permanent neighbours", FR: "voisins permanents"},
	faultPort:       {EN: "isolation of a port", FR: "isolation d'un port"},
	faultLink:       {EN: "an interface that came back", FR: "une interface revenue"},
}

// Repair is one time that something of ours was found otherwise than it was laid, and laid again.
type Repair struct {
	At   clock.Boot    // when it was noticed
	What lang.Text     // in the operator's words
	Took time.Duration // until all was in force again
}

// maxRepairs is how many are remembered.
const maxRepairs = 32

// trouble is what was noticed and is not repaired yet.
type trouble struct {
	since  clock.Boot
	faults []fault
	told   bool // by an Event
}

// suspect notes that something is wrong. Called with mu held.
func (f *Firewall) suspect(what fault) {
	if len(f.trouble.faults) == 0 {
		f.trouble = trouble{since: f.clock.Boot()}
	}
	if !slices.Contains(f.trouble.faults, what) {
		f.trouble.faults = append(f.trouble.faults, what)
	}
}

// repaired writes down that what was noticed is in force again. Called with mu held.
func (f *Firewall) repaired() {
	f.looked = f.clock.Boot()
	if len(f.trouble.faults) == 0 {
		return
	}
	f.repair(f.trouble.since, f.trouble.faults...)
	f.trouble = trouble{}
}

// repair remembers one.
func (f *Firewall) repair(since clock.Boot, faults ...fault) {
	var what lang.Text
	for i, x := range faults {
		if i > 0 {
			what.EN, what.FR = what.EN+", ", what.FR+", "
		}
		what.EN, what.FR = what.EN+faultTexts[x].EN, what.FR+faultTexts[x].FR
	}
	r := Repair{At: since, What: what, Took: f.clock.Boot().Sub(since)}
	f.log.Warn("repaired: somebody else had changed it", "what", what.EN, "ms", r.Took.Milliseconds())
	if len(f.repairs) == maxRepairs {
		f.repairs = slices.Delete(f.repairs, 0, 1)
	}
	f.repairs = append(f.repairs, r)
}

// glance looks. The event is to be told when ok.
func (f *Firewall) glance() (e Event, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.synced { // Sync is called again until it gets through
		return Event{}, false
	}
	if err := f.look(); err != nil {
		f.log.Warn("cannot see whether somebody changes the kernel's state", "cause", err)
	}
	if len(f.trouble.faults) == 0 || f.trouble.told {
		return Event{}, false
	}
	f.trouble.told = true
	var detail string
	for _, x := range f.trouble.faults {
		detail += ", " + string(x)
	}
	return Event{Kind: Touched, Detail: detail[2:]}, true
}

func (f *Firewall) look() error {
	n, err := f.notices.read()
	if err != nil {
		return err
	}
	f.heed(n)
	now := f.clock.Boot()
	if n.lost || now.Sub(f.looked) >= lookEvery {
		f.looked = now
		return errors.Join(f.compare(), f.lookAtRules(true))
	}
	todo, err := f.wrongSysctls()
	if len(todo) > 0 {
		f.suspect(faultSwitches)
	}
	return errors.Join(err, f.tryEntries(), f.tryStaff(), f.tryNames(), f.lookAtRules(false), f.replenish())
}

// heed takes what was noticed about queues and neighbours.
func (f *Firewall) heed(n noticed) {
	for _, s := range []side{f.sides.guest, f.sides.wan} {
		if there, is := n.roots[s.index]; is && !there {
			f.suspect(faultQueues)
		}
	}
	for c, there := range n.classes {
		if !there && (c.index == f.sides.guest.index || c.index == f.sides.wan.index) && f.needsClass(c.minor) {
			f.suspect(faultQueues)
		}
	}
	for k, n := range n.neighbours {
		if k.index != f.sides.guest.index {
			continue
		}
		if g, is := f.namedWith(k.addr); is && !g.Suspended && !n.holds(g.MAC) {
			f.suspect(faultNeighbours)
		}
		r := f.slots[f.byIP[k.addr]]
		if r == nil || !r.open {
			continue
		}
		if t := r.of(k.addr); t != nil && !t.gone && !n.holds(r.MAC) {
			f.suspect(faultNeighbours)
		}
	}
}

// needsClass reports whether a class is one of ours that must be there.
func (f *Firewall) needsClass(minor uint16) bool {
	switch minor {
	case classLine, classHouse, classEnded, classFavour, classTerminal:
		return true
	}
	_, is := f.granted(minor)
	return is
}

// tryEntries asks for one address of each family, at random: whoever empties a set is found at once, and one
// entry that is missing by the next Usage at the latest.
func (f *Firewall) tryEntries() error {
	const tries = 16
	now, left := f.clock.Boot(), tries
	var tried [2]bool
	for a, slot := range f.byIP { // in random order
		if left--; left < 0 || tried[0] && (tried[1] || !f.six()) {
			break
		}
		r := f.slots[slot]
		t := r.of(a)
		family := 0
		if a.Is6() {
			family = 1
		}
		if tried[family] || t == nil || t.gone || !r.open || r.End <= now.Add(lateEntry) {
			continue
		}
		tried[family] = true
		up, dn, err := f.there(r.MAC, a)
		if err != nil {
			return err
		}
		if !up || !dn {
			f.suspect(faultSets)
		}
	}
	return nil
}

// lookAtRules reads the rules where somebody has changed rules, or in any case.
func (f *Firewall) lookAtRules(anyway bool) error {
	seen, err := f.tableMarks()
	if err != nil {
		return err
	}
	if !anyway && seen == f.marks {
		return nil
	}
	for _, x := range f.tables {
		stands, err := x.stands(f.cfg)
		if err != nil {
			return err
		}
		if !stands {
			f.suspect(faultRules)
			return nil
		}
	}
	f.marks = seen // the change was in rules that are not ours
	return nil
}

// compare finds whatever Sync would change.
func (f *Firewall) compare() error {
	if err := f.collect(); err != nil {
		return err
	}
	var grants []Grant
	for _, r := range f.slots {
		grants = append(grants, r.Grant)
	}
	k, err := f.readAll(grants)
	if err != nil {
		return err
	}
	ch := plan(append(grants, f.namedGrants()...), k, f.cfg, f.sides)
	if len(ch.add)+len(ch.removeUp)+len(ch.removeDn) > 0 {
		f.suspect(faultSets)
	}
	for _, differ := range []func() (gone, missing []ipset.Entry, err error){f.staffDiffers, f.namesDiffer} {
		gone, missing, err := differ()
		if err != nil {
			return err
		}
		if len(gone)+len(missing) > 0 {
			f.suspect(faultSets)
		}
	}
	if slices.ContainsFunc(ch.classes, func(c classChange) bool { return !c.fresh || f.needsClass(c.minor) }) {
		f.suspect(faultQueues)
	}
	if len(ch.neighbours) > 0 {
		f.suspect(faultNeighbours)
	}
	todo, err := f.wrongSysctls()
	if len(todo) > 0 {
		f.suspect(faultSwitches)
	}
	return err
}

// isolate sets the isolation of a port of the guests' bridge that has none, without laying anything else.
// A fresh one is nothing that somebody else has changed.
func (f *Firewall) isolate(index int, fresh bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.laid {
		return // Sync does
	}
	since := f.clock.Boot()
	link, err := f.rt.LinkByIndex(index)
	if err != nil {
		return // it has gone again
	}
	if link.Attrs().MasterIndex != f.sides.guest.index {
		return
	}
	todo, err := f.openPort(link)
	if err == nil {
		err = f.set(todo)
	}
	switch {
	case err != nil:
		f.log.Error("port is not isolated", "port", link.Attrs().Name, "cause", err)
		f.suspect(faultPort)
	case len(todo) > 0 && !fresh:
		f.repair(since, faultPort)
	}
}
