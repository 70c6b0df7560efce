package staff

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
)

// PIN codes have six digits.
const pinLength = 6

// usablePIN refuses those that are tried first.
func usablePIN(pin string) error {
	if len(pin) != pinLength || strings.Trim(pin, "0123456789") != "" {
		return ErrPIN
	}
	up, down, kinds := true, true, map[byte]bool{}
	for i := range len(pin) {
		kinds[pin[i]] = true
		if i > 0 {
			up, down = up && pin[i] == pin[i-1]+1, down && pin[i] == pin[i-1]-1
		}
	}
	if up || down || len(kinds) < 3 {
		return ErrPIN
	}
	return nil
}

// pepper is the key that PINs are mixed with before they are hashed: a million of them are tried in hours by who has the
// database, but not without the site's key.
func pepper(key [32]byte) ([]byte, error) {
	k, err := hkdf.Key(sha256.New, key[:], nil, "parvis staff: pin", 32)
	if err != nil {
		return nil, fmt.Errorf("staff: derive key: %w", err)
	}
	return k, nil
}

func (s *Staff) pinSecret(person, pin string) []byte {
	h := hmac.New(sha256.New, s.pepper)
	fmt.Fprintf(h, "%s %s", person, pin)
	return h.Sum(nil)
}
