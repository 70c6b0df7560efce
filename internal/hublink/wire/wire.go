// Package wire is what a site and the hub say to each other: JSON over HTTPS, always begun by the site. Both sides use these types and
// nothing else (docs/adr/0020-hub.md).
//
// Nothing here can hold a person: no name, MAC, address or visited name. Words are from closed vocabularies or are the site's own
// identifiers of profiles, services and terminals, which Batch.Check holds to the letters of identifiers.
package wire

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Version is the protocol's. The hub speaks those of Spoken; a site says its own in the header VersionHeader. What one side says more
// than the other knows is left out by the other, so that a field more is no other version.
const (
	Version       = 1
	VersionHeader = "Parvis-Protocol"
)

// Spoken is every version that a hub of this one speaks: its own and the two before, as far as there were any. What each says is recorded
// in testdata/protocol-N.
var Spoken = []int{1}

// Paths of the hub's interface for sites. Each but Enrol wants `Authorization: Bearer` with the site's token.
const (
	PathEnrol  = "/v1/enrol"  // POST Enrolment → Enrolled
	PathBatch  = "/v1/batch"  // POST Batch, gzip → Receipt
	PathBundle = "/v1/bundle" // GET with If-None-Match → a signed bundle, or 304

	PathStaff       = "/v1/staff"       // GET with If-None-Match → a bundle whose sealed part is a list of Colleagues, or 304
	PathCertificate = "/v1/certificate" // POST CertificateRequest → Certificate

	PathRelease     = "/v1/release"       // GET with If-None-Match → a bundle of the kind bundle.Releases, or 304
	PathReleaseFile = "/v1/release/file/" // and a SHA-256 in hexadecimal: GET, with Range → its bytes
)

// MaxBatch is the most bytes of a batch's JSON, before it is compressed; MaxHours its most hours.
const (
	MaxBatch = 1 << 20
	MaxHours = 72
)

// Enrolment is how a site joins: with a code that works once.
type Enrolment struct {
	Code    string `json:"code"`
	Version string `json:"version"`  // of Parvis
	Model   string `json:"model"`    // of the board, as far as it is known
	SealKey []byte `json:"seal_key"` // public, HPKE (RFC 9180), X25519: what the hub seals for this site alone
}

// Enrolled is the answer, once.
type Enrolled struct {
	Site    string `json:"site"`     // its identifier at the hub
	Name    string `json:"name"`     // as the hub calls it
	Token   string `json:"token"`    // 256 random bits; the hub keeps a hash of it
	SignKey []byte `json:"sign_key"` // public, Ed25519: by which bundles are signed
}

// Batch is everything of a site that the hub does not have yet, or as much of it as fits, and how the site is now.
//
// Hours and days are whole values and not differences: the hub keeps of each (Epoch, At) the one with the highest Seq. A batch that
// comes twice, late or out of order changes nothing that is newer.
type Batch struct {
	Epoch string `json:"epoch"` // of the site's counts: 16 hexadecimal digits made with its database; what two epochs have counted adds up
	Seq   int64  `json:"seq"`   // the highest of what is in it
	Sent  int64  `json:"sent"`  // seconds since 1970, by the site's clock; 0 while that is not known
	Left  int    `json:"left"`  // hours that wait behind this batch
	Now   Now    `json:"now"`
	Hours []Hour `json:"hours"`
	Days  []Day  `json:"days"`
}

// Now is how a site is at the moment.
type Now struct {
	Version   string         `json:"version"`
	Up        int64          `json:"up"`    // seconds since the daemon's start
	Clock     string         `json:"clock"` // unknown, synchronised
	Place     string         `json:"place"` // open, closed, paused
	Open      int            `json:"open"`  // sessions
	Slots     int            `json:"slots"` // sessions at most
	Waiting   int            `json:"waiting"`
	Line      Line           `json:"line"`
	Terminals []Terminal     `json:"terminals"`
	Problems  []Problem      `json:"problems"`
	Bundle    string         `json:"bundle"`            // version of the configuration in force; "" its own
	Expires   map[string]int `json:"expires"`           // certificate (portal, console) → days left
	Staff     string         `json:"staff,omitempty"`   // version of the list of colleagues in force, a decimal number; "" none
	Trial     bool           `json:"trial,omitempty"`   // Bundle has not proved itself yet
	Refused   *Refused       `json:"refused,omitempty"` // the last bundle that was not taken, or was gone back from
	Arch      string         `json:"arch,omitempty"`    // of Archs: of which it can run a release; "" none by its hub
	Upgrade   *Upgrade       `json:"upgrade,omitempty"` // what became of the release that its hub wants here; nil: there is none, or it runs
	Reburn    int            `json:"reburn,omitempty"`  // terminals that make their image anew once what has changed is published at the place
}

