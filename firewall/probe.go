package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	nl "github.com/vishvananda/netlink"

	"parvis/firewall/ipset"
	"parvis/internal/lang"
)

// Capability is one thing that the kernel, or iptables, may have.
type Capability struct {
	Name    string
	Present bool
	Needed  bool      // nothing works without it
	Costs   lang.Text // what is lost without it; for a needed one, the kernel modules that bring it
}

// The names of capabilities that decisions are made by.
const (
	CapBitmap    = "ipset bitmap:ip,mac"
	CapHash      = "ipset hash:ip"
	CapTargetSet = "iptables SET --map-set"
	CapNAT       = "iptables nat"
	CapNAT6      = "ip6tables nat"
	CapHashMAC   = "ipset hash:ip,mac"
	CapHTB       = "HTB"
	CapFqCodel   = "fq_codel"
	CapFifo      = "bfifo" // every kernel with HTB has it
	CapLegacy    = "iptables-legacy"
	CapNFT       = "iptables-nft"
)

// Capabilities is what was found.
type Capabilities []Capability

// modules names kernel modules, the same in every language.
func modules(names string) lang.Text { return lang.Text{EN: names, FR: names} }

// Has reports whether the capability is there.
func (c Capabilities) Has(name string) bool {
	return slices.ContainsFunc(c, func(x Capability) bool { return x.Name == name && x.Present })
}

// Probe looks for what the kernel has by trying it: a list of modules does not show what is built in, and loading on
// demand is part of the answer. What it makes has names of its own, is met by no packet and is gone when it returns. six asks for
// what only guests with IPv6 need.
func Probe(six bool) Capabilities {
	queues := probeQueues("htb", CapFqCodel)
	caps := Capabilities{
		{Name: CapBitmap, Present: probeSet(ipset.Set{Type: ipset.BitmapIPMAC, Family: ipset.IPv4, Range: netip.MustParsePrefix("192.0.2.0/24")}), Needed: true, Costs: modules("ip_set, ip_set_bitmap_ipmac")},
		{Name: CapHash, Present: probeSet(ipset.Set{Type: ipset.HashIP, Family: ipset.IPv6, MaxElem: 65536}), Needed: true, Costs: modules("ip_set, ip_set_hash_ip")},
	}
	var mangle, nat bool
	// Only the backend that will be used is tried: what is laid in the other one, even for a moment, leaves that one's tables
	// behind, whose hooks every packet then passes as well.
	picked, _ := pickBackend(Auto)
	for _, b := range []struct {
		name    string
		backend Backend
	}{{CapLegacy, Legacy}, {CapNFT, NFT}} {
		x, err := openXtables(v4, b.backend)
		there := err == nil
		if there && b.backend == picked {
			mangle = probeRules(x, "mangle", "-m mark ! --mark 0x0/0xffff0000 -j CONNMARK --save-mark") || mangle
			nat = probeRules(x, "nat", "-p tcp -m mark --mark 0x100000/0xffff0000 -j MASQUERADE --to-ports 4096-4351") || nat
		}
		caps = append(caps, Capability{Name: b.name, Present: there, Costs: lang.Text{EN: "the other iptables is used", FR: "l'autre iptables est utilisé"}})
	}
	if six {
		caps = append(caps, probeSix()...)
	}
	return append(caps,
		Capability{Name: CapTargetSet, Present: mangle && probeSetTarget(), Needed: true, Costs: modules("xt_set, xt_mark, xt_connmark, iptable_mangle")},
		Capability{Name: CapNAT, Present: nat, Needed: true, Costs: modules("iptable_nat, xt_MASQUERADE, xt_REDIRECT, nf_conntrack")},
		Capability{Name: CapHTB, Present: queues["htb"], Needed: true, Costs: modules("sch_htb")},
		Capability{Name: CapFqCodel, Present: queues["fq_codel"], Costs: lang.Text{
			EN: "within one person's own rate, a download slows their other pages by up to a tenth of a second; module sch_fq_codel brings it",
			FR: "dans le débit d'une personne, un téléchargement ralentit ses autres pages d'un dixième de seconde au plus ; le module sch_fq_codel l'apporte",
		}},
	)
}

// bestLeaf is the queue within a class. cake would shape better than HTB with fq_codel, but it is a whole line's: one for
// each class would be eight tins of 1,024 queues each.
func bestLeaf(has map[string]bool) string {
	if has[CapFqCodel] {
		return CapFqCodel
	}
	return CapFifo
}

