package firewall

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"parvis/internal/mac"
)

// leaseFile is dnsmasq's lease file, read again only when it has changed. dnsmasq writes it at every change and owns it; we
// only read.
type leaseFile struct {
	path string

	mu     sync.Mutex
	mtime  time.Time
	size   int64
	leases map[netip.Addr]lease
	held   map[mac.Addr]netip.Addr // the reverse; one of several
}

// lease is what one line says.
type lease struct {
	mac   mac.Addr
	until time.Time // by the machine's civil clock; zero: for ever
}

// of returns whom the address was leased to. dnsmasq writes a new file in the old one's place, so time and size together show
// a change; again reads it whatever they say, for a lease that was given within the file system's clock tick.
func (l *leaseFile) of(a netip.Addr, again bool) (mac.Addr, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.read(again); err != nil {
		return mac.Addr{}, false, err
	}
	held, ok := l.leases[a]
	return held.mac, ok, nil
}

// LeasedUntil returns until when, by the machine's civil clock, the device holds the address; false when it does not, or for
// ever. A device that joins the network asks again, and the lease ends later than before.
func (f *Firewall) LeasedUntil(d Device) (time.Time, bool) {
	l := &f.leases
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.read(false); err != nil {
		return time.Time{}, false
	}
	held, ok := l.leases[d.IPv4]
	return held.until, ok && held.mac == d.MAC && !held.until.IsZero()
}

// by returns what was leased to the device.
func (l *leaseFile) by(m mac.Addr) (netip.Addr, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.read(false); err != nil {
		return netip.Addr{}, false, err
	}
	a, ok := l.held[m]
	return a, ok, nil
}

func (l *leaseFile) read(again bool) error {
	fi, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		l.leases, l.held = nil, nil // nobody has a lease yet
		return nil
	}
	if err != nil {
		return fmt.Errorf("read leases: %w", err)
	}
	if !again && l.leases != nil && fi.ModTime().Equal(l.mtime) && fi.Size() == l.size {
		return nil
	}
	b, err := os.ReadFile(l.path)
	if err != nil {
		return fmt.Errorf("read leases: %w", err)
	}
	l.leases, l.mtime, l.size = parseLeases(bytes.NewReader(b)), fi.ModTime(), fi.Size()
	l.held = make(map[mac.Addr]netip.Addr, len(l.leases))
	for a, held := range l.leases {
		l.held[held.mac] = a
	}
	return nil
}

// parseLeases reads the lines "EXPIRY MAC IPV4 NAME CLIENT-ID" of dnsmasq's lease file (dnsmasq(8), --dhcp-leasefile).
// What it does not know is passed over: DHCPv6 leases after a "duid" line, other hardware types ("06-…"), damaged
// lines. The fourth column, often a person's name, is never kept.
func parseLeases(r io.Reader) map[netip.Addr]lease {
	out := map[netip.Addr]lease{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		w := bytes.Fields(lines.Bytes())
		if len(w) < 4 { // a line that is cut short may show a part of an address
			continue
		}
		m, err := mac.Parse(string(w[1]))
		if err != nil {
			continue
		}
		a, err := netip.ParseAddr(string(w[2]))
		if err != nil || !a.Is4() {
			continue
		}
		held := lease{mac: m}
		if until, err := strconv.ParseInt(string(w[0]), 10, 64); err == nil && until > 0 {
			held.until = time.Unix(until, 0)
		}
		out[a] = held
	}
	return out
}
