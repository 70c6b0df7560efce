package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"parvis/internal/config"
	"parvis/internal/lang"
)

// certificates are the portal's and the console's, read again on SIGHUP: they are renewed more often than the router
// restarts.
type certificates struct {
	portal, staff *certificate // nil: none; they may be the same
	console       string       // the console's name
}

type certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
}

// loadCertificates returns those that are configured.
func loadCertificates(cfg *config.Config) (c certificates, err error) {
	if cfg.Portal.Certificate != "" {
		if c.portal, err = loadCertificate("portal.certificate", cfg.Portal.Certificate, cfg.Portal.Key); err != nil {
			return c, err
		}
	}
	if c.console = cfg.Staff.Name; c.console == "" {
		return c, nil
	}
	if cfg.Staff.Certificate == cfg.Portal.Certificate {
		c.staff = c.portal
		return c, nil
	}
	c.staff, err = loadCertificate("staff.certificate", cfg.Staff.Certificate, cfg.Staff.Key)
	return c, err
}

func loadCertificate(key, certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	if err := c.load(); err != nil {
		return nil, fail(exitNotRight, lang.Text{
			EN: "%s: %v; expected a PEM certificate with its chain, and its key",
			FR: "%s : %v ; un certificat PEM avec sa chaîne, et sa clé, sont attendus",
		}, key, err)
	}
	return c, nil
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.current.Store(&pair)
	return nil
}

// any reports whether there is one.
func (c certificates) any() bool { return c.portal != nil || c.staff != nil }

// errNoName ends a handshake for a name that there is no certificate for: a warning in a browser would teach people to
// pass over warnings.
var errNoName = errors.New("no certificate for this name")

func (c certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, // Android 5 and iOS 10 speak it
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			switch {
			case c.staff != nil && strings.EqualFold(hello.ServerName, c.console):
				return c.staff.current.Load(), nil
			case c.portal != nil:
				return c.portal.current.Load(), nil
			}
			return nil, errNoName
		},
	}
}

// reloadOnHangup reads them again at every SIGHUP, which whatever renews them sends.
func (c certificates) reloadOnHangup(ctx context.Context, log *slog.Logger) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, unix.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			c.reload(log)
		}
	}
}

// reload keeps an old certificate when the new one cannot be read.
func (c certificates) reload(log *slog.Logger) {
	all := []*certificate{c.portal}
	if c.staff != c.portal {
		all = append(all, c.staff)
	}
	for _, one := range all {
		if one == nil {
			continue
		}
		if err := one.load(); err != nil {
			log.Error("certificate not read again, the old one stays", "error", err)
			continue
		}
		log.Info("certificate read again", "file", one.certFile)
	}
}
