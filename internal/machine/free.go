package machine

import "net/netip"

// Free returns our address in a network for guests that nothing else on this machine uses: a /16 of 10.77–10.127,
// then of 172.20–172.31, then a /24 of 192.168. It is not valid when all of these are taken.
func (f Facts) Free(guests string) netip.Prefix {
	for n := byte(77); n < 128; n++ {
		if p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, n, 0, 1}), 16); f.free(p, guests) {
			return p
		}
	}
	for n := byte(20); n < 32; n++ {
		if p := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, n, 0, 1}), 16); f.free(p, guests) {
			return p
		}
	}
	for n := byte(255); n > 0; n-- {
		if p := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, n, 1}), 24); f.free(p, guests) {
			return p
		}
	}
	return netip.Prefix{}
}

func (f Facts) free(p netip.Prefix, guests string) bool {
	_, _, taken := f.Overlap(p, guests)
	return !taken
}
