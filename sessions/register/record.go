// Package register keeps what French law asks of who offers internet access to the public (CPCE L34-1 and R10-13 IV): which device held which
// public address and ports, and when. Where people went is no part of it.
//
// A record is sealed to a public key before it is written (sessions/register/segment); the private part is split among people
// (sessions/register/keys) and never on a router. The writer has no field that could hold a name, an address of a site or what was said.
package register

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"parvis/internal/mac"
)

// Kind is what a record tells.
type Kind uint8

// The kinds.
const (
	Opened  Kind = iota + 1 // a session begins: address, ports, device
	Closed                  // it has ended: the whole of it, once more
	Address                 // an IPv6 address was seen to be this session's device's
	Outside                 // the site's public address is another from now on
)

// Quality is how good the civil time of a record is.
type Quality uint8

// The qualities.
const (
	Unknown      Quality = iota // nobody has set the clock since the machine started
	Synchronised                // a time daemon holds it
)

// Stamp is a moment: by the civil clock with its quality, and by the clock that never jumps.
type Stamp struct {
	Wall    time.Time // to the millisecond, UTC
	Quality Quality
	Boot    uint32        // how often the machine had started, of this register
	Since   time.Duration // since that start (CLOCK_BOOTTIME), to the millisecond
}

// Record is one entry. Every encoded record has the same length, so that its length says nothing.
type Record struct {
	Kind    Kind
	At      Stamp
	Session [16]byte // random number of the session
	MAC     mac.Addr
	IPv4    netip.Addr // of the device, inside
	IPv6    netip.Addr // of Address
	Public  netip.Addr // IPv4 by which the site is known outside; the zero Addr: not known
	First   uint16     // public ports, both ends; 0: the site has no blocks
	Last    uint16
	Began   Stamp  // of Closed
	Down    uint64 // bytes, of Closed
	Up      uint64
	Ticket  [8]byte // first bytes of the hash of a voucher's batch; zero: none
}

// Size of an encoded record, in bytes.
const Size = 160

const recordVersion = 1

// ErrRecord is wrapped by what Decode returns.
var ErrRecord = errors.New("register: not a record")

// Random reports whether the device made its MAC up (IEEE 802, locally administered).
func (r Record) Random() bool { return r.MAC[0]&2 != 0 }

func appendStamp(b []byte, s Stamp) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(s.Wall.UnixMilli()))
	b = append(b, byte(s.Quality))
	b = binary.BigEndian.AppendUint32(b, s.Boot)
	return binary.BigEndian.AppendUint64(b, uint64(s.Since.Milliseconds()))
}

func address(a netip.Addr, size int) []byte {
	b := make([]byte, size)
	copy(b, a.AsSlice())
	return b
}

// Encode writes the record in Size bytes. An address of the wrong family is an error: it would be read as another.
func (r Record) Encode() ([Size]byte, error) {
	var out [Size]byte
	for _, a := range []struct {
		addr netip.Addr
		four bool
	}{{r.IPv4, true}, {r.Public, true}, {r.IPv6, false}} {
		if a.addr.IsValid() && a.addr.Is4() != a.four {
			return out, fmt.Errorf("%w: address family of %v", ErrRecord, r.Kind)
		}
	}
	if err := r.check(); err != nil {
		return out, err
	}
	b := out[:0]
	b = append(b, recordVersion, byte(r.Kind))
	b = appendStamp(b, r.At)
	b = append(b, r.Session[:]...)
	b = append(b, r.MAC[:]...)
	b = append(b, address(r.IPv4, 4)...)
	b = append(b, address(r.Public, 4)...)
	b = append(b, address(r.IPv6, 16)...)
	b = binary.BigEndian.AppendUint16(b, r.First)
	b = binary.BigEndian.AppendUint16(b, r.Last)
	b = appendStamp(b, r.Began)
	b = binary.BigEndian.AppendUint64(b, r.Down)
	b = binary.BigEndian.AppendUint64(b, r.Up)
	copy(out[len(b):], r.Ticket[:])
	return out, nil
}

func (r Record) check() error {
	switch {
	case r.Kind < Opened || r.Kind > Outside:
		return fmt.Errorf("%w: kind %d", ErrRecord, r.Kind)
	case r.At.Quality > Synchronised || r.Began.Quality > Synchronised:
		return fmt.Errorf("%w: quality of the clock %d, %d", ErrRecord, r.At.Quality, r.Began.Quality)
	case r.First > r.Last:
		return fmt.Errorf("%w: ports %d to %d", ErrRecord, r.First, r.Last)
	case r.At.Since < 0 || r.Began.Since < 0:
		return fmt.Errorf("%w: time since the start %v, %v", ErrRecord, r.At.Since, r.Began.Since)
	}
	return nil
}

// reader takes fields from the front.
type reader struct{ b []byte }

func (r *reader) take(n int) []byte {
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) stamp() (s Stamp) {
	s.Wall = time.UnixMilli(int64(binary.BigEndian.Uint64(r.take(8)))).UTC()
	s.Quality = Quality(r.take(1)[0])
	s.Boot = binary.BigEndian.Uint32(r.take(4))
	s.Since = -1 // refused by check: no machine runs for so long
	if ms := binary.BigEndian.Uint64(r.take(8)); ms < 1<<43 {
		s.Since = time.Duration(ms) * time.Millisecond
	}
	return s
}

func (r *reader) address(n int) netip.Addr {
	b := r.take(n)
	for _, v := range b {
		if v != 0 {
			a, _ := netip.AddrFromSlice(b) // 4 or 16 bytes
			return a
		}
	}
	return netip.Addr{}
}

// Decode reads what Encode has written. Everything else wraps ErrRecord.
func Decode(b []byte) (r Record, err error) {
	if len(b) != Size || b[0] != recordVersion {
		return r, fmt.Errorf("%w: %d bytes", ErrRecord, len(b))
	}
	f := reader{b[1:]}
	r.Kind = Kind(f.take(1)[0])
	r.At = f.stamp()
	copy(r.Session[:], f.take(16))
	copy(r.MAC[:], f.take(6))
	r.IPv4 = f.address(4)
	r.Public = f.address(4)
	r.IPv6 = f.address(16)
	r.First = binary.BigEndian.Uint16(f.take(2))
	r.Last = binary.BigEndian.Uint16(f.take(2))
	r.Began = f.stamp()
	r.Down = binary.BigEndian.Uint64(f.take(8))
	r.Up = binary.BigEndian.Uint64(f.take(8))
	copy(r.Ticket[:], f.take(8))
	for _, v := range f.b {
		if v != 0 {
			return Record{}, fmt.Errorf("%w: something behind it", ErrRecord)
		}
	}
	return r, r.check()
}
