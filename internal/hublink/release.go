package hublink

import (
	"context"
	"fmt"
	"net/http"

	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

// Release returns what the hub wants to be run here, verified, and its tag; nil where that is what has the tag that is given, or where there is
// nothing. What is not signed for this site is an error of bundle, with the tag.
func (l *Link) Release(ctx context.Context, tag string) (*bundle.Payload, string, error) {
	keys, err := l.Keys()
	if err != nil {
		return nil, "", err
	}
	b, now, err := l.Fetch(ctx, wire.PathRelease, tag)
	if err != nil || b == nil {
		return nil, now, err
	}
	p, err := bundle.Releases.Open(b, keys.Sign, keys.Site)
	if err != nil {
		return nil, now, err
	}
	return &p, now, nil
}

// Piece returns n bytes of a release's file, or fewer at its end, from an offset on. A release's file is read in pieces so that each is one short
// exchange, whatever the line is worth, and signs of life go on between them.
func (l *Link) Piece(ctx context.Context, sha256 string, from, n int64) ([]byte, error) {
	token, err := l.token()
	if err != nil {
		return nil, err
	}
	a, err := l.client.as(ctx, token, request{
		method: http.MethodGet, path: wire.PathReleaseFile + sha256, part: fmt.Sprintf("bytes=%d-%d", from, from+n-1),
	})
	if err != nil {
		return nil, err
	}
	if len(a.body) == 0 || int64(len(a.body)) > n {
		return nil, fmt.Errorf("%w: %d bytes of a file; expected 1 to %d", ErrAnswer, len(a.body), n)
	}
	return a.body, nil
}
