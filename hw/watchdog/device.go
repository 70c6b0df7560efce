package watchdog

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// timer is a watchdog of the kernel. It runs from the moment in which it is opened.
type timer struct {
	file *os.File
	of   time.Duration
}

// openDevice opens a timer and gives it its timeout. One that takes no timeout keeps its own.
func openDevice(path string, timeout time.Duration) (device, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("watchdog: %w", err)
	}
	t := &timer{file: f, of: timeout}
	fd := int(f.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.WDIOC_SETTIMEOUT, int(timeout/time.Second)); err != nil &&
		!errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTTY) {
		return nil, errors.Join(fmt.Errorf("watchdog: %s: WDIOC_SETTIMEOUT %v: %w", path, timeout, err), t.disarm())
	}
	own, err := unix.IoctlGetInt(fd, unix.WDIOC_GETTIMEOUT)
	if err != nil || own < 1 {
		return nil, errors.Join(fmt.Errorf("watchdog: %s: WDIOC_GETTIMEOUT says %d s: %w", path, own, err), t.disarm())
	}
	t.of = time.Duration(own) * time.Second
	return t, nil
}

func (t *timer) timeout() time.Duration { return t.of }

func (t *timer) feed() error {
	if err := unix.IoctlWatchdogKeepalive(int(t.file.Fd())); err != nil {
		return fmt.Errorf("watchdog: %s: WDIOC_KEEPALIVE: %w", t.file.Name(), err)
	}
	return nil
}

// disarm closes it the magic way: a V before the close says that this is no crash. A kernel built to have no way out (nowayout) goes on
// counting all the same, and the next daemon must come within the timeout.
func (t *timer) disarm() error {
	_, err := t.file.WriteString("V")
	if err = errors.Join(err, t.file.Close()); err != nil {
		return fmt.Errorf("watchdog: stop the timer: %w", err)
	}
	return nil
}
