// Package stafftest is a store of internal/hub/staff in memory, for tests, and what every such store has to do.
package stafftest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/staff"
	"parvis/internal/openid"
)

// Memory is a strict staff.Store.
type Memory struct {
	*openid.Memory

	clock    clock.Clock
	mu       sync.Mutex
	tenants  []string
	accounts map[string]staff.Account
	tokens   map[string]staff.Token
	logins   map[string]staff.Login
	tries    map[string]try
	log      []staff.Entry
}

type try struct {
	wrong       int
	last, until time.Time
}

// New makes an empty store that knows these communes.
func New(c clock.Clock, tenants ...string) *Memory {
	return &Memory{
		Memory: openid.NewMemory(c), clock: c, tenants: append([]string{""}, tenants...),
		accounts: map[string]staff.Account{}, tokens: map[string]staff.Token{}, logins: map[string]staff.Login{}, tries: map[string]try{},
	}
}

// Account implements staff.Store.
func (m *Memory) Account(_ context.Context, by staff.Key) (staff.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.accounts {
		if by.ID != "" && a.ID == by.ID || by.Login != "" && a.Login == by.Login || by.Subject != "" && a.Subject == by.Subject {
			return a, nil
		}
	}
	return staff.Account{}, staff.ErrNotFound
}

// People implements staff.Store.
func (m *Memory) People(_ context.Context, tenant string) (accounts []staff.Account, tokens []staff.Token, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.accounts {
		if a.Tenant == tenant {
			accounts = append(accounts, a)
		}
	}
	for _, t := range m.tokens {
		if t.Tenant == tenant {
			tokens = append(tokens, t)
		}
	}
	slices.SortFunc(accounts, func(a, b staff.Account) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	slices.SortFunc(tokens, func(a, b staff.Token) int { return strings.Compare(a.Label+a.Person, b.Label+b.Person) })
	return accounts, tokens, nil
}

// Login implements staff.Store.
func (m *Memory) Login(_ context.Context, hash string) (staff.Login, staff.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.logins[hash]
	if !ok {
		return staff.Login{}, staff.Account{}, staff.ErrNotFound
	}
	return l, m.accounts[l.Person], nil
}

// Token implements staff.Store.
func (m *Memory) Token(_ context.Context, hash string) (staff.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[hash]
	if !ok {
		return staff.Token{}, staff.ErrToken
	}
	return t, nil
}

// Save implements staff.Store.
func (m *Memory) Save(_ context.Context, c staff.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range c.Use {
		if _, ok := m.tokens[h]; !ok {
			return staff.ErrToken
		}
	}
	after := map[string]staff.Account{}
	for id, a := range m.accounts {
		after[id] = a
	}
	for _, a := range c.Accounts {
		if !slices.Contains(m.tenants, a.Tenant) {
			return staff.ErrTenant
		}
		for _, b := range m.accounts {
			if b.ID != a.ID && a.Login != "" && a.Login == b.Login {
				return staff.ErrTaken
			}
		}
		after[a.ID] = a
	}
	if c.Keep != nil {
		kept := false
		for _, a := range after {
			kept = kept || a.Tenant == *c.Keep && a.ClosedAt.IsZero() && a.Role.May(staff.ManageTeam)
		}
		if !kept {
			return staff.ErrLast
		}
	}
	m.accounts = after
	for _, h := range c.Use {
		delete(m.tokens, h)
	}
	for h, t := range m.tokens {
		if slices.Contains(c.ForgetTokens, t.Person) {
			delete(m.tokens, h)
		}
	}
	for h, l := range m.logins {
		if slices.Contains(c.EndLogins, l.Person) || slices.Contains(c.ForgetLogins, h) {
			delete(m.logins, h)
		}
	}
	for _, t := range c.Tokens {
		m.tokens[t.Hash] = t
	}
	for _, l := range c.Logins {
		m.logins[l.Hash] = l
	}
	m.log = append(m.log, c.Log...)
	return nil
}

// Try implements staff.Store.
func (m *Memory) Try(_ context.Context, name string, free int) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, t := m.clock.Wall().Time, m.tries[name]
	if t.until.After(now) {
		return t.until.Sub(now), nil
	}
	if now.Sub(t.last) >= staff.ForgetAfter {
		t = try{}
	}
	t.wrong++
	t.last = now
	if over := t.wrong - free; over >= 0 {
		t.until = now.Add(min(staff.FirstWait<<min(over, 10), staff.LongestWait))
	}
	m.tries[name] = t
	return 0, nil
}

// Forgive implements staff.Store.
func (m *Memory) Forgive(_ context.Context, name string, all bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tries[name]
	if !ok {
		return nil
	}
	t.wrong, t.until = t.wrong-1, time.Time{}
	m.tries[name] = t
	if all || t.wrong <= 0 {
		delete(m.tries, name)
	}
	return nil
}

// Log implements staff.Store.
func (m *Memory) Log(_ context.Context, tenant string, f staff.Filter) (found []staff.Entry, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range slices.Backward(m.log) {
		if e.Tenant == tenant && (f.Who == "" || e.Who == f.Who) && (f.What == "" || e.What == f.What) && (f.Before.IsZero() || e.At.Before(f.Before)) && len(found) < f.Most {
			found = append(found, e)
		}
	}
	return found, nil
}

// Tidy implements staff.Store.
func (m *Memory) Tidy(_ context.Context, now time.Time, idle, keep time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h, t := range m.tokens {
		if !now.Before(t.Until) {
			delete(m.tokens, h)
		}
	}
	for h, l := range m.logins {
		if now.Sub(l.Seen) >= idle+time.Hour {
			delete(m.logins, h)
		}
	}
	m.log = slices.DeleteFunc(m.log, func(e staff.Entry) bool { return now.Sub(e.At) > keep })
	for id, a := range m.accounts {
		if !a.ClosedAt.IsZero() && now.Sub(a.ClosedAt) > keep {
			delete(m.accounts, id)
		}
	}
	return nil
}
