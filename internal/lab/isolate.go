package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The stages of one process image: outside → init (PID 1 of the lab) → inside.
const (
	stageEnv    = "PARVIS_LAB_STAGE"
	stageInit   = "init"
	stageInside = "inside"

	dirEnv = "PARVIS_LAB_DIR"
)

// ErrNotRoot is returned where namespaces cannot be made.
var ErrNotRoot = errors.New("lab: the network lab needs root: it makes network, mount and process namespaces")

// Inside reports whether this process already lives in a lab.
func Inside() bool { return os.Getenv(stageEnv) == stageInside }

// Outside reports whether this process is the one that somebody started: Isolate will raise the lab from it.
func Outside() bool { return os.Getenv(stageEnv) == "" }

// BoxEnv is set for the programs of a lab inside a router in a box (internal/lab/box).
const BoxEnv = "PARVIS_LAB_BOX"

// Emulated is the value of BoxEnv in a machine without hardware acceleration.
const Emulated = "emulated"

// Patient is how long to wait in this lab for what takes at most d on a machine that is no slower than usual.
func Patient(d time.Duration) time.Duration {
	if os.Getenv(BoxEnv) == Emulated {
		return 10 * d
	}
	return d
}

// InBox reports whether this lab is inside a router in a box: there nothing that a router's kernel has is missing, and radios can be made.
func InBox() bool { return os.Getenv(BoxEnv) != "" }

// SharedDir is a folder that the outside and the inside of one lab both see; it goes with the lab. Sockets in it lead through the wall
// between the two networks.
func SharedDir() string { return os.Getenv(dirEnv) }

// Isolate runs this very program again, with the same arguments, inside network, mount, process and IPC namespaces of
// its own, and returns the exit code that it ended with. Inside, it returns entered == true at once and the caller goes
// on; outside, entered is false and the caller exits with code.
//
// The processes of a lab live in one PID namespace: when its first process ends, for whatever reason (kill -9
// included), the kernel ends all others and with them every network namespace, interface, rule and mount.
// That is the whole of the clean-up, and why two labs cannot meet.
//
// The outside process stays in the host's network and is where a port on localhost can be served from; it
// does so in outside, which may be nil and is called once the lab runs.
func Isolate(outside func()) (entered bool, code int, err error) {
	switch os.Getenv(stageEnv) {
	case stageInside:
		return true, 0, nil
	case stageInit:
		code, err = runInit()
		return false, code, err
	}
	if os.Geteuid() != 0 {
		return false, 1, ErrNotRoot
	}
	dir, err := os.MkdirTemp("", "parvis-lab-")
	if err != nil {
		return false, 1, fmt.Errorf("lab: make shared folder: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv(dirEnv, dir); err != nil {
		return false, 1, fmt.Errorf("lab: %w", err)
	}
	cmd := again(stageInit)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC,
		Pdeathsig:  unix.SIGKILL,
	}
	// Pdeathsig follows the thread that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	to := passOn()
	if err := cmd.Start(); err != nil {
		return false, 1, fmt.Errorf("lab: make namespaces: %w", err)
	}
	to(cmd.Process)
	if outside != nil {
		go outside()
	}
	return false, exitCode(cmd.Wait()), nil
}

// passOn makes inside decide what signals mean: this stage only hands them down to its child. From a terminal inside gets them
// twice, from a supervisor through here alone. Ignoring them instead would be inherited by every program of the lab.
func passOn() (to func(*os.Process)) {
	got := make(chan os.Signal, 8)
	signal.Notify(got, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	return func(child *os.Process) {
		go func() {
			for sig := range got {
				child.Signal(sig) // a child that has ended needs none
			}
		}()
	}
}

func again(stage string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), stageEnv+"="+stage)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	default:
		return 1
	}
}

// runInit is PID 1 of the lab: it prepares the mounts, starts the program and reaps what is orphaned.
func runInit() (int, error) {
	mounts := []struct {
		src, dst, fs string
		flags        uintptr
	}{
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE}, // nothing below reaches the host
		{"proc", "/proc", "proc", 0},
		{"sysfs", "/sys", "sysfs", 0}, // this network's interfaces, not the host's
		{"tmpfs", "/run", "tmpfs", 0}, // xtables.lock, netns names, sockets: the lab's own
	}
	for _, m := range mounts {
		if err := unix.Mount(m.src, m.dst, m.fs, m.flags, ""); err != nil {
			return 1, fmt.Errorf("lab: mount %s: %w", m.dst, err)
		}
	}
	if err := os.MkdirAll("/run/netns", 0o755); err != nil {
		return 1, fmt.Errorf("lab: %w", err)
	}
	to := passOn()
	cmd := again(stageInside)
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("lab: start inside: %w", err)
	}
	to(cmd.Process)
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 1, fmt.Errorf("lab: wait: %w", err)
		case pid == cmd.Process.Pid && ws.Exited():
			return ws.ExitStatus(), nil
		case pid == cmd.Process.Pid && ws.Signaled():
			return 128 + int(ws.Signal()), nil
		}
	}
}

// Main serves TestMain: it runs the tests of a package inside a lab and exits with their code.
//
//	func TestMain(m *testing.M) { lab.Main(m.Run) }
//
// Without root the tests run outside and those that need a lab say so by NeedsLab.
func Main(run func() int) {
	entered, code, err := Isolate(nil)
	if errors.Is(err, ErrNotRoot) {
		os.Exit(run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if entered {
		if err := loopbackUp(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		code = run()
	}
	os.Exit(code)
}
