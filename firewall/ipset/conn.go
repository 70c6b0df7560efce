package ipset

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"parvis/internal/mac"
)

const (
	subsystem = 6 // NFNL_SUBSYS_IPSET

	oldestVersion, newestVersion = 6, 7

	// batch is how many elements go into one message: the attribute that holds them is at most 65,535 bytes long and an
	// element takes at most 88.
	batch = 700
)

// Conn is a socket to the kernel's ipset. It is safe for concurrent use: each command is one exchange.
type Conn struct {
	nl      *netlink.Conn
	version uint8
}

// Dial opens a socket in the network namespace of the calling thread and agrees on a version of the protocol.
// It needs CAP_NET_ADMIN.
func Dial() (*Conn, error) {
	nl, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, fmt.Errorf("ipset: open socket: %w", err)
	}
	// An error message need not repeat the 60 kB that were refused. Kernels before 4.3 lack the option and repeat.
	_ = nl.SetOption(netlink.CapAcknowledge, true)
	c := &Conn{nl: nl, version: newestVersion}
	if err := c.negotiate(); err != nil {
		nl.Close()
		return nil, err
	}
	return c, nil
}

// Close closes the socket.
func (c *Conn) Close() error { return c.nl.Close() }

func (c *Conn) negotiate() error {
	msgs, err := c.do(cmdProtocol, IPv4, 0, "", nil)
	if err != nil {
		return explain(cmdProtocol, "", err)
	}
	if len(msgs) == 0 {
		return explain(cmdProtocol, "", ErrMalformed)
	}
	newest, oldest, err := decodeProtocol(msgs[0].Data)
	if err != nil {
		return explain(cmdProtocol, "", err)
	}
	if newest < oldestVersion || oldest > newestVersion {
		return explain(cmdProtocol, "", fmt.Errorf("%w: it offers %d to %d", ErrVersion, oldest, newest))
	}
	c.version = min(newest, newestVersion)
	return nil
}

// decodeProtocol decodes the answer to cmdProtocol. A kernel that names no oldest version has only one.
func decodeProtocol(b []byte) (newest, oldest uint8, err error) {
	ad, err := decoder(b)
	if err != nil {
		return 0, 0, err
	}
	for ad.Next() {
		switch ad.Type() {
		case attrProtocol:
			newest = ad.Uint8()
		case attrProtocolMin:
			oldest = ad.Uint8()
		}
	}
	if err := ad.Err(); err != nil {
		return 0, 0, malformed(err)
	}
	if oldest == 0 {
		oldest = newest
	}
	return newest, oldest, nil
}

// do sends one command and returns the answers. set "" leaves the name out.
func (c *Conn) do(cmd command, family Family, flags netlink.HeaderFlags, set string, more func(*netlink.AttributeEncoder)) ([]netlink.Message, error) {
	ae := netlink.NewAttributeEncoder()
	ae.ByteOrder = binary.BigEndian
	ae.Uint8(attrProtocol, c.version)
	if set != "" {
		ae.String(attrSetName, set)
	}
	if more != nil {
		more(ae)
	}
	attrs, err := ae.Encode()
	if err != nil {
		return nil, err
	}
	return c.nl.Execute(netlink.Message{
		Header: netlink.Header{
			Type:  netlink.HeaderType(subsystem<<8 | uint16(cmd)),
			Flags: netlink.Request | flags,
		},
		Data: append(header(family), attrs...),
	})
}

// Create makes the set s. It is ErrSetExists when there is one of that name, whatever its shape.
func (c *Conn) Create(s Set) error {
	_, err := c.do(cmdCreate, s.Family, netlink.Acknowledge|netlink.Excl, s.Name, func(ae *netlink.AttributeEncoder) {
		ae.String(attrTypeName, string(s.Type))
		ae.Uint8(attrRevision, s.Type.revision())
		ae.Uint8(attrFamily, uint8(s.Family))
		ae.Nested(attrData, func(d *netlink.AttributeEncoder) error {
			switch s.Type {
			case BitmapIPMAC:
				if !s.Range.Addr().Is4() || s.Range.Bits() < 16 {
					return fmt.Errorf("%w: a bitmap covers at most an IPv4 /16, not %v", ErrRange, s.Range)
				}
				encodeIP(d, dataIP, s.Range.Masked().Addr())
				encodeIP(d, dataIPTo, last(s.Range))
			case HashIP, HashNet, HashIPMAC:
				d.Uint32(netlink.NetByteOrder|dataMaxElem, s.MaxElem)
			}
			d.Uint32(netlink.NetByteOrder|dataTimeout, s.Timeout)
			d.Uint32(netlink.NetByteOrder|dataCADTFlags, flagCounters|flagSKBInfo)
			return nil
		})
	})
	return explain(cmdCreate, s.Name, err)
}

