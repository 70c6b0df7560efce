package staff

import "strings"

// roleIn is the strongest of our roles that a provider's values name, with or without "parvis-" before it; "" none.
func roleIn(values []string) Role {
	found := map[Role]bool{}
	for _, v := range values {
		found[Role(strings.TrimPrefix(strings.ToLower(v), "parvis-"))] = true
	}
	for _, r := range []Role{DSI, Referent, Mediator, DPO} {
		if found[r] {
			return r
		}
	}
	return ""
}
