// Package openid is the way in through a town's OpenID Connect provider (code flow, OpenID Connect Core 1.0): to the provider, back,
// and what it says of who has come. It decides nothing about roles: what the provider's words mean is the caller's.
package openid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"parvis/internal/clock"
	"parvis/internal/secrets"
)

// Provider is the town's OpenID Connect provider.
type Provider struct {
	Issuer   string
	ClientID string
	Secret   string // "": a public client
	// RoleClaim is where the roles are, dots lead into objects: "realm_access.roles" (Keycloak).
	RoleClaim string
	PKCE      bool         // some providers refuse a parameter that they do not know
	Client    *http.Client // nil: one with short timeouts
}

// Patience is how long somebody may take from our page to the provider and back.
const Patience = 10 * time.Minute

// Bounds of a provider that answers slowly, not at all, or too much. Entering by other ways never waits for it.
const (
	wait      = 5 * time.Second // for one answer
	maxAnswer = 1 << 20         // bytes
)

// Errors that callers decide by.
var (
	ErrAway    = errors.New("openid: the provider does not answer")
	ErrNoRole  = errors.New("openid: the provider gives this account no role here")
	ErrWrong   = errors.New("openid: not an answer of this provider to us")
	ErrJourney = errors.New("openid: nobody is on the way with this state, or has been for too long")
)

// Journey is somebody on the way to the provider and back.
type Journey struct{ Nonce, Verifier, Next string }

// Journeys remembers who is on the way, for Patience.
type Journeys interface {
	Put(ctx context.Context, state string, j Journey) error
	// Take returns a journey once; ok is false when there is none, or it took longer than Patience.
	Take(ctx context.Context, state string) (j Journey, ok bool, err error)
}

// Client asks one provider. It is safe for concurrent use.
type Client struct {
	o        Provider
	clock    clock.Clock
	journeys Journeys
	redirect string
	home     string
	http     *http.Client

	mu       sync.Mutex
	provider *oidc.Provider // nil until it has answered once
}

// New makes a client. redirect is the address that the provider leads back to, home the one after a logout.
func New(o Provider, redirect, home string, c clock.Clock, journeys Journeys) *Client {
	client := o.Client
	if client == nil {
		client = &http.Client{Timeout: wait}
	}
	return &Client{
		o: o, clock: c, journeys: journeys, redirect: redirect, home: home,
		http: &http.Client{
			Timeout: client.Timeout, Transport: bounded{client.Transport},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// bounded limits the length of answers.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// ask returns the provider. It is looked for each time until it answers, and never for longer than wait.
func (c *Client) ask(ctx context.Context) (*oidc.Provider, error) {
	c.mu.Lock()
	p := c.provider
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, c.http), wait)
	defer cancel()
	p, err := oidc.NewProvider(ctx, c.o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	c.mu.Lock()
	c.provider = p
	c.mu.Unlock()
	return p, nil
}

func (c *Client) config(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: c.o.ClientID, ClientSecret: c.o.Secret, Endpoint: p.Endpoint(), RedirectURL: c.redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile"},
	}
}

// Depart is the address at the provider, and the state that the browser has to bring back. next is where it leads on to.
func (c *Client) Depart(ctx context.Context, next string) (to, state string, err error) {
	p, err := c.ask(ctx)
	if err != nil {
		return "", "", err
	}
	state, _ = secrets.New() // 43 characters
	nonce, _ := secrets.New()
	j := Journey{Nonce: nonce, Next: next}
	opts := []oauth2.AuthCodeOption{oidc.Nonce(nonce)}
	if c.o.PKCE {
		j.Verifier = oauth2.GenerateVerifier()
		opts = append(opts, oauth2.S256ChallengeOption(j.Verifier))
	}
	if err := c.journeys.Put(ctx, state, j); err != nil {
		return "", "", err
	}
	return c.config(p).AuthCodeURL(state, opts...), state, nil
}

// Arrival is who the provider says has come.
type Arrival struct {
	Subject string   // issuer, a space, sub
	Name    string   // "" when the provider tells none that can be shown
	Roles   []string // values of the role claim, as they are
	Hint    string   // the ID token, for the provider's logout
	Next    string
}

// Arrive finishes a journey: code against ID token, which must be for us, in time and of this journey. known says whether the
// roles hold one that counts; where those of the ID token do not, the user info is asked.
func (c *Client) Arrive(ctx context.Context, state, code string, known func(roles []string) bool) (Arrival, error) {
	j, ok, err := c.journeys.Take(ctx, state)
	if err != nil {
		return Arrival{}, err
	}
	if !ok {
		return Arrival{}, ErrJourney
	}
	p, err := c.ask(ctx)
	if err != nil {
		return Arrival{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, c.http), 2*wait)
	defer cancel()
	var opts []oauth2.AuthCodeOption
	if j.Verifier != "" {
		opts = append(opts, oauth2.VerifierOption(j.Verifier))
	}
	token, err := c.config(p).Exchange(ctx, code, opts...)
	if err != nil {
		return Arrival{}, fmt.Errorf("%w: %w", ErrAway, Scrub(err))
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: c.o.ClientID, Now: func() time.Time { return c.clock.Wall().Time }}).Verify(ctx, raw)
	if err != nil {
		return Arrival{}, fmt.Errorf("%w: %w", ErrWrong, err)
	}
	if id.Nonce != j.Nonce {
		return Arrival{}, fmt.Errorf("%w: another journey's nonce", ErrWrong)
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return Arrival{}, fmt.Errorf("%w: %w", ErrWrong, err)
	}
	who := Arrival{Subject: c.o.Issuer + " " + id.Subject, Hint: raw, Next: j.Next}
	who.Roles, who.Name = rolesIn(claims, c.o.RoleClaim), nameIn(claims)
	if (!known(who.Roles) || who.Name == "") && p.UserInfoEndpoint() != "" {
		// JSON or a signed JWT: go-oidc reads both, and checks the signature of the latter.
		info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return Arrival{}, fmt.Errorf("%w: %w", ErrAway, Scrub(err))
		}
		var more map[string]any
		if info.Subject != id.Subject || info.Claims(&more) != nil { // OpenID Connect Core 5.3.4
			return Arrival{}, fmt.Errorf("%w: user info of somebody else", ErrWrong)
		}
		if !known(who.Roles) {
			who.Roles = rolesIn(more, c.o.RoleClaim)
		}
		if who.Name == "" {
			who.Name = nameIn(more)
		}
	}
	if !known(who.Roles) {
		return Arrival{}, ErrNoRole
	}
	return who, nil
}

// Scrub keeps addresses with codes in them out of errors that are logged.
func Scrub(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Leave is where a browser ends its login at the provider (OpenID Connect RP-Initiated Logout 1.0); "" where that is not offered or
// the provider has not answered yet. hint is the login's ID token; without it the provider asks the person.
func (c *Client) Leave(hint string) string {
	c.mu.Lock()
	p := c.provider
	c.mu.Unlock()
	if p == nil {
		return ""
	}
	var more struct {
		End string `json:"end_session_endpoint"`
	}
	u, err := url.Parse("")
	if p.Claims(&more) == nil && more.End != "" {
		u, err = url.Parse(more.End)
	}
	if err != nil || u.Host == "" {
		return ""
	}
	q := u.Query()
	if hint != "" {
		q.Set("id_token_hint", hint)
	}
	q.Set("client_id", c.o.ClientID)
	q.Set("post_logout_redirect_uri", c.home)
	u.RawQuery = q.Encode()
	return u.String()
}
