package firewall

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/mdlayher/netlink"
	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Numbers of linux/pkt_sched.h and linux/rtnetlink.h.
const (
	tcaKind    = 1
	tcaOptions = 2

	htbParms  = 1
	htbRate64 = 6
	htbCeil64 = 7

	codelLimit  = 2
	codelFlows  = 5
	codelMemory = 9

	tcmsgLen  = 20
	htbOptLen = 44
	ethernet  = 1  // TC_LINKLAYER_ETHERNET: with it the kernel wants no rate tables, two kilobytes of each message
	tick      = 64 // nanoseconds: PSCHED_SHIFT
)

// Queues within a class.
const (
	// A fair queue keeps fewer queues than its default of 1,024, which would be 68 kB for each class and side: one person's
	// connections rarely meet in 64.
	codelQueues   = 64
	codelPackets  = 1000
	codelBytes    = 1 << 20
	fifoPerSecond = 10 // a tenth of a second of the class's ceiling
	// fifoLeast is one packet as large as the kernel makes them (GRO: 64 KiB and the headers of its 45 frames): a smaller
	// queue would refuse it for ever.
	fifoLeast = 68 << 10
	// tcBatch is how many changes go in one message to the kernel, about 40 kB.
	tcBatch = 256
)

// tcConn is a socket for classes and queues. It is used by one goroutine at a time.
type tcConn struct{ nl *netlink.Conn }

// tcOp is one change of traffic control.
type tcOp struct {
	verb   string // for errors
	device string
	minor  uint16
	msg    netlink.Message
	passes []error // what is no error here
}

func dialTC() (*tcConn, error) {
	c, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, err
	}
	return &tcConn{c}, nil
}

// do makes the changes in order and returns what went wrong, by minor. Only the last of a batch is acknowledged: the kernel
// works through all of them while we wait once.
func (c *tcConn) do(ops []tcOp) map[uint16]error {
	failed := map[uint16]error{}
	for len(ops) > 0 {
		n := min(len(ops), tcBatch)
		c.batch(ops[:n], failed)
		ops = ops[n:]
	}
	return failed
}

func (c *tcConn) batch(ops []tcOp, failed map[uint16]error) {
	fail := func(o tcOp, err error) {
		for _, p := range o.passes {
			if errors.Is(err, p) {
				return
			}
		}
		if failed[o.minor] == nil { // what follows from the first says less
			failed[o.minor] = fmt.Errorf("%s %d:%x on %s: %w", o.verb, qdisc, o.minor, o.device, err)
		}
	}
	msgs := make([]netlink.Message, len(ops))
	for i, o := range ops {
		msgs[i] = o.msg
	}
	errs := map[int]error{}
	_, err := c.exchange(msgs, errs)
	for i, o := range ops {
		if err != nil { // how far the kernel has come is not known
			fail(o, err)
		} else if errs[i] != nil {
			fail(o, errs[i])
		}
	}
}

// exchange sends messages and returns the answers to them, once the last is done with. What the kernel refuses is put into
// errs by the message's number.
func (c *tcConn) exchange(msgs []netlink.Message, errs map[int]error) (answers []netlink.Message, err error) {
	msgs[len(msgs)-1].Header.Flags |= netlink.Acknowledge
	if err := c.nl.SetReadDeadline(time.Now().Add(tcPatience)); err != nil {
		return nil, err
	}
	sent, err := c.nl.SendMessages(msgs)
	if err != nil {
		return nil, err
	}
	last := sent[len(sent)-1].Header.Sequence
	number := make(map[uint32]int, len(sent))
	for i, m := range sent {
		number[m.Header.Sequence] = i
	}
	for {
		got, err := c.nl.Receive()
		if e := (*netlink.OpError)(nil); errors.As(err, &e) && e.Sequence != 0 {
			if i, is := number[e.Sequence]; is {
				errs[i] = e.Err
			}
			if e.Sequence == last {
				return answers, nil
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, m := range got {
			_, ours := number[m.Header.Sequence] // else of an exchange that was given up
			switch {
			case ours && m.Header.Type != netlink.Error:
				answers = append(answers, m)
			case m.Header.Sequence == last:
				return answers, nil
			}
		}
	}
}

// tcPatience bounds the wait for the kernel, which makes a batch of classes among 20,000 in a second.
const tcPatience = time.Minute

// tcmsg is struct tcmsg.
func tcmsg(index int, handle, parent uint32) []byte {
	b := make([]byte, tcmsgLen)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], handle)
	binary.NativeEndian.PutUint32(b[12:], parent)
	return b
}

