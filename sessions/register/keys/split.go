// Package keys is who may open the register. Each month and store has a key of its own; its private part exists only as three shares, two of
// which make it again (Shamir's secret sharing, checked by Feldman's commitments, both circl's). One share opens nothing. Destroying two of
// a month's shares makes every copy of that month unreadable, wherever it is.
//
// Everything here is done offline, by people; a router has a Ring of public keys and nothing else.
package keys

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"

	"parvis/sessions/register/segment"
)

// Holders is how many have a share, and Needed how many must come together.
const (
	Holders = 3
	Needed  = 2
)

// Errors that callers decide by.
var (
	ErrShare = errors.New("keys: not a share")
	ErrPair  = errors.New("keys: these shares make no key")
)

var curve = group.Ristretto255

const deriveInfo = "parvis register: private key of a month"

// ID names a key: store and month, "sessions-2026-12".
type ID string

var idForm = regexp.MustCompile(`^([a-z]{1,16})-(20[0-9]{2}-(?:0[1-9]|1[0-2]))$`)

// NewID names the key of a store and a month ("2026-12").
func NewID(store, month string) (ID, error) {
	id := ID(store + "-" + month)
	if !idForm.MatchString(string(id)) {
		return "", fmt.Errorf("keys: store %q, month %q: expected a word of small letters and a month such as 2026-12", store, month)
	}
	return id, nil
}

// Store and Month are its parts; "" of what NewID has not made.
func (id ID) Store() string { return id.part(1) }

// Month is its month, "2026-12".
func (id ID) Month() string { return id.part(2) }

func (id ID) part(n int) string {
	if m := idForm.FindStringSubmatch(string(id)); m != nil {
		return m[n]
	}
	return ""
}

// Share is one holder's part of one key.
type Share struct {
	ID     ID
	Number int // 1 to Holders
	share  secretsharing.Share
	public []byte // digest of the public key that it belongs to
}

// Make makes a key and splits it. The private part is forgotten with the call.
func Make(id ID) (hpke.PublicKey, [Holders]Share, error) {
	var shares [Holders]Share
	secret := curve.RandomNonZeroScalar(rand.Reader)
	private, err := derive(secret)
	if err != nil {
		return nil, shares, err
	}
	public := private.PublicKey()
	s := secretsharing.New(rand.Reader, Needed-1, secret)
	commitment := s.CommitSecret()
	for i, share := range s.Share(Holders) {
		if !secretsharing.Verify(Needed-1, share, commitment) {
			return nil, shares, fmt.Errorf("keys: split %s: %w", id, ErrPair)
		}
		shares[i] = Share{ID: id, Number: i + 1, share: share, public: digest(public)}
	}
	return public, shares, nil
}

// derive makes the key pair of a secret: HKDF to the seed that DeriveKeyPair wants (RFC 9180, 7.1.3).
func derive(secret group.Scalar) (hpke.PrivateKey, error) {
	b, err := secret.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	seed, err := hkdf.Key(sha256.New, b, nil, deriveInfo, 64)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	k, err := segment.KEM().DeriveKeyPair(seed)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return k, nil
}

func digest(k hpke.PublicKey) []byte {
	sum := sha256.Sum256(k.Bytes())
	return sum[:8]
}

// Join makes the private key of two or more shares again. Shares of different keys, and one share twice, wrap ErrPair.
func Join(shares ...Share) (hpke.PrivateKey, error) {
	if len(shares) < Needed {
		return nil, fmt.Errorf("%w: %d of the %d that are needed", ErrPair, len(shares), Needed)
	}
	var parts []secretsharing.Share
	seen := map[int]bool{}
	for _, s := range shares {
		switch {
		case s.ID != shares[0].ID || !bytes.Equal(s.public, shares[0].public):
			return nil, fmt.Errorf("%w: one is of %s, another of %s", ErrPair, shares[0].ID, s.ID)
		case seen[s.Number]:
			return nil, fmt.Errorf("%w: share %d twice", ErrPair, s.Number)
		}
		seen[s.Number] = true
		parts = append(parts, s.share)
	}
	secret, err := secretsharing.Recover(Needed-1, parts)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPair, err)
	}
	k, err := derive(secret)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(digest(k.PublicKey()), shares[0].public) {
		return nil, fmt.Errorf("%w: what they make is not the key of %s; one of them is damaged", ErrPair, shares[0].ID)
	}
	return k, nil
}

