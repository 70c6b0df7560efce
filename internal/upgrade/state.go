package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"parvis/internal/database"
	"parvis/internal/durable"
)

// Copies of the state, below versions; and the list of what happened during a trial, which the daemon writes.
const (
	beforeIn = "before" // as the old version left it
	afterIn  = "after"  // as the new one did, before it was gone back from
	// ListIn is the name of that list in Dir.
	ListIn = "meanwhile"
)

// belongs reports whether a file of the state directory is copied and put back: the databases with their logs, and the small files that a
// daemon keeps beside them. Leases are dnsmasq's, which runs on.
func belongs(name string) bool {
	for _, end := range []string{".db", ".db-wal", ".json"} {
		if strings.HasSuffix(name, end) && !strings.HasPrefix(name, ".") {
			return true
		}
	}
	return false
}

func listed(dir string) (names []string, err error) {
	all, err := os.ReadDir(dir)
	for _, e := range all {
		if e.Type().IsRegular() && belongs(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func (u *Upgrade) sizeOfState() (n int64, err error) {
	names, err := listed(u.State)
	for _, name := range names {
		if info, statErr := os.Stat(filepath.Join(u.State, name)); statErr == nil { // a log may be gone by now
			n += info.Size()
		}
	}
	return n, err
}

// copyState copies the state, as nobody writes it, to a directory of versions: whole or not at all.
func (u *Upgrade) copyState(name string) error {
	part := u.kept(name + ".part")
	if err := errors.Join(os.RemoveAll(part), os.Mkdir(part, 0o700)); err != nil {
		return err
	}
	names, err := listed(u.State)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := u.at("copy"); err != nil {
			return err
		}
		if err := copyFile(filepath.Join(u.State, n), filepath.Join(part, n)); err != nil {
			return err
		}
	}
	if err := durable.SyncDir(part); err != nil {
		return err
	}
	if err := u.at("copied"); err != nil {
		return err
	}
	if err := os.RemoveAll(u.kept(name)); err != nil {
		return err
	}
	if err := u.at("made room"); err != nil {
		return err
	}
	if err := os.Rename(part, u.kept(name)); err != nil {
		return err
	}
	return durable.SyncDir(u.kept(""))
}

// restore makes the state what it was when it was copied. It may be done again after any part of it; the copy stays.
func (u *Upgrade) restore() error {
	if _, err := os.Stat(u.kept(afterIn)); errors.Is(err, fs.ErrNotExist) {
		if err := u.copyState(afterIn); errors.Is(err, unix.ENOSPC) {
			u.Log.Warn("upgrade: no room to set aside what the new version has left", "error", err)
			if err := os.RemoveAll(u.kept(afterIn + ".part")); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
	}
	there, err := listed(u.kept(beforeIn))
	if err != nil {
		return err
	}
	held := map[string]bool{}
	for _, n := range there {
		held[n] = true
	}
	now, err := os.ReadDir(u.State)
	if err != nil {
		return err
	}
	// A log beside another database would be wrong: logs go first, and what the old version does not know goes too.
	for _, e := range now {
		n := e.Name()
		if log := strings.HasSuffix(n, ".db-wal") || strings.HasSuffix(n, ".db-shm"); !log && (held[n] || !belongs(n)) {
			continue
		}
		if err := u.at("clear"); err != nil {
			return err
		}
		if err := remove(filepath.Join(u.State, n)); err != nil {
			return err
		}
	}
	for _, n := range there {
		if err := u.at("restore"); err != nil {
			return err
		}
		part := filepath.Join(u.State, "."+n+".part")
		if err := copyFile(filepath.Join(u.kept(beforeIn), n), part); err != nil {
			return err
		}
		if err := os.Rename(part, filepath.Join(u.State, n)); err != nil {
			return err
		}
	}
	return errors.Join(durable.SyncDir(u.State), u.at("restored"))
}

// copyFile makes the same file of the same owner, durably; its name is not.
func copyFile(from, to string) error {
	f, err := os.OpenFile(from, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	if err := writeFrom(to, f, fs.FileMode(st.Mode&0o777)); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Lchown(to, int(st.Uid), int(st.Gid))
}

// sameState reports whether today's databases have the form of those that were copied: the old version reads them.
func (u *Upgrade) sameState(ctx context.Context) (bool, error) {
	names, err := listed(u.State)
	if err != nil {
		return false, err
	}
	for _, n := range names {
		if filepath.Ext(n) != ".db" {
			continue
		}
		was, err := database.Version(ctx, filepath.Join(u.kept(beforeIn), n))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the old version began without it
		}
		if err != nil {
			return false, err
		}
		is, err := database.Version(ctx, filepath.Join(u.State, n))
		if err != nil || is != was {
			return false, err
		}
	}
	return true, nil
}
