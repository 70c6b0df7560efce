package neighbour

import (
	"container/list"
	"net/netip"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// Kind says what has changed.
type Kind uint8

// The kinds of changes.
const (
	Bound     Kind = iota + 1 // Change.IP belongs to Change.MAC from now on
	Unbound                   // Change.IP no longer does
	Contested                 // Change.MAC is not alone in using its identity; told again while it goes on
	Settled                   // it is alone again
)

// The values of Change.Contest, those of firewall.Contest.
const (
	TwoPorts     = "two-ports"
	OtherAddress = "other-address"
)

// Change is something that the rest must follow.
type Change struct {
	Kind    Kind
	MAC     mac.Addr
	IP      netip.Addr // of Bound and Unbound, and of Contested for an address
	Contest string     // of Contested
}

// What is kept and for how long.
const (
	addressesPerMAC = 16
	// newDevices is how many MACs that were never heard before are taken into memory in a second.
	newDevices = 200

	askAfter    = time.Second            // a lease file is written a moment after the address is used
	answerTime  = time.Second            // for the holder of an address to answer
	answerEvery = 300 * time.Millisecond // between the questions in that time
	coolDown    = 5 * time.Second        // between two doubts about the same device, unless it is contested
	trust       = 10 * time.Second       // an address whose owner was looked up is not looked up again for so long

	tryWindow   = 300 * time.Millisecond // for the answers to one probe of two ports
	tryMemory   = 10 * time.Second       // unanswered speech older than this says nothing
	clones      = 2                      // probes that both ports answered
	speeches    = 3                      // times that a port was spoken from without an answer there
	settleAfter = 30 * time.Second       // without evidence
	verifyEvery = 10 * time.Second       // a contested device is probed
	tellEvery   = 10 * time.Second       // a contest that goes on is told again

	// How much is asked about at once, and by how many addresses a device may surprise us.
	maxDoubts    = 256
	maxTries     = 1024
	claimsPerMAC = 4
	newAddresses = time.Second // one more each, after addressesPerMAC at once
)

// probe is something to send.
type probe struct {
	port int        // index of the bridge port that it leaves by; 0 the guest interface
	to   mac.Addr   // Ethernet destination
	ip   netip.Addr // whose hardware address is asked for: ARP for IPv4, neighbour solicitation for IPv6
}

// settings are what core does not change.
type settings struct {
	limit   int          // devices, and addresses, remembered at most
	network netip.Prefix // the guests' IPv4 network with our address
	// owner is whom an IPv4 address was leased or admitted to; address the reverse.
	owner   func(netip.Addr) (mac.Addr, bool)
	address func(mac.Addr) (netip.Addr, bool)
}

// core is the state machine. It is not safe for concurrent use and reads no clock.
type core struct {
	settings
	prefixes []netip.Prefix      // of the guest link, global and unique local
	own      map[netip.Addr]bool // our IPv6 addresses there

	devices  map[mac.Addr]*device
	order    *list.List // of *device, the one that was silent longest in front
	bindings map[netip.Addr]*binding
	claims   map[netip.Addr]*claim // addresses that are being asked about
	busy     map[mac.Addr]*device  // devices with a deadline
	doubts   int                   // of busy
	tries    int                   // of busy

	tokens int // for devices that are new
	filled clock.Boot

	changes []Change
	probes  []probe
	touched map[mac.Addr]bool // devices whose addresses or port have changed
}

// device is what is known of one MAC.
type device struct {
	mac   mac.Addr
	place *list.Element
	heard clock.Boot
	port  int // of the bridge; 0 not known
	addrs []*binding
	quota int        // of addresses that are new
	given clock.Boot // when the quota was last raised

	trusted      netip.Addr // the IPv4 address that was last found to be its own
	trustedUntil clock.Boot

	doubt   *doubt
	cool    clock.Boot // no new doubt before
	try     *try
	moved   bool // since the try began
	both    int  // probes answered behind two ports
	bothAt  clock.Boot
	speech  map[int]*speech // by port
	contest *contest
}

type binding struct {
	ip    netip.Addr
	dev   *device
	heard clock.Boot
	first mac.Addr // who had it before, and gets it back by speaking; zero: nobody
}

// claim is an address that somebody else speaks for than the one who has it.
type claim struct {
	by      mac.Addr
	firm    bool // more than the question of duplicate address detection
	until   clock.Boot
	next    clock.Boot // when the holder is asked again
	refused bool       // it answered: until then nothing is asked
}

// doubt is an IPv4 address that a device speaks for and does not have.
type doubt struct {
	ip    netip.Addr
	next  clock.Boot
	asked int // questions sent
}

// try is one probe of two ports.
type try struct {
	ports    [2]int // [0] the one that the device was last heard from
	answered [2]bool
	until    clock.Boot
}

// speech counts how often a port was spoken from without an answer there.
type speech struct {
	n  int
	at clock.Boot
}

type contest struct {
	kind     string
	ip       netip.Addr // of OtherAddress
	ports    [2]int     // of TwoPorts
	evidence clock.Boot // the last
	told     clock.Boot
	verify   clock.Boot
}

func newCore(s settings) *core {
	return &core{
		settings: s, own: map[netip.Addr]bool{}, devices: map[mac.Addr]*device{}, order: list.New(),
		bindings: map[netip.Addr]*binding{}, claims: map[netip.Addr]*claim{}, busy: map[mac.Addr]*device{}, tokens: newDevices,
		touched: map[mac.Addr]bool{},
	}
}

// device returns what is known of the MAC, which has just been heard. It is nil for a MAC that is no device's, and for a new one
// when too many have come at once: nothing is remembered of those.
func (c *core) device(now clock.Boot, m mac.Addr) *device {
	if d := c.devices[m]; d != nil {
		d.heard = now
		c.order.MoveToBack(d.place)
		return d
	}
	if m == (mac.Addr{}) || m[0]&1 == 1 {
		return nil
	}
	if now.Sub(c.filled) >= time.Second {
		c.tokens, c.filled = newDevices, now
	}
	if c.tokens == 0 {
		return nil
	}
	c.tokens--
	if len(c.devices) >= c.limit {
		c.forget(c.order.Front().Value.(*device))
	}
	d := &device{mac: m, heard: now, quota: addressesPerMAC, given: now, speech: map[int]*speech{}}
	d.place = c.order.PushBack(d)
	c.devices[m] = d
	return d
}

func (c *core) forget(d *device) {
	for len(d.addrs) > 0 {
		c.unbind(d.addrs[0])
	}
	if d.contest != nil {
		c.settle(d)
	}
	c.endDoubt(d)
	c.endTry(d)
	c.touched[d.mac] = true
	c.order.Remove(d.place)
	delete(c.devices, d.mac)
	delete(c.busy, d.mac)
}

func (c *core) tell(ch Change) { c.changes = append(c.changes, ch) }

// welcome takes in what the kernel knows already, however much it is.
func (c *core) welcome(now clock.Boot) { c.tokens, c.filled = c.limit, now }

func (c *core) endDoubt(d *device) {
	if d.doubt != nil {
		d.doubt = nil
		c.doubts--
	}
}

func (c *core) endTry(d *device) {
	if d.try != nil {
		d.try = nil
		c.tries--
	}
}

// next is when tick must be called; ok is false when there is nothing to wait for.
func (c *core) next() (at clock.Boot, ok bool) {
	sooner := func(b clock.Boot) {
		if !ok || b < at {
			at, ok = b, true
		}
	}
	for _, cl := range c.claims {
		sooner(cl.due())
	}
	for _, d := range c.busy {
		if d.doubt != nil {
			sooner(d.doubt.next)
		}
		if d.try != nil {
			sooner(d.try.until)
		}
		if d.contest != nil {
			sooner(d.contest.due())
		}
	}
	return at, ok
}

// tick does what is due.
func (c *core) tick(now clock.Boot) {
	for ip, cl := range c.claims {
		if cl.due() <= now {
			c.claimDue(now, ip, cl)
		}
	}
	for _, d := range c.busy {
		if d.doubt != nil && d.doubt.next <= now {
			c.doubtDue(now, d)
		}
		if d.try != nil && d.try.until <= now {
			c.tryDue(now, d)
		}
		if d.contest != nil && d.contest.due() <= now {
			c.contestDue(now, d)
		}
		c.rest(d)
	}
}

// rest takes the device out of those that have a deadline once it has none.
func (c *core) rest(d *device) {
	if d.doubt == nil && d.try == nil && d.contest == nil {
		delete(c.busy, d.mac)
	}
}
