package line

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/net/dns/dnsmessage"

	"parvis/internal/clock"
)

// What comes in is proof of the line from here on. The operator's box alone sends less: its own announcements are multicast, and
// the kernel of a box holds its "unreachable" messages back to some in a second.
const (
	proofBytes   = 20_000 // a second
	proofPackets = 20     // a second, multicast left out
)

// Reach is the Network of this machine.
type Reach struct {
	Interface string // of the line
	Probe     string // URL of wan.probe; "" none
	Clock     clock.Clock

	last  counters
	known bool
}

// Carried implements Network.
func (r *Reach) Carried() bool {
	c, err := readAll(r.Interface)
	c.at = r.Clock.Boot()
	last, known := r.last, r.known
	r.last, r.known = c, err == nil
	seconds := c.at.Sub(last.at).Seconds()
	if err != nil || !known || c.rx < last.rx || c.unicast < last.unicast || seconds <= 0 {
		return false
	}
	return float64(c.rx-last.rx) >= proofBytes*seconds && float64(c.unicast-last.unicast) >= proofPackets*seconds
}

// readAll reads the packets too.
func readAll(device string) (c counters, err error) {
	if c, err = read(device); err != nil {
		return c, err
	}
	var packets, multicast uint64
	for name, into := range map[string]*uint64{"rx_packets": &packets, "multicast": &multicast} {
		b, err := os.ReadFile(filepath.Join("/sys/class/net", device, "statistics", name))
		if err != nil {
			return counters{}, fmt.Errorf("line: read counters: %w", err)
		}
		if *into, err = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err != nil {
			return counters{}, fmt.Errorf("line: read counters: %w", err)
		}
	}
	c.unicast = packets - min(multicast, packets)
	return c, nil
}

// errNoProof is an answer that a box could have made up.
var errNoProof = errors.New("line: the answer proves nothing")

// Name implements Network. The question is for a name directly below arpa that does not exist and is another one each time, so
// that no resolver on this side of the line has kept the answer: the box of many operators is one. Nothing of this place is in it.
func (r *Reach) Name(ctx context.Context) error {
	all := resolvers(resolvConfs...)
	if len(all) == 0 {
		if r.Gateway() {
			return nil // nobody can be asked: nothing bad is known
		}
		return ErrNobody
	}
	var random [8]byte
	rand.Read(random[:]) // does not fail
	name := hex.EncodeToString(random[:]) + ".arpa."
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan error, len(all))
	for _, a := range all {
		go func() { answers <- proves(ctx, netip.AddrPortFrom(a, 53), name) }()
	}
	var errs []error
	for range all {
		err := <-answers
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// proves asks one resolver. A box without a line answers with a failure (RFC 1035, section 4.1.1), or with its own address to
// lead people to its pages.
func proves(ctx context.Context, server netip.AddrPort, name string) error {
	m, _, err := exchange(ctx, server, name)
	if err != nil {
		return err
	}
	if m.RCode != dnsmessage.RCodeNameError && m.RCode != dnsmessage.RCodeSuccess {
		return fmt.Errorf("%w: %s", errNoProof, m.RCode)
	}
	for _, a := range m.Answers {
		if b, ok := a.Body.(*dnsmessage.AResource); ok {
			if ip := netip.AddrFrom4(b.A); ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() {
				return fmt.Errorf("%w: a name that does not exist has an inner address", errNoProof)
			}
		}
	}
	return nil
}

// Page implements Network. Only an answer of success counts: a box without a line leads to its own page.
func (r *Reach) Page(ctx context.Context) error {
	if r.Probe == "" {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Probe, nil)
	if err != nil {
		return fmt.Errorf("line: page: %w", err)
	}
	client := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10},
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("line: page: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // its status is enough
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("%w: %s", errNoProof, resp.Status)
	}
	return nil
}

// Gateway implements Network by what the kernel knows of its neighbour after the questions that have just gone by it. A line
// without neighbours (PPP) cannot be asked: its interface and its route are then all that is looked at.
func (r *Reach) Gateway() bool {
	link, err := nl.LinkByName(r.Interface)
	if err != nil || link.Attrs().OperState == nl.OperDown || link.Attrs().OperState == nl.OperLowerLayerDown {
		return false
	}
	for _, family := range []int{nl.FAMILY_V4, nl.FAMILY_V6} {
		routes, err := nl.RouteListFiltered(family, &nl.Route{LinkIndex: link.Attrs().Index, Dst: nil}, nl.RT_FILTER_OIF|nl.RT_FILTER_DST)
		if err != nil {
			continue
		}
		neighbours, err := nl.NeighList(link.Attrs().Index, family)
		if err != nil {
			continue
		}
		for _, route := range routes {
			if route.Gw == nil {
				return true
			}
			for _, n := range neighbours {
				if n.IP.Equal(route.Gw) && n.State&(nl.NUD_REACHABLE|nl.NUD_STALE|nl.NUD_DELAY|nl.NUD_PERMANENT|nl.NUD_NOARP) != 0 {
					return true
				}
			}
		}
	}
	return false
}

var _ Network = (*Reach)(nil)
