// Package config reads /etc/parvis/parvis.toml into values that the rest of Parvis can trust.
//
// Reading has three steps, each of them pure. BurntSushi/toml says whether the source is TOML and gives its values;
// scan finds where each key and each value stands; the sections are then read key by key, every value checked
// against its limits, and everything that is wrong is collected: an operator corrects a file once. What a key means,
// its unit and its default are in docs/adr/0001-names.md and in reference.toml, which a test keeps equal.
package config

import (
	"net/netip"
	"net/url"
	"time"

	"parvis/internal/lang"
	"parvis/sessions/hours"
)

// Path is where the configuration lives.
const Path = "/etc/parvis/parvis.toml"

// Config is a configuration without errors, defaults filled in.
type Config struct {
	Site     Site
	WAN      WAN
	Guests   Guests
	Portal   Portal
	Staff    Staff
	Profiles []Profile // at least one; names differ

	Terminals Terminals
	Gate      Gate
	Monitor   Monitor
	Hub       Hub
	HW        HW

	file   string
	places map[string]place
}

// Site is the public place itself.
type Site struct {
	Name      string
	Desk      string // the place's word for its desk, with its article
	Contact   string // how to reach the person in charge
	Publisher string
	Rules     []string // the place's own, one French sentence each; may be empty
	Languages []string // of "fr", "en", "ar"; at least one, in the order in which they are offered

	Hours    hours.Config // without Periods, which Calendar reads
	Holidays string       // absolute path of the iCalendar file; "" none
}

// WAN is the line.
type WAN struct {
	Interface string
	Down, Up  uint64 // bits per second, as they really are
	// Favour is servers, of either family, that have a part of the line for themselves; masked.
	Favour []netip.Prefix
	// Probe is the address of a page that answers 200 to 299 while the line leads to the internet; "" none.
	Probe string
	// Echo is the http address of a host that says how it was reached (parvis echo); nil none.
	Echo *url.URL
}

// Guests is the guest network.
type Guests struct {
	Interface string
	Address   netip.Prefix // our address, not masked: 10.77.0.1/16. IPv4, RFC 1918, /16 to /28
	Lease     time.Duration
	Capacity  int            // sessions at once, 1 to 10000
	Allow     []netip.Prefix // inner networks that guests may reach; masked
	IPv6      bool           // guests have IPv6 too

	// SSID is the Wi-Fi's name, for what is printed; "" is not known. PassphraseFile has its passphrase; "" an open network.
	SSID, PassphraseFile string
}

// Blocks returns how many public ports each session has for itself. 0: this capacity gives up port blocks.
func (g Guests) Blocks() int {
	switch g.Capacity {
	case 240:
		return 256
	case 480:
		return 128
	case 960:
		return 64
	default:
		return 0
	}
}

// Portal is the portal's name and what it opens.
type Portal struct {
	Name             string // DNS name, lower case
	Certificate, Key string // absolute paths; both or neither
	Profile          string // of Profiles: what a click opens
	Open             Opens
}

// Opens says what opens internet to a resident.
type Opens string

// The ways to open.
const (
	ByClick Opens = "click" // a button on the first page
	ByDesk  Opens = "desk"  // the desk, a ticket or a code
)

// API is the URI of the captive portal's API (RFC 8908) as DHCP and router advertisements give it (RFC 8910); "" where it cannot
// answer over TLS.
func (p Portal) API() string {
	if p.Certificate == "" {
		return ""
	}
	return "https://" + p.Name + "/api/captive"
}

// Runs says when the time of a session runs.
type Runs string

// The ways time runs.
const (
	FromOpening Runs = "from-opening"
	WhileUsed   Runs = "while-used"
)

// Profile is the rules of a session.
type Profile struct {
	Name     string // identifier: a-z, 0-9 and -
	Label    string // French, shown to people
	Duration time.Duration
	Runs     Runs
	Idle     time.Duration // 0 never
	Volume   uint64        // bytes, both ways together; 0 unlimited
	Slow     uint64        // bits per second each way once Volume is used up; 0 ends the session
	Down, Up uint64        // bits per second
	Keep     time.Duration

	// Of one device in a calendar day; 0 unlimited.
	Daily       time.Duration
	DailyVolume uint64 // bytes, both ways together

	Extend     time.Duration // that its resident may add at once; 0 nothing
	Extensions int           // how often
	Devices    int           // of one voucher
	LineStops  bool          // time stands still while the line is down

	Terminal bool     // of terminals
	Names    []string // ids of the catalogue: what a guest reaches under it, and nothing else; empty: everything
}

// Limits of values, told in messages.
const (
	minLease, maxLease       = 2 * time.Minute, 24 * time.Hour
	minDuration, maxDuration = time.Minute, 7 * 24 * time.Hour
	minIdle, maxIdle         = time.Minute, 24 * time.Hour
	minKeep, maxKeep         = time.Minute, 7 * 24 * time.Hour
	minExtend, maxExtend     = time.Minute, 24 * time.Hour
	minDaily, maxDaily       = time.Minute, 24 * time.Hour
	minRate, maxRate         = 64_000, 100_000_000_000 // bits per second
	minVolume, maxVolume     = 1_000_000, 1e15         // bytes
	minBits, maxBits         = 16, 28                  // length of the guest network's prefix
	maxCapacity              = 10_000
	maxExtensions            = 100
	maxDevices               = 10
	maxFavour                = 256     // networks
	maxText                  = 120     // characters
	maxSource                = 1 << 16 // bytes
)

// Languages of what residents read.
var languages = []string{"fr", "en", "ar"}

// Where returns the position of the value of a key, written as "guests.address" or "profile.0.idle". A key that the
// file leaves out is where its section begins; line is 0 when that is missing too.
func (c *Config) Where(key string) (file string, line, column int) {
	p := nearest(c.places, key)
	return c.file, p.line, p.column
}

// Problem returns a problem about a key (see Where).
func (c *Config) Problem(key string, sev Severity, what, expected, do Message) Problem {
	f, l, col := c.Where(key)
	return Problem{File: f, Line: l, Column: col, Severity: sev, What: what, Expected: expected, Do: do}
}

// Say makes a message; the verbs of fmt stand in the same order in both languages.
func Say(en, fr string, args ...any) Message {
	return Message{Text: lang.Text{EN: en, FR: fr}, Args: args}
}
