package box

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cavaliergopher/cpio"
)

// Debian's folders of libraries, in the order of its linker (ld.so(8)).
var libraryFolders = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"}

// Image collects the files of a machine's memory disk. Paths in it are as after Debian's merger of /usr.
type Image struct {
	files map[string]entry
	err   error // the first thing that could not be added
}

type entry struct {
	mode fs.FileMode
	from string // file of this machine; "" when data is all
	data []byte // content, or where a link leads
}

// NewImage is an image with empty folders alone.
func NewImage() *Image {
	m := &Image{files: map[string]entry{}}
	for _, d := range []string{"proc", "sys", "dev", "run", "tmp", "etc", "root", "var/lib", "var/log", "mnt", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"} {
		m.folder(d)
	}
	for link, to := range map[string]string{"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64", "var/run": "/run"} {
		m.files[link] = entry{mode: fs.ModeSymlink | 0o777, data: []byte(to)}
	}
	return m
}

func (m *Image) folder(name string) {
	for ; name != "." && name != "/"; name = path.Dir(name) {
		if _, there := m.files[name]; there {
			return
		}
		m.files[name] = entry{mode: fs.ModeDir | 0o755}
	}
}

// inside is the name in the image of an absolute path of a Debian machine.
func inside(file string) string {
	name := strings.TrimPrefix(path.Clean(file), "/")
	for _, merged := range []string{"bin", "sbin", "lib64", "lib"} {
		if strings.HasPrefix(name, merged+"/") {
			return "usr/" + name
		}
	}
	return name
}

func (m *Image) add(file string, e entry) {
	name := inside(file)
	m.folder(path.Dir(name))
	m.files[name] = e
}

// Text adds a file of the content given.
func (m *Image) Text(file string, mode fs.FileMode, content string) {
	m.add(file, entry{mode: mode, data: []byte(content)})
}

// Link adds a symbolic link.
func (m *Image) Link(file, to string) {
	m.add(file, entry{mode: fs.ModeSymlink | 0o777, data: []byte(to)})
}

// File adds a file of this machine under another path, with the libraries that it needs when it is a program.
func (m *Image) File(file, from string) {
	info, err := os.Stat(from)
	if err != nil {
		m.fail(err)
		return
	}
	m.add(file, entry{mode: info.Mode().Perm(), from: from})
	m.libraries(from)
}

// Tree adds a folder of this machine as it is, under the same path.
func (m *Image) Tree(dir string) { m.TreeAt(dir, dir) }

// TreeAt adds a folder of this machine under another path.
func (m *Image) TreeAt(at, dir string) {
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := at + strings.TrimPrefix(file, dir)
		switch {
		case d.Type().IsRegular():
			m.File(to, file)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(file)
			if err != nil {
				return err
			}
			m.Link(to, target)
		}
		return nil
	})
	if err != nil {
		m.fail(err)
	}
}

// Programs adds programs of this machine where they are found, each link on the way, and the libraries that they need.
func (m *Image) Programs(names ...string) {
	for _, name := range names {
		file, err := exec.LookPath(name)
		if err != nil {
			m.fail(err)
			continue
		}
		for {
			to, err := os.Readlink(file)
			if err != nil {
				m.File(file, file)
				break
			}
			m.Link(file, to)
			if !path.IsAbs(to) {
				to = path.Join(path.Dir(file), to)
			}
			file = to
		}
	}
}

func (m *Image) fail(err error) { m.err = errors.Join(m.err, fmt.Errorf("box: image: %w", err)) }

// libraries adds what a program names as its interpreter and its libraries, and what those name. A file of another kind has none.
func (m *Image) libraries(file string) {
	f, err := elf.Open(file)
	if err != nil {
		var other *elf.FormatError
		if !errors.As(err, &other) && !errors.Is(err, io.EOF) {
			m.fail(err)
		}
		return
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			text, err := io.ReadAll(p.Open())
			if err != nil {
				m.fail(err)
				return
			}
			m.library(string(bytes.TrimRight(text, "\x00")))
		}
	}
	names, err := f.ImportedLibraries()
	if err != nil {
		m.fail(err)
		return
	}
	for _, name := range names {
		i := slices.IndexFunc(libraryFolders, func(d string) bool {
			_, err := os.Stat(path.Join(d, name))
			return err == nil
		})
		if i < 0 {
			m.fail(fmt.Errorf("%s needs %s, which is in none of %v", file, name, libraryFolders))
			continue
		}
		m.library(path.Join(libraryFolders[i], name))
	}
}

func (m *Image) library(file string) {
	if _, there := m.files[inside(file)]; !there {
		m.File(file, file) // what a link leads to, under the name that was asked for
	}
}

// Modules adds kernel modules; see Kernel.files.
func (m *Image) Modules(k *Kernel, names ...string) {
	files, err := k.files(names...)
	if err != nil {
		m.fail(err)
		return
	}
	dir := "/lib/modules/" + k.Version
	for file := range files {
		m.add(path.Join(dir, file), entry{mode: 0o644, from: filepath.Join(k.modules, file)})
	}
	lists, err := filepath.Glob(filepath.Join(k.modules, "modules.*"))
	if err != nil {
		m.fail(err)
	}
	for _, l := range lists {
		m.add(path.Join(dir, filepath.Base(l)), entry{mode: 0o644, from: l})
	}
}

// Write writes the image as the kernel reads it: a cpio archive (initramfs, "newc"), not compressed, since unpacking takes an emulated
// machine longer than reading.
func (m *Image) Write(file string) error {
	if m.err != nil {
		return m.err
	}
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("box: write image: %w", err)
	}
	defer out.Close()
	w := cpio.NewWriter(out)
	for _, name := range slices.Sorted(maps.Keys(m.files)) { // a folder comes before what is in it
		if err := m.files[name].write(w, name); err != nil {
			return fmt.Errorf("box: write image: %s: %w", name, err)
		}
	}
	if err := errors.Join(w.Close(), out.Close()); err != nil {
		return fmt.Errorf("box: write image: %w", err)
	}
	return nil
}

func (e entry) write(w *cpio.Writer, name string) error {
	h := &cpio.Header{Name: name, Mode: cpio.FileMode(e.mode.Perm()), Size: int64(len(e.data)), Links: 1}
	var content io.Reader = bytes.NewReader(e.data)
	switch {
	case e.mode.IsDir():
		h.Mode |= cpio.TypeDir
	case e.mode&fs.ModeSymlink != 0:
		h.Mode |= cpio.TypeSymlink // its content is where it leads
	default:
		h.Mode |= cpio.TypeReg
	}
	if e.from != "" {
		f, err := os.Open(e.from)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		content, h.Size = f, info.Size()
	}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(w, content)
	return err
}
