// Package segment is the register's file: sealed records, one behind the other, that a router can write and not read, and in which a
// change is found.
//
// A segment begins with a header and is frames from there on. Each frame is
//
//	length (4 bytes, big endian, of kind and body) | kind (1) | body | sum (32)
//
// and sum is SHA-256 of the sum before and of all of the frame before it: the chain. The header names the last sum of the
// segment before, so that the chain goes through the whole register. A record is sealed with HPKE (RFC 9180: X-Wing, that is ML-KEM-768 with
// X25519; HKDF-SHA256; ChaCha20-Poly1305), one context a segment, the sum before as its associated data: nothing can be moved. A code (HMAC-SHA-256,
// 16 bytes) under a key that is forgotten with each frame stands behind the ciphertext: who takes a router over can write what comes, but
// nothing anew that has been written. The key's beginning is sealed in the first frame, so whoever may open the segment can check.
// An orderly end signs the chain (Ed25519, the device's key).
package segment

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Errors that callers decide by.
var (
	ErrBroken = errors.New("segment: broken")          // it is not as it was written
	ErrTorn   = errors.New("segment: ends in a frame") // cut while it was written, or later
	ErrKey    = errors.New("segment: another key's")   // it is sealed to another one
)

const (
	magic    = "PARVIS-REGISTER 1\n"
	sumSize  = sha256.Size
	codeSize = 16
	headSize = 5         // length and kind
	mostBody = 64 << 10  // of a frame
	mostSize = 256 << 20 // of a segment
)

// The kinds of frames. Headers, gaps and ends are in the clear: they hold nothing of a person.
const (
	kindHeader byte = iota + 1
	kindSecret      // the code's first key, sealed
	kindRecord      // sealed
	kindGap
	kindEnd
)

// Sum is a link of the chain.
type Sum [sumSize]byte

// Header is how a segment begins.
type Header struct {
	Site   string    `json:"site"`
	Store  string    `json:"store"` // which of the separate stores: sessions, flows
	Key    string    `json:"key"`   // identifier of the public key that it is sealed to
	Device []byte    `json:"device"`
	First  int64     `json:"first"` // number of its first entry; entries are records and gaps, counted from 1 through the whole store
	Before []byte    `json:"before,omitempty"`
	Began  time.Time `json:"began"`
	Sure   bool      `json:"sure"` // the clock was synchronised
	Boot   uint32    `json:"boot"` // how often the machine had started
	Up     int64     `json:"up"`   // milliseconds since that start (CLOCK_BOOTTIME): by it an unsure time is found once the clock is set
	Enc    []byte    `json:"enc"`  // HPKE's encapsulated key
}

// GapKind says why nothing was recorded for a time.
type GapKind string

// The kinds of gaps.
const (
	Power    GapKind = "power"    // the machine was off
	Restart  GapKind = "restart"  // the program was not running
	Clock    GapKind = "clock"    // the civil time jumped: From and To are the same moment by both clocks
	Storage  GapKind = "storage"  // nothing could be written
	Replaced GapKind = "replaced" // another box has taken the site over
	NoKey    GapKind = "keys"     // no key was there to seal to
)

// Gap is a time in which nothing was recorded, told where it happened.
type Gap struct {
	Kind GapKind   `json:"kind"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Sure bool      `json:"sure"`           // both were read from a synchronised clock
	Lost int       `json:"lost,omitempty"` // records that are known to be missing
	Torn int64     `json:"torn,omitempty"` // bytes of a frame that was being written
}

// End is how a segment that was ended in order ends.
type End struct {
	Entries   int64     `json:"entries"` // of this segment
	At        time.Time `json:"at"`
	Sure      bool      `json:"sure"`
	Up        int64     `json:"up"`
	Signature []byte    `json:"signature"` // Ed25519 over signedPrefix and the sum before
}

const signedPrefix = "parvis register: end of a segment\n"

// suite is RFC 9180's, with the post-quantum hybrid: what is sealed today is kept for a year and more in many copies.
func suite() (hpke.KEM, hpke.KDF, hpke.AEAD) {
	return hpke.MLKEM768X25519(), hpke.HKDFSHA256(), hpke.ChaCha20Poly1305()
}

// KEM is what keys of segments are of.
func KEM() hpke.KEM { k, _, _ := suite(); return k }

const (
	sealInfo   = "parvis register: segment"
	ratchet    = "parvis register: next code"
	secretSize = 32
)

var storeName = regexp.MustCompile(`^[a-z]{1,16}$`)

// next is the sum behind a frame.
func next(before Sum, frame []byte) Sum {
	h := sha256.New()
	h.Write(before[:])
	h.Write(frame)
	return Sum(h.Sum(nil))
}

func start() Sum { return sha256.Sum256([]byte(magic)) }

// code authenticates a frame under the key of its turn.
func code(key []byte, before Sum, frame []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(before[:])
	h.Write(frame)
	return h.Sum(nil)[:codeSize]
}

// turn makes the key of the next frame; the one before cannot be found from it.
func turn(key []byte) []byte {
	k, err := hkdf.Expand(sha256.New, key, ratchet, secretSize)
	if err != nil {
		panic(err) // of a constant length
	}
	return k
}

// frame puts length and kind before a body.
func frame(kind byte, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, headSize+len(body)+codeSize+sumSize), uint32(len(body)+1))
	return append(append(b, kind), body...)
}

// Name of a segment's file: segments of one store sort by it.
func Name(store string, first int64) string { return fmt.Sprintf("%s-%012d.seg", store, first) }

var fileName = regexp.MustCompile(`^([a-z]{1,16})-([0-9]{12})\.seg$`)
