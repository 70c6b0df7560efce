package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"parvis/internal/hub/certificates"
	"parvis/internal/hub/roster"
	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
)

// said is what a box may say of itself.
var said = regexp.MustCompile(`^[\pL\pN .,:;/()+_-]{0,100}$`)

func (in *intake) enrol(w http.ResponseWriter, r *http.Request, _ *Event) (any, error) {
	if after, ok := in.codes.take(in.From(r)); !ok {
		return nil, tooOften(after)
	}
	body, err := read(w, r, enrolment)
	if err != nil {
		return nil, err
	}
	var e wire.Enrolment
	if json.Unmarshal(body, &e) != nil || len(e.Code) > 64 || len(e.SealKey) != 32 || !said.MatchString(e.Version) || !said.MatchString(e.Model) {
		return nil, errForm
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	ref, name, token, err := in.Hub.Enrol(ctx, e)
	if errors.Is(err, store.ErrUnknown) {
		return nil, errCode
	}
	if err != nil {
		return nil, err
	}
	in.Log.Info("a site is enrolled", "site", ref.Site)
	return wire.Enrolled{Site: ref.Site, Name: name, Token: token, SignKey: in.public()}, nil
}

func (in *intake) batch(w http.ResponseWriter, r *http.Request, e *Event) (any, error) {
	ref, err := in.site(r)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("Content-Encoding") != "gzip" {
		return nil, refuse(http.StatusUnsupportedMediaType, "a batch comes compressed by gzip")
	}
	packed, err := read(w, r, wire.MaxBatch)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	select {
	case in.slots <- struct{}{}:
		defer func() { <-in.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	b, err := decode(packed)
	if err != nil {
		return nil, err
	}
	receipt := wire.Receipt{Seq: b.Seq, Every: Every}
	taken, err := in.take(ctx, ref, b, &receipt)
	switch {
	case errors.Is(err, store.ErrUnknown):
		return nil, errToken // it was removed while it spoke
	case errors.Is(err, store.ErrNumbers):
		return nil, errForm
	case err != nil:
		return nil, err
	}
	e.Hours, e.LeftOut = taken.Hours, taken.LeftOut
	in.Log.Debug("a batch is kept", "hours", taken.Hours, "left_out", taken.LeftOut, "bytes", len(packed))
	return receipt, nil
}

// take keeps a batch in one transaction, again where another one stood in its way.
func (in *intake) take(ctx context.Context, ref store.Ref, b wire.Batch, receipt *wire.Receipt) (taken store.Taken, err error) {
	for range tries {
		err = in.Hub.Tenant(ctx, ref.Tenant, func(t *store.Tenant) (err error) {
			if taken, err = t.Take(ctx, ref.Site, b, in.Clock.Wall().Time); err != nil {
				return err
			}
			receipt.Bundle, receipt.Release = "", ""
			switch o, err := t.Told(ctx, store.Settings, ref.Site); {
			case err == nil:
				receipt.Bundle = strconv.FormatInt(o.Version, 10)
			case !errors.Is(err, store.ErrUnknown):
				return err
			}
			switch _, p, err := t.Wanted(ctx, ref.Site); {
			case err == nil:
				receipt.Release = p.Release
			case !errors.Is(err, store.ErrUnknown):
				return err
			}
			receipt.Staff, err = roster.Version(ctx, t, ref.Site)
			return err
		})
		if !errors.Is(err, store.ErrBusy) {
			break
		}
	}
	return taken, err
}

// signed answers with what the hub has decided for a site, unless the site has that version.
func (in *intake) signed(make func(context.Context, *store.Tenant, string, ed25519.PrivateKey) ([]byte, string, error)) func(http.ResponseWriter, *http.Request, *Event) (any, error) {
	return func(w http.ResponseWriter, r *http.Request, _ *Event) (any, error) {
		ref, err := in.site(r)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		var (
			body    []byte
			version string
		)
		err = in.Hub.Tenant(ctx, ref.Tenant, func(t *store.Tenant) (err error) {
			body, version, err = make(ctx, t, ref.Site, in.Sign)
			return err
		})
		if errors.Is(err, store.ErrUnknown) {
			return nil, refuse(http.StatusNotFound, "this site's centre has decided nothing for it")
		}
		if err != nil {
			return nil, err
		}
		tag := `"` + version + `"`
		w.Header().Set("ETag", tag)
		for has := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
			if strings.TrimPrefix(strings.TrimSpace(has), "W/") == tag {
				return nil, refuse(http.StatusNotModified, "")
			}
		}
		return body, nil
	}
}

func (in *intake) certificate(w http.ResponseWriter, r *http.Request, _ *Event) (any, error) {
	ref, err := in.site(r)
	if err != nil {
		return nil, err
	}
	body, err := read(w, r, request)
	if err != nil {
		return nil, err
	}
	var asked wire.CertificateRequest
	if json.Unmarshal(body, &asked) != nil {
		return nil, errForm
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	var answer wire.Certificate
	err = in.Hub.Tenant(ctx, ref.Tenant, func(t *store.Tenant) (err error) {
		answer, err = certificates.Ask(ctx, t, ref.Site, asked)
		return err
	})
	switch {
	case errors.Is(err, certificates.ErrRequest):
		return nil, errForm
	case errors.Is(err, certificates.ErrName):
		return nil, refuse(http.StatusForbidden, "this site's centre has not given it this name")
	case err != nil:
		return nil, err
	}
	return answer, nil
}

// site is whose token the request has. It is asked before the body is read, by one look into an index: less than the connection has cost.
func (in *intake) site(r *http.Request) (store.Ref, error) {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || len(token) > 100 {
		return store.Ref{}, errToken
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	ref, err := in.Hub.SiteOf(ctx, token)
	if errors.Is(err, store.ErrUnknown) {
		return store.Ref{}, errToken
	}
	if err != nil {
		return store.Ref{}, err
	}
	if after, ok := in.sites.take(ref.Site); !ok {
		return store.Ref{}, tooOften(after)
	}
	return ref, nil
}

// read is a request's body, which is no longer than most bytes.
func read(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, errLong
	case err != nil:
		return nil, errForm
	}
	return body, nil
}

// decode reads a compressed batch. It unpacks no more than a batch may have, whatever the bytes promise. Fields that are not known are left
// out, and so are words: a newer site says more.
func decode(packed []byte) (b wire.Batch, err error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return b, errForm
	}
	plain, err := io.ReadAll(io.LimitReader(z, wire.MaxBatch+1))
	switch {
	case err != nil:
		return b, errForm
	case len(plain) > wire.MaxBatch:
		return b, errLong
	case json.Unmarshal(plain, &b) != nil:
		return b, errForm
	}
	if b = b.Spoken(); b.Check() != nil || !fits(b) { // the cause would name what was sent
		return b, errForm
	}
	return b, nil
}

// fits reports whether every number of a batch, and sums of many like it, find a place in the database. No site comes near these.
func fits(b wire.Batch) bool {
	const (
		small = 1 << 30
		large = 1 << 40
	)
	n := b.Now
	if max(b.Left, n.Open, n.Slots, n.Waiting) > small {
		return false
	}
	for _, h := range b.Hours {
		q := h.Line
		if h.Peak > small || max(q.Asked, q.Questions, q.Latency) > large {
			return false
		}
	}
	for _, d := range b.Days {
		if d.N > small/10_000 {
			return false
		}
	}
	return true
}
