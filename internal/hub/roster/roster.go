// Package roster is who works at which site, as the hub tells it to each: signed by the hub, sealed to the site.
package roster

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strconv"

	"parvis/internal/hub/store"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

// Version is the list's that a site should know; "" it never had one.
func Version(ctx context.Context, t *store.Tenant, site string) (string, error) {
	_, n, err := t.Roster(ctx, site)
	if err != nil || n == 0 {
		return "", err
	}
	return strconv.FormatInt(n, 10), nil
}

// Bundle is a site's list. Its version serves as an ETag; ErrUnknown of the store: there is no such site, no box, or no list.
func Bundle(ctx context.Context, t *store.Tenant, site string, key ed25519.PrivateKey) (b []byte, version string, err error) {
	all, n, err := t.Roster(ctx, site)
	if err != nil {
		return nil, "", err
	}
	if n == 0 {
		return nil, "", store.ErrUnknown
	}
	seal, err := t.SealKey(ctx, site)
	if err != nil {
		return nil, "", err
	}
	people := make([]wire.Colleague, len(all))
	for i, c := range all {
		people[i] = wire.Colleague{ID: c.ID, Login: c.Login, Name: c.Name, Role: c.Role, Password: c.Password, Subject: c.Subject, Closed: !c.Closed.IsZero()}
	}
	plain, err := json.Marshal(people)
	if err != nil {
		return nil, "", fmt.Errorf("roster: %w", err)
	}
	sealed, err := bundle.Seal(seal, site, n, plain)
	if err != nil {
		return nil, "", fmt.Errorf("roster: %w", err)
	}
	b, err = bundle.Sign(key, bundle.Payload{Site: site, Version: n, Sealed: sealed})
	return b, strconv.FormatInt(n, 10), err
}
