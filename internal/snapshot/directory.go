package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sys/unix"
	"golang.org/x/text/unicode/norm"

	"parvis/internal/durable"
)

// mostInDirectory is how many copies of a place stay in a directory.
const mostInDirectory = 7

// ErrSameDisk: a copy on the router's own disk dies with it. It is also what a USB key that is not there looks like.
var ErrSameDisk = errors.New("snapshot: the directory is on the router's own disk; expected a USB key or a share, mounted there")

// Directory is a place for copies on another disk than state's. Files are named after the place.
func Directory(dir, name, state string) Place {
	prefix := "parvis-" + slug(name) + "-"
	return Place{Name: "directory", Put: func(_ context.Context, made time.Time, b []byte) error {
		if err := otherDisk(dir, state); err != nil {
			return err
		}
		for _, left := range matches(dir, "."+prefix) { // of a copy that a power cut has cut off
			if err := os.Remove(left); err != nil {
				return fmt.Errorf("snapshot: %w", err)
			}
		}
		path := filepath.Join(dir, prefix+made.UTC().Format("20060102-1504")+".age")
		if err := durable.Write(path, b); err != nil {
			return fmt.Errorf("snapshot: %w", err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("snapshot: %w", err)
		}
		if !bytes.Equal(got, b) {
			return fmt.Errorf("snapshot: %s is not what was written there; the disk may be damaged", path)
		}
		all := matches(dir, prefix) // which names sort by time
		for _, old := range all[:max(0, len(all)-mostInDirectory)] {
			if err := os.Remove(old); err != nil {
				return fmt.Errorf("snapshot: %w", err)
			}
		}
		return nil
	}}
}

func otherDisk(dir, state string) error {
	var there, here unix.Stat_t
	if err := unix.Stat(dir, &there); err != nil {
		return fmt.Errorf("snapshot: %w", &os.PathError{Op: "stat", Path: dir, Err: err})
	}
	if err := unix.Stat(state, &here); err != nil {
		return fmt.Errorf("snapshot: %w", &os.PathError{Op: "stat", Path: state, Err: err})
	}
	if there.Dev == here.Dev {
		return ErrSameDisk
	}
	return nil
}

// matches are the files of a directory whose name begins so and goes on as ours do, in order.
func matches(dir, prefix string) (all []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), prefix)
		stamp, _, aged := strings.Cut(rest, ".age")
		if _, err := time.Parse("20060102-1504", stamp); ours && aged && err == nil && e.Type().IsRegular() {
			all = append(all, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(all)
	return all
}

// slug is a place's name as a part of a file's.
func slug(name string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(name)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case !unicode.Is(unicode.Mn, r) && b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	s := strings.Trim(b.String(), "-")
	if len(s) > 40 {
		s = strings.TrimRight(s[:40], "-")
	}
	if s == "" {
		s = "lieu"
	}
	return s
}
