package machine

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"parvis/internal/clock"
)

// parseChain returns the certificates of a PEM file, the portal's own first.
func parseChain(text []byte) (chain []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of the file: %w", len(chain)+1, err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, errNoCertificate
	}
	return chain, nil
}

// complete reports whether a client that knows authorities, but no intermediates, can follow the chain: either this
// machine can, or each certificate is signed by the next and there is a next one. Routers have often no list of
// authorities, so the file alone may have to tell.
func complete(chain []*x509.Certificate, now clock.Wall) bool {
	if verify(chain, now) == nil {
		return true
	}
	for i, c := range chain[:len(chain)-1] {
		if c.CheckSignatureFrom(chain[i+1]) != nil {
			return false
		}
	}
	return len(chain) > 1
}

// verify follows the chain to an authority that this machine trusts, at a time at which the certificate itself holds: how
// long it does is another question.
func verify(chain []*x509.Certificate, now clock.Wall) error {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	at := now.Time
	if at.Before(chain[0].NotBefore) || at.After(chain[0].NotAfter) {
		at = chain[0].NotBefore
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Intermediates: between, CurrentTime: at})
	return err
}

// trusted reports whether this machine trusts the chain's authority, as browsers would that know the same ones. A machine without a
// list of authorities, as many routers are, cannot tell.
func trusted(chain []*x509.Certificate, now clock.Wall) bool {
	pool, err := x509.SystemCertPool()
	if err != nil || pool.Equal(x509.NewCertPool()) {
		return true
	}
	return verify(chain, now) == nil
}
