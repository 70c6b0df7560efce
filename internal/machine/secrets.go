package machine

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"parvis/internal/clock"
)

// Etc is the directory of the configuration and of the site's secret, site.key: SiteKeyLen random bytes in hexadecimal,
// mode 0600.
const (
	Etc         = "/etc/parvis"
	SiteKeyPath = Etc + "/site.key"
	SiteKeyLen  = 32
)

// Errors of a site key that callers may decide by; a missing one is fs.ErrNotExist.
var (
	ErrKeyOpen  = errors.New("others than root may read it")
	ErrKeyShape = errors.New("not 32 bytes in hexadecimal")
)

// SiteKey is what was seen of the site's secret; never the secret.
type SiteKey struct {
	Path   string
	Exists bool
	Mode   fs.FileMode
	Err    error // why it cannot be used
}

// ReadSiteKey returns the site's secret of a file.
func ReadSiteKey(path string) ([]byte, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("machine: read site key: %w", err)
	}
	if fi.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("machine: read site key %s (mode %04o): %w", path, fi.Mode().Perm(), ErrKeyOpen)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("machine: read site key: %w", err)
	}
	key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != SiteKeyLen {
		return nil, fmt.Errorf("machine: read site key %s: %w", path, ErrKeyShape) // never with its content
	}
	return key, nil
}

func (r Root) siteKey(path string) SiteKey {
	k := SiteKey{Path: path}
	_, k.Err = ReadSiteKey(r.Path(path))
	if fi, err := os.Stat(r.Path(path)); err == nil {
		k.Exists, k.Mode = true, fi.Mode().Perm()
	}
	return k
}

// Certificate is what was seen of the portal's certificate.
type Certificate struct {
	Err        error // a file cannot be read or is not what it should be; nothing else is known then
	KeyErr     error // the key cannot be read, or is another certificate's
	Open       bool  // others than its owner may read the key
	NameErr    error // it is not for the portal's name
	NotBefore  time.Time
	NotAfter   time.Time
	SelfSigned bool
	Chain      bool // it leads to an authority that this machine trusts, or brings its intermediates along
	Trusted    bool // it leads to an authority that this machine trusts; true where the machine has no list of any
	Short      bool // its key is one that browsers refuse: RSA of less than 2048 bits
}

// Left is how long the certificate still holds.
func (c Certificate) Left(now clock.Wall) time.Duration { return c.NotAfter.Sub(now.Time) }

func (r Root) certificate(file, key, name string, now clock.Wall) *Certificate {
	c := &Certificate{}
	certPEM, err := r.read(file)
	if err != nil {
		c.Err = unwrapPath(err)
		return c
	}
	chain, err := parseChain(certPEM)
	if err != nil {
		c.Err = err
		return c
	}
	leaf := chain[0]
	c.NotBefore, c.NotAfter = leaf.NotBefore, leaf.NotAfter
	c.NameErr = leaf.VerifyHostname(name)
	c.SelfSigned = bytes.Equal(leaf.RawIssuer, leaf.RawSubject)
	c.Chain = c.SelfSigned || complete(chain, now)
	c.Trusted = trusted(chain, now)
	if k, is := leaf.PublicKey.(*rsa.PublicKey); is {
		c.Short = k.Size()*8 < 2048
	}

	keyPEM, err := r.read(key)
	if err != nil {
		c.KeyErr = unwrapPath(err)
		return c
	}
	if fi, err := os.Stat(r.Path(key)); err == nil {
		c.Open = fi.Mode().Perm()&0o004 != 0
	}
	_, c.KeyErr = tls.X509KeyPair(certPEM, keyPEM)
	return c
}

// unwrapPath leaves the path out: problems name it already.
func unwrapPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

var errNoCertificate = errors.New("no certificate in the file")
