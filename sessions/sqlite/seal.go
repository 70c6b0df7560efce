package sqlite

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"

	"parvis/internal/mac"
	"parvis/sessions"
)

// sealer keeps addresses unreadable on the disk. Two keys are derived from the site's (HKDF-SHA256, RFC 5869): one finds a
// device again without telling its MAC, the other seals MAC and IPv4 (AES-256-GCM). A database that is copied or
// a flash that is thrown away names nobody without the site's key.
type sealer struct {
	lookup []byte
	aead   cipher.AEAD
}

func newSealer(key [32]byte) (*sealer, error) {
	lookup, err := hkdf.Key(sha256.New, key[:], nil, "parvis sessions: device lookup", 32)
	if err != nil {
		return nil, fmt.Errorf("sqlite: derive keys: %w", err)
	}
	sealing, err := hkdf.Key(sha256.New, key[:], nil, "parvis sessions: device sealing", 32)
	if err != nil {
		return nil, fmt.Errorf("sqlite: derive keys: %w", err)
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("sqlite: derive keys: %w", err)
	}
	// The nonce is random: the limit of 2^32 seals under one key (NIST SP 800-38D, 8.3) is 34 years of 240 sessions,
	// each written every minute.
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("sqlite: derive keys: %w", err)
	}
	return &sealer{lookup: lookup, aead: aead}, nil
}

// device is what a MAC is found again by.
func (s *sealer) device(a mac.Addr) []byte {
	h := hmac.New(sha256.New, s.lookup)
	h.Write(a[:])
	return h.Sum(nil)
}

// seal binds the device to the row id: a sealed device that is copied into another row does not open there.
func (s *sealer) seal(id string, d sessions.Device) []byte {
	ip := d.IPv4.As4()
	return s.aead.Seal(nil, nil, append(d.MAC[:], ip[:]...), []byte(id))
}

var errSealed = errors.New("the device does not open")

func (s *sealer) open(id string, sealed, device []byte) (sessions.Device, error) {
	b, err := s.aead.Open(nil, nil, sealed, []byte(id))
	if err != nil || len(b) != 10 {
		return sessions.Device{}, errSealed
	}
	d := sessions.Device{MAC: mac.Addr(b[:6]), IPv4: netip.AddrFrom4([4]byte(b[6:]))}
	if !hmac.Equal(device, s.device(d.MAC)) {
		return sessions.Device{}, errSealed
	}
	return d, nil
}

// dayTable binds a sealed MAC to the table of the day's allowances.
const dayTable = "day"

func (s *sealer) sealMAC(a mac.Addr) []byte { return s.aead.Seal(nil, nil, a[:], []byte(dayTable)) }

func (s *sealer) openMAC(sealed, device []byte) (mac.Addr, error) {
	b, err := s.aead.Open(nil, nil, sealed, []byte(dayTable))
	if err != nil || len(b) != 6 || !hmac.Equal(device, s.device(mac.Addr(b))) {
		return mac.Addr{}, errSealed
	}
	return mac.Addr(b), nil
}
