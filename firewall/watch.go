package firewall

import (
	"fmt"
	"log/slog"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// watch tells when an interface that we need goes or comes back, and when a port joins the guests' bridge: a new port is
// not isolated yet. An interface that was deleted and made anew has no class and no queue of ours, so its return is a
// LinkBack even when nothing was seen of its absence.
type watch struct {
	events chan Event
	done   chan struct{}
}

// newWatch subscribes to link messages (RTNLGRP_LINK).
func newWatch(rt *nl.Handle, guest, wan string, log *slog.Logger) (*watch, error) {
	w := &watch{events: make(chan Event, 16), done: make(chan struct{})}
	updates, err := w.subscribe()
	if err != nil {
		return nil, err
	}
	l := links{index: map[string]int{guest: 0, wan: 0}, ports: map[int]bool{}, guest: guest}
	list, err := again(rt.LinkList)
	if err != nil {
		close(w.done)
		return nil, fmt.Errorf("watch links: %w", err)
	}
	for _, link := range list {
		l.learn(link)
	}
	for _, link := range list {
		l.joins(link) // the ports that are there already
	}
	go w.run(updates, l, log)
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

func (w *watch) run(updates chan nl.LinkUpdate, l links, log *slog.Logger) {
	defer close(w.events)
	tell := func(e Event) {
		select {
		case w.events <- e:
		case <-w.done:
		}
	}
	for {
		select {
		case <-w.done:
			return
		case u, ok := <-updates:
			if ok {
				if e, is := l.event(u); is {
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
				log.Error("links are no longer watched", "cause", err)
				return
			}
			tell(Event{LinkBack, "messages about links were lost"})
		}
	}
}

func (w *watch) close() { close(w.done) }

// links is what is known of the interfaces that matter.
type links struct {
	guest string
	index map[string]int // 0: not there
	ports map[int]bool   // ports of the guests' bridge
}

func (l *links) learn(link nl.Link) {
	if _, ours := l.index[link.Attrs().Name]; ours {
		l.index[link.Attrs().Name] = link.Attrs().Index
	}
}

// joins reports whether the link is a port of the guests' bridge that was not one before.
func (l *links) joins(link nl.Link) bool {
	a := link.Attrs()
	in := l.index[l.guest] != 0 && a.MasterIndex == l.index[l.guest]
	was := l.ports[a.Index]
	if in {
		l.ports[a.Index] = true
	} else {
		delete(l.ports, a.Index)
	}
	return in && !was
}

// event reads one message. A rename is the loss of the old name and the return of the new one.
func (l *links) event(u nl.LinkUpdate) (Event, bool) {
	a := u.Link.Attrs()
	gone := u.Header.Type == unix.RTM_DELLINK && u.Change == ^uint32(0)
	for name, index := range l.index {
		if index == a.Index && (gone || a.Name != name) {
			l.index[name] = 0
			delete(l.ports, a.Index)
			return Event{LinkLost, name}, true
		}
	}
	if gone {
		delete(l.ports, a.Index)
		return Event{}, false
	}
	if index, ours := l.index[a.Name]; ours && index != a.Index {
		l.index[a.Name] = a.Index
		return Event{LinkBack, a.Name}, true
	}
	if u.Header.Type == unix.RTM_NEWLINK && l.joins(u.Link) {
		return Event{LinkBack, a.Name}, true
	}
	return Event{}, false
}