// Archs is every architecture of which there can be a release.
var Archs = []string{"amd64", "arm64", "armv7"}

// Upgrade is how far a site is with the release that its hub wants.
type Upgrade struct {
	Number  int64  `json:"number,omitempty"` // of the bundle that wants it: the same release may be wanted once more
	Version string `json:"version"`
	State   string `json:"state"` // waiting, trial; back: gone back from; refused: not tried
	Why     string `json:"why,omitempty"`
}

// Whys is why a release is waited with, not tried or gone back from: hours is waited for; what
// stands before it is looked at before.
var Whys = []string{"form", "signature", "site", "version", "digest", "arch", "space", "hours", "start", "check", "page", "redirect", "console", "database", "power", "asked"}

// Release is a version of Parvis that a site should run, with a file for each architecture.
type Release struct {
	Version string          `json:"version"`
	Force   bool            `json:"force,omitempty"` // also while the place is open
	Files   map[string]File `json:"files"`           // by architecture
}

// File is the bare binary of one architecture.
type File struct {
	SHA256 string `json:"sha256"` // hexadecimal
	Size   int64  `json:"size"`   // bytes, up to MaxFile
}

// MaxFile is the most bytes of a release's file; MaxPiece is how many a site asks for at once.
const (
	MaxFile  = 256 << 20
	MaxPiece = 256 << 10
)

// Refused is a bundle that a site does not run, and why.
type Refused struct {
	Bundle string `json:"bundle"`
	Why    string `json:"why"` // form, signature, version, site: not taken; check, line, hub: gone back from
}

// Line is the quality of a site's line, over the last minutes.
type Line struct {
	Up      bool `json:"up"`
	Latency int  `json:"latency"` // milliseconds to the resolver, median
	Loss    int  `json:"loss"`    // of questions, in hundredths
	Down    int  `json:"down"`    // how full, in hundredths of the configured rate
	Upload  int  `json:"upload"`
}

// Terminal is one fixed terminal.
type Terminal struct {
	ID    string `json:"id"`    // poste-3
	State string `json:"state"` // docs/adr/0001-names.md
}

// Problem is something that needs a hand.
type Problem struct {
	Code string `json:"code"` // of ProblemCodes
	What string `json:"what"` // the terminal or the certificate that it is about; "" the site
}

// ProblemCodes is every problem that a site may tell.
var ProblemCodes = []string{"store", "enforcer", "link", "line-saturated", "line-slow", "clock", "disk", "certificate", "terminal", "printer", "gate", "heat", "wear"}

// Hour is what a site has counted in one hour.
type Hour struct {
	At       int64   `json:"at"` // whole hours since 1970, UTC
	Seq      int64   `json:"seq"`
	Measured int64   `json:"measured"` // milliseconds in which the daemon counted
	Peak     int     `json:"peak"`     // sessions at once
	Line     Quality `json:"line"`
	Counts   []Count `json:"counts"`
}

// Quality is the line over one hour: sums of which means are made, so that hours add up.
type Quality struct {
	Asked     int64 `json:"asked"`     // looks at the line
	Down      int64 `json:"down"`      // looks that found it down
	Lost      int64 `json:"lost"`      // questions without an answer
	Questions int64 `json:"questions"` // all of them
	Latency   int64 `json:"latency"`   // sum over answered questions, milliseconds
	Full      int64 `json:"full"`      // looks that found it at nine tenths of its rate or more, either way
}