var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

const (
	shareWord = "parvis-part"
	checkSize = 5
	valueSize = 32
	digestLen = 8
)

// String writes a share on one line, with a check against mistakes of typing:
//
//	parvis-part sessions-2026-12 2 AAAA-BBBB-…
func (s Share) String() string {
	value, err := s.share.Value.MarshalBinary()
	if err != nil {
		panic(err) // a scalar of ours
	}
	b := append(value, s.public...)
	text := letters.EncodeToString(append(b, s.check(b)...))
	var groups []string
	for len(text) > 0 {
		n := min(4, len(text))
		groups, text = append(groups, text[:n]), text[n:]
	}
	return fmt.Sprintf("%s %s %d %s", shareWord, s.ID, s.Number, strings.Join(groups, "-"))
}

func (s Share) check(b []byte) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d %x", shareWord, s.ID, s.Number, b))
	return sum[:checkSize]
}

// Parse reads what String has written. Case, dashes and space do not matter.
func Parse(text string) (s Share, err error) {
	f := strings.Fields(text)
	if len(f) < 4 || f[0] != shareWord || !idForm.MatchString(f[1]) {
		return s, fmt.Errorf("%w: expected a line that begins with %q", ErrShare, shareWord+" sessions-2026-12 1")
	}
	s.ID = ID(f[1])
	if s.Number, err = strconv.Atoi(f[2]); err != nil || s.Number < 1 || s.Number > Holders {
		return s, fmt.Errorf("%w: number %q, expected 1 to %d", ErrShare, f[2], Holders)
	}
	b, err := letters.DecodeString(strings.ReplaceAll(strings.ToUpper(strings.Join(f[3:], "")), "-", ""))
	if err != nil || len(b) != valueSize+digestLen+checkSize {
		return s, fmt.Errorf("%w: of %s, number %d: letters are missing or too many", ErrShare, s.ID, s.Number)
	}
	body := b[:valueSize+digestLen]
	if !bytes.Equal(s.check(body), b[len(body):]) {
		return s, fmt.Errorf("%w: of %s, number %d: a letter is wrong", ErrShare, s.ID, s.Number)
	}
	s.share.ID = curve.NewScalar().SetUint64(uint64(s.Number))
	s.share.Value = curve.NewScalar()
	if err := s.share.Value.UnmarshalBinary(body[:valueSize]); err != nil {
		return s, fmt.Errorf("%w: of %s, number %d: %w", ErrShare, s.ID, s.Number, err)
	}
	s.public = bytes.Clone(body[valueSize:])
	return s, nil
}

// Again splits a key anew, for other holders: it takes two shares and gives three that go with none of the old ones. The old shares still
// make the key among themselves until two of them are destroyed.
func Again(shares ...Share) ([Holders]Share, error) {
	var out [Holders]Share
	if _, err := Join(shares...); err != nil {
		return out, err
	}
	var parts []secretsharing.Share
	for _, s := range shares {
		parts = append(parts, s.share)
	}
	secret, err := secretsharing.Recover(Needed-1, parts)
	if err != nil {
		return out, fmt.Errorf("%w: %w", ErrPair, err)
	}
	for i, share := range secretsharing.New(rand.Reader, Needed-1, secret).Share(Holders) {
		out[i] = Share{ID: shares[0].ID, Number: i + 1, share: share, public: shares[0].public}
	}
	return out, nil
}

// Of reports whether a public key is the one that the share belongs to.
func (s Share) Of(k hpke.PublicKey) bool { return bytes.Equal(s.public, digest(k)) }