func tcMessage(typ uint16, flags netlink.HeaderFlags, head []byte, attrs func(*netlink.AttributeEncoder)) netlink.Message {
	ae := netlink.NewAttributeEncoder()
	if attrs != nil {
		attrs(ae)
	}
	b, err := ae.Encode()
	if err != nil {
		panic("firewall: encode a message about traffic control: " + err.Error()) // its attributes are a hundred bytes
	}
	return netlink.Message{Header: netlink.Header{Type: netlink.HeaderType(typ), Flags: netlink.Request | flags}, Data: append(head, b...)}
}

// classOp makes the class, or changes it where it is; its queue and the packets in it stay.
func classOp(s side, minor uint16, c class) tcOp {
	parent := handle(c.parent)
	if c.parent == 0 {
		parent = nl.HANDLE_ROOT
	}
	return tcOp{
		verb: "put class", device: s.device, minor: minor,
		msg: tcMessage(unix.RTM_NEWTCLASS, netlink.Create, tcmsg(s.index, handle(minor), parent), func(ae *netlink.AttributeEncoder) {
			ae.String(tcaKind, "htb")
			ae.Nested(tcaOptions, func(o *netlink.AttributeEncoder) error {
				o.Bytes(htbParms, c.parms())
				if c.rate > math.MaxUint32 {
					o.Uint64(htbRate64, c.rate)
				}
				if c.ceil > math.MaxUint32 {
					o.Uint64(htbCeil64, c.ceil)
				}
				return nil
			})
		}),
	}
}

// parms is struct tc_htb_opt.
func (c class) parms() []byte {
	b := make([]byte, htbOptLen)
	for i, rate := range []uint64{c.rate, c.ceil} { // struct tc_ratespec
		b[12*i+1] = ethernet
		binary.NativeEndian.PutUint32(b[12*i+8:], uint32(min(rate, math.MaxUint32)))
	}
	guaranteed := burst(c.rate)
	if c.rate < c.ceil {
		guaranteed = max(guaranteed, lightBurst)
	}
	binary.NativeEndian.PutUint32(b[24:], ticks(guaranteed, c.rate))
	binary.NativeEndian.PutUint32(b[28:], ticks(burst(c.ceil), c.ceil))
	binary.NativeEndian.PutUint32(b[32:], quantum)
	binary.NativeEndian.PutUint32(b[40:], 1) // priority: the same for all, only guarantees differ
	return b
}

// burst is two milliseconds' worth: timers are not exact, and a smaller one would cap fast classes.
func burst(rate uint64) uint64 { return rate/500 + mtu }

// lightBurst is how much a class that was silent may send at once before it competes for what is borrowed: a question and
// the beginning of its answer, ten frames as TCP sends them (RFC 6928).
const lightBurst = 10 * 1514

// ticks is how long size bytes take at rate bytes per second, as the scheduler counts.
func ticks(size, rate uint64) uint32 {
	return uint32(min(size*1_000_000_000/tick/rate, math.MaxUint32))
}

func dropOp(s side, minor uint16) tcOp {
	return tcOp{
		verb: "drop class", device: s.device, minor: minor, passes: []error{unix.ENOENT, unix.ENODEV, unix.EINVAL},
		msg: tcMessage(unix.RTM_DELTCLASS, 0, tcmsg(s.index, handle(minor), 0), nil),
	}
}

// leafOp gives the class its queue: fq_codel, which nothing has to be changed of later, or a bfifo, whose length follows
// the ceiling without a packet being lost.
func leafOp(s side, minor uint16, c class, kind string) tcOp {
	flags := netlink.Create
	if kind == CapFifo {
		flags |= netlink.Replace
	}
	return tcOp{
		verb: "put queue of class", device: s.device, minor: minor,
		msg: tcMessage(unix.RTM_NEWQDISC, flags, tcmsg(s.index, nl.MakeHandle(minor, 0), handle(minor)), func(ae *netlink.AttributeEncoder) {
			ae.String(tcaKind, kind)
			if kind == CapFifo {
				ae.Uint32(tcaOptions, c.fifo()) // struct tc_fifo_qopt
				return
			}
			ae.Nested(tcaOptions, func(o *netlink.AttributeEncoder) error {
				o.Uint32(codelLimit, codelPackets)
				o.Uint32(codelFlows, codelQueues)
				o.Uint32(codelMemory, codelBytes)
				return nil
			})
		}),
	}
}

// fifo is the length of the queue in bytes.
func (c class) fifo() uint32 {
	return uint32(min(max(c.ceil/fifoPerSecond, fifoLeast), math.MaxUint32))
}

