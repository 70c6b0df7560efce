package sessions

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// tokenKey derives the key of tokens from the site's (HKDF-SHA256, RFC 5869). Without one it is random, and tokens do not
// outlive the manager.
func tokenKey(site [32]byte) []byte {
	if site == ([32]byte{}) {
		_, _ = rand.Read(site[:]) // never fails (crypto/rand)
	}
	key, err := hkdf.Key(sha256.New, site[:], nil, "parvis sessions: token", 32)
	if err != nil {
		panic("sessions: derive key: " + err.Error()) // 32 bytes is not too many
	}
	return key
}

// token is what proves that somebody had the session with this id, whatever the device's address is now: the first 16 bytes of
// HMAC-SHA256, in lower-case base32. It need not be stored, and knowing an id does not help to make it.
func (m *Manager) token(id string) string {
	h := hmac.New(sha256.New, m.tokenKey)
	h.Write([]byte(id))
	return base(h.Sum(nil)[:16])
}

// base writes 16 bytes as 26 characters of lower-case base32.
func base(b []byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// ByToken returns the session with this token that its owner could take back: open, or with time left; ok is false when there is
// none.
func (m *Manager) ByToken(token string) (s Session, ok bool) {
	now := m.clock.Boot()
	m.mu.RLock()
	defer m.mu.RUnlock()
	held, ok := m.byToken[token]
	if !ok || held.State != Open && held.left(now) == 0 {
		return Session{}, false
	}
	return m.view(held, now), true
}
