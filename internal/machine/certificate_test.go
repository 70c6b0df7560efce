package machine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/machine"
)

// signer is a certificate with its key.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate for a name, signed by an authority or, without one, by itself.
func issue(t *testing.T, name string, ca bool, by *signer) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := clock.NewFake().Wall().Time
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(48 * time.Hour), IsCA: ca, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent := &signer{template, key}
	if by != nil {
		parent = by
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, &key.PublicKey, parent.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{cert, key}
}

func chainPEM(chain ...*signer) (out string) {
	for _, s := range chain {
		out += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw}))
	}
	return out
}

func (s *signer) keyPEM(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestTheCertificateIsLookedAt(t *testing.T) {
	const name = "portail.parvis.example"
	root := issue(t, "Root", true, nil)
	between := issue(t, "Intermediate", true, root)
	leaf := issue(t, name, false, between)
	stranger := issue(t, "other.example", false, between)
	self := issue(t, name, false, nil)

	type seen struct{ Err, KeyErr, NameErr, SelfSigned, Chain, Open bool }
	for what, c := range map[string]struct {
		cert, key string
		mode      os.FileMode
		want      seen
	}{
		"right":              {chainPEM(leaf, between), leaf.keyPEM(t), 0o600, seen{Chain: true}},
		"leaf alone":         {chainPEM(leaf), leaf.keyPEM(t), 0o600, seen{}},
		"wrong intermediate": {chainPEM(leaf, root), leaf.keyPEM(t), 0o600, seen{}},
		"self-signed":        {chainPEM(self), self.keyPEM(t), 0o600, seen{SelfSigned: true, Chain: true}},
		"another name":       {chainPEM(stranger, between), stranger.keyPEM(t), 0o600, seen{NameErr: true, Chain: true}},
		"another key":        {chainPEM(leaf, between), self.keyPEM(t), 0o600, seen{KeyErr: true, Chain: true}},
		"open key":           {chainPEM(leaf, between), leaf.keyPEM(t), 0o644, seen{Chain: true, Open: true}},
		"no PEM":             {"hello", leaf.keyPEM(t), 0o600, seen{Err: true}},
		"damaged": {
			string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.cert.Raw[:90]})), leaf.keyPEM(t), 0o600, seen{Err: true},
		},
		"key in the file": {leaf.keyPEM(t) + chainPEM(leaf, between), "no key", 0o600, seen{KeyErr: true, Chain: true}},
	} {
		t.Run(what, func(t *testing.T) {
			root := tree(t, map[string]string{"/etc/parvis/portal.crt": c.cert, "/etc/parvis/portal.key": c.key})
			if err := os.Chmod(root.Path("/etc/parvis/portal.key"), c.mode); err != nil {
				t.Fatal(err)
			}
			wall := clock.NewFake().Wall()
			f, err := machine.Read(root, machine.Options{Network: fixed{}, Wall: wall, State: "/var/lib/parvis", Config: parsed(t)})
			if err != nil || f.Cert == nil {
				t.Fatal(f.Cert, err)
			}
			got := seen{f.Cert.Err != nil, f.Cert.KeyErr != nil, f.Cert.NameErr != nil, f.Cert.SelfSigned, f.Cert.Chain, f.Cert.Open}
			if got != c.want {
				t.Errorf("%+v, want %+v (%+v)", got, c.want, *f.Cert)
			}
			if f.Cert.Err == nil && f.Cert.Left(wall) != 48*time.Hour {
				t.Errorf("left: %s", f.Cert.Left(wall))
			}
		})
	}
}

func TestMissingCertificateFilesAreTold(t *testing.T) {
	f, err := machine.Read(tree(t, nil), machine.Options{Network: fixed{}, State: "/var/lib/parvis", Config: parsed(t)})
	if err != nil || f.Cert == nil || f.Cert.Err == nil {
		t.Errorf("%+v %v", f.Cert, err)
	}
}