// list dumps the classes of one side, by minor.
func (c *tcConn) list(s side) (map[uint16]class, error) {
	out, err := again(func() (map[uint16]class, error) {
		if err := c.nl.SetReadDeadline(time.Now().Add(tcPatience)); err != nil {
			return nil, err
		}
		msgs, err := c.nl.Execute(tcMessage(unix.RTM_GETTCLASS, netlink.Dump, tcmsg(s.index, 0, 0), nil))
		out := make(map[uint16]class, len(msgs))
		for _, m := range msgs {
			if m.Header.Flags&netlink.DumpInterrupted != 0 {
				return nil, nl.ErrDumpInterrupted
			}
			if minor, k, ok := decodeClass(m.Data); ok {
				out[minor] = k
			}
		}
		return out, err
	})
	if err != nil {
		return nil, fmt.Errorf("list classes of %s: %w", s.device, err)
	}
	return out, nil
}

// get asks for the class on both sides, in that order; where it is not there, has is false. Traffic control answers only who
// asks with NLM_F_ECHO.
func (c *tcConn) get(s sides, minor uint16) (classes [2]class, has [2]bool, err error) {
	msgs := make([]netlink.Message, 2)
	for i, d := range []side{s.guest, s.wan} {
		msgs[i] = tcMessage(unix.RTM_GETTCLASS, netlink.Echo, tcmsg(d.index, handle(minor), 0), nil)
	}
	errs := map[int]error{} // no such class, no HTB, no interface: it is not there
	answers, err := c.exchange(msgs, errs)
	if err != nil {
		return classes, has, fmt.Errorf("ask for class %d:%x: %w", qdisc, minor, err)
	}
	for _, m := range answers {
		if _, k, ok := decodeClass(m.Data); ok {
			i := 0
			if int(binary.NativeEndian.Uint32(m.Data[4:])) == s.wan.index {
				i = 1
			}
			classes[i], has[i] = k, true
		}
	}
	return classes, has, nil
}

// root says which queue the device has at its root, and its handle; "noqueue" when it has none.
func (c *tcConn) root(s side) (kind string, h uint32, err error) {
	msgs, err := c.exchange([]netlink.Message{tcMessage(unix.RTM_GETQDISC, netlink.Echo, tcmsg(s.index, 0, nl.HANDLE_ROOT), nil)}, map[int]error{})
	if err != nil {
		return "", 0, fmt.Errorf("ask for the queue of %s: %w", s.device, err)
	}
	for _, m := range msgs {
		if len(m.Data) < tcmsgLen {
			continue
		}
		ad, err := netlink.NewAttributeDecoder(m.Data[tcmsgLen:])
		if err != nil {
			continue
		}
		for ad.Next() {
			if ad.Type() == tcaKind {
				return ad.String(), binary.NativeEndian.Uint32(m.Data[8:]), nil
			}
		}
	}
	return "noqueue", 0, nil
}

// decodeClass reads one class of ours from what the kernel says about it (RTM_NEWTCLASS).
func decodeClass(b []byte) (minor uint16, c class, ok bool) {
	if len(b) < tcmsgLen {
		return 0, class{}, false
	}
	id, parent, leaf := binary.NativeEndian.Uint32(b[8:]), binary.NativeEndian.Uint32(b[12:]), binary.NativeEndian.Uint32(b[16:])
	if id>>16 != qdisc {
		return 0, class{}, false
	}
	minor = uint16(id)
	if parent != nl.HANDLE_ROOT {
		c.parent = uint16(parent)
	}
	c.leaf = leaf == nl.MakeHandle(minor, 0)
	ad, err := netlink.NewAttributeDecoder(b[tcmsgLen:])
	if err != nil {
		return 0, class{}, false
	}
	for ad.Next() {
		switch ad.Type() {
		case tcaKind:
			ok = ad.String() == "htb"
		case tcaOptions:
			ad.Nested(func(o *netlink.AttributeDecoder) error {
				c.decode(o)
				return nil
			})
		}
	}
	return minor, c, ok && ad.Err() == nil && c.rate > 0 && c.ceil > 0
}

func (c *class) decode(o *netlink.AttributeDecoder) {
	for o.Next() {
		switch o.Type() {
		case htbParms:
			if p := o.Bytes(); len(p) >= htbOptLen {
				c.rate, c.ceil = max(c.rate, uint64(binary.NativeEndian.Uint32(p[8:]))), max(c.ceil, uint64(binary.NativeEndian.Uint32(p[20:])))
			}
		case htbRate64:
			c.rate = o.Uint64()
		case htbCeil64:
			c.ceil = o.Uint64()
		}
	}
}

// sortedErrors are the errors in the order of their minors.
func sortedErrors(m map[uint16]error) []error {
	var out []error
	for _, k := range sortedKeys(m) {
		out = append(out, m[k])
	}
	return out
}
