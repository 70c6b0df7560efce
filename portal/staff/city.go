package staff

import (
	"sync"

	"parvis/internal/clock"
	"parvis/internal/openid"
)

// Provider is the town's OpenID Connect provider. A value of its role claim counts when it is one of our roles, with or without
// "parvis-" before it.
type Provider = openid.Provider

const cityCookie = "__Host-parvis-ville"

// city is the way in through the provider. Nothing of it is kept on the disk.
type city struct {
	*openid.Client

	mu    sync.Mutex
	hints map[string]string // ID token of a login, by the login's hash
}

func newCity(o Provider, name string, c clock.Clock) *city {
	return &city{
		Client: openid.New(o, "https://"+name+returnPath, "https://"+name+EnterPath, c, openid.NewMemory(c)),
		hints:  map[string]string{},
	}
}

// remember keeps the ID token of a login until it ends, for the provider's logout.
func (c *city) remember(login, hint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.hints) >= maxLogins {
		clear(c.hints) // their logouts then ask at the provider
	}
	c.hints[login] = hint
}

// leave is where a browser ends its login at the provider; "" where that is not offered, or the login was not the provider's.
func (c *city) leave(login string) string {
	c.mu.Lock()
	hint, ok := c.hints[login]
	delete(c.hints, login)
	c.mu.Unlock()
	if !ok {
		return ""
	}
	return c.Leave(hint)
}
