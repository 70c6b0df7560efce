package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Service is who runs the daemon. Its verbs do nothing where nothing is to do.
type Service interface {
	Stop(context.Context) error  // returns once the daemon is gone
	Start(context.Context) error // what the link current leads to; it need not serve yet
	// Running reports whether the daemon is meant to run, also while it falls and is started again.
	Running(context.Context) (bool, error)
}

// OfThisMachine is the service manager of this machine. Where none runs, as in a system that is being installed, the daemon does not either.
func OfThisMachine() Service {
	if _, err := os.Stat("/run/systemd/system"); err == nil { // sd_booted(3)
		return systemd{"parvis.service"}
	}
	if _, err := os.Stat("/sbin/procd"); err == nil {
		if out, err := os.ReadFile("/proc/1/comm"); err == nil && strings.TrimSpace(string(out)) == "procd" {
			return procd{"/etc/init.d/parvis"}
		}
	}
	return none{}
}

type none struct{}

func (none) Stop(context.Context) error            { return nil }
func (none) Start(context.Context) error           { return nil }
func (none) Running(context.Context) (bool, error) { return false, nil }

type systemd struct{ unit string }

func (s systemd) Stop(ctx context.Context) error { return run(ctx, "systemctl", "stop", s.unit) }

func (s systemd) Start(ctx context.Context) error {
	// One that has fallen too often is not started before it is forgotten that it has (systemctl(1)).
	if err := run(ctx, "systemctl", "reset-failed", s.unit); err != nil {
		return err
	}
	// --no-block: a unit that reports its own start would keep us from judging it.
	return run(ctx, "systemctl", "start", "--no-block", s.unit)
}

func (s systemd) Running(ctx context.Context) (bool, error) {
	out, err := exec.CommandContext(ctx, "systemctl", "show", "--property=ActiveState", "--value", s.unit).Output()
	if err != nil {
		return false, fmt.Errorf("upgrade: systemctl show %s: %w", s.unit, err)
	}
	state := strings.TrimSpace(string(out))
	return state != "inactive" && state != "deactivating", nil
}

type procd struct{ script string }

func (p procd) Stop(ctx context.Context) error {
	if err := run(ctx, p.script, "stop"); err != nil {
		return err
	}
	// procd answers before the daemon has ended.
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if is, err := p.Running(ctx); err != nil || !is {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("upgrade: %s stop: the daemon is still there after a minute", p.script)
}

func (p procd) Start(ctx context.Context) error { return run(ctx, p.script, "start") }

func (p procd) Running(ctx context.Context) (bool, error) {
	err := exec.CommandContext(ctx, p.script, "running").Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("upgrade: %s running: %w", p.script, err)
	}
	return true, nil
}

func run(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("upgrade: %s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Plain runs the daemon without a service manager: for a laboratory.
type Plain struct {
	Current string   // the link
	Args    []string // of the daemon
	Socket  string   // the daemon's; what it runs by is known from it, or from the file PID beside it
}

// gone is how long a daemon may take to end before it is killed.
const gone = 10 * time.Second

// Stop implements Service.
func (p Plain) Stop(context.Context) error { return p.end(unix.SIGTERM, unix.SIGKILL) }

// Kill ends the daemon as a power cut would.
func (p Plain) Kill() error { return p.end(unix.SIGKILL) }

// end sends one signal after the other until the daemon is gone.
func (p Plain) end(signals ...unix.Signal) error {
	pid := p.pid()
	if pid == 0 {
		return nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("upgrade: stop the daemon: %w", err)
	}
	defer unix.Close(fd)
	for _, sig := range signals {
		if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("upgrade: stop the daemon: %w", err)
		}
		n, err := pollUntil(fd, gone)
		if err != nil {
			return fmt.Errorf("upgrade: stop the daemon: %w", err)
		}
		if n > 0 {
			return remove(p.file())
		}
	}
	return fmt.Errorf("upgrade: stop the daemon: process %d does not end", pid)
}

func pollUntil(fd int, d time.Duration) (n int, err error) {
	for {
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(d.Milliseconds()))
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// Start implements Service. The daemon outlives us; what it says goes to a file beside its socket.
func (p Plain) Start(context.Context) error {
	out, err := os.OpenFile(filepath.Join(filepath.Dir(p.Socket), "parvis.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("upgrade: start the daemon: %w", err)
	}
	defer out.Close()
	cmd := exec.Command(p.Current, p.Args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("upgrade: start the daemon: %w", err)
	}
	pid := strconv.Itoa(cmd.Process.Pid)
	go cmd.Wait() //nolint:errcheck // how it ended is seen from outside
	return os.WriteFile(p.file(), []byte(pid), 0o600)
}

// Running implements Service.
func (p Plain) Running(context.Context) (bool, error) {
	pid := p.pid()
	return pid != 0 && unix.Kill(pid, 0) == nil, nil
}

func (p Plain) file() string { return filepath.Join(filepath.Dir(p.Socket), "parvis.pid") }

// pid is that of who listens on the socket, else of whom we started; 0: none.
func (p Plain) pid() int {
	if c, err := net.Dial("unix", p.Socket); err == nil {
		defer c.Close()
		raw, err := c.(*net.UnixConn).SyscallConn()
		if err != nil {
			return 0
		}
		pid := 0
		if err := raw.Control(func(fd uintptr) {
			if who, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
				pid = int(who.Pid)
			}
		}); err != nil {
			return 0
		}
		return pid
	}
	b, err := os.ReadFile(p.file())
	if errors.Is(err, fs.ErrNotExist) || err != nil {
		return 0
	}
	pid, err := strconv.Atoi(string(b))
	if err != nil || pid <= 1 {
		return 0
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || string(line) != strings.Join(append([]string{p.Current}, p.Args...), "\x00")+"\x00" {
		return 0 // another program has that number by now
	}
	return pid
}
