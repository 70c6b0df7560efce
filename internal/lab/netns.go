package lab

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"

	nl "github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// NS is one network namespace of the lab: a machine of the town.
type NS struct {
	Name string
	// Resolv is the machine's own /etc/resolv.conf; "" leaves the lab's.
	Resolv string

	mu     sync.RWMutex // held while the handle is used: a closed one's number may soon be another file's
	handle netns.NsHandle
}

// NewNS makes a namespace with its loopback up. `ip netns exec NAME` finds it from inside the lab.
func NewNS(name string) (*NS, error) {
	ns := &NS{Name: name}
	err := onOwnThread(func() (err error) {
		ns.handle, err = netns.NewNamed(name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lab: make namespace %s: %w", name, err)
	}
	return ns, ns.Do(loopbackUp)
}

// Close forgets the namespace; the kernel removes it with its last process.
func (ns *NS) Close() error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.handle.Close() // Do refuses from here on
	return netns.DeleteNamed(ns.Name)
}

// Do calls f on a thread that is in the namespace. Sockets made in f stay in it afterwards; f must not start goroutines
// that make others (give net.Dial an address, not a name).
func (ns *NS) Do(f func() error) error {
	return onOwnThread(func() error {
		if err := ns.enter(); err != nil {
			return fmt.Errorf("lab: enter %s: %w", ns.Name, err)
		}
		return f()
	})
}

func (ns *NS) enter() error {
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	if !ns.handle.IsOpen() {
		return os.ErrClosed
	}
	return netns.Set(ns.handle)
}

// Start starts cmd as a program of that machine: its network, its /sys, its resolv.conf.
func (ns *NS) Start(cmd *exec.Cmd) error {
	return ns.Do(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("lab: %s: unshare mounts: %w", ns.Name, err)
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return fmt.Errorf("lab: %s: make mounts private: %w", ns.Name, err)
		}
		if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
			return fmt.Errorf("lab: %s: mount /sys: %w", ns.Name, err)
		}
		if ns.Resolv != "" {
			if err := unix.Mount(ns.Resolv, "/etc/resolv.conf", "", unix.MS_BIND, ""); err != nil {
				return fmt.Errorf("lab: %s: bind resolv.conf: %w", ns.Name, err)
			}
		}
		return cmd.Start()
	})
}

// Run starts cmd there and waits for its end.
func (ns *NS) Run(cmd *exec.Cmd) error {
	if err := ns.Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

// onOwnThread runs f on a thread that ends with it, so that nothing f did to its namespaces is seen elsewhere.
func onOwnThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- f()
	}()
	return <-done
}

func loopbackUp() error {
	lo, err := nl.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("lab: find lo: %w", err)
	}
	return nl.LinkSetUp(lo)
}

// NeedsLab ends a test that needs the kernel where there is no lab: skipped for a developer without root, failed in CI.
func NeedsLab(t testing.TB) {
	t.Helper()
	if Inside() {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("this test needs the network lab (root), and CI must not skip it")
	}
	t.Skip("needs the network lab: run as root")
}
