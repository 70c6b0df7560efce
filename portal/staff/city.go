package staff

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
)

// Provider is the town's OpenID Connect provider.
type Provider struct {
	Issuer   string
	ClientID string
	Secret   string // "": a public client
	// RoleClaim is where the roles are, dots lead into objects: "realm_access.roles" (Keycloak). A value there counts when it
	// is one of our roles, with or without "parvis-" before it.
	RoleClaim string
	PKCE      bool         // some providers refuse a parameter that they do not know
	Client    *http.Client // nil: one with short timeouts
}

// Bounds of a provider that answers slowly, not at all, or too much. Entering by other ways never waits for it.
const (
	cityWait     = 5 * time.Second  // for one answer
	cityPatience = 10 * time.Minute // from our page to the provider and back
	maxJourneys  = 200
	cityCookie   = "__Host-parvis-ville"
	maxAnswer    = 1 << 20 // bytes
)

var (
	errCityAway = errors.New("staff: the town's provider does not answer")
	errNoRole   = errors.New("staff: the town gives this account no role here")
)

// city is the way in through the provider. Nothing of it is kept on the disk.
type city struct {
	o        Provider
	clock    clock.Clock
	redirect string
	home     string // where the provider leads back to after a logout
	http     *http.Client

	mu       sync.Mutex
	provider *oidc.Provider // nil until it has answered once
	journeys map[string]journey
	hints    map[string]string // ID token of a login, by the login's hash
}

// journey is somebody on the way to the provider and back.
type journey struct {
	nonce, verifier, next string
	until                 clock.Boot
}

func newCity(o Provider, name string, c clock.Clock) *city {
	client := o.Client
	if client == nil {
		client = &http.Client{Timeout: cityWait}
	}
	return &city{
		o: o, clock: c, redirect: "https://" + name + returnPath, home: "https://" + name + EnterPath,
		http: &http.Client{
			Timeout: client.Timeout, Transport: bounded{client.Transport},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		journeys: map[string]journey{}, hints: map[string]string{},
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

// ask returns the provider. It is looked for each time until it answers, and never for longer than cityWait.
func (c *city) ask(ctx context.Context) (*oidc.Provider, error) {
	c.mu.Lock()
	p := c.provider
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, c.http), cityWait)
	defer cancel()
	p, err := oidc.NewProvider(ctx, c.o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCityAway, err)
	}
	c.mu.Lock()
	c.provider = p
	c.mu.Unlock()
	return p, nil
}

func (c *city) config(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: c.o.ClientID, ClientSecret: c.o.Secret, Endpoint: p.Endpoint(), RedirectURL: c.redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile"},
	}
}

// depart is the address at the provider, and the state that the browser has to bring back.
func (c *city) depart(ctx context.Context, next string) (to, state string, err error) {
	p, err := c.ask(ctx)
	if err != nil {
		return "", "", err
	}
	state, _ = newSecret() // 43 characters
	nonce, _ := newSecret()
	j := journey{nonce: nonce, next: next, until: c.clock.Boot().Add(cityPatience)}
	opts := []oauth2.AuthCodeOption{oidc.Nonce(nonce)}
	if c.o.PKCE {
		j.verifier = oauth2.GenerateVerifier()
		opts = append(opts, oauth2.S256ChallengeOption(j.verifier))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var first string
	for s, x := range c.journeys {
		if c.clock.Boot() >= x.until {
			delete(c.journeys, s)
		} else if first == "" || x.until < c.journeys[first].until {
			first = s
		}
	}
	if len(c.journeys) >= maxJourneys {
		delete(c.journeys, first)
	}
	c.journeys[state] = j
	return c.config(p).AuthCodeURL(state, opts...), state, nil
}

// stranger is who the provider says has come.
type stranger struct {
	subject, name string
	role          Role
	hint, next    string
}

// arrive finishes a journey: code against ID token, which must be for us, in time and of this journey.
func (c *city) arrive(ctx context.Context, state, code string) (stranger, error) {
	c.mu.Lock()
	j, ok := c.journeys[state]
	delete(c.journeys, state) // once
	c.mu.Unlock()
	if !ok || c.clock.Boot() >= j.until {
		return stranger{}, ErrToken
	}
	p, err := c.ask(ctx)
	if err != nil {
		return stranger{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, c.http), 2*cityWait)
	defer cancel()
	var opts []oauth2.AuthCodeOption
	if j.verifier != "" {
		opts = append(opts, oauth2.VerifierOption(j.verifier))
	}
	token, err := c.config(p).Exchange(ctx, code, opts...)
	if err != nil {
		return stranger{}, fmt.Errorf("%w: %w", errCityAway, scrub(err))
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: c.o.ClientID, Now: func() time.Time { return c.clock.Wall().Time }}).Verify(ctx, raw)
	if err != nil {
		return stranger{}, fmt.Errorf("%w: %w", ErrWrong, err)
	}
	if id.Nonce != j.nonce {
		return stranger{}, fmt.Errorf("%w: another journey's nonce", ErrWrong)
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return stranger{}, fmt.Errorf("%w: %w", ErrWrong, err)
	}
	who := stranger{subject: c.o.Issuer + " " + id.Subject, hint: raw, next: j.next}
	who.role, who.name = roleIn(claims, c.o.RoleClaim), nameIn(claims)
	if (who.role == "" || who.name == "") && p.UserInfoEndpoint() != "" {
		// JSON or a signed JWT: go-oidc reads both, and checks the signature of the latter.
		info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return stranger{}, fmt.Errorf("%w: %w", errCityAway, scrub(err))
		}
		var more map[string]any
		if info.Subject != id.Subject || info.Claims(&more) != nil { // OpenID Connect Core 5.3.4
			return stranger{}, fmt.Errorf("%w: user info of somebody else", ErrWrong)
		}
		if who.role == "" {
			who.role = roleIn(more, c.o.RoleClaim)
		}
		if who.name == "" {
			who.name = nameIn(more)
		}
	}
	if who.role == "" {
		return stranger{}, errNoRole
	}
	return who, nil
}

// scrub keeps addresses with codes in them out of errors.
func scrub(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// remember keeps the ID token of a login until it ends, for the provider's logout.
func (c *city) remember(login, hint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.hints) >= maxLogins {
		clear(c.hints) // their logouts then ask at the provider
	}
	c.hints[login] = hint
}

// leave is where a browser ends its login at the provider (OpenID Connect RP-Initiated Logout 1.0); "" where that is not
// offered, or the login was not the provider's.
func (c *city) leave(login string) string {
	c.mu.Lock()
	hint, ok := c.hints[login]
	delete(c.hints, login)
	p := c.provider
	c.mu.Unlock()
	if !ok || p == nil {
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
	q.Set("id_token_hint", hint)
	q.Set("client_id", c.o.ClientID)
	q.Set("post_logout_redirect_uri", c.home)
	u.RawQuery = q.Encode()
	return u.String()
}
