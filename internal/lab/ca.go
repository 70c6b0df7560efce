package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"sync"
	"time"
)

// CA is the lab's certificate authority. It lives in memory and ends with the town; only its certificate is written.
type CA struct {
	Certificate *x509.Certificate
	PEM         []byte
	key         *ecdsa.PrivateKey

	mu     sync.Mutex
	leaves map[string]*tls.Certificate // by server name, made when first asked for
}

// Clocks of the lab are moved by days, never by years.
const validity = 365 * 24 * time.Hour

func newCA() (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("lab: make CA: %w", err)
	}
	tmpl := template("CA du laboratoire Parvis")
	tmpl.IsCA, tmpl.BasicConstraintsValid = true, true
	tmpl.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("lab: make CA: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("lab: make CA: %w", err)
	}
	return &CA{Certificate: cert, PEM: pemBlock("CERTIFICATE", der), key: key, leaves: map[string]*tls.Certificate{}}, nil
}

// Pool trusts the lab's CA and nobody else.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Certificate)
	return pool
}

// Issue returns a certificate for the names and its key, both in PEM.
func (ca *CA) Issue(names ...string) (cert, key []byte, err error) {
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("lab: issue %v: %w", names, err)
	}
	tmpl := template(names[0])
	tmpl.DNSNames = names
	tmpl.KeyUsage = x509.KeyUsageDigitalSignature
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.Certificate, &priv.PublicKey, ca.key)
	if err != nil {
		return nil, nil, fmt.Errorf("lab: issue %v: %w", names, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return nil, nil, fmt.Errorf("lab: issue %v: %w", names, err)
	}
	return pemBlock("CERTIFICATE", der), pemBlock("PRIVATE KEY", pkcs8), nil
}

// WriteCertificate issues a certificate for the names into two files; the key's is 0600.
func (ca *CA) WriteCertificate(certFile, keyFile string, names ...string) error {
	cert, key, err := ca.Issue(names...)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(certFile, cert, 0o644), os.WriteFile(keyFile, key, 0o600))
}

// serverCertificate gives the lab's servers the certificate of the name that a client asks for, if it is one of theirs.
func (ca *CA) serverCertificate(known func(name string) bool) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name := hello.ServerName
		if !known(name) {
			return nil, fmt.Errorf("lab: no server named %q", name)
		}
		ca.mu.Lock()
		defer ca.mu.Unlock()
		if c := ca.leaves[name]; c != nil {
			return c, nil
		}
		cert, key, err := ca.Issue(name)
		if err != nil {
			return nil, err
		}
		c, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("lab: issue %s: %w", name, err)
		}
		ca.leaves[name] = &c
		return &c, nil
	}
}

func template(name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // crypto/rand does not fail on Linux
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-validity),
		NotAfter:     time.Now().Add(validity),
	}
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
