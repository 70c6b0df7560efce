// Package printer sends tickets to a ticket printer that speaks ESC/POS: on USB, by the kernel's usblp (/dev/usb/lp0), or on the network, by
// TCP (port 9100 as a rule). It asks what is wrong before each ticket and after the last; a printer that never answers is printed on
// all the same. Nothing waits longer than its limit.
package printer

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"iter"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"parvis/hw/escpos"
)

// State is how a printer is.
type State string

// The states.
const (
	Ready    State = "ready"
	Mute     State = "mute"      // it can be reached and says nothing: it may be out of paper
	LowPaper State = "low-paper" // it prints, and the roll is nearly used up
	NoPaper  State = "no-paper"
	Cover    State = "cover" // it is open
	Fault    State = "fault" // the knife, the head, or what it does not say
	Off      State = "off"   // it cannot be reached
	Busy     State = "busy"  // somebody else prints on it
)

// Works reports whether it is worth a try to print.
func (s State) Works() bool { return s == Ready || s == Mute || s == LowPaper }

// Stopped is why a job did not end, and how many of its tickets came out for all that is known.
type Stopped struct {
	State   State
	Printed int
	Err     error // what the system said; nil when the printer said it
}

func (s *Stopped) Error() string {
	text := fmt.Sprintf("printer: %s after %d tickets", s.State, s.Printed)
	if s.Err != nil {
		text += ": " + s.Err.Error()
	}
	return text
}

func (s *Stopped) Unwrap() error { return s.Err }

// Options of New.
type Options struct {
	Address string // absolute path of a device, or host and port
	Cut     bool   // it has a knife
	// Answer is how long an answer may take, Ticket how long a ticket may take to be taken; 0: five and thirty seconds.
	Answer, Ticket time.Duration
}

// Printer is one. Its methods may be called from several goroutines: one prints, the others are told that it is busy. Who prints waits for who
// looks, which is a matter of seconds.
type Printer struct {
	Options
	printing atomic.Bool
	looks    sync.Mutex // one looks at a time
	mu       sync.Mutex // who has the connection
	mute     time.Time  // until when it is not asked, because it has never answered; guarded by mu
}

// muteFor is how long a printer that did not answer is not asked again.
const muteFor = 10 * time.Minute

// New returns a printer that nothing has been asked of.
func New(o Options) *Printer {
	if o.Answer == 0 {
		o.Answer = 5 * time.Second
	}
	if o.Ticket == 0 {
		o.Ticket = 30 * time.Second
	}
	return &Printer{Options: o}
}

// USB reports whether an address is a device of this machine.
func USB(address string) bool { return strings.HasPrefix(address, "/") }

