package button

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ioctls of linux/input.h, as every architecture but MIPS, PowerPC, Alpha and SPARC numbers them.
func ioctlOf(dir, nr, size uintptr) uintptr { return dir<<30 | size<<16 | 'E'<<8 | nr }

const (
	writes, reads = 1, 2
	nrName        = 0x06         // EVIOCGNAME
	nrKeys        = 0x20 + evKey // EVIOCGBIT(EV_KEY)
	nrClock       = 0xa0         // EVIOCSCLOCKID
)

// evdev is a device of the kernel.
type evdev struct{ *os.File }

// openDevice opens one for reading that can be ended by Close: it is polled.
func openDevice(path string) (device, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("button: open %s: %w", path, err)
	}
	return evdev{os.NewFile(uintptr(fd), path)}, nil
}

// about asks the device's name and keys, and for times that no setting of the clock moves.
func (d evdev) about() (name string, has func(Key) bool, err error) {
	raw, err := d.SyscallConn()
	if err != nil {
		return "", nil, err
	}
	var (
		text  [256]byte
		bits  [mostKey/8 + 1]byte
		clock = int32(unix.CLOCK_MONOTONIC)
	)
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = errors.Join(
			ioctl(fd, ioctlOf(reads, nrName, uintptr(len(text))), unsafe.Pointer(&text[0])),
			ioctl(fd, ioctlOf(reads, nrKeys, uintptr(len(bits))), unsafe.Pointer(&bits[0])),
			ioctl(fd, ioctlOf(writes, nrClock, unsafe.Sizeof(clock)), unsafe.Pointer(&clock)),
		)
	})
	if err = errors.Join(err, failed); err != nil {
		return "", nil, fmt.Errorf("button: ask %s: %w", d.Name(), err)
	}
	before, _, _ := bytes.Cut(text[:], []byte{0})
	return string(before), func(k Key) bool { return k <= mostKey && bits[k/8]&(1<<(k%8)) != 0 }, nil
}

func ioctl(fd, request uintptr, at unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(at)); errno != 0 {
		return errno
	}
	return nil
}
