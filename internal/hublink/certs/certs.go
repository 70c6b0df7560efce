// Package certs keeps a certificate for each of the site's names, got through the hub. The private key is made here and stays here.
//
// Of each name there are two files: NAME.pem, the key with its certificate, written whole; and while one is asked for NAME.asked.pem, the next key
// with its request. Asking again with the same request is how one hears what became of it.
package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"parvis/internal/durable"
	"parvis/internal/hublink/wire"
)

// ErrChain: what came is no certificate of the name and of the key that asked for it.
var ErrChain = errors.New("certs: not a certificate of this request")

// Keeper keeps them. It is used by one goroutine.
type Keeper struct {
	Dir string // of the files; it is made, for root alone
	// Ask asks the hub.
	Ask func(context.Context, wire.CertificateRequest) (wire.Certificate, error)
}

// Renewed is what Look did for a name.
type Renewed struct {
	New     bool   // there is another certificate than before: who serves it reads it again
	Waiting bool   // one was asked for and is not there yet
	Why     string // the hub's last try failed: dns, authority
}

// File is where a name's key and certificate are, once there are any.
func (k *Keeper) File(name string) string { return filepath.Join(k.Dir, name+".pem") }

// Load is a name's certificate; os.ErrNotExist is wrapped where there is none yet.
func (k *Keeper) Load(name string) (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(k.File(name), k.File(name))
	if err != nil {
		return nil, fmt.Errorf("certs: %w", err)
	}
	return &c, nil
}

// Look asks for a certificate where there is none, or where less than a third of its life is left. now is the zero time while the
// site does not know the time: one that is there is then not judged.
func (k *Keeper) Look(ctx context.Context, name string, now time.Time) (r Renewed, err error) {
	if c, err := k.Load(name); err == nil && c.Leaf.VerifyHostname(name) == nil && !k.due(name) {
		life := c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)
		if now.IsZero() || now.Before(c.Leaf.NotAfter.Add(-life/3)) {
			return Renewed{}, nil
		}
	}
	key, csr, err := k.asked(name)
	if err != nil {
		return r, err
	}
	answer, err := k.Ask(ctx, wire.CertificateRequest{CSR: csr})
	if err != nil {
		return r, err
	}
	if answer.Chain == "" {
		return Renewed{Waiting: true, Why: answer.Why}, nil
	}
	pair, err := tls.X509KeyPair([]byte(answer.Chain), key)
	if err == nil {
		err = pair.Leaf.VerifyHostname(name)
	}
	if err == nil && !now.IsZero() && !now.Before(pair.Leaf.NotAfter) {
		err = errors.New("it has ended already")
	}
	if err != nil {
		// The hub would give the same one again: the next look asks with another key.
		return r, errors.Join(fmt.Errorf("%w: %s: %w", ErrChain, name, err), os.Remove(k.askedFile(name)))
	}
	if err := k.write(k.File(name), append(key, answer.Chain...)); err != nil {
		return r, err
	}
	if err := os.Remove(k.renewFile(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return r, fmt.Errorf("certs: %w", err)
	}
	return Renewed{New: true}, os.Remove(k.askedFile(name))
}

// Renew makes the next Look ask for another certificate, of another key, however long this one holds: another box has had its key too.
func (k *Keeper) Renew(name string) error { return k.write(k.renewFile(name), nil) }

func (k *Keeper) renewFile(name string) string { return filepath.Join(k.Dir, name+".renew") }

func (k *Keeper) due(name string) bool {
	_, err := os.Stat(k.renewFile(name))
	return err == nil
}

func (k *Keeper) askedFile(name string) string { return filepath.Join(k.Dir, name+".asked.pem") }

// asked is the key, in PEM, and the request that is on its way; else new ones. A file that cannot be read is made anew.
func (k *Keeper) asked(name string) (key, csr []byte, err error) {
	if b, err := os.ReadFile(k.askedFile(name)); err == nil {
		block, rest := pem.Decode(b)
		request, _ := pem.Decode(rest)
		if block != nil && request != nil {
			return pem.EncodeToMemory(block), request.Bytes, nil
		}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("certs: %s: %w", name, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("certs: %s: %w", name, err)
	}
	if csr, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, private); err != nil {
		return nil, nil, fmt.Errorf("certs: %s: %w", name, err)
	}
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	request := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})
	return key, csr, k.write(k.askedFile(name), append(append([]byte(nil), key...), request...))
}

func (k *Keeper) write(path string, b []byte) error {
	err := os.MkdirAll(k.Dir, 0o700)
	if err == nil {
		err = durable.Write(path, b)
	}
	if err != nil {
		return fmt.Errorf("certs: %w", err)
	}
	return nil
}
