package hublink

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"parvis/internal/hublink/wire"
)

// Keys are those of an enrolment.
type Keys struct {
	Site string            // as the hub knows it
	Seal *ecdh.PrivateKey  // to which the hub seals what is for this site alone
	Sign ed25519.PublicKey // by which the hub signs
}

// Keys are those of the enrolment; ErrNone: there is none.
func (l *Link) Keys() (Keys, error) {
	l.mu.Lock()
	s := l.s
	l.mu.Unlock()
	if !s.enrolled() {
		return Keys{}, ErrNone
	}
	private, err := ecdh.X25519().NewPrivateKey(s.SealKey)
	if err == nil && len(s.SignKey) != ed25519.PublicKeySize {
		err = errors.New("the hub's key has another length")
	}
	if err != nil {
		return Keys{}, fmt.Errorf("hublink: keys of %s: %w", l.o.Path, err)
	}
	return Keys{s.Site, private, s.SignKey}, nil
}

// Fetch returns what the hub has at a path (wire.PathBundle, wire.PathStaff) and its tag, nil where that is what has the tag that is given,
// or where the hub has nothing there. What comes is signed: who asked verifies it.
func (l *Link) Fetch(ctx context.Context, path, tag string) (b []byte, now string, err error) {
	token, err := l.token()
	if err != nil {
		return nil, "", err
	}
	a, err := l.client.as(ctx, token, request{method: http.MethodGet, path: path, tag: tag})
	switch {
	case a.none:
		return nil, "", nil
	case err != nil:
		return nil, "", err
	case a.same:
		return nil, tag, nil
	}
	return a.body, a.tag, nil
}

// Certificate asks for a certificate of one of the site's names, or what became of the request.
func (l *Link) Certificate(ctx context.Context, r wire.CertificateRequest) (c wire.Certificate, err error) {
	token, err := l.token()
	if err != nil {
		return c, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return c, fmt.Errorf("hublink: %w", err)
	}
	a, err := l.client.as(ctx, token, request{method: http.MethodPost, path: wire.PathCertificate, body: body})
	if err != nil {
		return c, err
	}
	return c, l.client.read(a.body, &c)
}

func (l *Link) token() (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.s.enrolled() {
		return "", ErrNone
	}
	return l.s.Token, nil
}
