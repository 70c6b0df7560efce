package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"parvis/internal/config"
)

// issue puts a certificate of that serial number, which signs itself, and its key into two files.
func issue(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
	); err != nil {
		t.Fatal(err)
	}
}

// A certificate that was renewed is served without a restart; one that is written only in part changes nothing.
func TestARenewedCertificateIsServedAndABrokenOneIsNot(t *testing.T) {
	const portal, console = "portail.example", "console.example"
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	cfg := &config.Config{}
	cfg.Portal.Certificate, cfg.Portal.Key = file("p.pem"), file("p.key")
	cfg.Staff.Name, cfg.Staff.Certificate, cfg.Staff.Key = console, file("c.pem"), file("c.key")
	issue(t, file("p.pem"), file("p.key"), 1)
	issue(t, file("c.pem"), file("c.key"), 2)
	certs, err := loadCertificates(cfg)
	if err != nil {
		t.Fatal(err)
	}
	serves := func(what string, want map[string]int64) {
		t.Helper()
		for name, serial := range want {
			c, err := certs.config().GetCertificate(&tls.ClientHelloInfo{ServerName: name})
			if err != nil {
				t.Fatal(err)
			}
			leaf, err := x509.ParseCertificate(c.Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			if got := leaf.SerialNumber.Int64(); got != serial {
				t.Errorf("%s: %s has the certificate %d, expected %d", what, name, got, serial)
			}
		}
	}
	serves("at the start", map[string]int64{portal: 1, console: 2})

	issue(t, file("p.pem"), file("p.key"), 3)
	if err := os.WriteFile(file("c.pem"), []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	certs.reload(slog.New(slog.DiscardHandler))
	serves("renewed", map[string]int64{portal: 3, console: 2})
}
