// Package certificates gets certificates for the names of sites from an ACME authority (RFC 8555), by the DNS challenge: a router behind
// somebody's box cannot be reached by an authority, its name server can.
//
// A site makes its key and asks with a CSR: no private key leaves it. The hub asks the authority only for names that the commune gave the site.
package certificates

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"

	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
)

// Errors of Ask.
var (
	ErrRequest = errors.New("certificates: not a request for one DNS name")
	ErrName    = errors.New("certificates: not a name of this site")
)

// Authority is an ACME authority and our account there.
type Authority struct {
	Directory string // its URL
	Email     string // whom it may write to; "" nobody
	Solver    acmez.Solver
	HTTP      *http.Client // nil: the default one
	Log       *slog.Logger
}

// patience is how long one certificate may take.
const patience = 5 * time.Minute

// Issue gets a certificate for a request. key is the account's: where the authority does not know it, an account is made, by which its terms
// are agreed to.
func (a *Authority) Issue(ctx context.Context, key crypto.Signer, csr *x509.CertificateRequest) (chain string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := acmez.Client{
		Client:           &acme.Client{Directory: a.Directory, HTTPClient: a.HTTP, UserAgent: "parvis-hub", Logger: a.Log},
		ChallengeSolvers: map[string]acmez.Solver{acme.ChallengeTypeDNS01: a.Solver},
	}
	account := acme.Account{TermsOfServiceAgreed: true, PrivateKey: key}
	if a.Email != "" {
		account.Contact = []string{"mailto:" + a.Email}
	}
	if account, err = client.NewAccount(ctx, account); err != nil {
		return "", fmt.Errorf("certificates: account at %s: %w", a.Directory, err)
	}
	order, err := acmez.OrderParametersFromCSR(account, csr)
	if err != nil {
		return "", fmt.Errorf("certificates: %w", err)
	}
	all, err := client.ObtainCertificate(ctx, order)
	if err != nil {
		return "", fmt.Errorf("certificates: %s from %s: %w", strings.Join(csr.DNSNames, " "), a.Directory, err)
	}
	if len(all) == 0 {
		return "", fmt.Errorf("certificates: %s from %s: no certificate came", strings.Join(csr.DNSNames, " "), a.Directory)
	}
	return string(all[0].ChainPEM), nil
}

// Read checks a request: one DNS name, nothing else, and a signature by its own key.
func Read(der []byte) (csr *x509.CertificateRequest, name string, err error) {
	csr, err = x509.ParseCertificateRequest(der)
	if err != nil || csr.CheckSignature() != nil {
		return nil, "", ErrRequest
	}
	if len(csr.DNSNames) != 1 || len(csr.IPAddresses)+len(csr.EmailAddresses)+len(csr.URIs) > 0 || strings.Contains(csr.DNSNames[0], "*") {
		return nil, "", ErrRequest
	}
	return csr, strings.ToLower(csr.DNSNames[0]), nil
}

// Ask is a site's request: it is answered by what there is for it, and kept for Work.
func Ask(ctx context.Context, t *store.Tenant, site string, r wire.CertificateRequest) (wire.Certificate, error) {
	_, name, err := Read(r.CSR)
	if err != nil {
		return wire.Certificate{}, err
	}
	c, err := t.AskCertificate(ctx, site, name, r.CSR)
	if errors.Is(err, store.ErrUnknown) {
		return wire.Certificate{}, fmt.Errorf("%w: %s", ErrName, name)
	}
	return wire.Certificate{Chain: c.Chain, Why: c.Why}, err
}

// Work gets what sites of a commune wait for, one after the other. What fails is tried again after an hour: authorities count.
func (a *Authority) Work(ctx context.Context, h *store.Hub, tenant string, now time.Time) error {
	var waiting []store.Certificate
	err := h.Tenant(ctx, tenant, func(t *store.Tenant) (err error) {
		waiting, err = t.WaitingCertificates(ctx, now.Add(-time.Hour))
		return err
	})
	if err != nil || len(waiting) == 0 {
		return err
	}
	key, err := account(ctx, h, a.Directory)
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range waiting {
		csr, _, err := Read(c.CSR)
		if err == nil {
			c.Chain, err = a.Issue(ctx, key, csr)
		}
		if err == nil {
			c.Until, err = expiry(c.Chain)
		}
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		c.Tried, c.Why = now, ""
		if err != nil {
			errs = append(errs, err)
			c.Chain, c.Why = "", "authority"
			if errors.Is(err, ErrDNS) {
				c.Why = "dns"
			}
		}
		if err := h.Tenant(ctx, tenant, func(t *store.Tenant) error { return t.SetCertificate(ctx, c) }); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// account is our key at an authority, made at its first use.
func account(ctx context.Context, h *store.Hub, directory string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	if der, err = h.ACMEKey(ctx, directory, der); err != nil {
		return nil, err
	}
	key, err = x509.ParseECPrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("certificates: the account's key for %s cannot be read: %w", directory, err)
	}
	return key, nil
}

// expiry is when the first certificate of a chain ends.
func expiry(chain string) (time.Time, error) {
	block, _ := pem.Decode([]byte(chain))
	if block == nil {
		return time.Time{}, errors.New("certificates: the authority's answer is no PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, fmt.Errorf("certificates: the authority's answer: %w", err)
	}
	return c.NotAfter, nil
}
