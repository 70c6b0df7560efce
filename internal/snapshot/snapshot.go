// Package snapshot makes one encrypted file of what makes a site that site, and reads it again on another box (docs/adr/0027-copies.md).
//
// The file is a tar archive, compressed by gzip, in an age file (https://age-encryption.org/v1): X25519 to the town's recovery key, then
// ChaCha20-Poly1305 in chunks of 64 KiB that can be neither exchanged nor cut off unseen. Whoever holds the private key can also open it with
// the programs age and tar, without Parvis. The archive begins with manifest.json; files are below etc/ and state/.
package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// Format is that of the archives that this program makes; it reads this one and older ones.
const Format = 1

// Bounds of an archive. A place of ten years stays far below them.
const (
	maxFiles = 500
	maxFile  = 128 << 20 // bytes of one file
	maxAll   = 256 << 20 // bytes of all files together
	maxDepth = 5         // parts of a name
	manifest = "manifest.json"
)

// Errors of Read that callers decide by.
var (
	ErrKey     = errors.New("snapshot: not encrypted to this key")
	ErrDamaged = errors.New("snapshot: cut off, damaged, or no copy of a site")
	ErrForm    = errors.New("snapshot: an archive that no site makes")
	ErrNewer   = errors.New("snapshot: made by a newer Parvis")
)

// Manifest says whose copy it is. It says what the box knew of itself; nobody has signed it.
type Manifest struct {
	Format  int    `json:"format"`
	Name    string `json:"name"`           // of the place
	Site    string `json:"site,omitempty"` // as its hub knows it; "" it was not enrolled
	Version string `json:"version"`        // of Parvis
	Model   string `json:"model,omitempty"`
	Made    int64  `json:"made"` // seconds since 1970, by the box's clock
	// Named are the files and directories that the configuration names: key ("portal.certificate") → name in the archive.
	Named map[string]string `json:"named,omitempty"`
}

// dotless is one part of a name: no part is hidden, leads up, or is an option to some program.
var dotless = regexp.MustCompile(`^[\pL\pN_][\pL\pN ._+@-]{0,99}$`)

// checkName refuses what is no file below etc/ or state/.
func checkName(name string) error {
	parts := strings.Split(name, "/")
	ok := fs.ValidPath(name) && path.Clean(name) == name && len(parts) >= 2 && len(parts) <= maxDepth && (parts[0] == "etc" || parts[0] == "state")
	for _, p := range parts {
		ok = ok && dotless.MatchString(p)
	}
	if !ok {
		return fmt.Errorf("%w: a file named %q; expected one below etc/ or state/", ErrForm, name)
	}
	return nil
}
