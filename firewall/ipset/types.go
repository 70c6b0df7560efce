// Package ipset speaks the kernel's ipset protocol over netlink: just the set types that the firewall uses, with
// every extension that it uses (per-entry timeout, counters, skbinfo).
//
// The protocol is include/uapi/linux/netfilter/ipset/ip_set.h. All integers travel in network byte order. The kernel
// speaks version 7 today and takes 6; the version is negotiated when the socket is opened.
package ipset

import (
	"net/netip"

	"parvis/internal/mac"
)

// Type of a set, as the kernel spells it.
type Type string

// The types of sets that this package makes.
const (
	BitmapIPMAC Type = "bitmap:ip,mac" // IPv4 only; an array over Range
	HashIP      Type = "hash:ip"
	HashNet     Type = "hash:net"
	HashIPMAC   Type = "hash:ip,mac" // address and MAC together, in either family; not every kernel has it
)

// Family of the addresses in a set (AF_INET, AF_INET6).
type Family uint8

// The families.
const (
	IPv4 Family = 2
	IPv6 Family = 10
)

// MaxTimeout is the longest lifetime of an entry in seconds (IPSET_MAX_TIMEOUT): jiffies are counted in 32 bits.
const MaxTimeout = 2147483

// Set is the shape of a set. Every set has per-entry timeouts (0 by default: for ever), counters and skbinfo.
type Set struct {
	Name    string // at most 31 bytes
	Type    Type
	Family  Family
	Range   netip.Prefix // of a BitmapIPMAC; at most a /16
	MaxElem uint32       // of a hash
	Timeout uint32       // seconds that an entry stays which somebody adds without saying; 0 for ever
}

// Info is what the kernel says about a set that exists.
type Info struct {
	Set
	Timeouts, Counters, SKBInfo bool   // the extensions it was made with
	References                  uint32 // rules that name it: it cannot be destroyed while there are any
	Elements                    uint32
}

// Entry is one element of a set with what it carries.
type Entry struct {
	IP      netip.Addr
	Bits    uint8    // of a HashNet: length of the prefix, at least 1
	MAC     mac.Addr // of a BitmapIPMAC or HashIPMAC; the zero address is "whoever sends first", which the firewall never writes
	Timeout uint32   // seconds left; 0 for ever
	Mark    uint32   // what `-j SET --map-mark` writes into the bits of Mask
	Mask    uint32
	Prio    uint32 // class, major in the upper 16 bits
	// Packets and Bytes are what has matched. In Add, nil leaves the counters as they are and a value overwrites them; a
	// new element may inherit those of whoever used its memory before, so whoever adds for the first time writes them.
	Packets, Bytes *uint64
}

// same reports whether a set that exists has the shape of want.
func (i Info) same(want Set) bool {
	if !i.Timeouts || !i.Counters || !i.SKBInfo {
		return false
	}
	if i.Type != want.Type || i.Family != want.Family {
		return false
	}
	if want.Type == BitmapIPMAC {
		return i.Range == want.Range.Masked()
	}
	return i.MaxElem == want.MaxElem
}