// Print prints tickets as they are made, and returns how many. What stops it is a *Stopped, or the error that a ticket was made with.
func (p *Printer) Print(ctx context.Context, tickets iter.Seq2[image.Image, error]) (printed int, err error) {
	if !p.printing.CompareAndSwap(false, true) {
		return 0, &Stopped{State: Busy}
	}
	defer p.printing.Store(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.open(ctx)
	if err != nil {
		return 0, &Stopped{State: stateOf(err), Err: err}
	}
	defer p.finish(c)
	for img, err := range tickets {
		if err != nil {
			return printed, err
		}
		if s := c.state(); !s.Works() {
			return printed, &Stopped{State: s, Printed: printed}
		}
		if err := c.write(ctx, p.Ticket, func() error { return escpos.Ticket(c, img, p.Cut) }); err != nil {
			if errors.Is(err, escpos.ErrSize) || ctx.Err() != nil {
				return printed, err
			}
			s := c.state() // it took no more: perhaps it says why
			if s.Works() {
				s = Fault
			}
			return printed, &Stopped{State: s, Printed: printed, Err: err}
		}
		printed++
	}
	if s := c.state(); !s.Works() {
		return printed, &Stopped{State: s, Printed: max(printed-1, 0)} // the last one may be half out
	}
	return printed, nil
}

// Look asks how the printer is. While it prints it is Busy.
func (p *Printer) Look(ctx context.Context) State {
	p.looks.Lock()
	defer p.looks.Unlock()
	if p.printing.Load() || !p.mu.TryLock() {
		return Busy
	}
	defer p.mu.Unlock()
	c, err := p.open(ctx)
	if err != nil {
		return stateOf(err)
	}
	defer p.finish(c)
	return c.state()
}

func stateOf(err error) State {
	if errors.Is(err, unix.EBUSY) {
		return Busy
	}
	return Off
}

// wire is what both kinds of printers are reached by.
type wire interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	Close() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// conn is a printer that is open.
type conn struct {
	wire
	answer time.Duration
	mute   bool
	paper  func() bool // false: the system knows that there is no paper; nil: it never knows
}

const dialTime = 5 * time.Second

func (p *Printer) open(ctx context.Context) (*conn, error) {
	c := &conn{answer: p.Answer, mute: time.Now().Before(p.mute)}
	if !USB(p.Address) {
		d := net.Dialer{Timeout: dialTime}
		n, err := d.DialContext(ctx, "tcp", p.Address)
		if err != nil {
			return nil, fmt.Errorf("printer: %w", err)
		}
		c.wire = n
		return c, nil
	}
	fd, err := unix.Open(p.Address, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("printer: open %s: %w", p.Address, err)
	}
	f := os.NewFile(uintptr(fd), p.Address)
	if i, err := f.Stat(); err != nil || i.Mode()&fs.ModeCharDevice == 0 {
		f.Close()
		return nil, fmt.Errorf("printer: %s is not a device", p.Address)
	}
	c.wire, c.paper = f, func() bool { return usbPaper(f) }
	return c, nil
}

// lpGetStatus and lpNoPaper are of linux/lp.h: the printer class's own answer (USB Device Class Definition for Printing Devices, 4.2.2).
const (
	lpGetStatus = 0x060b
	lpNoPaper   = 0x20
)

func usbPaper(f *os.File) bool {
	paper := true
	raw, err := f.SyscallConn()
	if err != nil {
		return true
	}
	_ = raw.Control(func(fd uintptr) {
		if s, err := unix.IoctlGetInt(int(fd), lpGetStatus); err == nil {
			paper = s&lpNoPaper == 0
		}
	})
	return paper
}

// state asks the printer, unless it has shown that it never answers.
func (c *conn) state() State {
	if c.paper != nil && !c.paper() {
		return NoPaper
	}
	if c.mute {
		return Mute
	}
	now := time.Now()
	if c.SetReadDeadline(now.Add(c.answer)) != nil || c.SetWriteDeadline(now.Add(c.answer)) != nil {
		c.mute = true // a device that knows no deadline is not asked: nothing here waits without end
		return Mute
	}
	s, err := escpos.Ask(c)
	switch {
	case err != nil:
		c.mute = true
		return Mute
	case s.Cover:
		return Cover
	case s.NoPaper:
		return NoPaper
	case s.Fault, s.Offline:
		return Fault
	case s.LowPaper:
		return LowPaper
	}
	return Ready
}

// write does something that must be over within a time, or when ctx ends.
func (c *conn) write(ctx context.Context, within time.Duration, do func() error) error {
	if err := c.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return fmt.Errorf("printer: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	return do()
}

// lastWords is how long a printer that never answers may take to close.
const lastWords = time.Second

// finish closes, and remembers whether it answers. A network printer first hears that nothing more comes, and what it still says is read: a connection that is closed with
// something unread is reset, and some printers throw away what they have not printed then.
func (p *Printer) finish(c *conn) {
	last := p.Answer
	if c.mute {
		last = min(last, lastWords)
		if p.mute.IsZero() || time.Now().After(p.mute) {
			p.mute = time.Now().Add(muteFor)
		}
	} else {
		p.mute = time.Time{}
	}
	if t, ok := c.wire.(*net.TCPConn); ok && t.CloseWrite() == nil && t.SetReadDeadline(time.Now().Add(last)) == nil {
		var b [256]byte
		for range 64 {
			if _, err := t.Read(b[:]); err != nil {
				break
			}
		}
	}
	c.Close()
}