// revision is the oldest one of the type that has skbinfo (Linux 3.18; hash:ip,mac came later, with it).
func (t Type) revision() uint8 {
	switch t {
	case BitmapIPMAC:
		return 3
	case HashNet:
		return 6
	case HashIPMAC:
		return 0
	default:
		return 4
	}
}

// Ensure makes the set s unless it is there. A set of the same name with another shape is replaced when no rule refers
// to it; otherwise the error is ErrShape.
func (c *Conn) Ensure(s Set) error {
	err := c.Create(s)
	if !errors.Is(err, ErrSetExists) {
		return err
	}
	info, err := c.Info(s.Name)
	if err != nil {
		return err
	}
	if info.same(s) {
		return nil
	}
	if err := c.Destroy(s.Name); err != nil {
		if errors.Is(err, ErrReferenced) {
			return explain(cmdCreate, s.Name, ErrShape)
		}
		return err
	}
	return c.Create(s)
}

// Info returns what the set is. The error is ErrNoSet when there is none.
func (c *Conn) Info(set string) (Info, error) {
	msgs, err := c.do(cmdList, IPv4, netlink.Dump, set, func(ae *netlink.AttributeEncoder) {
		ae.Uint32(netlink.NetByteOrder|attrFlags, flagListHeader)
	})
	if err != nil {
		return Info{}, explain(cmdList, set, err)
	}
	for _, m := range msgs {
		l, err := decodeList(m.Data)
		if err != nil {
			return Info{}, explain(cmdList, set, err)
		}
		if l.hasInfo {
			return l.info, nil
		}
	}
	return Info{}, explain(cmdList, set, ErrNoSet)
}

// List returns the entries of the set with everything they carry.
func (c *Conn) List(set string) ([]Entry, error) {
	msgs, err := c.do(cmdList, IPv4, netlink.Dump, set, nil)
	if err != nil {
		return nil, explain(cmdList, set, err)
	}
	var all []Entry
	for _, m := range msgs {
		l, err := decodeList(m.Data)
		if err != nil {
			return nil, explain(cmdList, set, err)
		}
		all = append(all, l.entries...)
	}
	return all, nil
}

// Add adds the entries, or overwrites what they carry where they are there already, as `ipset -exist add` does.
// Entries before one that is refused stay added.
func (c *Conn) Add(set string, entries ...Entry) error {
	for _, e := range entries {
		if e.Timeout > MaxTimeout {
			return explain(cmdAdd, set, fmt.Errorf("%v: %w", e.IP, ErrTimeout))
		}
	}
	return c.change(cmdAdd, set, entries, Entry.encode)
}

// Del takes the entries away. Those that are not there are passed over.
func (c *Conn) Del(set string, entries ...Entry) error {
	return c.change(cmdDel, set, entries, Entry.encodeKey)
}

func (c *Conn) change(cmd command, set string, entries []Entry, encode func(Entry, *netlink.AttributeEncoder)) error {
	for len(entries) > 0 {
		n := min(len(entries), batch)
		_, err := c.do(cmd, IPv4, netlink.Acknowledge, set, func(ae *netlink.AttributeEncoder) {
			if n == 1 {
				encode(entries[0], ae)
				return
			}
			ae.Uint32(netlink.NetByteOrder|attrLineNo, 0)
			ae.Nested(attrADT, func(list *netlink.AttributeEncoder) error {
				for _, e := range entries[:n] {
					encode(e, list)
				}
				return nil
			})
		})
		if err != nil {
			return explainType(cmd, set, entries[0].MAC != (mac.Addr{}), err)
		}
		entries = entries[n:]
	}
	return nil
}

// Has reports whether the entry is in the set and has not expired.
func (c *Conn) Has(set string, e Entry) (bool, error) {
	_, err := c.do(cmdTest, IPv4, netlink.Acknowledge, set, func(ae *netlink.AttributeEncoder) { e.encodeKey(ae) })
	err = explain(cmdTest, set, err)
	if errors.Is(err, ErrNoEntry) {
		return false, nil
	}
	return err == nil, err
}

// Flush empties the set.
func (c *Conn) Flush(set string) error {
	_, err := c.do(cmdFlush, IPv4, netlink.Acknowledge, set, nil)
	return explain(cmdFlush, set, err)
}

// Destroy removes the set. The error is ErrReferenced while rules name it.
func (c *Conn) Destroy(set string) error {
	_, err := c.do(cmdDestroy, IPv4, netlink.Acknowledge, set, nil)
	return explain(cmdDestroy, set, err)
}
