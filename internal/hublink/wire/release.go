package wire

import (
	"errors"
	"fmt"
	"regexp"
)

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

var hex64 = regexp.MustCompile(`^[0-9a-f]{64}$`)

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
