package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Stream is a flow of numbered datagrams from a machine to one that sends them back: it shows which were lost, or which passed
// that should not have.
type Stream struct {
	conn *net.UDPConn
	stop chan struct{}
	// written is closed once the last was sent.
	written chan struct{}
	over    sync.WaitGroup

	mu    sync.Mutex
	base  int // numbers below do not count
	sent  int
	bytes uint64 // of payload that was sent
	came  map[int]time.Time
}

// roomy is a socket buffer that holds a second of a stream on a busy machine: what is lost is then lost on the way.
const roomy = 8 << 20

// EchoUDP sends datagrams back from one address of the machine until stop is called.
func (ns *NS) EchoUDP(address string) (stop func(), err error) {
	pc, err := ns.ListenPacket(address)
	if err != nil {
		return nil, fmt.Errorf("lab: echo: %w", err)
	}
	if err := room(pc.(*net.UDPConn)); err != nil {
		return nil, errors.Join(fmt.Errorf("lab: echo: %w", err), pc.Close())
	}
	go func() {
		b := make([]byte, 64<<10)
		for {
			n, from, err := pc.ReadFrom(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				_, _ = pc.WriteTo(b[:n], from) // a client that has gone is no news
			}
		}
	}()
	return func() { pc.Close() }, nil
}

func room(c *net.UDPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, roomy)
	})
	return errors.Join(err, set)
}

// Stream begins one, with a datagram every so often.
func (ns *NS) Stream(address string, every time.Duration) (*Stream, error) {
	c, err := ns.Dial(context.Background(), "udp", address)
	if err != nil {
		return nil, fmt.Errorf("lab: stream: %w", err)
	}
	s := &Stream{conn: c.(*net.UDPConn), stop: make(chan struct{}), written: make(chan struct{}), came: map[int]time.Time{}}
	if err := room(s.conn); err != nil {
		return nil, errors.Join(fmt.Errorf("lab: stream: %w", err), c.Close())
	}
	s.over.Go(s.read)
	s.over.Go(func() { s.write(every) })
	return s, nil
}

func (s *Stream) read() {
	b := make([]byte, 64)
	for {
		n, err := s.conn.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if i, bad := strconv.Atoi(string(b[:n])); err == nil && bad == nil {
			s.mu.Lock()
			s.came[i] = time.Now()
			s.mu.Unlock()
		}
	}
}

func (s *Stream) write(every time.Duration) {
	defer close(s.written)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		if i == 1 {
			s.first()
		}
		s.mu.Lock()
		s.sent = i + 1
		s.mu.Unlock()
		// A refusal of an earlier one is told instead of sending: it is tried again.
		for range 3 {
			n, err := s.conn.Write([]byte(strconv.Itoa(i)))
			if err == nil {
				s.mu.Lock()
				s.bytes += uint64(n)
				s.mu.Unlock()
				break
			}
		}
	}
}

// first gives the first datagram time to make its connection known: where two of one flow meet as new ones on two processors, and
// addresses are translated, the kernel drops the second (nf_ct_resolve_clash).
func (s *Stream) first() {
	for range 50 {
		s.mu.Lock()
		_, is := s.came[0]
		s.mu.Unlock()
		if is {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Begin waits until what is sent from now on comes back. Only that counts.
func (s *Stream) Begin(ctx context.Context) error {
	s.mu.Lock()
	from := s.sent
	s.mu.Unlock()
	for {
		s.mu.Lock()
		for i := from; i < s.sent; i++ {
			if _, is := s.came[i]; is {
				s.base = i
				s.mu.Unlock()
				return nil
			}
		}
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return fmt.Errorf("lab: stream: nothing comes back: %w", ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Sent is how many datagrams, and how many bytes in them, were sent so far.
func (s *Stream) Sent() (datagrams int, bytes uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent, s.bytes
}

// Result is what became of a stream since Begin.
type Result struct {
	Sent, Came int
	// Span is the time between the first and the last that came.
	Span time.Duration
}

// End stops it once nothing is under way any more.
func (s *Stream) End() Result {
	close(s.stop)
	<-s.written
	last, since := -1, time.Now()
	for {
		s.mu.Lock()
		n, all := len(s.came), len(s.came) == s.sent
		s.mu.Unlock()
		if n != last {
			last, since = n, time.Now()
		}
		if all || time.Since(since) > 500*time.Millisecond {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.conn.Close()
	s.over.Wait()
	r := Result{Sent: s.sent - s.base}
	var first, end time.Time
	for i, at := range s.came {
		if i < s.base {
			continue
		}
		r.Came++
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(end) {
			end = at
		}
	}
	r.Span = end.Sub(first)
	return r
}
