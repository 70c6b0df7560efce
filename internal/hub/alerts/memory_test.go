package alerts_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"parvis/internal/hub/alerts"
	"parvis/internal/hublink/wire"
)

// memory is a store that is strict: it refuses what the database's constraints refuse.
type memory struct {
	lead sync.Mutex

	mu       sync.Mutex
	sites    []alerts.Seen
	open     map[string]int64 // site and code → incident
	began    int64            // incidents, ever
	messages []*kept
}

type kept struct {
	alerts.Pending
	done bool
	next time.Time
	why  []string
}

func newMemory() *memory { return &memory{open: map[string]int64{}} }

func (m *memory) speak(now time.Time, full bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.sites {
		m.sites[i].Contact, m.sites[i].Now.Problems = now, nil
		if full {
			m.sites[i].Now.Problems = []wire.Problem{disk()}
		}
	}
}

func (m *memory) waiting() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.messages {
		if !k.done {
			n++
		}
	}
	return n
}

func (m *memory) why() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []string
	for _, k := range m.messages {
		all = append(all, k.why...)
	}
	return strings.Join(all, "\n")
}

func (m *memory) Lead(ctx context.Context, f func(context.Context) error) (bool, error) {
	if !m.lead.TryLock() {
		return false, nil
	}
	defer m.lead.Unlock()
	return true, f(ctx)
}

func (m *memory) Seen(context.Context) ([]alerts.Seen, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.Clone(m.sites)
	for i := range all {
		all[i].Watches = slices.Clone(all[i].Watches)
	}
	return all, nil
}

func (m *memory) Write(_ context.Context, changes []alerts.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range changes {
		i := slices.IndexFunc(m.sites, func(s alerts.Seen) bool { return s.Site == c.Site })
		key := c.Site + " " + c.Watch.Code
		switch c.Event {
		case alerts.Begin:
			if m.open[key] != 0 {
				return fmt.Errorf("two open incidents: %s", key)
			}
			m.began++
			m.open[key], c.Watch.Incident = m.began, m.began
		case alerts.More, alerts.End:
			if m.open[key] == 0 || m.open[key] != c.Watch.Incident {
				return fmt.Errorf("%s of no open incident: %s", c.Event, key)
			}
			if c.Event == alerts.End {
				delete(m.open, key)
			}
		}
		for _, w := range c.Ways {
			m.messages = append(m.messages, &kept{Pending: alerts.Pending{Way: w, Note: alerts.Note{
				ID: int64(len(m.messages) + 1), Incident: c.Watch.Incident, Event: c.Event, Tenant: c.Tenant, Site: c.Site, Name: c.Name,
				Code: c.Watch.Code, What: append([]string{}, c.Watch.What...), Began: c.Began, Ended: c.Ended,
			}}})
		}
		m.sites[i].Watches = slices.DeleteFunc(m.sites[i].Watches, func(w alerts.Watch) bool { return w.Code == c.Watch.Code })
		if !c.Watch.Since.IsZero() {
			m.sites[i].Watches = append(m.sites[i].Watches, c.Watch)
		}
	}
	return nil
}

func (m *memory) Due(_ context.Context, now time.Time, most int) (all []alerts.Pending, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	waits := map[string]bool{}
	refs := map[string]string{}
	for _, k := range m.messages {
		of := fmt.Sprint(k.Way, " ", k.Incident)
		if k.done {
			refs[of] = cmp.Or(k.Ref, refs[of])
			continue
		}
		if waits[of] || len(all) == most {
			continue
		}
		waits[of] = true
		if !k.next.After(now) {
			p := k.Pending
			p.Ref = refs[of]
			all = append(all, p)
		}
	}
	return all, nil
}

func (m *memory) of(id int64) *kept { return m.messages[id-1] }

func (m *memory) Claim(_ context.Context, p alerts.Pending, next time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(p.ID).Attempts++
	m.of(p.ID).next = next
	return nil
}

func (m *memory) Done(_ context.Context, p alerts.Pending, ref string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(p.ID).done, m.of(p.ID).Ref = true, ref
	return nil
}

func (m *memory) Failed(_ context.Context, p alerts.Pending, why string, next time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(p.ID).why, m.of(p.ID).next = append(m.of(p.ID).why, why), next
	return nil
}
