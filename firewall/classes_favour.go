package firewall

import (
	"net/netip"
	"slices"

	"parvis/firewall/ipset"
	"parvis/internal/order"
)

// Names of the sets of favoured servers. They are always there; rules name them where the list is not empty.
const (
	setFavour4 = "parvis-favour4"
	setFavour6 = "parvis-favour6"

	maxFavour = 256 // networks
)

// favoured are the servers of one family, masked, each once.
func (c Config) favoured(f family) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range c.Favour {
		if p.Addr().Is4() == (f.version == 4) {
			out = append(out, p.Masked())
		}
	}
	order.Func(out, netip.Prefix.Compare)
	return slices.Compact(out)
}

// layFavour makes the sets hold exactly the favoured servers.
func (f *Firewall) layFavour() error {
	for _, fam := range []family{v4, v6}[:len(f.tables)] {
		version := ipset.IPv4
		if fam.version == 6 {
			version = ipset.IPv6
		}
		if err := f.sets.Ensure(ipset.Set{Name: fam.favour, Type: ipset.HashNet, Family: version, MaxElem: maxFavour}); err != nil {
			return err
		}
		has, err := f.sets.List(fam.favour)
		if err != nil {
			return err
		}
		want := f.cfg.favoured(fam)
		var gone, add []ipset.Entry
		for _, e := range has {
			p := netip.PrefixFrom(e.IP, int(e.Bits))
			i := slices.Index(want, p)
			if i < 0 || e.Prio != qdisc<<16|classFavour {
				gone = append(gone, ipset.Entry{IP: e.IP, Bits: e.Bits})
				continue
			}
			want = slices.Delete(want, i, i+1)
		}
		for _, p := range want {
			add = append(add, ipset.Entry{IP: p.Addr(), Bits: uint8(p.Bits()), Prio: qdisc<<16 | classFavour})
		}
		if err := f.sets.Del(fam.favour, gone...); err != nil {
			return err
		}
		if err := f.sets.Add(fam.favour, add...); err != nil {
			return err
		}
	}
	return nil
}
