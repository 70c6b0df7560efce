// Package bundle is what the hub decides for one site, signed: a piece of its configuration, and what is sealed to its key.
//
// A bundle is one JSON object {"payload", "signature"}; the signature is Ed25519ctx (RFC 8032) over the payload's bytes as they travel, so
// that nothing has to be written the same way twice. What is sealed is HPKE (RFC 9180: DHKEM X25519, HKDF-SHA256, ChaCha20-Poly1305) to the
// key that the site made when it was enrolled: neither who keeps the hub's backups nor a proxy can read it.
package bundle

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"parvis/internal/hublink/wire"
)

// Max is the most bytes of a bundle as it travels.
const Max = 1 << 20

// Errors of Open, in the order in which they are looked for.
var (
	ErrForm      = errors.New("bundle: not a bundle")
	ErrSignature = errors.New("bundle: not signed by this hub")
	ErrSite      = errors.New("bundle: made for another site")
	ErrVersion   = errors.New("bundle: older than what this site has had")
	ErrSealed    = errors.New("bundle: not sealed to this site's key")
)

// Why is the word of the protocol (wire.Refused) for an error of Open; "" for nil.
func Why(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrSite):
		return "site"
	case errors.Is(err, ErrVersion):
		return "version"
	case errors.Is(err, ErrForm), errors.Is(err, ErrSealed):
		return "form"
	default:
		return "signature"
	}
}

// Payload is what is signed.
type Payload struct {
	Site    string `json:"site"`
	Version int64  `json:"version"` // grows with each bundle of a site, also with one that goes back to older values
	Made    int64  `json:"made"`    // seconds since 1970, by the hub's clock
	// Config is the centre's layers, merged: keys that internal/config/layers lets a centre write.
	Config string `json:"config"`
	// Sealed is for this site alone (Seal); nil: nothing.
	Sealed []byte `json:"sealed,omitempty"`
	// Release is what a bundle of the kind Releases is about.
	Release *wire.Release `json:"release,omitempty"`
}

type envelope struct {
	Payload   []byte `json:"payload"`
	Signature []byte `json:"signature"`
}

// Kind is what a bundle is about: it is a part of the signature, so that a bundle of one kind is none of another.
type Kind string

// The kinds.
const (
	Decided  Kind = "parvis bundle 1"  // configuration; who works at the site
	Releases Kind = "parvis release 1" // a version of Parvis that the site should run
)

// Sign makes a bundle of the kind Decided.
func Sign(key ed25519.PrivateKey, p Payload) ([]byte, error) { return Decided.Sign(key, p) }

// Sign makes a bundle.
func (k Kind) Sign(key ed25519.PrivateKey, p Payload) ([]byte, error) {
	payload, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("bundle: sign: %w", err)
	}
	signature, err := key.Sign(nil, payload, &ed25519.Options{Context: string(k)})
	if err != nil {
		return nil, fmt.Errorf("bundle: sign: %w", err)
	}
	b, err := json.Marshal(envelope{payload, signature})
	if err == nil && len(b) > Max {
		err = fmt.Errorf("%w: %d bytes; at most %d", ErrForm, len(b), Max)
	}
	return b, err
}

// Open is Decided's.
func Open(b []byte, key ed25519.PublicKey, site string) (Payload, error) {
	return Decided.Open(b, key, site)
}

// Open returns what the hub whose key it is has signed for a site. Whether the version is one to run is Keeper's to say.
func (k Kind) Open(b []byte, key ed25519.PublicKey, site string) (Payload, error) {
	var e envelope
	if len(b) > Max {
		return Payload{}, fmt.Errorf("%w: longer than %d bytes", ErrForm, Max)
	}
	if err := strict(b, &e); err != nil {
		return Payload{}, err
	}
	if len(key) != ed25519.PublicKeySize || ed25519.VerifyWithOptions(key, e.Payload, e.Signature, &ed25519.Options{Context: string(k)}) != nil {
		return Payload{}, ErrSignature
	}
	var p Payload
	if err := json.Unmarshal(e.Payload, &p); err != nil { // a newer hub may sign fields that we do not know
		return Payload{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if p.Site != site {
		return Payload{}, ErrSite
	}
	return p, nil
}

func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if d.More() {
		return fmt.Errorf("%w: something behind it", ErrForm)
	}
	return nil
}

// Seal encrypts for the site whose public key it is, and binds the result to the site and the version.
func Seal(public []byte, site string, version int64, plain []byte) ([]byte, error) {
	pub, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("bundle: seal: %w", err)
	}
	to, err := hpke.NewDHKEMPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("bundle: seal: %w", err)
	}
	return hpke.Seal(to, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info(site, version), plain)
}

// Unseal decrypts what a payload has for this site; nil where it has nothing.
func (p Payload) Unseal(private *ecdh.PrivateKey) (plain []byte, err error) {
	if p.Sealed == nil {
		return nil, nil
	}
	k, err := hpke.NewDHKEMPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	plain, err = hpke.Open(k, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info(p.Site, p.Version), p.Sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return plain, nil
}

// info binds what is sealed to its bundle: it cannot be moved into another one.
func info(site string, version int64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte("parvis bundle 1 secrets\x00"), uint64(version)), site...)
}
