package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"parvis/sessions"
)

// ErrNoDaemon is returned when nobody answers on the socket.
var ErrNoDaemon = errors.New("control: no daemon answers")

// Client speaks to the daemon.
type Client struct {
	socket string
	http   http.Client
}

// NewClient returns a client of the daemon behind the socket. Nothing is opened yet.
func NewClient(socket string) *Client {
	return NewClientOver(socket, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	})
}

// NewClientOver returns a client of a daemon whose socket dial reaches: that of another machine. socket is its name in errors.
func NewClientOver(socket string, dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{socket: socket, http: http.Client{
		Timeout: 30 * time.Second, // an end of all on slow flash is the longest
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		},
	}}
}

// Status asks how the daemon is.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.do(ctx, http.MethodGet, "/v1/status", nil, &s)
}

// Sessions lists them.
func (c *Client) Sessions(ctx context.Context) (l []sessions.Session, err error) {
	return l, c.do(ctx, http.MethodGet, "/v1/sessions", nil, &l)
}

// Open opens one.
func (c *Client) Open(ctx context.Context, r OpenRequest) (s sessions.Session, err error) {
	return s, c.do(ctx, http.MethodPost, "/v1/sessions/open", r, &s)
}

// End ends one or all and returns them as they were left.
func (c *Client) End(ctx context.Context, r EndRequest) (l []sessions.Session, err error) {
	return l, c.do(ctx, http.MethodPost, "/v1/sessions/end", r, &l)
}

// Change gives open sessions other rates and returns them.
func (c *Client) Change(ctx context.Context, r ChangeRequest) (l []sessions.Session, err error) {
	return l, c.do(ctx, http.MethodPost, "/v1/sessions/change", r, &l)
}

// Confirm keeps what `parvis serve --confirm` put in force.
func (c *Client) Confirm(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/v1/confirm", struct{}{}, nil)
}

// Shift moves the lab's clock forward.
func (c *Client) Shift(ctx context.Context, d time.Duration) error {
	return c.do(ctx, http.MethodPost, "/v1/lab/clock", ShiftRequest{Forward: d}, nil)
}

// ShiftWall makes the lab's civil time jump.
func (c *Client) ShiftWall(ctx context.Context, d time.Duration) error {
	return c.do(ctx, http.MethodPost, "/v1/lab/clock", ShiftRequest{Wall: d}, nil)
}

// SetClock makes the lab's civil time t, and synchronised.
func (c *Client) SetClock(ctx context.Context, t time.Time) error {
	return c.do(ctx, http.MethodPost, "/v1/lab/clock", ShiftRequest{Set: t}, nil)
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("control: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://parvis"+path, &body)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%w on %s: %w", ErrNoDaemon, c.socket, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(resp.Body)
	if resp.StatusCode != http.StatusOK {
		ref := new(Refusal)
		if err := dec.Decode(ref); err != nil {
			return fmt.Errorf("control: %s: %s", path, resp.Status)
		}
		return ref
	}
	if out == nil {
		return nil
	}
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("control: read answer to %s: %w", path, err)
	}
	return nil
}
