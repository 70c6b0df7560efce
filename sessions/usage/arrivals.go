package usage

import (
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// unseen is after how long without a page a device does not wait any more.
const unseen = 10 * time.Minute

// visit is what is known of a device that has seen a page.
type visit struct {
	kind, language string
	since, seen    clock.Boot // it waits: the first and the last page; 0 it does not
}

// Visited notes that a device without internet was shown a page, in which language, and whether it looked like a phone or a computer; ""
// is not known. From the first page on it waits, until a session of it opens or no page was shown for unseen.
func (u *Usage) Visited(a mac.Addr, kind, language string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	v, ok := u.visits[a]
	if !ok {
		v = u.older[a]
		if len(u.visits) >= mostVisits {
			u.visits, u.older = map[mac.Addr]visit{}, u.visits
		}
	}
	now := u.o.Clock.Boot()
	if v.since == 0 || now.Sub(v.seen) >= unseen {
		v.since = now
	}
	v.seen = now
	if kind != "" {
		v.kind = kind
	}
	if language != "" {
		v.language = language
	}
	u.visits[a] = v
}

// arrived is what is known of a device whose session opens; it does not wait any more. Called with mu held.
func (u *Usage) arrived(a mac.Addr) visit {
	for _, all := range []map[mac.Addr]visit{u.visits, u.older} {
		if v, ok := all[a]; ok {
			still := v
			still.since = 0
			all[a] = still
			return v
		}
	}
	return visit{}
}
