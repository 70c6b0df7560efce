package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"parvis/internal/config"
	"parvis/internal/lang"
)

// certificate is the portal's, read again on SIGHUP: it is renewed more often than the router restarts.
type certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
}

// loadCertificate returns nil when none is configured.
func loadCertificate(cfg *config.Config) (*certificate, error) {
	if cfg.Portal.Certificate == "" {
		return nil, nil
	}
	c := &certificate{certFile: cfg.Portal.Certificate, keyFile: cfg.Portal.Key}
	if err := c.load(); err != nil {
		return nil, fail(exitNotRight, lang.Text{
			EN: "portal.certificate: %v; expected a PEM certificate with its chain, and its key",
			FR: "portal.certificate : %v ; un certificat PEM avec sa chaîne, et sa clé, sont attendus",
		}, err)
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

func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, // Android 5 and iOS 10 speak it
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		},
	}
}

// reloadOnHangup keeps the old certificate when the new one cannot be read.
func (c *certificate) reloadOnHangup(ctx context.Context, log *slog.Logger) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, unix.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			if err := c.load(); err != nil {
				log.Error("certificate not read again, the old one stays", "error", err)
				continue
			}
			log.Info("certificate read again", "file", c.certFile)
		}
	}
}
