package firewall

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"unsafe"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// tableMarks tell whether somebody has changed the kernel's rules, at a cost that does not depend on how many guests there
// are. They are compared with == only.
//
// With the nft backend it is the generation of the ruleset, which every change moves (NFT_MSG_GETGEN,
// linux/netfilter/nf_tables.h). Legacy tables have none: of mangle and filter it is a hash of the whole table without its
// counters, since a policy that is changed changes no size; of nat, which holds thousands of rules for the
// blocks of ports, how many entries there are and where the chains begin (IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES,
// linux/netfilter_ipv4/ip_tables.h).
type tableMarks struct {
	generation uint32
	legacy     [2]legacyMarks // by family
}

type legacyMarks struct {
	filter, mangle uint64
	nat            tableInfo
}

// tableInfo is struct ipt_getinfo; that of IPv6 is the same.
type tableInfo struct {
	name       [32]byte
	validHooks uint32
	hooks      [5]uint32
	underflows [5]uint32
	entries    uint32
	size       uint32
}

const (
	soGetInfo    = 64 // IPT_SO_GET_INFO, IP6T_SO_GET_INFO
	soGetEntries = 65 // IPT_SO_GET_ENTRIES, IP6T_SO_GET_ENTRIES

	nftGetGen  = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN
	nftaGenID  = 1 // NFTA_GEN_ID
	entriesMax = 1 << 22
)

// entryShape is where a rule's entry (struct ipt_entry, ip6t_entry) has its length and its counters.
type entryShape struct{ next, counters, body int }

var entryShapes = map[int]entryShape{4: {next: 90, counters: 96, body: 112}, 6: {next: 142, counters: 152, body: 168}}

// tableReader is the sockets to ask through.
type tableReader struct {
	backend Backend
	raw     [2]int // by family; 0 where there is none
	nft     *netlink.Conn
	seed    maphash.Seed
	buf     []byte
}

func openTableReader(b Backend, families []family) (*tableReader, error) {
	r := &tableReader{backend: b, seed: maphash.MakeSeed()}
	if b == NFT {
		var err error
		if r.nft, err = netlink.Dial(unix.NETLINK_NETFILTER, nil); err != nil {
			return nil, fmt.Errorf("nfnetlink: %w", err)
		}
		return r, nil
	}
	for i, f := range families {
		domain := unix.AF_INET
		if f.version == 6 {
			domain = unix.AF_INET6
		}
		fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("raw socket: %w", err), r.close())
		}
		r.raw[i] = fd
	}
	return r, nil
}

func (r *tableReader) close() error {
	var errs []error
	if r.nft != nil {
		errs = append(errs, r.nft.Close())
	}
	for _, fd := range r.raw {
		if fd != 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}

// tableMarks reads them.
func (f *Firewall) tableMarks() (m tableMarks, err error) {
	r := f.reader
	if r.backend == NFT {
		m.generation, err = r.generation()
		return m, err
	}
	for i, x := range f.tables {
		fd := r.raw[i]
		version, l := x.family.version, &m.legacy[i]
		if l.filter, err = r.hash(fd, version, "filter"); err != nil {
			return m, err
		}
		if l.mangle, err = r.hash(fd, version, "mangle"); err != nil {
			return m, err
		}
		if version == 6 && !f.cfg.IPv6 {
			continue
		}
		if l.nat, err = r.info(fd, version, "nat"); err != nil {
			return m, err
		}
	}
	return m, nil
}

func (r *tableReader) generation() (uint32, error) {
	msgs, err := r.nft.Execute(netlink.Message{
		Header: netlink.Header{Type: nftGetGen, Flags: netlink.Request}, Data: []byte{unix.AF_UNSPEC, 0, 0, 0},
	})
	if err != nil {
		return 0, fmt.Errorf("read generation of rules: %w", err)
	}
	for _, msg := range msgs {
		if len(msg.Data) < 4 {
			continue
		}
		ad, err := netlink.NewAttributeDecoder(msg.Data[4:])
		if err != nil {
			return 0, fmt.Errorf("read generation of rules: %w", err)
		}
		ad.ByteOrder = binary.BigEndian
		for ad.Next() {
			if ad.Type() == nftaGenID {
				return ad.Uint32(), ad.Err()
			}
		}
	}
	return 0, errors.New("read generation of rules: the kernel named none")
}

// info is struct ipt_getinfo of a table; zero where the table is not there.
func (r *tableReader) info(fd, version int, table string) (i tableInfo, err error) {
	copy(i.name[:], table)
	n, err := ask(fd, version, soGetInfo, unsafe.Pointer(&i), unsafe.Sizeof(i))
	if errors.Is(err, unix.ENOENT) {
		return tableInfo{}, nil
	}
	if err != nil || n != unsafe.Sizeof(i) {
		return tableInfo{}, fmt.Errorf("read table %s: %d bytes: %w", table, n, err)
	}
	return i, nil
}

// hash is that of every entry of the table without its counters; 0 where the table is not there.
func (r *tableReader) hash(fd, version int, table string) (uint64, error) {
	for range 3 {
		i, err := r.info(fd, version, table)
		if err != nil || i.size == 0 {
			return 0, err
		}
		const head = 40 // struct ipt_get_entries: the name, the size, and what aligns the entries
		need := head + int(i.size)
		if i.size > entriesMax {
			return uint64(i.size), nil
		}
		if len(r.buf) < need {
			r.buf = make([]byte, need)
		}
		b := r.buf[:need]
		clear(b[:head])
		copy(b, table)
		binary.NativeEndian.PutUint32(b[32:], i.size)
		_, err = ask(fd, version, soGetEntries, unsafe.Pointer(&b[0]), uintptr(need))
		if errors.Is(err, unix.EAGAIN) {
			continue // it has changed since
		}
		if err != nil {
			return 0, fmt.Errorf("read entries of %s: %w", table, err)
		}
		return hashEntries(r.seed, entryShapes[version], b[head:]), nil
	}
	return 0, nil
}

// hashEntries hashes the entries of a table. What is not an entry is hashed as it is.
func hashEntries(seed maphash.Seed, s entryShape, b []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for len(b) >= s.body {
		next := int(binary.NativeEndian.Uint16(b[s.next:]))
		if next < s.body || next > len(b) {
			break
		}
		_, _ = h.Write(b[:s.counters]) // it never fails
		_, _ = h.Write(b[s.body:next])
		b = b[next:]
	}
	_, _ = h.Write(b)
	return h.Sum64()
}

// ask is getsockopt(2) with a buffer that is read and written.
func ask(fd, version, option int, p unsafe.Pointer, size uintptr) (uintptr, error) {
	level := unix.IPPROTO_IP
	if version == 6 {
		level = unix.IPPROTO_IPV6
	}
	n := uint32(size)
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option), uintptr(p), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return 0, errno
	}
	return uintptr(n), nil
}
