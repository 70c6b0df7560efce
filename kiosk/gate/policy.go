package gate

import (
	"maps"
	"math"
	"net/netip"
	"slices"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/kiosk/names"
)

// visitor is who asks, and by which door.
type visitor struct {
	mac   mac.Addr
	ip    netip.Addr
	relay bool
}

// judge says on whose account a visitor may reach a host now; with a nil account, why not. It is the whole policy.
func (g *Gate) judge(v visitor, host string) (*account, Why) {
	a := g.macs[v.mac]
	granted := a != nil && a.IPv4 == v.ip && !a.Suspended && g.opt.Clock.Boot() < a.End
	if granted && (g.allow[v.mac].Allows(host) || g.profiles[a.Profile].Allows(host) || g.always.Allows(host)) {
		return a, ""
	}
	if g.always.Allows(host) || g.windows[v.mac].Allows(host) || v.relay && g.garden.Allows(host) {
		return &g.house, ""
	}
	if granted {
		return nil, NotAllowed
	}
	return nil, NoGrant
}

// rejudge cuts the live flows that would not be let in now.
func (g *Gate) rejudge() {
	g.cutWhere(func(f *flow) bool {
		return slices.ContainsFunc(f.names, func(host string) bool {
			a, _ := g.judge(f.visitor, host)
			return a != f.account
		})
	})
}

// change changes what is allowed, and cuts what is not any more.
func (g *Gate) change(f func()) {
	g.mu.Lock()
	f()
	g.mu.Unlock()
	g.rejudge()
}

// Allow sets what a device may reach while it has a grant. Live flows to a name that is no longer there are cut. Nil: nothing.
func (g *Gate) Allow(m mac.Addr, l names.List) { g.change(func() { set(g.allow, m, l) }) }

// AllowProfile sets what every grant of a profile may reach, beside what its device may.
func (g *Gate) AllowProfile(profile string, l names.List) {
	g.change(func() { set(g.profiles, profile, l) })
}

// Always sets what every known device may reach, with or without a grant.
func (g *Gate) Always(l names.List) { g.change(func() { g.always = slices.Clone(l) }) }

// Window sets what one device may reach without a grant, while its update window is open; nil closes it.
func (g *Gate) Window(m mac.Addr, l names.List) { g.change(func() { set(g.windows, m, l) }) }

// Garden sets what every known device may reach by the relay without a grant: guests before they are online.
func (g *Gate) Garden(l names.List) { g.change(func() { g.garden = slices.Clone(l) }) }

func set[K comparable](m map[K]names.List, k K, l names.List) {
	if len(l) == 0 {
		delete(m, k)
		return
	}
	m[k] = slices.Clone(l)
}

// nextEnd is the nearest end of a grant after a moment.
func (g *Gate) nextEnd(after clock.Boot) clock.Boot {
	g.mu.Lock()
	defer g.mu.Unlock()
	next := clock.Boot(math.MaxInt64)
	for a := range maps.Values(g.slots) {
		if a.End > after {
			next = min(next, a.End)
		}
	}
	return next
}
