package hublink

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strconv"

	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

// Colleagues is the list of the town's staff for this site, opened, with its version. have is the version that the site knows, "" none: an
// older one is an error, and where the hub has the same the version is "".
func (l *Link) Colleagues(ctx context.Context, have string) (all []wire.Colleague, version string, err error) {
	keys, err := l.Keys()
	if err != nil {
		return nil, "", err
	}
	tag := ""
	if have != "" {
		tag = strconv.Quote(have)
	}
	b, _, err := l.Fetch(ctx, wire.PathStaff, tag)
	if err != nil || b == nil {
		return nil, "", err
	}
	p, err := bundle.Open(b, keys.Sign, keys.Site)
	if err != nil {
		return nil, "", err
	}
	if known, err := strconv.ParseInt(have, 10, 64); err == nil && p.Version < known {
		return nil, "", fmt.Errorf("%w: colleagues %d after %d", bundle.ErrVersion, p.Version, known)
	}
	plain, err := p.Unseal(keys.Seal)
	if err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal(plain, &all); err != nil {
		return nil, "", fmt.Errorf("%w: colleagues: %w", ErrAnswer, err)
	}
	return all, strconv.FormatInt(p.Version, 10), nil
}

// Signer reads who signs for this site from hub.json, before there is a link; "" where the site is not enrolled.
func Signer(path string) (site string, key ed25519.PublicKey, err error) {
	s, err := read(path)
	return s.Site, s.SignKey, err
}
