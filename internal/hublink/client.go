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
	"time"

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
	patience   = time.Minute // for one exchange: a batch is small, a line may be slow
	mostAnswer = 64 << 10    // bytes of an answer that are read
)

// client is one side of the protocol. It follows nobody anywhere else: the token goes to the hub alone.
type client struct {
	url  string // without a slash at its end
	http *http.Client
}

func newClient(o Options) *client {
	transport := &http.Transport{
		TLSClientConfig:        &tls.Config{RootCAs: o.CA, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    20 * time.Second,
		IdleConnTimeout:        2 * time.Minute,
		MaxIdleConns:           1,
		MaxConnsPerHost:        1,
		MaxResponseHeaderBytes: 16 << 10,
		ForceAttemptHTTP2:      true,
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
	status, err := c.post(ctx, wire.PathEnrol, "", body, nil, &a)
	switch {
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusUpgradeRequired:
		return a, ErrCode
	case err != nil:
		return a, fmt.Errorf("hublink: enrol: %w", err)
	}
	return a, nil
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
	status, err := c.post(ctx, wire.PathBatch, token, body.Bytes(), http.Header{"Content-Encoding": {"gzip"}}, &r)
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return r, ErrToken
	case err != nil:
		return r, fmt.Errorf("hublink: batch: %w", err)
	}
	return r, nil
}

// post returns the status, 0 where there was no answer. Nothing of what it says has the token in it.
func (c *client) post(ctx context.Context, path, token string, body []byte, header http.Header, into any) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(wire.VersionHeader, strconv.Itoa(wire.Version))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, fmt.Errorf("%s answers %s", c.url, resp.Status)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return resp.StatusCode, fmt.Errorf("%w: from %s: %w", ErrAnswer, c.url, err)
	}
	return resp.StatusCode, nil
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
