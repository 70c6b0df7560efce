package machine

import (
	"crypto/x509"

	"parvis/internal/clock"
)

// Trusted judges a certificate alone.
func Trusted(c *x509.Certificate, now clock.Wall) bool { return trusted([]*x509.Certificate{c}, now) }

// SecretFile is Root.secretFile.
func SecretFile(root Root, path string) error { return root.secretFile(path) }
