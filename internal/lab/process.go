package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a long-running program of one machine, with the end of what it printed.
type Process struct {
	Name string
	cmd  *exec.Cmd
	log  *tail
	done chan struct{}
	err  error // how it ended; valid once done is closed
}

// Spawn starts cmd as a program of the machine, in a process group of its own: Ctrl-C in a terminal reaches the lab, not
// its programs. Outputs that cmd does not set are kept in the log.
func (ns *NS) Spawn(cmd *exec.Cmd) (*Process, error) { return spawn(cmd, ns.Name, ns.Start) }

// Spawn starts cmd in the same way where this process is itself, in the lab or not.
func Spawn(cmd *exec.Cmd) (*Process, error) { return spawn(cmd, "here", (*exec.Cmd).Start) }

func spawn(cmd *exec.Cmd, where string, start func(*exec.Cmd) error) (*Process, error) {
	p := &Process{Name: where + ":" + cmd.Args[0], cmd: cmd, log: &tail{max: 64 << 10}, done: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = p.log
	}
	if cmd.Stderr == nil {
		cmd.Stderr = p.log
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 2 * time.Second // a grandchild that keeps the outputs open must not hold Wait for ever
	if err := start(cmd); err != nil {
		return nil, fmt.Errorf("lab: start %s: %w", p.Name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Log returns the last 64 KiB that the program printed.
func (p *Process) Log() string { return p.log.String() }

// PID is the program's process id as the lab sees it.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Signal sends a signal to the program alone.
func (p *Process) Signal(sig unix.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("lab: signal %s: %w", p.Name, err)
	}
	return nil
}

// Kill ends the program and all that it started, as a power cut would, and waits until they are gone.
func (p *Process) Kill() error {
	if err := unix.Kill(-p.PID(), unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("lab: kill %s: %w", p.Name, err)
	}
	<-p.done
	return nil
}

// Stop asks the program to end (SIGTERM), and kills it when it has not within 5 s. It returns how it ended.
func (p *Process) Stop() error {
	select {
	case <-p.done:
		return p.err
	default:
	}
	if err := p.Signal(unix.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(5 * time.Second):
		return errors.Join(fmt.Errorf("lab: stop %s: still there after 5 s: killed\n%s", p.Name, p.Log()), p.Kill())
	}
}

// Wait returns how the program ended, with its log when that was not well.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		return fmt.Errorf("lab: wait for %s: %w\n%s", p.Name, ctx.Err(), p.Log())
	}
	if p.err != nil {
		return fmt.Errorf("lab: %s: %w\n%s", p.Name, p.err, p.Log())
	}
	return nil
}

// WaitReady waits until somebody listens on a unix socket.
func (p *Process) WaitReady(ctx context.Context, socket string) error {
	return p.until(ctx, "listen on "+socket, func(ctx context.Context) error {
		c, err := new(net.Dialer).DialContext(ctx, "unix", socket)
		if err == nil {
			c.Close()
		}
		return err
	})
}

// WaitPort waits until somebody listens on a TCP port of a machine.
func (p *Process) WaitPort(ctx context.Context, ns *NS, address string) error {
	return p.until(ctx, "listen on "+address, func(ctx context.Context) error {
		c, err := ns.Dial(ctx, "tcp", address)
		if err == nil {
			c.Close()
		}
		return err
	})
}

// until tries every 20 ms until try succeeds; it fails when the program ends or ctx does.
func (p *Process) until(ctx context.Context, what string, try func(context.Context) error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("lab: %s ended (%v) and does not %s\n%s", p.Name, p.err, what, p.Log())
		case <-ctx.Done():
			return fmt.Errorf("lab: %s does not %s: %w (last: %v)\n%s", p.Name, what, ctx.Err(), err, p.Log())
		case <-tick.C:
		}
	}
}

// tail keeps the last max bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
	max int
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.max; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}

// lines calls each with every complete line that is written to it.
type lines struct {
	each func(line string)
	rest []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.each(string(line))
		l.rest = append(l.rest[:0], rest...)
	}
}
