// Package intaketest is a site's side of the hub's interface, for tests and measurements: it says exactly what it is told to say.
package intaketest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"parvis/internal/hublink/wire"
)

// Box is one site's.
type Box struct {
	URL      string // of the hub
	Client   *http.Client
	Token    string
	Protocol string // "" is this version's
}

// Answer is what a hub said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do says anything.
func (b *Box) Do(ctx context.Context, method, path string, header http.Header, body []byte) (a Answer, err error) {
	req, err := http.NewRequestWithContext(ctx, method, b.URL+path, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	protocol := b.Protocol
	if protocol == "" {
		protocol = strconv.Itoa(wire.Version)
	}
	req.Header.Set(wire.VersionHeader, protocol)
	if b.Token != "" {
		req.Header.Set("Authorization", "Bearer "+b.Token)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := b.Client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a = Answer{Status: resp.StatusCode, Header: resp.Header}
	a.Body, err = io.ReadAll(resp.Body)
	return a, err
}

// Enrol redeems a code and keeps the token.
func (b *Box) Enrol(ctx context.Context, code string) (e wire.Enrolled, a Answer, err error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return e, a, err
	}
	body, err := json.Marshal(wire.Enrolment{Code: code, Version: "1.0", Model: "lab", SealKey: key.PublicKey().Bytes()})
	if err != nil {
		return e, a, err
	}
	if a, err = b.Do(ctx, http.MethodPost, wire.PathEnrol, nil, body); err != nil || a.Status != http.StatusOK {
		return e, a, err
	}
	if err = json.Unmarshal(a.Body, &e); err == nil {
		b.Token = e.Token
	}
	return e, a, err
}

// Send sends a batch. A receipt, or an error with the hub's answer.
func (b *Box) Send(ctx context.Context, batch wire.Batch) (r wire.Receipt, err error) {
	plain, err := json.Marshal(batch)
	if err != nil {
		return r, err
	}
	a, err := b.Do(ctx, http.MethodPost, wire.PathBatch, http.Header{"Content-Encoding": {"gzip"}}, Packed(plain))
	if err != nil {
		return r, err
	}
	if a.Status != http.StatusOK {
		return r, fmt.Errorf("the hub answers %d: %s", a.Status, a.Body)
	}
	return r, json.Unmarshal(a.Body, &r)
}

// Packed is a body as a site compresses it.
func Packed(plain []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(plain) // a buffer takes everything
	z.Close()
	return out.Bytes()
}

// Batch has the given hours, and is well.
func Batch(epoch string, seq int64, hours ...wire.Hour) wire.Batch {
	return wire.Batch{
		Epoch: epoch, Seq: seq, Hours: hours,
		Now: wire.Now{Version: "1.0", Clock: "synchronised", Place: "open", Slots: 240, Line: wire.Line{Up: true}},
	}
}

// Hour is one with n sessions of the profile visite.
func Hour(at, seq int64, n uint64) wire.Hour {
	return wire.Hour{At: at, Seq: seq, Measured: 3_600_000, Peak: int(n), Counts: []wire.Count{{What: "sessions", Word: "visite", N: n}}}
}
