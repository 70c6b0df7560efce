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
	leases map[netip.Addr]mac.Addr
}

// of returns whom the address was leased to. dnsmasq writes a new file in the old one's place, so time and size together show
// a change; again reads it whatever they say, for a lease that was given within the file system's clock tick.
func (l *leaseFile) of(a netip.Addr, again bool) (mac.Addr, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fi, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		l.leases = nil // nobody has a lease yet
		return mac.Addr{}, false, nil
	}
	if err != nil {
		return mac.Addr{}, false, fmt.Errorf("read leases: %w", err)
	}
	if again || l.leases == nil || !fi.ModTime().Equal(l.mtime) || fi.Size() != l.size {
		b, err := os.ReadFile(l.path)
		if err != nil {
			return mac.Addr{}, false, fmt.Errorf("read leases: %w", err)
		}
		l.leases, l.mtime, l.size = parseLeases(bytes.NewReader(b)), fi.ModTime(), fi.Size()
	}
	m, ok := l.leases[a]
	return m, ok, nil
}

// parseLeases reads the lines "EXPIRY MAC IPV4 NAME CLIENT-ID" of dnsmasq's lease file (dnsmasq(8), --dhcp-leasefile).
// What it does not know is passed over: DHCPv6 leases after a "duid" line, other hardware types ("06-…"), damaged
// lines. The fourth column, often a person's name, is never kept.
func parseLeases(r io.Reader) map[netip.Addr]mac.Addr {
	out := map[netip.Addr]mac.Addr{}
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
		out[a] = m
	}
	return out
}
