package gate

import (
	"net"
	"net/netip"
	"sync"
)

// door counts the connections of one listener, and of each client, and keeps out those that are too many.
type door struct {
	net.Listener
	all, each int

	mu     sync.Mutex
	closed bool
	inside map[net.Conn]netip.Addr
	by     map[netip.Addr]int
	empty  sync.Cond
}

func newDoor(l net.Listener, b Bounds) *door {
	d := &door{Listener: l, all: b.All, each: b.Client, inside: map[net.Conn]netip.Addr{}, by: map[netip.Addr]int{}}
	d.empty.L = &d.mu
	return d
}

// Accept returns the next connection that there is room for, as the *net.TCPConn that it is: nothing around it, so that the
// kernel moves its bytes. Whoever is given one calls leave once it is over.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := c.(*net.TCPConn)
		if !ok {
			c.Close()
			continue
		}
		if !d.enter(tcp) {
			reset(tcp)
			continue
		}
		return tcp, nil
	}
}

func (d *door) enter(c *net.TCPConn) bool {
	from := address(c)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.inside) >= d.all || d.by[from] >= d.each {
		return false
	}
	d.inside[c] = from
	d.by[from]++
	return true
}

// leave makes room again. It may be called more than once.
func (d *door) leave(c net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	from, ok := d.inside[c]
	if !ok {
		return
	}
	delete(d.inside, c)
	if d.by[from]--; d.by[from] == 0 {
		delete(d.by, from)
	}
	if len(d.inside) == 0 {
		d.empty.Broadcast()
	}
}

// shut sends everybody away and lets nobody in.
func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for c := range d.inside {
		c.Close()
	}
}

// wait returns once everybody has left.
func (d *door) wait() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.inside) > 0 {
		d.empty.Wait()
	}
}

// address is a connection's source.
func address(c net.Conn) netip.Addr {
	a, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	return a.Addr().Unmap()
}