// Count is one counter of an hour: What of Whats; the unit is milliseconds for time, waited and terminal-time, bytes for bytes, else
// a number of things. Word is a profile for sessions, time, bytes and waited.
type Count struct {
	What string `json:"what"`
	Word string `json:"word"`
	N    uint64 `json:"n"`
}

// Known reports whether it is one of Whats.
func (c Count) Known() bool { return one(c.What, Whats) }

// Identifier reports whether a word has the letters of an identifier, as every word of a batch must have.
func Identifier(word string) bool { return plain.MatchString(word) }

// Whats is every counter.
var Whats = []string{
	"sessions", "time", "bytes", "opener", "language", "kind", "refused", "redeemed", "pages", "waited", "terminal-sessions", "terminal-time",
}

// Day is how many devices came on a day, in a part of it, as one run of the daemon has counted them.
type Day struct {
	Day  int    `json:"day"`  // 20261124, in the place's time
	Part int    `json:"part"` // 0 the day, 1 the morning, 2 the afternoon
	Run  string `json:"run"`  // 16 hexadecimal digits
	N    int    `json:"n"`
	Seq  int64  `json:"seq"`
}

// Receipt says what the hub has for good.
type Receipt struct {
	Seq    int64  `json:"seq"`             // of the batch: nothing up to it need be sent again
	Every  int    `json:"every"`           // seconds until the next one, 10 to 3600
	Bundle string `json:"bundle"`          // version that this site should run; "" none
	Staff  string `json:"staff,omitempty"` // version of the colleagues that this site should know; "" none
	// Release is the version of Parvis that this site should run; "" none, or the site has said that it went back from it.
	Release string `json:"release,omitempty"`
}

// Colleague is somebody of the town's staff who works at this site, or no longer does. The list of them is sealed to the site.
type Colleague struct {
	ID       string `json:"id"` // the same at every site
	Login    string `json:"login"`
	Name     string `json:"name"`
	Role     string `json:"role"`
	Password string `json:"password"`          // argon2id in its usual text form; "" none
	Subject  string `json:"subject,omitempty"` // at the town's OpenID provider: issuer, a space, sub
	Closed   bool   `json:"closed,omitempty"`
}

// CertificateRequest asks for a certificate of one of the site's names. The private key stays on the site.
type CertificateRequest struct {
	CSR []byte `json:"csr"` // PKCS #10 (RFC 2986), DER, for one DNS name
}

// Certificate is the answer. Chain is empty until it is issued: the site asks again later with the same request.
type Certificate struct {
	Chain string `json:"chain"` // PEM, the site's own first
	Why   string `json:"why"`   // the last try failed: dns, authority; "" none did
}

