// Command init is the first program of a router in a box (internal/lab/box): it makes the machine usable and lets the lab in,
// by SSH over a virtio serial port. The router's own network stays as it is.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The name of the serial port, and the file of the key that proves the machine to the lab.
const (
	port    = "parvis.lab"
	hostKey = "/etc/lab/host.key"
)

func main() {
	os.Setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") // a kernel gives its first program none
	run := letIn
	if os.Getpid() == 1 {
		run = first
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "init:", err)
		if os.Getpid() == 1 {
			unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
		}
		os.Exit(1)
	}
}

// first is PID 1: mounts, names, then only reaping. What serves the lab is its child, so that nobody waits for another's children.
func first() error {
	mounts := []struct{ fs, at, options string }{
		{"proc", "/proc", ""},
		{"sysfs", "/sys", ""},
		{"devtmpfs", "/dev", ""},
		{"devpts", "/dev/pts", ""},
		{"tmpfs", "/dev/shm", ""},
		{"tmpfs", "/run", "mode=755"},
		{"tmpfs", "/tmp", "mode=1777"},
		{"debugfs", "/sys/kernel/debug", ""},
	}
	for _, m := range mounts {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.fs, m.at, m.fs, 0, m.options); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	for link, to := range map[string]string{"/dev/fd": "/proc/self/fd", "/dev/stdin": "fd/0", "/dev/stdout": "fd/1", "/dev/stderr": "fd/2"} {
		if err := os.Symlink(to, link); err != nil {
			return err
		}
	}
	if err := unix.Sethostname([]byte("box")); err != nil {
		return err
	}
	if out, err := exec.Command("/usr/sbin/modprobe", "-a", "virtio_pci", "virtio_console").CombinedOutput(); err != nil {
		return fmt.Errorf("modprobe: %w: %s", err, out)
	}
	cmd := exec.Command("/init")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("wait: %w", err)
		case pid == cmd.Process.Pid:
			return fmt.Errorf("what lets the lab in ended with %d", ws)
		}
	}
}

// letIn serves one client after the other on the serial port.
func letIn() error {
	key, err := os.ReadFile(hostKey)
	if err != nil {
		return err
	}
	conf, err := serverConfig(key)
	if err != nil {
		return err
	}
	dev, err := find(port)
	if err != nil {
		return err
	}
	// It stays open: a port that is closed is busy for a moment, and machines go on from snapshots.
	line, err := os.OpenFile(dev, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	for {
		// Until somebody is at the other end reading returns nothing, and it does so at once.
		first := make([]byte, 1)
		for {
			n, err := line.Read(first)
			if n > 0 {
				break
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			time.Sleep(20 * time.Millisecond)
		}
		if err := serve(&serial{first: first, file: line}, conf); err != nil && !errors.Is(err, io.EOF) {
			fmt.Fprintln(os.Stderr, "init:", err)
		}
	}
}

// find returns the device of a virtio serial port (virtio-console, "name" in sysfs). It appears after its driver.
func find(name string) (string, error) {
	for range 500 {
		ports, err := filepath.Glob("/sys/class/virtio-ports/*/name")
		if err != nil {
			return "", err
		}
		for _, p := range ports {
			if text, err := os.ReadFile(p); err == nil && strings.TrimSpace(string(text)) == name {
				return "/dev/" + filepath.Base(filepath.Dir(p)), nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "", fmt.Errorf("no virtio serial port is called %s; expected -device virtserialport,name=%[1]s", name)
}
