package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/lab"
)

// perDevice is how many connections each device keeps busy. The portal allows a device 32.
const perDevice = 10

// portal measures redirections of probes, and those of a bare net/http handler that gives the same bytes at the same port behind
// the same rules, in turn.
func (r *run) portal(ctx context.Context) (err error) {
	s, err := r.raise(ctx, r.Backend, onDisk, lab.Site{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	most := 0
	for _, c := range r.connections {
		most = max(most, (c+perDevice-1)/perDevice)
	}
	guests, err := s.devices(ctx, most)
	if err != nil {
		return err
	}
	target := netip.AddrPortFrom(s.town.Host("captive.apple.com").V4, 80)
	file := filepath.Join(s.town.Dir, "answer")
	if err := record(ctx, guests[0], target, file); err != nil {
		return err
	}
	for _, c := range r.connections {
		var mine load
		p, err := alternate(r.loads,
			func() (float64, error) {
				l, err := warmPress(ctx, guests, target, c, r.scale.load)
				mine.add(l)
				return l.perSecond(), err
			},
			func() (perSecond float64, err error) {
				if err := s.daemon.Stop(); err != nil {
					return 0, err
				}
				bare, err := s.bare(ctx, guests[0], file)
				if err != nil {
					return 0, err
				}
				l, err := warmPress(ctx, guests, target, c, r.scale.load)
				err = errors.Join(err, bare.Kill())
				if err == nil {
					_, err = s.start(ctx)
				}
				return l.perSecond(), err
			})
		if err != nil {
			return fmt.Errorf("%d connections: %w", c, err)
		}
		r.note(Figure{Name: fmt.Sprintf("portal_302_per_s_%d", c), Unit: "/s", Value: median(p.with), Rounds: len(p.with), Low: percentile(p.with, 0), High: percentile(p.with, 100)})
		r.note(p.figure(fmt.Sprintf("portal_302_ratio_%d", c), "/s"))
		r.value(fmt.Sprintf("portal_302_ms_p99_%d", c), "ms", percentile(mine.waits, 99))
		r.value(fmt.Sprintf("portal_timeouts_%d", c), "of "+fmt.Sprint(len(mine.waits)+mine.late), float64(mine.late))
	}
	return nil
}

// bare starts the bare handler on the router and waits until it answers.
func (s *site) bare(ctx context.Context, g *lab.Guest, file string) (*lab.Process, error) {
	argv := append(append([]string(nil), s.run.Bare...), file)
	cmd, err := s.town.RouterCommand(argv[0], argv[1:]...)
	if err != nil {
		return nil, err
	}
	p, err := s.town.StartRouterProgram(cmd)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if err = s.probe(ctx, g); err == nil {
			return p, nil
		}
		select {
		case <-p.Done():
			return nil, fmt.Errorf("bench: the bare handler has ended: %s", p.Log())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("bench: the bare handler does not answer: %w", err), p.Kill())
		}
	}
}

// record keeps one of the portal's answers in a file.
func record(ctx context.Context, g *lab.Guest, target netip.AddrPort, file string) error {
	c, err := g.Dial(ctx, "tcp4", target.String())
	if err != nil {
		return fmt.Errorf("bench: record: %w", err)
	}
	defer c.Close()
	buf := make([]byte, 8192)
	n, err := exchange(c, buf)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, buf[:n], 0o644); err != nil {
		return fmt.Errorf("bench: record: %w", err)
	}
	return nil
}

// load is what a time of probing gave.
type load struct {
	waits []float64 // milliseconds of each answer
	late  int       // probes without one in 10 s
	took  time.Duration
}

func (l *load) add(m load) {
	l.waits = append(l.waits, m.waits...)
	l.late += m.late
	l.took += m.took
}

func (l load) perSecond() float64 { return float64(len(l.waits)) / l.took.Seconds() }

// warmPress presses a server that has just been started, and counts from when it has answered for a while.
func warmPress(ctx context.Context, guests []*lab.Guest, target netip.AddrPort, n int, d time.Duration) (load, error) {
	if _, err := press(ctx, guests, target, n, d/4); err != nil {
		return load{}, err
	}
	return press(ctx, guests, target, n, d)
}

// press keeps n connections busy for d, perDevice from each device and a new one for each probe, as systems' probes do.
func press(ctx context.Context, guests []*lab.Guest, target netip.AddrPort, n int, d time.Duration) (total load, err error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	begun := time.Now()
	for i := 0; i < n; i += perDevice {
		fds := sockets(ctx, guests[i/perDevice].NS)
		for range min(perDevice, n-i) {
			wg.Go(func() {
				var mine load
				var failed error
				for fd := range fds {
					begun := time.Now()
					err := probe(fd, target)
					if errors.Is(err, os.ErrDeadlineExceeded) {
						mine.late++
						continue
					}
					if failed = err; failed != nil {
						break
					}
					mine.waits = append(mine.waits, float64(time.Since(begun))/float64(time.Millisecond))
				}
				mu.Lock()
				defer mu.Unlock()
				total.add(mine)
				err = errors.Join(err, failed)
			})
		}
	}
	wg.Wait()
	total.took = time.Since(begun)
	return total, err
}

// sockets makes TCP sockets of a machine until ctx ends: one thread in its namespace for all of its connections, which are then
// handled anywhere.
func sockets(ctx context.Context, ns *lab.NS) <-chan int {
	fds := make(chan int)
	go func() {
		defer close(fds)
		ns.Do(func() error {
			for ctx.Err() == nil {
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					return err
				}
				select {
				case fds <- fd:
				case <-ctx.Done():
					unix.Close(fd)
				}
			}
			return nil
		})
	}()
	return fds
}

// probe connects the socket, makes one probe over it and closes it.
func probe(fd int, target netip.AddrPort) error {
	err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(target.Port()), Addr: target.Addr().As4()})
	f := os.NewFile(uintptr(fd), "probe")
	defer f.Close()
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return fmt.Errorf("bench: probe: %w", err)
	}
	if err := f.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return fmt.Errorf("bench: probe: %w", err)
	}
	var buf [4096]byte
	_, err = exchange(f, buf[:])
	return err
}

var request = []byte("GET /hotspot-detect.html HTTP/1.1\r\nHost: captive.apple.com\r\nUser-Agent: CaptiveNetworkSupport wispr\r\nConnection: close\r\n\r\n")

// exchange makes a probe over a connection and reads its answer to the end, into buf.
func exchange(c io.ReadWriter, buf []byte) (n int, err error) {
	if _, err := c.Write(request); err != nil {
		return 0, fmt.Errorf("bench: probe: %w", err)
	}
	for n < len(buf) {
		k, err := c.Read(buf[n:])
		n += k
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return n, fmt.Errorf("bench: probe: %w", err)
		}
	}
	if string(buf[:min(n, 12)]) != "HTTP/1.1 302" {
		return n, fmt.Errorf("bench: a probe was answered by %q", buf[:n])
	}
	return n, nil
}
