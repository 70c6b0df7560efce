package hublink

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/json"
	"fmt"

	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

// follow takes up what a receipt says is new, the staff first: whom the town has closed is out before anything else happens. It returns the
// version of the staff that is in force then. What fails is tried again with the next batch.
func (l *Link) follow(ctx context.Context, s state, said wire.Now, r wire.Receipt) (staff string) {
	staff = s.Staff
	if r.Staff != "" && r.Staff != s.Staff && l.o.Staff != nil {
		if version, err := l.colleagues(ctx, s); err != nil {
			l.o.Log.Warn("the town's list of colleagues was not taken; it is asked for again", "error", err)
		} else if version != "" {
			staff = version
		}
	}
	refused := said.Refused != nil && said.Refused.Bundle == r.Bundle
	if r.Bundle != "" && r.Bundle != said.Bundle && !refused && l.o.Bundle != nil {
		b, err := l.client.bundle(ctx, wire.PathBundle, s.Token, said.Bundle)
		if err == nil && b != nil {
			err = l.o.Bundle(b)
		}
		if err != nil {
			l.o.Log.Warn("what the hub publishes was not taken", "version", r.Bundle, "error", err)
		}
	}
	return staff
}

// colleagues fetches the list, opens it and has it put in force.
func (l *Link) colleagues(ctx context.Context, s state) (version string, err error) {
	b, err := l.client.bundle(ctx, wire.PathStaff, s.Token, s.Staff)
	if err != nil || b == nil {
		return "", err
	}
	p, err := bundle.Open(b, ed25519.PublicKey(s.SignKey), s.Site)
	if err != nil {
		return "", err
	}
	if have := number(s.Staff); p.Version < have {
		return "", fmt.Errorf("%w: %d after %d", bundle.ErrVersion, p.Version, have)
	}
	key, err := ecdh.X25519().NewPrivateKey(s.SealKey)
	if err != nil {
		return "", fmt.Errorf("hublink: the site's key: %w", err)
	}
	plain, err := p.Unseal(key)
	if err != nil {
		return "", err
	}
	var all []wire.Colleague
	if err := json.Unmarshal(plain, &all); err != nil {
		return "", fmt.Errorf("%w: colleagues: %w", ErrAnswer, err)
	}
	return fmt.Sprint(p.Version), l.o.Staff(ctx, all)
}

// number is a version; 0 none.
func number(version string) (n int64) {
	fmt.Sscan(version, &n) // what is no number is older than everything
	return n
}

// Certificate asks the hub for a certificate of one of the site's names.
func (l *Link) Certificate(ctx context.Context, r wire.CertificateRequest) (wire.Certificate, error) {
	l.mu.Lock()
	s := l.s
	l.mu.Unlock()
	if !s.enrolled() {
		return wire.Certificate{}, ErrNone
	}
	return l.client.certificate(ctx, s.Token, r)
}

// Signer reads who signs for this site from hub.json, before there is a link; "" where the site is not enrolled.
func Signer(path string) (site string, key ed25519.PublicKey, err error) {
	s, err := read(path)
	return s.Site, ed25519.PublicKey(s.SignKey), err
}
