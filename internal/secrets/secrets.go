// Package secrets keeps what people choose and what is chosen for them: argon2id of passwords, one at a time and in the same time
// whether or not there is an account; SHA-256 of secrets that are 256 random bits.
package secrets

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Errors that callers decide by.
var (
	ErrBusy = errors.New("secrets: too many are checked at once")
	ErrWeak = errors.New("secrets: the password is too easy to guess")
)

// Parameters of argon2id (RFC 9106): the OWASP password storage cheat sheet's for servers with little memory. One is
// computed at a time, so that a small router never gives more than this to people who enter.
const (
	argonMemory = 19 * 1024 // KiB
	argonPasses = 2
	argonLanes  = 1
	argonKey    = 32 // bytes
	argonSalt   = 16 // bytes
)

// Hasher computes one hash at a time.
type Hasher struct {
	turn    chan struct{}
	waiting *atomic.Int32
}

// maxWaiting is how many may wait for their turn: more than a team, and some seconds at most.
const maxWaiting = 16

// NewHasher makes a hasher; a program has one.
func NewHasher() Hasher { return Hasher{turn: make(chan struct{}, 1), waiting: new(atomic.Int32)} }

func (h Hasher) key(ctx context.Context, secret, salt []byte, memory, passes uint32, lanes uint8, length uint32) ([]byte, error) {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > maxWaiting {
		return nil, ErrBusy
	}
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
		return argon2.IDKey(secret, salt, passes, memory, lanes, length), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Make returns the text form of a secret's hash: $argon2id$v=19$m=…,t=…,p=…$salt$key.
func (h Hasher) Make(ctx context.Context, secret []byte) (string, error) {
	salt := random(argonSalt)
	key, err := h.key(ctx, secret, salt, argonMemory, argonPasses, argonLanes, argonKey)
	if err != nil {
		return "", err
	}
	return phc(salt, key), nil
}

func phc(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonPasses, argonLanes,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

// Decoy takes as long to check as any hash, and no secret is right for it: an account that is not there answers as slowly as
// one that is.
var Decoy = phc(random(argonSalt), random(argonKey))

// Check reports whether secret is the hash's. An unreadable hash is nobody's.
func (h Hasher) Check(ctx context.Context, hash string, secret []byte) (bool, error) {
	var version int
	var memory, passes uint32
	var lanes uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, nil
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil || version != argon2.Version {
		return false, nil
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) < 16 || memory > 1<<16 || passes < 1 || passes > 16 || lanes < 1 {
		return false, nil
	}
	got, err := h.key(ctx, secret, salt, memory, passes, lanes, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// login is what may be one: typed on phones, said aloud.
var login = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,31}$`)

// Login reports whether somebody may enter by that name, at the hub and at every site.
func Login(name string) bool { return login.MatchString(name) }

// Lengths of a password, in characters. CNIL (recommendation 2022-100) asks for 50 bits where tries are limited; twelve
// characters that are no pattern are above it without rules about kinds of characters.
const (
	minPassword = 12
	MaxPassword = 128
)

// Strong refuses passwords that anybody tries first.
func Strong(password, login, name string) error {
	n := utf8.RuneCountInString(password)
	if n < minPassword || n > MaxPassword || !utf8.ValidString(password) {
		return ErrWeak
	}
	low := strings.ToLower(password)
	kinds := map[rune]bool{}
	for _, c := range low {
		kinds[c] = true
	}
	if len(kinds) < 5 {
		return ErrWeak
	}
	rest := low // what is left beside the words that anybody tries must be a password by itself
	for _, w := range append(strings.Fields(strings.ToLower(name)), login, "motdepasse", "password", "azerty", "123456", "parvis") {
		if len(w) > 2 {
			rest = strings.ReplaceAll(rest, w, "")
		}
	}
	if rest != low && utf8.RuneCountInString(rest) < minPassword-4 {
		return ErrWeak
	}
	return nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}

// NewID is 16 random bytes in 26 characters, as everywhere in Parvis.
func NewID() string { return lower32.EncodeToString(random(16)) }

// New is 256 random bits, and what is kept of them. They are guessed by nobody, so that a plain hash is enough.
func New() (secret, hash string) {
	secret = base64.RawURLEncoding.EncodeToString(random(32))
	return secret, HashOf(secret)
}

// HashOf is what is kept of a secret that New has made.
func HashOf(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

var lower32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
