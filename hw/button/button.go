// Package button listens to buttons of the box, and of what is plugged into it, through the kernel's input devices
// (Documentation/input/input.rst, event codes in linux/input-event-codes.h).
//
// A press is told when it ends, by the kernel's own times: one of less than 2 s is short, one of 2 to 20 s long, and what is held down for
// longer is something that lies on the button and no press. Bouncing contacts are the drivers' to smooth (gpio-keys' debounce-interval); what
// is left of it, presses of less than 20 ms, is passed over.
package button

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"parvis/hw"
	"parvis/internal/clock"
)

// Press is one press of a key.
type Press struct {
	Key  Key
	Long bool
}

// Options of Run.
type Options struct {
	Root   hw.Root
	Device string // name of the input device, as the kernel has it; "" any device that has one of the keys
	Keys   []Key
	Clock  clock.Clock
	Log    *slog.Logger
	// Pressed is told of each press, one after the other. It may take its time: presses meanwhile are told after it, and those that
	// come while sixteen wait are lost.
	Pressed func(context.Context, Press)
}

const (
	lookEvery = 2 * time.Second // for devices that are plugged in
	mostWait  = 16              // presses
)

// Run listens until ctx ends. Devices may come and go.
func Run(ctx context.Context, o Options) error {
	return run(ctx, o, openDevice)
}

// device is an input device.
type device interface {
	io.ReadCloser
	about() (name string, has func(Key) bool, err error)
}

func run(ctx context.Context, o Options, open func(path string) (device, error)) error {
	presses := make(chan Press, mostWait)
	l := listener{Options: o, open: open, known: map[string]seen{}, presses: presses}
	var all sync.WaitGroup
	all.Go(func() {
		for p := range presses {
			if ctx.Err() == nil {
				o.Pressed(ctx, p)
			}
		}
	})
	for {
		l.look(ctx)
		due, stop := o.Clock.At(o.Clock.Boot().Add(lookEvery))
		select {
		case <-due:
			continue
		case <-ctx.Done():
		}
		stop()
		l.reading.Wait()
		close(presses)
		all.Wait()
		return nil
	}
}

// listener keeps the devices that are listened to.
type listener struct {
	Options
	open    func(path string) (device, error)
	known   map[string]seen // by path
	presses chan Press
	reading sync.WaitGroup
}

// seen is a device file that was looked at; another device under its path has another inode.
type seen struct{ inode uint64 }

// look listens to devices that are new.
func (l *listener) look(ctx context.Context) {
	paths, err := filepath.Glob(filepath.Join(string(l.Root), "dev/input/event*"))
	if err != nil {
		panic("button: look: " + err.Error()) // the pattern is ours
	}
	for path := range l.known {
		if !slices.Contains(paths, path) {
			delete(l.known, path)
		}
	}
	for _, path := range paths {
		now, err := inode(path)
		if was, known := l.known[path]; err != nil || known && was == now {
			continue
		}
		l.known[path] = now
		if err := l.take(ctx, path); err != nil {
			l.Log.Warn("button: an input device cannot be listened to", "device", filepath.Base(path), "error", err)
		}
	}
}

func inode(path string) (seen, error) {
	info, err := os.Stat(path)
	if err != nil {
		return seen{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return seen{}, fs.ErrInvalid
	}
	return seen{inode: st.Ino}, nil
}

// take listens to a device that has one of our keys.
func (l *listener) take(ctx context.Context, path string) error {
	d, err := l.open(path)
	if err != nil {
		return err
	}
	name, has, err := d.about()
	if err != nil || l.Device != "" && name != l.Device || !slices.ContainsFunc(l.Keys, has) {
		return errors.Join(err, d.Close())
	}
	l.Log.Info("button: listening", "name", name)
	closed := context.AfterFunc(ctx, func() { d.Close() })
	l.reading.Go(func() {
		defer d.Close()
		defer closed()
		err := l.listen(d)
		if ctx.Err() == nil {
			l.Log.Info("button: no longer listening", "name", name, "cause", err)
		}
	})
	return nil
}

// listen tells the presses of a device until it is gone. The kernel gives whole events.
func (l *listener) listen(d device) error {
	w := watch{down: map[Key]time.Duration{}}
	buf := make([]byte, 64*eventSize)
	for {
		n, err := d.Read(buf)
		for _, e := range decode(buf[:n], eventSize) {
			p, ok := w.event(e)
			if !ok || !slices.Contains(l.Keys, p.Key) {
				continue
			}
			select {
			case l.presses <- p:
			default:
				l.Log.Warn("button: too many presses wait, one is lost")
			}
		}
		if err != nil {
			return fmt.Errorf("button: read: %w", err)
		}
	}
}
