package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
)

// Backend is the kernel interface that iptables writes rules through.
type Backend string

// The backends.
const (
	Auto   Backend = ""
	Legacy Backend = "legacy"
	NFT    Backend = "nft"
)

// Config is what stands for as long as the daemon runs.
type Config struct {
	Guest    string       // interface of the guests: a bridge or a port
	WAN      string       // interface of the line
	Terminal string       // interface of the fixed terminals; "" where there are none
	Printing bool         // terminals print by the router (IPP)
	Garden   bool         // some names are open to guests before they have a session; see setGarden4
	Named    bool         // some sessions of guests are for some names alone; see Grant.Named
	Address  netip.Prefix // our IPv4 address in the guest network, at most a /16
	HTTPPort uint16       // where the portal listens; 0 is 8080
	// HTTPSPort is where the portal listens over TLS; 0 is 8443.
	HTTPSPort uint16
	// StaffPort is where the console listens; 0: there is none. Staff is the interface of the staff's own network and
	// StaffAddress our IPv4 address there; "" where it has none.
	StaffPort    uint16
	Staff        string
	StaffAddress netip.Addr
	// Capacity is how many sessions at once: 240, 480 or 960 with blocks of 256, 128 or 64 public ports; any other
	// number up to 10,000 gives up the blocks; 0 is 240.
	Capacity int
	IPv6     bool           // admitted devices pass over IPv6 too; otherwise it is closed
	Allow    []netip.Prefix // inner networks behind the line that admitted guests may reach
	NTP      bool           // the router serves time to guests
	Down, Up uint64         // real rates of the line, bits per second; 0 is 1 Gbit/s. 95 % of them are used
	// Favour is servers, of either family, whose traffic with admitted guests has a fifth of the line for itself when that is
	// full: the town's own video conferences. It opens nothing.
	Favour  []netip.Prefix
	Backend Backend
	Leases  string // dnsmasq's lease file
	// Memory is the file that keeps how the kernel's switches were before us, for Remove in another process; "" is
	// /run/parvis/switches.
	Memory string
}

// MaxCapacity is the highest number of sessions at once.
const MaxCapacity = 10000

const (
	housePorts   = 4096 // below are the house's: 1024–4095
	firstSlot    = 0x10 // below are the house's classes
	gigabit      = 1_000_000_000
	gatePort     = 3128 // the name gate, for terminals
	printPort    = 631  // IPP (RFC 8010), for terminals
	memoryFile   = "/run/parvis/switches"
	maxInterface = 15 // IFNAMSIZ less the zero
)

// interfaceName excludes what iptables would take for a wildcard (+) or print in quotes.
var interfaceName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]*$`)

// ErrConfig is wrapped by what New refuses in a Config.
var ErrConfig = errors.New("configuration not usable")

// withDefaults returns c with every field set and checked.
func (c Config) withDefaults() (Config, error) {
	c.HTTPPort = or(c.HTTPPort, 8080)
	c.HTTPSPort = or(c.HTTPSPort, 8443)
	c.Capacity = or(c.Capacity, 240)
	c.Down, c.Up = or(c.Down, gigabit), or(c.Up, gigabit)
	c.Memory = or(c.Memory, memoryFile)
	for _, i := range []struct{ name, value string }{{"Guest", c.Guest}, {"WAN", c.WAN}, {"Terminal", c.Terminal}, {"Staff", c.Staff}} {
		if (i.name == "Terminal" || i.name == "Staff") && i.value == "" {
			continue
		}
		if len(i.value) > maxInterface || !interfaceName.MatchString(i.value) {
			return c, fmt.Errorf("firewall: %w: %s %q is no interface name", ErrConfig, i.name, i.value)
		}
	}
	if c.Guest == c.WAN || c.Terminal == c.WAN || c.Terminal == c.Guest {
		return c, fmt.Errorf("firewall: %w: guests, terminals and line need interfaces of their own", ErrConfig)
	}
	if c.Staff != "" && (c.Staff == c.Guest || c.Staff == c.WAN || c.Staff == c.Terminal || !c.StaffAddress.Is4() || c.StaffPort == 0) {
		return c, fmt.Errorf("firewall: %w: the staff's network needs an interface, an IPv4 address and a port of its own", ErrConfig)
	}
	if a := c.Address; !a.IsValid() || !a.Addr().Is4() || a.Bits() < 16 || a.Bits() > 30 {
		return c, fmt.Errorf("firewall: %w: Address %v is not an IPv4 address in a network of /16 to /30", ErrConfig, a)
	}
	for _, p := range c.Allow {
		if !p.IsValid() || !p.Addr().Is4() {
			return c, fmt.Errorf("firewall: %w: Allow %v is not an IPv4 network", ErrConfig, p)
		}
	}
	if len(c.Favour) > maxFavour {
		return c, fmt.Errorf("firewall: %w: Favour has more than %d networks", ErrConfig, maxFavour)
	}
	for _, p := range c.Favour {
		if !p.IsValid() || p.Bits() == 0 {
			return c, fmt.Errorf("firewall: %w: Favour %v is not a network", ErrConfig, p)
		}
	}
	if c.Capacity < 0 || c.Capacity > MaxCapacity {
		return c, fmt.Errorf("firewall: %w: Capacity %d is not between 1 and %d", ErrConfig, c.Capacity, MaxCapacity)
	}
	switch c.Backend {
	case Auto, Legacy, NFT:
	default:
		return c, fmt.Errorf("firewall: %w: Backend %q is neither %q nor %q", ErrConfig, c.Backend, Legacy, NFT)
	}
	return c, nil
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Slots returns the slots of sessions for a capacity and how far a slot is shifted to give its first public port. A
// portShift of 0 means that there are no blocks of ports; as many slots again as the capacity are then for resting.
//
// The ports below 4096 are the house's whatever the width of a block, so 128-port blocks begin at slot 0x20 and 64-port
// blocks at 0x40.
func Slots(capacity int) (first, last uint16, portShift uint) {
	switch capacity {
	case 240:
		portShift = 8
	case 480:
		portShift = 7
	case 960:
		portShift = 6
	default:
		return firstSlot, uint16(min(firstSlot+2*max(capacity, 1)-1, 0xffff)), 0
	}
	return housePorts >> portShift, 0xffff >> portShift, portShift
}
