package kiosk

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// Lengths, in characters.
const (
	nameMost  = 40
	placeMost = 80
)

// seenWrite is how often the time at which a terminal was seen is written down at most.
const seenWrite = time.Hour

// Seen takes note of a terminal's request, and returns it as it is then. One that is not known yet is new. A clean browser frees
// a terminal whose session has ended.
func (p *Posts) Seen(v Visit) Terminal {
	wall := p.o.Clock.Wall().Time
	p.mu.Lock()
	x := p.posts[v.MAC]
	if x == nil {
		x = p.newcomer(v.MAC)
	}
	moved := x.IPv4 != v.IPv4 && v.IPv4.IsValid()
	learnt := p.learn(x, v.Label)
	write := x.adopted && (moved || learnt || wall.Sub(x.Seen) >= seenWrite || v.Fresh && x.Dirty)
	first := x.heard == 0
	x.heard = p.o.Clock.Boot()
	if !x.adopted {
		x.Seen = wall
		if moved {
			x.IPv4 = v.IPv4
		}
	}
	mismatch := x.mismatch
	x.mismatch = v.Label != "" && !p.calls(x, v.Label) || v.Label == "" && x.mismatch
	changed := first || moved || learnt || mismatch != x.mismatch
	p.mu.Unlock()
	if write {
		changed = p.visited(v, wall) || changed
	} else {
		p.set(v.MAC, func(x *post) { x.Seen = wall })
	}
	if v.Fresh {
		p.set(v.MAC, func(x *post) { x.fresh, x.restart = p.o.Clock.Boot(), false })
	}
	if changed {
		p.changed()
	}
	t, _ := p.ByMAC(v.MAC)
	return t
}

// visited writes what a visit has changed, and reports whether that is to be seen.
func (p *Posts) visited(v Visit, wall time.Time) (changed bool) {
	ctx := context.Background() // of no request: what was seen was seen
	p.op.Lock()
	defer p.op.Unlock()
	x, ok := p.copyOf(v.MAC)
	if !ok || !x.adopted {
		return false
	}
	s, known := p.o.Sessions.Of(v.MAC)
	open := known && s.Open
	next := x.Row
	next.Seen = wall
	moved := v.IPv4.IsValid() && v.IPv4 != x.IPv4
	if moved {
		next.IPv4 = v.IPv4
	}
	freed := v.Fresh && x.Dirty && !open
	if freed {
		next.clean()
	}
	if err := p.write(ctx, next); err != nil {
		p.o.Log.Warn("what was seen of a terminal is not written", "terminal", x.ID, "cause", err)
		if freed { // of the two errors that may come of it the harmless one: it counts as used after a restart
			p.set(v.MAC, func(x *post) { x.Row = next })
		}
	}
	if freed {
		p.over(v.MAC)
		p.push(next)
		p.o.Log.Info("terminal clean", "terminal", x.ID)
	}
	if moved && open {
		if _, err := p.o.Sessions.Open(ctx, OpenRequest{MAC: v.MAC, IPv4: v.IPv4}); err != nil {
			p.o.Log.Warn("a terminal's session does not follow its address", "terminal", x.ID, "cause", err)
		}
	}
	return moved || freed
}

func (p *Posts) copyOf(a mac.Addr) (post, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	x := p.posts[a]
	if x == nil {
		return post{}, false
	}
	return *x, true
}

// newcomer makes a terminal that nobody has adopted. Called with mu held.
func (p *Posts) newcomer(a mac.Addr) *post {
	var last *post
	n := 0
	for _, x := range p.posts {
		if x.adopted {
			continue
		}
		n++
		if last == nil || x.heard < last.heard {
			last = x
		}
	}
	if n >= mostNew {
		delete(p.posts, last.MAC)
	}
	p.unseen++
	x := &post{Row: Row{ID: "nouveau-" + strconv.Itoa(p.unseen), MAC: a}}
	p.posts[a] = x
	return x
}

