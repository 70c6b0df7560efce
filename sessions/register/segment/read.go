package segment

import (
	"bufio"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/hpke"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Entry is a record, still sealed or opened, or a gap.
type Entry struct {
	Number int64
	Gap    *Gap
	Record []byte // opened; nil for a gap and without a key
	Sum    Sum    `json:"-"` // of the chain, behind it
}

// Found is what a segment shows.
type Found struct {
	Header  Header
	Entries int64
	Gaps    []Entry
	Last    Sum   // behind the last whole frame: what the next segment must name as before
	End     *End  // nil: it was not ended in order
	Torn    int64 // bytes behind the last whole frame
}

// Read goes through a segment. Without a key it checks the chain and the signature; with one it also opens every record, checks its code and
// hands it over. Errors: ErrBroken with the entry at which the segment is no longer what was written, ErrKey, and those of r. A segment that
// ends within a frame is no error: Found.Torn says how much was being written.
func Read(r io.Reader, private hpke.PrivateKey, see func(Entry) error) (Found, error) {
	p := &reading{r: bufio.NewReader(io.LimitReader(r, mostSize)), private: private, see: see, sum: start()}
	err := p.read()
	return p.found, err
}

type reading struct {
	r       *bufio.Reader
	private hpke.PrivateKey
	see     func(Entry) error

	found  Found
	sum    Sum
	opener *hpke.Recipient
	key    []byte
	frames int
}

// broken says where.
func (p *reading) broken(why string) error {
	return fmt.Errorf("%w at entry %d: %s", ErrBroken, p.found.Header.First+p.found.Entries, why)
}

func (p *reading) read() error {
	m := make([]byte, len(magic))
	switch n, err := io.ReadFull(p.r, m); {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		if string(m[:n]) != magic[:n] {
			return p.broken("no segment")
		}
		p.found.Torn = int64(n)
		return nil
	case err != nil:
		return fmt.Errorf("segment: read: %w", err)
	case string(m) != magic:
		return p.broken("no segment")
	}
	p.found.Last = p.sum
	for {
		kind, f, err := p.frame()
		if err != nil || f == nil {
			return err
		}
		if err := p.take(kind, f); err != nil {
			return err
		}
		p.frames++
		p.found.Last = p.sum
	}
}

// frame reads one; nil at the end, whole or torn.
func (p *reading) frame() (kind byte, f []byte, err error) {
	head := make([]byte, headSize)
	n, err := io.ReadFull(p.r, head)
	switch {
	case errors.Is(err, io.EOF):
		return 0, nil, nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		p.found.Torn = int64(n)
		return 0, nil, nil
	case err != nil:
		return 0, nil, fmt.Errorf("segment: read: %w", err)
	}
	if p.found.End != nil {
		return 0, nil, p.broken("something stands behind its end")
	}
	size := binary.BigEndian.Uint32(head)
	if size < 1 || size > mostBody {
		return 0, nil, p.broken("a length that no frame has")
	}
	f = make([]byte, headSize+int(size)-1+sumSize)
	copy(f, head)
	n, err = io.ReadFull(p.r, f[headSize:])
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		p.found.Torn = int64(headSize + n)
		return 0, nil, nil
	case err != nil:
		return 0, nil, fmt.Errorf("segment: read: %w", err)
	}
	body, stated := f[:len(f)-sumSize], Sum(f[len(f)-sumSize:])
	if next(p.sum, body) != stated {
		return 0, nil, p.broken("the chain does not fit")
	}
	return head[4], body, nil
}

// take checks a frame whose place in the chain is right.
func (p *reading) take(kind byte, f []byte) error {
	before := p.sum
	p.sum = next(before, f)
	body := f[headSize:]
	switch {
	case p.frames == 0 && kind == kindHeader:
		return p.header(body)
	case p.frames == 0:
		return p.broken("no header")
	case p.frames == 1 && kind == kindSecret:
		if p.opener == nil {
			return nil
		}
		key, err := p.opener.Open(before[:], body)
		if err != nil || len(key) != secretSize {
			return fmt.Errorf("%w: sealed to %s", ErrKey, p.found.Header.Key)
		}
		p.key = key
		return nil
	case p.frames == 1:
		return p.broken("no sealed beginning")
	}
	if len(body) < codeSize {
		return p.broken("no code")
	}
	at := len(f) - codeSize
	if p.key != nil {
		if !hmac.Equal(code(p.key, before, f[:at]), f[at:]) {
			return p.broken("it was written again by somebody without the key of its time")
		}
		p.key = turn(p.key)
	}
	return p.entry(kind, before, f[headSize:at])
}

func (p *reading) header(body []byte) error {
	h := &p.found.Header
	if json.Unmarshal(body, h) != nil || len(h.Device) != ed25519.PublicKeySize || h.First < 1 || !storeName.MatchString(h.Store) ||
		len(h.Before) != 0 && len(h.Before) != sumSize {
		first := h.First
		*h = Header{First: max(first, 0)}
		return p.broken("a header that no register writes")
	}
	if p.private == nil {
		return nil
	}
	_, kdf, aead := suite()
	var err error
	if p.opener, err = hpke.NewRecipient(h.Enc, p.private, kdf, aead, []byte(sealInfo)); err != nil {
		return fmt.Errorf("%w: sealed to %s: %w", ErrKey, h.Key, err)
	}
	return nil
}

func (p *reading) entry(kind byte, before Sum, body []byte) error {
	e := Entry{Number: p.found.Header.First + p.found.Entries, Sum: p.sum}
	switch kind {
	case kindRecord:
		if p.opener != nil {
			var err error
			if e.Record, err = p.opener.Open(before[:], body); err != nil {
				return p.broken("a record that does not open")
			}
		}
	case kindGap:
		e.Gap = &Gap{}
		if json.Unmarshal(body, e.Gap) != nil {
			return p.broken("a gap that no register tells")
		}
		p.found.Gaps = append(p.found.Gaps, e)
	case kindEnd:
		return p.end(before, body)
	default:
		return p.broken("a kind of frame that there is none of")
	}
	p.found.Entries++
	if p.see == nil {
		return nil
	}
	return p.see(e)
}

func (p *reading) end(before Sum, body []byte) error {
	var e End
	if json.Unmarshal(body, &e) != nil || e.Entries != p.found.Entries {
		return p.broken("an end that does not fit")
	}
	if !ed25519.Verify(p.found.Header.Device, append([]byte(signedPrefix), before[:]...), e.Signature) {
		return p.broken("its end is not signed by its device")
	}
	p.found.End = &e
	return nil
}