var (
	hex16  = regexp.MustCompile(`^[0-9a-f]{16}$`)
	plain  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	versed = regexp.MustCompile(`^[0-9A-Za-z.+_-]{0,64}$`)
	hex64  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Versioned reports whether a release can be called so. It is no path's: it has neither a slash nor only dots.
func Versioned(version string) bool {
	return version != "" && version[0] != '.' && versed.MatchString(version)
}

// Digest reports whether it is a SHA-256 as File has it.
func Digest(s string) bool { return hex64.MatchString(s) }

// ErrRelease is wrapped by what a release's Check returns.
var ErrRelease = errors.New("wire: a release that no hub makes")

// Check says what is wrong with a release.
func (r Release) Check() error {
	if !Versioned(r.Version) || len(r.Files) == 0 {
		return fmt.Errorf("%w: version %q with %d files", ErrRelease, r.Version, len(r.Files))
	}
	for arch, f := range r.Files {
		if !Digest(f.SHA256) || f.Size <= 0 || f.Size > MaxFile {
			return fmt.Errorf("%w: file of %q", ErrRelease, arch)
		}
	}
	return nil
}

// ErrBatch is wrapped by what Check returns.
var ErrBatch = errors.New("wire: a batch that no site makes")

// Check says what is wrong with a batch. What passes holds identifiers, words of the vocabularies and numbers alone.
func (b Batch) Check() error {
	bad := func(what string, value any) error { return fmt.Errorf("%w: %s %v", ErrBatch, what, value) }
	n := b.Now
	switch {
	case !hex16.MatchString(b.Epoch):
		return bad("epoch", b.Epoch)
	case b.Seq < 0 || b.Sent < 0 || b.Left < 0:
		return bad("numbers", b.Seq)
	case len(b.Hours) > MaxHours:
		return bad("hours", len(b.Hours))
	case len(b.Days) > 3*MaxHours:
		return bad("days", len(b.Days))
	case !versed.MatchString(n.Version) || !versed.MatchString(n.Bundle) || !versed.MatchString(n.Staff):
		return bad("version", n.Version)
	case n.Clock != "unknown" && n.Clock != "synchronised":
		return bad("clock", n.Clock)
	case n.Place != "open" && n.Place != "closed" && n.Place != "paused":
		return bad("place", n.Place)
	case n.Open < 0 || n.Slots < 0 || n.Waiting < 0 || n.Up < 0 || len(n.Terminals) > 500 || len(n.Problems) > 100 || len(n.Expires) > 10:
		return bad("now", n.Open)
	}
	for _, t := range n.Terminals {
		if !plain.MatchString(t.ID) || !plain.MatchString(t.State) {
			return bad("terminal", t.ID)
		}
	}
	for _, p := range n.Problems {
		if !one(p.Code, ProblemCodes) || p.What != "" && !plain.MatchString(p.What) {
			return bad("problem", p.Code)
		}
	}
	for name := range n.Expires {
		if !plain.MatchString(name) {
			return bad("certificate", name)
		}
	}
	if r := n.Refused; r != nil && (!versed.MatchString(r.Bundle) || !plain.MatchString(r.Why)) {
		return bad("refused", r.Why)
	}
	if u := n.Upgrade; u != nil && (u.Number < 0 || !versed.MatchString(u.Version) || !plain.MatchString(u.State) || u.Why != "" && !plain.MatchString(u.Why)) {
		return bad("upgrade", u.State)
	}
	if n.Arch != "" && !plain.MatchString(n.Arch) || n.Reburn < 0 {
		return bad("arch", n.Arch)
	}
	for _, h := range b.Hours {
		if h.At < 0 || h.Seq <= 0 || h.Seq > b.Seq || h.Measured < 0 || h.Measured > 3_600_000 || h.Peak < 0 || len(h.Counts) > 1000 || !h.Line.fair() {
			return bad("hour", h.At)
		}
		for _, c := range h.Counts {
			if !one(c.What, Whats) || !plain.MatchString(c.Word) || c.N > 1<<62 {
				return bad("count", c.What+" "+c.Word)
			}
		}
	}
	for _, d := range b.Days {
		if d.Day < 20200101 || d.Day > 22000101 || d.Part < 0 || d.Part > 2 || !hex16.MatchString(d.Run) || d.N < 0 || d.Seq <= 0 || d.Seq > b.Seq {
			return bad("day", d.Day)
		}
	}
	return nil
}

// Spoken is the batch without problems and counters whose words this version does not know: a later site says more than an earlier hub
// understands. What has not even the letters of an identifier stays, for Check to refuse.
func (b Batch) Spoken() Batch {
	b.Now.Problems = slices.DeleteFunc(b.Now.Problems, func(p Problem) bool { return plain.MatchString(p.Code) && !one(p.Code, ProblemCodes) })
	for i := range b.Hours {
		b.Hours[i].Counts = slices.DeleteFunc(b.Hours[i].Counts, func(c Count) bool { return plain.MatchString(c.What) && !c.Known() })
	}
	return b
}

// Add adds what was seen after.
func (q *Quality) Add(p Quality) {
	q.Asked, q.Down, q.Full = q.Asked+p.Asked, q.Down+p.Down, q.Full+p.Full
	q.Questions, q.Lost, q.Latency = q.Questions+p.Questions, q.Lost+p.Lost, q.Latency+p.Latency
}

func (q Quality) fair() bool {
	return q.Asked >= 0 && q.Down >= 0 && q.Down <= q.Asked && q.Full >= 0 && q.Full <= q.Asked &&
		q.Questions >= 0 && q.Lost >= 0 && q.Lost <= q.Questions && q.Latency >= 0
}

func one(s string, of []string) bool {
	for _, o := range of {
		if s == o {
			return true
		}
	}
	return false
}
