package firewall

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// notices are what the kernel tells about queues, classes and neighbours (RTNLGRP_TC, RTNLGRP_NEIGH). They are read once
// in a while, and only how things are at the end counts: so it does not matter whose change it was, and our own need
// not be told from others'.
type notices struct {
	fd  int
	buf []byte
}

// noticeBuffer holds the notices of some thousand classes. What does not fit is a comparison of everything.
const noticeBuffer = 4 << 20

func openNotices() (*notices, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("notices: %w", err)
	}
	n := &notices{fd: fd, buf: make([]byte, 64<<10)}
	filter, err := oursOnly()
	if err == nil {
		prog := make([]unix.SockFilter, len(filter))
		for i, f := range filter {
			prog[i] = unix.SockFilter{Code: f.Op, Jt: f.Jt, Jf: f.Jf, K: f.K}
		}
		err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]})
	}
	if err == nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, noticeBuffer) // a smaller one loses more, and that is seen
		err = unix.Bind(fd, &unix.SockaddrNetlink{
			Family: unix.AF_NETLINK, Groups: 1<<(unix.RTNLGRP_TC-1) | 1<<(unix.RTNLGRP_NEIGH-1),
		})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("notices: %w", err), unix.Close(fd))
	}
	return n, nil
}

func (n *notices) close() error { return unix.Close(n.fd) }

// oursOnly lets the kernel drop notices about neighbours that we did not set: on a busy link there are many, and no guest
// may make us read them. It loads bytes, since netlink's header has the machine's own order.
func oursOnly() ([]bpf.RawInstruction, error) {
	var typ [2]byte
	binary.NativeEndian.PutUint16(typ[:], unix.RTM_NEWNEIGH)
	low := uint32(4) // where the byte is that tells types apart
	if typ[0] == 0 {
		low = 5
	}
	return bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: low, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.RTM_NEWNEIGH, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.RTM_DELNEIGH, SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 18},
		bpf.LoadConstant{Dst: bpf.RegA, Val: unix.SizeofNlMsghdr + unix.SizeofNdMsg}, // where its attributes begin
		bpf.LoadConstant{Dst: bpf.RegX, Val: ndaProtocol},
		bpf.LoadExtension{Num: bpf.ExtNetlinkAttr},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 4}, // no such attribute
		bpf.TAX{},
		bpf.LoadIndirect{Off: unix.SizeofNlAttr, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: neighbourOurs, SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 18},
		bpf.RetConstant{Val: 0},
	})
}

// noticed is how things are after the notices that were waiting.
type noticed struct {
	lost       bool         // there was more than the socket could hold
	roots      map[int]bool // by interface: whether our root queue is there
	classes    map[classKey]bool
	neighbours map[neighbourKey]neighbourState
}

type classKey struct {
	index int
	minor uint16
}

type neighbourKey struct {
	index int
	addr  netip.Addr
}

// read takes what is waiting. It never waits itself.
func (n *notices) read() (noticed, error) {
	out := noticed{roots: map[int]bool{}, classes: map[classKey]bool{}, neighbours: map[neighbourKey]neighbourState{}}
	for {
		size, _, err := unix.Recvfrom(n.fd, n.buf, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return out, nil
		case errors.Is(err, unix.ENOBUFS):
			out.lost = true
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return out, fmt.Errorf("read notices: %w", err)
		default:
			out.take(n.buf[:size])
		}
	}
}

// take reads messages of rtnetlink(7). What it does not understand is passed over.
func (o *noticed) take(b []byte) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return
		}
		o.message(binary.NativeEndian.Uint16(b[4:]), b[unix.SizeofNlMsghdr:size])
		b = b[min((size+3)&^3, len(b)):]
	}
}

func (o *noticed) message(typ uint16, b []byte) {
	switch typ {
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		if n, ok := parseNeighbour(b); ok {
			if typ == unix.RTM_DELNEIGH {
				n.neighbourState = neighbourState{}
			}
			o.neighbours[neighbourKey{int(n.index), n.addr}] = n.neighbourState
		}
	case unix.RTM_NEWQDISC, unix.RTM_DELQDISC, unix.RTM_NEWTCLASS, unix.RTM_DELTCLASS:
		const tcmsg = 20 // struct tcmsg (linux/rtnetlink.h): family, interface, handle, parent, info
		if len(b) < tcmsg {
			return
		}
		index, what := int(int32(binary.NativeEndian.Uint32(b[4:]))), binary.NativeEndian.Uint32(b[8:])
		if what>>16 != qdisc {
			return
		}
		switch typ {
		case unix.RTM_NEWQDISC, unix.RTM_DELQDISC:
			o.roots[index] = typ == unix.RTM_NEWQDISC
		default:
			o.classes[classKey{index, uint16(what)}] = typ == unix.RTM_NEWTCLASS
		}
	}
}