func probeSix() Capabilities {
	nat := false
	if picked, err := pickBackend(Auto); err == nil { // as in Probe: the other backend is left alone
		if x, err := openXtables(v6, picked); err == nil {
			nat = probeRules(x, "nat", "-p udp --dport 53 -j REDIRECT --to-ports 53")
		}
	}
	return Capabilities{
		{Name: CapNAT6, Present: nat, Needed: true, Costs: modules("ip6table_nat")},
		{Name: CapHashMAC, Present: probeSet(ipset.Set{Type: ipset.HashIPMAC, Family: ipset.IPv6, MaxElem: 65536}), Costs: lang.Text{
			EN: "over IPv6, a device can send in the name of another one that is connected, without ever getting an answer; module ip_set_hash_ipmac prevents it",
			FR: "en IPv6, un appareil peut envoyer au nom d'un autre qui est connecté, sans jamais recevoir de réponse ; le module ip_set_hash_ipmac l'empêche",
		}},
	}
}

const probeName = "parvis-probe"

func probeSet(s ipset.Set) bool {
	c, err := ipset.Dial()
	if err != nil {
		return false
	}
	defer c.Close()
	s.Name = fmt.Sprintf("%s-%d", probeName, os.Getpid())
	if c.Create(s) != nil {
		return false
	}
	return c.Destroy(s.Name) == nil
}

// probeRules lays one rule in a chain that nothing leads to.
func probeRules(x *xtables, table, rule string) bool {
	chain := strings.ToUpper(probeName)
	laid := x.restore(fmt.Sprintf("*%s\n:%s - [0:0]\n-A %s %s\nCOMMIT\n", table, chain, chain, rule)) == nil
	lifted := x.restore(fmt.Sprintf("*%s\n:%s - [0:0]\n-X %s\nCOMMIT\n", table, chain, chain)) == nil
	return laid && lifted
}

// probeSetTarget lays the rule that everything stands on; its set must be there.
func probeSetTarget() bool {
	c, err := ipset.Dial()
	if err != nil {
		return false
	}
	defer c.Close()
	s := ipset.Set{Name: fmt.Sprintf("%s-t%d", probeName, os.Getpid()), Type: ipset.HashIP, Family: ipset.IPv4, MaxElem: 65536}
	if c.Create(s) != nil {
		return false
	}
	backend, err := pickBackend(Auto)
	ok := false
	if err == nil {
		if x, err := openXtables(v4, backend); err == nil {
			ok = probeRules(x, "mangle", "-j SET --map-set "+s.Name+" dst --map-mark --map-prio")
		}
	}
	return c.Destroy(s.Name) == nil && ok
}

// probeQueues tries queueing disciplines on an interface that is made for it and never set up. Where no interface can
// be made, the guest's answer is "not there": nothing breaks, only a leaf queue is missing.
func probeQueues(kinds ...string) map[string]bool {
	out := map[string]bool{}
	name := fmt.Sprintf("pprobe%d", os.Getpid()%1_000_000)
	attrs := nl.NewLinkAttrs()
	attrs.Name = name
	var link nl.Link
	for _, l := range []nl.Link{&nl.Dummy{LinkAttrs: attrs}, &nl.Ifb{LinkAttrs: attrs}, &nl.Bridge{LinkAttrs: attrs}} {
		if err := nl.LinkAdd(l); err == nil {
			link = l
			break
		}
	}
	if link == nil {
		return out
	}
	defer func() { _ = nl.LinkDel(link) }() // it was made a moment ago; nothing else could be done
	made, err := nl.LinkByName(name)
	if err != nil {
		return out
	}
	for _, k := range kinds {
		q := &nl.GenericQdisc{
			QdiscAttrs: nl.QdiscAttrs{LinkIndex: made.Attrs().Index, Parent: nl.HANDLE_ROOT, Handle: nl.MakeHandle(1, 0)},
			QdiscType:  k,
		}
		var probe nl.Qdisc = q
		if k == "htb" { // it takes no empty options
			probe = nl.NewHtb(q.QdiscAttrs)
		}
		if err := nl.QdiscReplace(probe); err == nil {
			out[k] = true
			_ = nl.QdiscDel(probe) // the interface goes anyway
		} else if errors.Is(err, os.ErrPermission) {
			return out
		}
	}
	return out
}
