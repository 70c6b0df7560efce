package hublink

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"parvis/internal/hublink/wire"
)

// ErrLong is a copy that no hub keeps.
var ErrLong = fmt.Errorf("hublink: the copy is longer than the %d MiB that a hub keeps", wire.MaxCopy>>20)

// ErrOften: the hub was asked too often in a short time, and answers again a minute later.
var ErrOften = errors.New("hublink: the hub was asked too often")

// SendCopy gives the hub an encrypted copy of the site. It is at the hub, whole, when nil is returned. ErrNone, ErrLong, ErrToken.
func (l *Link) SendCopy(ctx context.Context, b []byte) error {
	if len(b) > wire.MaxCopy {
		return ErrLong
	}
	token, err := l.token()
	if err != nil {
		return err
	}
	defer l.client.slow.CloseIdleConnections() // until tomorrow
	sum := sha256.Sum256(b)
	digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":" // RFC 9530
	_, err = l.client.as(ctx, token, request{method: http.MethodPut, path: wire.PathCopy, body: b, digest: digest})
	return err
}

// Newcomer is a box that is to take the place of another one, by a code of the hub. Its key is made once, and kept by the caller until the
// end: by it the hub knows who has redeemed the code, so that all of this may be done again after a power cut.
type Newcomer struct {
	o      Options
	client *client
	code   string
	key    *ecdh.PrivateKey
}

// NewNewcomer needs of the options URL, Proxy, CA, Version and Model. Close ends its connections.
func NewNewcomer(o Options, code string, key *ecdh.PrivateKey) *Newcomer {
	return &Newcomer{o, newClient(o), strings.TrimSpace(code), key}
}

// Close ends the connections to the hub.
func (n *Newcomer) Close() { n.client.close() }

// Ask says whose place it is and which copies the hub has. Nothing is used up. ErrCode.
func (n *Newcomer) Ask(ctx context.Context) (r wire.Replacement, err error) {
	b, err := n.say(ctx, wire.PathReplacement, nil, 0)
	if err != nil {
		return r, err
	}
	if err := n.client.read(b, &r); err != nil {
		return r, err
	}
	if r.Site == "" {
		return r, fmt.Errorf("%w: without a site", ErrAnswer)
	}
	return r, nil
}

// Copy is one of those that Ask has named, as it was sent to the hub. ErrCode.
func (n *Newcomer) Copy(ctx context.Context, sum []byte) ([]byte, error) {
	b, err := n.say(ctx, wire.PathReplacementCopy, sum, wire.MaxCopy)
	if err != nil {
		return nil, err
	}
	if got := sha256.Sum256(b); !bytes.Equal(got[:], sum) {
		return nil, fmt.Errorf("%w: another copy than was asked for", ErrAnswer)
	}
	return b, nil
}

func (n *Newcomer) say(ctx context.Context, path string, sum []byte, most int) ([]byte, error) {
	body, err := json.Marshal(wire.Newcomer{Code: n.code, SealKey: n.key.PublicKey().Bytes(), Copy: sum})
	if err != nil {
		return nil, fmt.Errorf("hublink: %w", err)
	}
	a, status, err := n.client.exchange(ctx, request{method: http.MethodPost, path: path, body: body, most: most})
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, ErrCode
	case status == http.StatusTooManyRequests:
		return nil, ErrOften
	case err != nil:
		return nil, fmt.Errorf("hublink: replacement: %w", err)
	}
	return a.body, nil
}

// Enrol redeems the code and writes the enrolment to path (hub.json). From then on the hub refuses the box before. ErrCode.
func (n *Newcomer) Enrol(ctx context.Context, path string) error {
	s, err := redeem(ctx, n.client, n.o, n.code, n.key, true)
	if err != nil {
		return err
	}
	return s.write(path)
}
