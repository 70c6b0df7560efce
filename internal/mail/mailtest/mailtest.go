// Package mailtest runs a true mail server (Debian's python3-aiosmtpd) for tests.
package mailtest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"parvis/internal/mail"
)

// python is Debian's own, whose modules come as packages; another one may be first in the path.
const python = "/usr/bin/python3"

//go:embed server.py
var script []byte

// Taken is a message that the server took.
type Taken struct {
	From string   `json:"from"`
	To   []string `json:"to"`
	Text string   `json:"text"`
}

// Server runs a server until the test ends. Without starttls it speaks in clear alone. The channel has what it takes.
func Server(t testing.TB, starttls bool) (mail.Server, <-chan Taken) {
	t.Helper()
	if exec.CommandContext(t.Context(), python, "-c", "import aiosmtpd").Run() != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("python3-aiosmtpd is missing (.ci/deps installs it)")
		}
		t.Skip("python3-aiosmtpd is missing (.ci/deps installs it)")
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	cert, key, roots := certificate(t)
	flag := "no"
	if starttls {
		flag = "yes"
	}
	cmd := exec.CommandContext(t.Context(), python, write("server.py", script), write("cert.pem", cert), write("key.pem", key), flag)
	// It says much on its stderr when a client turns away, as some tests do on purpose.
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var first struct{ Port int }
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &first) != nil {
		t.Fatalf("the mail server said %q", lines.Text())
	}
	taken := make(chan Taken, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
			var m Taken
			if json.Unmarshal(lines.Bytes(), &m) == nil {
				taken <- m
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	})
	return mail.Server{
		Address: fmt.Sprintf("127.0.0.1:%d", first.Port), User: "parvis", PasswordFile: write("password", []byte("secret\n")),
		From: "Parvis <parvis@commune.example>", Roots: roots,
	}, taken
}

// certificate is one of 127.0.0.1, for an hour.
func certificate(t testing.TB) (cert, key []byte, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), roots
}
