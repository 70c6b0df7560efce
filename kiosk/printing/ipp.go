package printing

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"parvis/internal/order"
)

// Tags of IPP's encoding (RFC 8010, section 3.5).
const (
	tagOperation   = 0x01 // operation-attributes-tag
	tagJob         = 0x02
	tagEnd         = 0x03
	tagPrinter     = 0x04
	tagUnsupported = 0x05

	firstValueTag = 0x10 // below it tags begin or end a group

	tagInteger  = 0x21
	tagBoolean  = 0x22
	tagEnum     = 0x23
	tagName     = 0x42 // nameWithoutLanguage
	tagKeyword  = 0x44
	tagURI      = 0x45
	tagCharset  = 0x47
	tagLanguage = 0x48
)

// Bounds of a message's attributes, in bytes. A printer's own list of what it can do has some tens of thousands.
const (
	maxRequest  = 64 << 10
	maxResponse = 1 << 20
)

var (
	errTooLong = errors.New("attributes are too long")
	errFormat  = errors.New("not an IPP message")
)

// message is the head of an IPP request or answer: everything up to end-of-attributes. A document may follow it.
type message struct {
	version uint16
	code    uint16 // operation of a request, status of an answer
	id      uint32
	groups  []group
}

// group is the attributes behind one delimiter; a printer's answer about jobs has one for each.
type group struct {
	tag        byte
	attributes []attribute
}

// attribute is a name and its values. Members of collections stand among the values, as they are encoded: nothing here looks
// into them.
type attribute struct {
	name   string
	values []value
}

type value struct {
	tag  byte
	data []byte
}

// readMessage reads exactly a message's head from r, at most max bytes. Errors: errTooLong, errFormat, and r's.
func readMessage(r *bufio.Reader, max int) (m message, err error) {
	left := max
	take := func(n int) ([]byte, error) {
		if left -= n; left < 0 {
			return nil, errTooLong
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, fmt.Errorf("%w: %w", errFormat, err)
		}
		return b, nil
	}
	field := func() ([]byte, error) {
		n, err := take(2)
		if err != nil {
			return nil, err
		}
		return take(int(binary.BigEndian.Uint16(n)))
	}
	head, err := take(8)
	if err != nil {
		return m, err
	}
	m.version, m.code, m.id = binary.BigEndian.Uint16(head), binary.BigEndian.Uint16(head[2:]), binary.BigEndian.Uint32(head[4:])
	for {
		tag, err := take(1)
		switch {
		case err != nil:
			return m, err
		case tag[0] == tagEnd:
			return m, nil
		case tag[0] < firstValueTag:
			m.groups = append(m.groups, group{tag: tag[0]})
			continue
		case len(m.groups) == 0:
			return m, fmt.Errorf("%w: a value outside of a group", errFormat)
		}
		name, err := field()
		if err != nil {
			return m, err
		}
		data, err := field()
		if err != nil {
			return m, err
		}
		g := &m.groups[len(m.groups)-1]
		if len(name) > 0 {
			g.attributes = append(g.attributes, attribute{name: string(name)})
		} else if len(g.attributes) == 0 {
			return m, fmt.Errorf("%w: a value without a name", errFormat)
		}
		a := &g.attributes[len(g.attributes)-1]
		a.values = append(a.values, value{tag[0], data})
	}
}

// bytes encodes a message.
func (m message) bytes() []byte {
	b := binary.BigEndian.AppendUint16(nil, m.version)
	b = binary.BigEndian.AppendUint16(b, m.code)
	b = binary.BigEndian.AppendUint32(b, m.id)
	for _, g := range m.groups {
		b = append(b, g.tag)
		for _, a := range g.attributes {
			name := a.name
			for _, v := range a.values {
				b = append(b, v.tag)
				b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
				b = append(b, name...)
				b = binary.BigEndian.AppendUint16(b, uint16(len(v.data)))
				b = append(b, v.data...)
				name = ""
			}
		}
	}
	return append(b, tagEnd)
}

// operation is the first group of operation attributes; nil none.
func (m *message) operation() *group {
	for i := range m.groups {
		if m.groups[i].tag == tagOperation {
			return &m.groups[i]
		}
	}
	return nil
}

// get returns the first value of an attribute.
func (g *group) get(name string) (value, bool) {
	for _, a := range g.attributes {
		if a.name == name {
			return a.values[0], true
		}
	}
	return value{}, false
}

// number returns an integer or enum.
func (g *group) number(name string) (int32, bool) {
	v, ok := g.get(name)
	if !ok || len(v.data) != 4 || v.tag != tagInteger && v.tag != tagEnum {
		return 0, false
	}
	return int32(binary.BigEndian.Uint32(v.data)), true
}

// text returns a value as text; "" without it.
func (g *group) text(name string) string {
	v, _ := g.get(name)
	return string(v.data)
}

// set replaces an attribute, every time that it is there, or adds it at the end.
func (g *group) set(name string, values ...value) {
	g.keep(func(n string) bool { return n != name })
	g.attributes = append(g.attributes, attribute{name, values})
}

// order puts these attributes first: those of a request have their places (RFC 8011, section 4.1.4 and 4.1.5).
func (g *group) order(first ...string) {
	rank := func(a attribute) int {
		if i := slices.Index(first, a.name); i >= 0 {
			return i
		}
		return len(first)
	}
	order.Stable(g.attributes, func(a, b attribute) int { return rank(a) - rank(b) })
}

// keep leaves the attributes of which ok says so.
func (g *group) keep(ok func(name string) bool) {
	var kept []attribute
	for _, a := range g.attributes {
		if ok(a.name) {
			kept = append(kept, a)
		}
	}
	g.attributes = kept
}

func text(tag byte, s string) value { return value{tag, []byte(s)} }

func integer(n int32) value { return value{tagInteger, binary.BigEndian.AppendUint32(nil, uint32(n))} }

func words(all ...string) (values []value) {
	for _, w := range all {
		values = append(values, text(tagKeyword, w))
	}
	return values
}
