package upgrade

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"parvis/internal/durable"
)

// Names in Lib, and of a program in its own directory.
const (
	linkCurrent = "current" // what the service starts
	linkGood    = "good"    // what has proved itself: it judges, and is gone back to
	program     = "parvis"

	previousIn = "previous.json" // the build before the one that was last kept
)

// judgeFile refuses a file that is not what was asked for or cannot run here. It is not run for that.
func judgeFile(w Wanted) (why string, err error) {
	f, err := os.OpenFile(w.File, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return WhyForm, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return WhyForm, err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != w.SHA256 {
		return WhyDigest, fmt.Errorf("%s has the digest %s; expected %s", w.File, got, w.SHA256)
	}
	theirs, err := elf.NewFile(f)
	if err != nil {
		return WhyForm, err
	}
	ours, err := elf.Open("/proc/self/exe")
	if err != nil {
		return WhyArch, err
	}
	defer ours.Close()
	if theirs.Machine != ours.Machine || theirs.Class != ours.Class || theirs.Data != ours.Data {
		return WhyArch, fmt.Errorf("%s is for %v; expected %v", w.File, theirs.Machine, ours.Machine)
	}
	return "", nil
}

// install copies the program to its place, where nobody but root writes, and looks at its digest once more: between judgeFile and now the
// file was in a directory of the daemon's.
func (u *Upgrade) install(w Wanted, to string) (why string, err error) {
	if w.File == to {
		return "", nil
	}
	if err := u.at("install"); err != nil {
		return "", err
	}
	dir := filepath.Dir(to)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	from, err := os.OpenFile(w.File, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return WhyForm, nil
	}
	if err != nil {
		return "", err
	}
	defer from.Close()
	sum := sha256.New()
	part := to + ".part"
	if err := writeFrom(part, io.TeeReader(from, sum), 0o755); errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return WhySpace, nil
	} else if err != nil {
		return "", err
	}
	if err := u.at("installing"); err != nil {
		return "", err
	}
	if hex.EncodeToString(sum.Sum(nil)) != w.SHA256 {
		return WhyDigest, nil
	}
	if err := os.Rename(part, to); err != nil {
		return "", err
	}
	return "", errors.Join(durable.SyncDir(dir), durable.SyncDir(filepath.Dir(dir)), u.at("installed"))
}

// writeFrom makes a file whole and durable; its name is not.
func writeFrom(path string, from io.Reader, mode fs.FileMode) error {
	if err := remove(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|unix.O_NOFOLLOW, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err == nil {
		err = f.Chmod(mode) // whatever the umask
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}

func (u *Upgrade) links(name string) string { return filepath.Join(u.Lib, name) }

// linked is what a link leads to, absolute; "" when there is none.
func (u *Upgrade) linked(name string) string {
	to, err := os.Readlink(u.links(name))
	if err != nil {
		return ""
	}
	if !filepath.IsAbs(to) { // a package's script may have made it
		to = filepath.Join(u.Lib, to)
	}
	return to
}

// link makes a name lead to a program, in one moment.
func (u *Upgrade) link(name, to string) error {
	if u.linked(name) == to {
		return nil
	}
	if err := u.at("link " + name); err != nil {
		return err
	}
	part := u.links("." + name)
	if err := errors.Join(remove(part), os.Symlink(to, part)); err != nil {
		return err
	}
	if err := os.Rename(part, u.links(name)); err != nil {
		return err
	}
	return errors.Join(durable.SyncDir(u.Lib), u.at("linked "+name))
}

// previous is the build before the one that was last kept; zero: none.
func (u *Upgrade) previous() (b build) {
	if _, err := load(u.kept(previousIn), &b); err != nil {
		u.Log.Warn("upgrade: the version before is not known", "error", err)
	}
	return b
}

// Previous is the version, and its program, that a site can go back to by hand; "" none.
func Previous(state string) (version, program string) {
	var b build
	if is, err := load(filepath.Join(state, keepDir, previousIn), &b); err != nil || !is {
		return "", ""
	}
	return b.Version, b.Program
}

// prune removes the programs that nobody goes back to. What cannot be removed is tried again after the next upgrade.
func (u *Upgrade) prune(stay ...string) {
	all, err := filepath.Glob(u.kept("*/" + program))
	if err != nil {
		return
	}
	for _, p := range all {
		keep := false
		for _, s := range stay {
			keep = keep || s == p
		}
		if !keep {
			if err := os.RemoveAll(filepath.Dir(p)); err != nil {
				u.Log.Warn("upgrade: an old version is not removed", "error", err)
			}
		}
	}
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
