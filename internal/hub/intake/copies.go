package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
)

// ageHead is how every age file begins (https://age-encryption.org/v1): what is no encrypted copy is not kept.
const ageHead = "age-encryption.org/v1\n"

// lane waits for one of the few places in which a copy may be in memory.
func (in *intake) lane(ctx context.Context) (leave func(), err error) {
	select {
	case in.lanes <- struct{}{}:
		return func() { <-in.lanes }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(patience):
		return nil, &refusal{http.StatusServiceUnavailable, "others send their copies just now", Every * time.Second}
	}
}

// keepCopy keeps a site's copy, once it is whole: its digest is right.
func (in *intake) keepCopy(w http.ResponseWriter, r *http.Request, _ *Event) (any, error) {
	ref, err := in.site(r)
	if err != nil {
		return nil, err
	}
	if after, ok := in.copies.take(ref.Site); !ok {
		return nil, tooOften(after)
	}
	ctx, cancel := context.WithTimeout(r.Context(), slowly)
	defer cancel()
	leave, err := in.lane(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	deadlines(w)
	body, err := read(w, r, wire.MaxCopy)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	if !bytes.HasPrefix(body, []byte(ageHead)) || r.Header.Get("Content-Digest") != Digest(sum[:]) {
		return nil, errForm
	}
	err = in.Hub.Tenant(ctx, ref.Tenant, func(t *store.Tenant) error { return t.KeepCopy(ctx, ref.Site, sum[:], body) })
	if err != nil {
		return nil, err
	}
	in.Log.Info("a site's copy is kept", "site", ref.Site, "bytes", len(body))
	return struct{}{}, nil
}

// Digest is the value of the header Content-Digest (RFC 9530) for a SHA-256.
func Digest(sum []byte) string { return "sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":" }

// deadlines gives a copy the time of a slow line; where the server cannot, its own times hold.
func deadlines(w http.ResponseWriter) {
	c, until := http.NewResponseController(w), time.Now().Add(slowly)
	_ = c.SetReadDeadline(until)
	_ = c.SetWriteDeadline(until)
}

// newcomer is the box that asks, and whose site its code is.
func (in *intake) newcomer(w http.ResponseWriter, r *http.Request) (n wire.Newcomer, ref store.Ref, err error) {
	if after, ok := in.newcomers.take(in.From(r)); !ok {
		return n, ref, tooOften(after)
	}
	body, err := read(w, r, enrolment)
	if err != nil {
		return n, ref, err
	}
	if json.Unmarshal(body, &n) != nil || len(n.Code) > 64 || len(n.SealKey) != 32 || len(n.Copy) != 0 && len(n.Copy) != sha256.Size {
		return n, ref, errForm
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	ref, err = in.Hub.SiteOfCode(ctx, n.Code, n.SealKey)
	if errors.Is(err, store.ErrUnknown) {
		err = errCode
	}
	return n, ref, err
}

// replacement says whose place the box may take, and which copies there are.
func (in *intake) replacement(w http.ResponseWriter, r *http.Request, _ *Event) (any, error) {
	_, ref, err := in.newcomer(w, r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	a := wire.Replacement{Site: ref.Site, Copies: []wire.KeptCopy{}}
	err = in.Hub.Tenant(ctx, ref.Tenant, func(t *store.Tenant) error {
		s, err := t.Site(ctx, ref.Site)
		if err != nil {
			return err
		}
		a.Name = s.Name
		all, err := t.Copies(ctx, ref.Site)
		for _, c := range all {
			a.Copies = append(a.Copies, wire.KeptCopy{Kept: c.Kept.Unix(), Sum: c.Sum, Size: c.Size})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (in *intake) replacementCopy(w http.ResponseWriter, r *http.Request, _ *Event) (any, error) {
	n, ref, err := in.newcomer(w, r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), slowly)
	defer cancel()
	leave, err := in.lane(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var body []byte
	err = in.Hub.Tenant(ctx, ref.Tenant, func(t *store.Tenant) (err error) {
		body, err = t.CopyBody(ctx, ref.Site, n.Copy)
		return err
	})
	if errors.Is(err, store.ErrUnknown) {
		return nil, refuse(http.StatusNotFound, "this hub does not keep this copy")
	}
	if err != nil {
		return nil, err
	}
	deadlines(w)
	w.Header().Set("Content-Type", "application/octet-stream")
	in.Log.Info("a site's copy goes to the box that replaces it", "site", ref.Site, "bytes", len(body))
	return body, nil
}
