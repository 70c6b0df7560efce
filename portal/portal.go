// Package portal is what a resident's device sees: the pages of the place's Wi-Fi and the captive portal API
// (RFC 8908), over HTTP and over HTTPS.
//
// One handler serves both listeners. A request for any other name than the portal's own, which is how every operating
// system looks for a portal, gets one answer from memory: a redirection to the first page. Everything else is a page
// that works without script, without cookie and in one request, or the API.
//
// Who asks is decided by the socket's remote address alone, which Identify turns into a device. The portal never
// touches the kernel: it asks Sessions, and shows what became of it.
package portal

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/portal/locale"
	"parvis/sessions"
	"parvis/sessions/waiting"
)

// Site is what the place says about itself. It is shown to people as it is.
type Site struct {
	Name      string // of the place
	Desk      string // the place's word for its desk, with its French article: l'accueil
	Contact   string // how to reach the person in charge
	Publisher string // who publishes the pages (mentions légales)
	// Rules are the place's own, one French sentence each; nobody translates them.
	Rules []string
}

// Config is what the portal is told once.
type Config struct {
	Site      Site
	Languages []string       // of fr, en, ar; the first one is for those whose language is none of them
	Name      string         // DNS name of the portal
	Address   netip.Addr     // the router's address on the guest link
	Secure    bool           // a certificate is configured: the API and https URIs exist
	Profile   string         // profile that a click opens; "" the first one
	AtDesk    bool           // no click opens: only the desk, a ticket or a code
	Counts    bool           // the devices of a day are counted
	Version   string         // of Parvis
	Zone      *time.Location // of the hours that are shown; nil: the machine's
}

// Sessions is what the portal asks about the right to pass: *sessions.Manager.
type Sessions interface {
	Doors
	Own
	Profiles() []sessions.Profile
	// Of returns the device's session that is open, or else the last one that is still remembered.
	Of(mac.Addr) (sessions.Session, bool)
	// CodeOf is what the device's pages show at the desk; "" when none is left.
	CodeOf(mac.Addr) string
	// Site says whether the place is open.
	Site() sessions.SiteState
}

// Doors are the ways in.
type Doors interface {
	// Open gives the device the right to pass. It has done so in the kernel too when it returns.
	Open(context.Context, sessions.OpenRequest) (sessions.Session, error)
	// Redeem does so by the code of a ticket or of a workshop.
	Redeem(context.Context, sessions.Redemption) (sessions.Session, error)
	// TakeBack moves a session to the device.
	TakeBack(context.Context, sessions.TakeBack) (sessions.Session, error)
	// ByToken returns the session whose token a browser shows, open or with time left.
	ByToken(token string) (sessions.Session, bool)
}

// Own is what a person may do with their own session.
type Own interface {
	// End takes the right away.
	End(ctx context.Context, id string, why sessions.Reason) (sessions.Session, error)
	// Adjust adds time to it, within its profile.
	Adjust(ctx context.Context, id string, by time.Duration, who sessions.Opener) (sessions.Session, error)
	// MessageSeen notes that a page with the desk's message was sent.
	MessageSeen(id string)
}

// Device is who is behind an address, as it was seen on the guest link.
type Device = sessions.Device

// Identify says which device uses an address of the guest link at this moment. It fails with one of ErrUnknownDevice,
// ErrNoLease and ErrOtherDevice, or with an error of its own.
type Identify func(netip.Addr) (Device, error)

// Reasons why nobody, or nobody certain, is behind an address.
var (
	ErrUnknownDevice = errors.New("portal: no device answers at this address")
	ErrNoLease       = errors.New("portal: the address was not leased")
	ErrOtherDevice   = errors.New("portal: the address was leased to another device")
)

// Parts is what the portal works with. All are required but Line, Count and Desk.
type Parts struct {
	Sessions Sessions
	Identify Identify
	Waiting  *waiting.List
	Calls    *waiting.Calls
	Clock    clock.Clock
	Log      *slog.Logger

	// Line reports whether the line is down; nil: never.
	Line func() (down bool)
	// Count is told of each page that a waiting device was shown; nil: nobody counts.
	Count func(waiting.Visit)
	// Desk reports whether somebody at the desk may be writing to people at this time; nil: nobody.
	Desk func() bool
}

// Portal is the pages and the API of one place.
type Portal struct {
	cfg Config
	Parts
	log *slog.Logger

	profile   sessions.Profile // that a click opens
	locales   *locale.Locales
	templates map[string]*template.Template
	csrf      *http.CrossOriginProtection
	policy    string // Content-Security-Policy of every page
	foreign   foreign
	probers   probers
	pages     http.Handler // behind the test for foreign names
}

// New makes the portal. It fails when the configuration names a language or a profile that does not exist.
func New(cfg Config, parts Parts) (*Portal, error) {
	cfg.Name = strings.ToLower(strings.TrimSuffix(cfg.Name, "."))
	if cfg.Name == "" {
		return nil, errors.New("portal: no name")
	}
	if cfg.Zone == nil {
		cfg.Zone = time.Local
	}
	if parts.Line == nil {
		parts.Line = func() bool { return false }
	}
	if parts.Count == nil {
		parts.Count = func(waiting.Visit) {}
	}
	if parts.Desk == nil {
		parts.Desk = func() bool { return false }
	}
	p := &Portal{cfg: cfg, Parts: parts, log: parts.Log, csrf: http.NewCrossOriginProtection()}
	for _, candidate := range p.Sessions.Profiles() {
		if cfg.Profile == "" || candidate.Name == cfg.Profile {
			p.profile = candidate
			break
		}
	}
	if p.profile.Name == "" {
		return nil, fmt.Errorf("portal: choose profile %q: %w", cfg.Profile, sessions.ErrUnknownProfile)
	}
	var err error
	if p.locales, err = locale.New(cfg.Languages); err != nil {
		return nil, err
	}
	if p.templates, p.policy, err = parseTemplates(); err != nil {
		return nil, err
	}
	p.foreign = newForeign(cfg.Name)
	p.pages = p.routes()
	return p, nil
}

// who is behind a request, and the session that is remembered of it. Headers play no part in it.
func (p *Portal) who(r *http.Request) (Device, sessions.Session, error) {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return Device{}, sessions.Session{}, ErrUnknownDevice
	}
	device, err := p.Identify(remote.Addr().Unmap())
	if err != nil {
		return Device{}, sessions.Session{}, err
	}
	s, _ := p.Sessions.Of(device.MAC)
	return device, s, nil
}

// passes reports whether the device's packets pass under s. A session that is open for the device's former address, or
// that is suspended, lets nothing pass: to its owner, internet is closed.
func passes(s sessions.Session, d Device) bool {
	return s.State == sessions.Open && s.Device.IPv4 == d.IPv4 && s.Suspended == ""
}

// profileOf returns the rules that s was opened with, as far as they are still configured.
func (p *Portal) profileOf(s sessions.Session) sessions.Profile {
	for _, candidate := range p.Sessions.Profiles() {
		if candidate.Name == s.Profile {
			return candidate
		}
	}
	return p.profile
}
