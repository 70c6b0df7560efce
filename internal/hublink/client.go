package hublink

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

// Errors of what the hub answers.
var (
	ErrCode  = errors.New("hublink: the hub does not know this code, or it was used, or it is too old")
	ErrToken = errors.New("hublink: the hub does not know this site any more")
	// ErrAnswer is an answer that no hub of this protocol gives: another program's, or a page of somebody in between.
	ErrAnswer = errors.New("hublink: not a hub's answer")
)

const (
	patience   = 30 * time.Second // for one exchange: a batch is some ten kilobytes, a line may be slow
	mostAnswer = bundle.Max       // bytes of an answer: a bundle is the longest
)

// client is one side of the protocol. It follows nobody anywhere else: the token goes to the hub alone.
type client struct {
	url  string // without a slash at its end
	http *http.Client
}

func newClient(o Options) *client {
	// HTTP/2 would go on using a connection that a line has dropped without a word; HTTP/1 begins another one after the first silence.
	var http1 http.Protocols
	http1.SetHTTP1(true)
	transport := &http.Transport{
		TLSClientConfig:        &tls.Config{RootCAs: o.CA, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    20 * time.Second,
		IdleConnTimeout:        2 * time.Minute,
		MaxIdleConns:           1,
		MaxConnsPerHost:        1,
		MaxResponseHeaderBytes: 16 << 10,
		Protocols:              &http1,
	}
	if o.Proxy != nil {
		transport.Proxy = http.ProxyURL(o.Proxy)
	}
	return &client{url: o.URL, http: &http.Client{
		Transport:     transport,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// enrol redeems a code.
func (c *client) enrol(ctx context.Context, e wire.Enrolment) (a wire.Enrolled, err error) {
	body, err := json.Marshal(e)
	if err != nil {
		return a, fmt.Errorf("hublink: %w", err)
	}
	b, status, err := c.exchange(ctx, request{method: http.MethodPost, path: wire.PathEnrol, body: body})
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound || status == http.StatusGone:
		return a, ErrCode
	case err != nil:
		return a, fmt.Errorf("hublink: enrol: %w", err)
	}
	return a, c.read(b.body, &a)
}

// batch sends one.
func (c *client) batch(ctx context.Context, token string, b wire.Batch) (r wire.Receipt, err error) {
	plain, err := json.Marshal(b)
	if err != nil {
		return r, fmt.Errorf("hublink: %w", err)
	}
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	z.Write(plain) // a buffer takes everything
	z.Close()
	answer, err := c.as(ctx, token, request{method: http.MethodPost, path: wire.PathBatch, body: body.Bytes(), packed: true})
	if err != nil {
		return r, err
	}
	return r, c.read(answer.body, &r)
}

// as sends what a site alone can send.
func (c *client) as(ctx context.Context, token string, r request) (answer, error) {
	r.token = token
	a, status, err := c.exchange(ctx, r)
	switch {
	case status == http.StatusUnauthorized:
		return a, ErrToken
	case err != nil:
		return a, fmt.Errorf("hublink: %s: %w", strings.TrimPrefix(r.path, "/v1/"), err)
	}
	return a, nil
}

func (c *client) read(b []byte, into any) error {
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%w: from %s: %w", ErrAnswer, c.url, err)
	}
	return nil
}

// request is one to the hub.
type request struct {
	method, path, token string
	tag                 string // If-None-Match; "" none
	body                []byte
	packed              bool   // by gzip
	part                string // Range; "" all of it
}

// answer is what came.
type answer struct {
	body []byte
	tag  string // ETag
	same bool   // as what has the tag that was asked with
	none bool   // the hub has nothing there (404)
}

// exchange returns the status, 0 where there was no answer. Nothing of what its error says has the token in it.
func (c *client) exchange(ctx context.Context, r request) (a answer, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.url+r.path, bytes.NewReader(r.body))
	if err != nil {
		return a, 0, err
	}
	req.Header.Set(wire.VersionHeader, strconv.Itoa(wire.Version))
	req.Header.Set("Content-Type", "application/json")
	if r.packed {
		req.Header.Set("Content-Encoding", "gzip")
	}
	if r.tag != "" {
		req.Header.Set("If-None-Match", r.tag)
	}
	if r.part != "" {
		req.Header.Set("Range", r.part)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return a, 0, err
	}
	defer resp.Body.Close()
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1)); err != nil {
		return a, 0, err
	}
	a.tag = resp.Header.Get("ETag")
	switch {
	case resp.StatusCode == http.StatusNotModified && r.tag != "":
		a.same = true
	case r.part != "" && resp.StatusCode == http.StatusPartialContent:
	case resp.StatusCode != http.StatusOK || r.part != "":
		a.none = resp.StatusCode == http.StatusNotFound
		return a, resp.StatusCode, fmt.Errorf("%s answers %s", c.url, resp.Status)
	case len(a.body) > mostAnswer:
		return a, resp.StatusCode, fmt.Errorf("%w: longer than %d bytes", ErrAnswer, mostAnswer)
	}
	return a, resp.StatusCode, nil
}

// Pool is the authorities of hub.ca, beside none of the system's: a town that has its own wants that one.
func Pool(pem []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("hublink: no certificate in PEM")
	}
	return pool, nil
}

// Proxy reads hub.proxy; "" is none.
func Proxy(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil
	}
	return url.Parse(s)
}
