package main

import (
	"crypto/tls"
	"sync/atomic"

	"parvis/internal/lang"
)

// certificate is the hub's own, read again on SIGHUP: it is renewed more often than the hub is started.
type certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
}

// loadCertificate returns nil where there is none: a reverse proxy on this machine serves https.
func (s settings) loadCertificate() (*certificate, error) {
	if s.Certificate == "" {
		return nil, nil
	}
	c := &certificate{certFile: s.Certificate, keyFile: s.Key}
	if err := c.load(); err != nil {
		return nil, fail(exitNotRight, lang.Text{
			EN: "certificate: %v; expected a PEM certificate with its chain, and its key",
			FR: "certificate : %v ; un certificat PEM avec sa chaîne, et sa clé, sont attendus",
		}, err)
	}
	return c, nil
}

// load keeps the former one when it fails.
func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err == nil {
		c.current.Store(&pair)
	}
	return err
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}