// Adopt makes a machine one of the place's terminals, whether it was seen yet or not. What is open for it as a guest ends: it is
// never admitted as one again. ErrDetails, ErrMany, ErrStore.
func (p *Posts) Adopt(ctx context.Context, a mac.Addr, d Details) (Terminal, error) {
	p.op.Lock()
	defer p.op.Unlock()
	ctx = context.WithoutCancel(ctx)
	x, seen := p.copyOf(a)
	if x.adopted {
		return p.view(x), fmt.Errorf("%w: it is %s already", ErrDetails, x.ID)
	}
	row := x.Row
	row.MAC = a
	row.ID = p.id(d.Name)
	if d.Name == "" {
		d.Name = "Poste " + strconv.Itoa(number(row.ID))
	}
	if d.PCID == "" {
		d.PCID = x.PCID
	}
	if err := p.check(a, &d); err != nil {
		return Terminal{}, err
	}
	row.Details = d
	row.Dirty = x.fresh == 0 // else nothing was open to its browser since it began
	if err := p.o.Store.Put(ctx, row); err != nil {
		return Terminal{}, fmt.Errorf("%w: %w", ErrStore, err)
	}
	p.mu.Lock()
	if !seen {
		p.posts[a] = &post{}
	}
	x = *p.posts[a]
	x.Row, x.adopted, x.ended, x.mismatch = row, true, p.o.Clock.Boot(), false
	*p.posts[a] = x
	p.mu.Unlock()
	p.push(row)
	if s, known := p.o.Sessions.Of(a); known && s.Open {
		if err := p.o.Sessions.End(ctx, s.ID); err != nil {
			p.o.Log.Warn("what was open for a new terminal has not ended", "terminal", row.ID, "cause", err)
		}
	}
	p.o.Log.Info("terminal adopted", "terminal", row.ID)
	p.changed()
	return p.view(x), nil
}

// id is that of a terminal with this name: its number where that is free, else the next one.
func (p *Posts) id(name string) string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	taken, most := map[int]bool{}, 0
	for _, x := range p.posts {
		if x.adopted {
			taken[number(x.ID)], most = true, max(most, number(x.ID))
		}
	}
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, ' ')+1:])
	if err != nil || n < 1 || n > 999 || taken[n] {
		n = most + 1
	}
	return "poste-" + strconv.Itoa(n)
}

// check completes details and says what is wrong with them. Called with op held.
func (p *Posts) check(a mac.Addr, d *Details) error {
	d.Name, d.Place = strings.TrimSpace(d.Name), strings.TrimSpace(d.Place)
	if d.Renderer == "" {
		d.Renderer = Porteus
	}
	for _, t := range []struct {
		text string
		most int
	}{{d.Name, nameMost}, {d.Place, placeMost}} {
		if utf8.RuneCountInString(t.text) > t.most || !utf8.ValidString(t.text) || strings.ContainsFunc(t.text, unicode.IsControl) {
			return fmt.Errorf("%w: a text of at most %d characters is expected", ErrDetails, t.most)
		}
	}
	switch {
	case d.Name == "":
		return fmt.Errorf("%w: it has no name", ErrDetails)
	case d.PCID != "" && !pcid(d.PCID):
		return fmt.Errorf("%w: PCID %q: letters, digits, - and _ are expected", ErrDetails, d.PCID)
	case !slices.Contains([]string{Porteus, Linux}, d.Renderer):
		return fmt.Errorf("%w: renderer %q: %q or %q is expected", ErrDetails, d.Renderer, Porteus, Linux)
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	n := 0
	for _, o := range p.posts {
		switch {
		case !o.adopted || o.MAC == a:
			continue
		case strings.EqualFold(o.Name, d.Name):
			return fmt.Errorf("%w: %s has this name", ErrDetails, o.ID)
		case near(o.PCID, d.PCID):
			return fmt.Errorf("%w: the PCIDs of %s and of this one would be taken for each other", ErrDetails, o.ID)
		}
		n++
	}
	if n >= MostTerminals {
		return fmt.Errorf("%w: %d terminals", ErrMany, n)
	}
	return nil
}

// Change says something else of an adopted terminal; the PCID stays where d has none. ErrNotFound, ErrNotAdopted, ErrDetails,
// ErrStore.
func (p *Posts) Change(ctx context.Context, id string, d Details) (Terminal, error) {
	p.op.Lock()
	defer p.op.Unlock()
	x, err := p.adopted(id)
	if err != nil {
		return Terminal{}, err
	}
	if d.PCID == "" {
		d.PCID = x.PCID
	}
	if err := p.check(x.MAC, &d); err != nil {
		return Terminal{}, err
	}
	x.Details = d
	if err := p.write(context.WithoutCancel(ctx), x.Row); err != nil {
		return Terminal{}, err
	}
	p.changed()
	return p.view(x), nil
}

// Remove makes a terminal a machine that nobody knows. What is open on it ends. ErrNotFound, ErrNotAdopted, ErrStore.
func (p *Posts) Remove(ctx context.Context, id string) error {
	p.op.Lock()
	defer p.op.Unlock()
	ctx = context.WithoutCancel(ctx)
	x, err := p.adopted(id)
	if err != nil {
		return err
	}
	if s, known := p.o.Sessions.Of(x.MAC); known && s.Open {
		if err := p.o.Sessions.End(ctx, s.ID); err != nil {
			return err
		}
	}
	if err := p.o.Store.Delete(ctx, id); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	p.mu.Lock()
	delete(p.posts, x.MAC)
	p.mu.Unlock()
	p.o.Policy.Allow(x.MAC, nil)
	p.o.Log.Info("terminal removed", "terminal", id)
	p.changed()
	return nil
}

// never is later than every moment.
const never = clock.Boot(1<<63 - 1)
