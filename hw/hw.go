// Package hw is the box that Parvis runs on: what the kernel says of the board, its temperatures, its flash and its clock. What acts on
// the box is below it: led, button, watchdog, printer and the printers' language, escpos.
//
// Everything is read below one root (/ on a router, a directory in tests), each time anew, and nothing of it is remembered here. Of what a
// box has not, ErrAbsent is said: it is a line in `parvis status` and never a fault. What is there and cannot be read is another error.
//
// The files are the kernel's (Documentation/ABI/stable and testing: sysfs-class-thermal, sysfs-class-hwmon, sysfs-class-ubi,
// sysfs-class-rtc; Documentation/driver-api/mmc/mmc-dev-attrs.rst) and OpenWrt's /tmp/sysinfo.
package hw

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrAbsent says that this box has no such thing, which is no fault.
var ErrAbsent = errors.New("hw: absent here")

// Root is the directory that /sys, /proc and /tmp are below: "/".
type Root string

// mostText is how much of a file of the kernel is read, in bytes: one page is what sysfs gives.
const mostText = 4096

// text reads a small file without the blanks and zero bytes around it. What is not there, and a sensor that is switched off, are ErrAbsent.
func (r Root) text(path string) (string, error) {
	f, err := os.Open(filepath.Join(string(r), path))
	if err == nil {
		defer f.Close()
		var b []byte
		if b, err = io.ReadAll(io.LimitReader(f, mostText)); err == nil {
			return strings.Trim(string(b), "\x00 \t\r\n"), nil
		}
	}
	for _, absent := range []error{fs.ErrNotExist, unix.ENODEV, unix.ENXIO, unix.ENODATA, unix.EAGAIN, unix.ENOTDIR} {
		if errors.Is(err, absent) {
			return "", fmt.Errorf("%w: %s", ErrAbsent, path)
		}
	}
	return "", fmt.Errorf("hw: read %s: %w", path, err)
}

// number reads a file of one whole number, decimal or with 0x.
func (r Root) number(path string) (int64, error) {
	s, err := r.text(path)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil {
		return 0, fmt.Errorf("hw: read %s: %q; expected a whole number", path, s)
	}
	return n, nil
}

// list names what matches a pattern, below the root, in order.
func (r Root) list(pattern string) (found []string) {
	all, err := filepath.Glob(filepath.Join(string(r), pattern))
	if err != nil {
		panic("hw: list: " + err.Error()) // the patterns are ours
	}
	for _, path := range all {
		if rel, err := filepath.Rel(string(r), path); err == nil {
			found = append(found, rel)
		}
	}
	slices.SortFunc(found, byNumber)
	return found
}

// byNumber sorts zone2 before zone10.
func byNumber(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// plain keeps what a name may have on its way to terminals, labels of metrics and the hub: no name has more than 64 bytes.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', strings.ContainsRune(" .,:;/()+_-", r):
			return r
		}
		return -1
	}, s)
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[:min(len(s), 64)])
}
