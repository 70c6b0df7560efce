package sessions

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"unicode"
)

// A code is typed from paper or from a screen at the end of a room. Of characters that look alike one is used: 0 for O, Q and D,
// 1 for I and L, 2 for Z, 5 for S, 6 for G, 8 for B, V for U. Whatever letter is typed stands for one of ours, so that nobody
// has to know this.
//
// The last character is the check character of ISO 7064, MOD 27,26: it shows every single character that was mistyped and
// almost every pair that was swapped.
const codeAlphabet = "0123456789ACEFHJKMNPRTVWXY"

const (
	codeBase = int64(len(codeAlphabet)) // 4.7 bits a character
	// A ticket has 11 characters chosen at random, 51.7 bits, and the check character; a room's code has 5, which only
	// has to last for one workshop and under the throttle, and its own.
	ticketLength = 12
	roomLength   = 6
)

// typedMost bounds what is looked at of what was typed, in bytes.
const typedMost = 64

var codeValues = func() (values [128]int8) {
	for i := range values {
		values[i] = -1
	}
	for i, c := range codeAlphabet {
		values[c] = int8(i)
	}
	for same, of := range map[rune]string{'0': "OQD", '1': "IL", '2': "Z", '5': "S", '6': "G", '8': "B", 'V': "U"} {
		for _, c := range of {
			values[c] = values[same]
		}
	}
	for c := 'A'; c <= 'Z'; c++ {
		values[unicode.ToLower(c)] = values[c]
	}
	return values
}()

var errMistyped = errors.New("no such code can be")

// parseTyped returns a code as it was made, of whatever was typed: case, spaces, dashes, dots and characters that look like
// others make no difference. It fails when no code of the two lengths can have been meant.
func parseTyped(typed string) (string, error) {
	if len(typed) > typedMost {
		return "", errMistyped
	}
	code := make([]byte, 0, ticketLength)
	for _, c := range typed {
		switch {
		case unicode.IsSpace(c), unicode.Is(unicode.Pd, c), c == '.', c == '_', c == '\u2212', unicode.Is(unicode.Cf, c):
			continue // minus sign; and what a copied text carries unseen
		case c >= rune(len(codeValues)) || codeValues[c] < 0:
			return "", errMistyped
		}
		code = append(code, codeAlphabet[codeValues[c]])
	}
	if len(code) != ticketLength && len(code) != roomLength {
		return "", errMistyped
	}
	last := len(code) - 1
	if code[last] != checkCharacter(code[:last]) {
		return "", errMistyped
	}
	return string(code), nil
}

// checkCharacter is that of ISO 7064, MOD 27,26 (hybrid system).
func checkCharacter(code []byte) byte {
	const m = int(codeBase)
	p := m
	for _, c := range code {
		s := (p + int(codeValues[c])) % m
		if s == 0 {
			s = m
		}
		p = s * 2 % (m + 1)
	}
	return codeAlphabet[(m+1-p)%m]
}

// writeCode makes a code of a number below base to the power of length-1.
func writeCode(n uint64, length int) string {
	code := make([]byte, length-1, length)
	for i := range code {
		code[i] = codeAlphabet[n%uint64(codeBase)]
		n /= uint64(codeBase)
	}
	return string(append(code, checkCharacter(code)))
}

// FormatCode writes a code in groups, as it is shown to people: four characters each, or three for a room's.
func FormatCode(code string) string {
	group := 4
	if len(code) == roomLength {
		group = 3
	}
	var b strings.Builder
	for i := range len(code) {
		if i > 0 && i%group == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(code[i])
	}
	return b.String()
}

// randomCode makes a ticket's code.
func randomCode() string {
	most := new(big.Int).Exp(big.NewInt(codeBase), big.NewInt(ticketLength-1), nil)
	n, err := rand.Int(rand.Reader, most)
	if err != nil {
		panic("sessions: " + err.Error()) // crypto/rand never fails
	}
	return writeCode(n.Uint64(), ticketLength)
}

// TicketKey is what a ticket is found by: HMAC-SHA-256 of its code. Nobody who has it can tell the code.
type TicketKey [32]byte

// codeKeys are derived from the site's key (HKDF-SHA256, RFC 5869).
type codeKeys struct{ ticket, room []byte }

func newCodeKeys(site [32]byte) (k codeKeys, err error) {
	if k.ticket, err = hkdf.Key(sha256.New, site[:], nil, "parvis sessions: tickets", 32); err != nil {
		return k, fmt.Errorf("sessions: derive keys: %w", err)
	}
	if k.room, err = hkdf.Key(sha256.New, site[:], nil, "parvis sessions: rooms", 32); err != nil {
		return k, fmt.Errorf("sessions: derive keys: %w", err)
	}
	return k, nil
}

func (k codeKeys) of(code string) TicketKey {
	h := hmac.New(sha256.New, k.ticket)
	h.Write([]byte(code))
	return TicketKey(h.Sum(nil))
}

// roomCode is the code of a workshop. It follows from the id and is written nowhere.
func (k codeKeys) roomCode(id string) string {
	h := hmac.New(sha256.New, k.room)
	h.Write([]byte(id))
	most := uint64(1)
	for range roomLength - 1 {
		most *= uint64(codeBase)
	}
	return writeCode(binary.BigEndian.Uint64(h.Sum(nil))%most, roomLength) // one part in 10^12 more likely than another
}
