package firewall

import (
	"fmt"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"parvis/firewall/neighbour"
)

// watch is the one goroutine that sees what happens behind our back and tells it: interfaces that go and come back, what
// another program has touched (the glance), and what the neighbour watch finds. An interface that was deleted and made
// anew has no class and no queue of ours, so its return is a LinkBack even when nothing was seen of its absence. A port
// that joins the guests' bridge, or loses its isolation, is isolated in place.
type watch struct {
	events chan Event
	done   chan struct{}
	ended  chan struct{}
}

// newWatch subscribes to link messages (RTNLGRP_LINK).
func newWatch(f *Firewall) (*watch, error) {
	w := &watch{events: make(chan Event, 16), done: make(chan struct{}), ended: make(chan struct{})}
	updates, err := w.subscribe()
	if err != nil {
		return nil, err
	}
	l := links{index: map[string]int{f.cfg.Guest: 0, f.cfg.WAN: 0}, ports: map[int]bool{}, guest: f.cfg.Guest}
	list, err := again(f.rt.LinkList)
	if err != nil {
		close(w.done)
		return nil, fmt.Errorf("watch links: %w", err)
	}
	for _, link := range list {
		l.learn(link)
	}
	for _, link := range list {
		l.opens(link) // the ports that are there already
	}
	go w.run(f, updates, l)
	return w, nil
}

// subscribe opens a subscription. Its channel is closed when the kernel had more to say than the socket could hold.
func (w *watch) subscribe() (chan nl.LinkUpdate, error) {
	updates := make(chan nl.LinkUpdate, 64)
	err := nl.LinkSubscribeWithOptions(updates, w.done, nl.LinkSubscribeOptions{
		ErrorCallback:     func(error) {}, // the closed channel says it
		ReceiveBufferSize: 1 << 20,        // a hundred ports that join at once
	})
	if err != nil {
		return nil, fmt.Errorf("watch links: %w", err)
	}
	return updates, nil
}

func (w *watch) run(f *Firewall, updates chan nl.LinkUpdate, l links) {
	defer close(w.ended)
	defer close(w.events)
	tell := func(e Event) {
		select {
		case w.events <- e:
		case <-w.done:
		}
	}
	changes := f.near.Changes()
	tick, stop := f.clock.At(f.clock.Boot().Add(glanceEvery))
	defer func() { stop() }()
	for {
		select {
		case <-w.done:
			return
		case <-tick:
			if e, is := f.glance(); is {
				tell(e)
			}
			tick, stop = f.clock.At(f.clock.Boot().Add(glanceEvery))
		case c, ok := <-changes:
			if !ok {
				changes = nil
				continue
			}
			if e, is := f.follow(c); is {
				tell(e)
			}
		case u, ok := <-updates:
			if ok {
				if u.Header.Type == unix.RTM_NEWLINK {
					if open, fresh := l.opens(u.Link); open {
						f.isolate(u.Link.Attrs().Index, fresh)
					}
				}
				if e, is := l.event(u); is {
					f.linked(e)
					tell(e)
				}
				continue
			}
			select {
			case <-w.done:
				return
			default:
			}
			// Messages were lost: whatever happened meanwhile, a Sync finds it.
			var err error
			if updates, err = w.subscribe(); err != nil {
				f.log.Error("links are no longer watched", "cause", err)
				continue
			}
			tell(Event{Kind: LinkBack, Detail: "messages about links were lost"})
		}
	}
}

// close ends the goroutine and waits for it.
func (w *watch) close() {
	close(w.done)
	<-w.ended
}

// linked notes that an interface is to be laid anew.
func (f *Firewall) linked(e Event) {
	if e.Kind == LinkBack {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.suspect(faultLink)
		f.trouble.told = true // by the event itself
	}
}

// follow follows one piece of news about the devices on the guest link.
func (f *Firewall) follow(c neighbour.Change) (Event, bool) {
	switch c.Kind {
	case neighbour.Bound, neighbour.Unbound:
		if err := f.rebind(c.MAC); err != nil {
			f.log.Warn("addresses of a device do not follow yet", "cause", err)
			f.mu.Lock()
			f.suspect(faultSets)
			f.mu.Unlock()
		}
		return Event{}, false
	case neighbour.Contested:
		return Event{Kind: Contested, MAC: c.MAC, Contest: Contest(c.Contest), Detail: c.Contest}, true
	case neighbour.Settled:
		return Event{Kind: Settled, MAC: c.MAC}, true
	}
	return Event{}, false
}

// links is what is known of the interfaces that matter.
type links struct {
	guest string
	index map[string]int // 0: not there
	ports map[int]bool   // ports of the guests' bridge; false: it was one
}

func (l *links) learn(link nl.Link) {
	if _, ours := l.index[link.Attrs().Name]; ours {
		l.index[link.Attrs().Name] = link.Attrs().Index
	}
}

// opens reports whether the link is a port of the guests' bridge that is not isolated, as far as the message says: one
// that joins it, or whose state as a port is told (IFLA_BRPORT_ISOLATED). fresh is one that has never been a port of it.
func (l *links) opens(link nl.Link) (open, fresh bool) {
	a := link.Attrs()
	in := l.index[l.guest] != 0 && a.MasterIndex == l.index[l.guest]
	was, known := l.ports[a.Index]
	if in || known {
		l.ports[a.Index] = in
	}
	return in && (!was || a.Protinfo != nil && !a.Protinfo.Isolated), in && !known
}

// event reads one message. A rename is the loss of the old name and the return of the new one.
func (l *links) event(u nl.LinkUpdate) (Event, bool) {
	a := u.Link.Attrs()
	gone := u.Header.Type == unix.RTM_DELLINK && u.Change == ^uint32(0)
	for name, index := range l.index {
		if index == a.Index && (gone || a.Name != name) {
			l.index[name] = 0
			delete(l.ports, a.Index)
			return Event{Kind: LinkLost, Detail: name}, true
		}
	}
	if gone {
		delete(l.ports, a.Index)
		return Event{}, false
	}
	if index, ours := l.index[a.Name]; ours && index != a.Index {
		l.index[a.Name] = a.Index
		return Event{Kind: LinkBack, Detail: a.Name}, true
	}
	return Event{}, false
}
