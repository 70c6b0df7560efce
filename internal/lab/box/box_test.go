package box_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cavaliergopher/cpio"
	"golang.org/x/crypto/ssh"

	"parvis/internal/lab"
	"parvis/internal/lab/box"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

// patience is for a machine without hardware acceleration on one that is busy.
const patience = 5 * time.Minute

type made struct {
	kernel *box.Kernel
	file   string
	key    ssh.PublicKey
}

// image makes the smallest machine once.
var image = sync.OnceValues(func() (made, error) {
	k, err := box.FindKernel()
	if err != nil {
		return made{}, err
	}
	m := box.NewImage()
	key, err := m.Enter(context.Background(), k, lab.SharedDir())
	if err != nil {
		return made{}, err
	}
	m.Modules(k, "kernel/drivers/block/virtio_blk.ko", "kernel/fs/ext4")
	file := filepath.Join(lab.SharedDir(), "image")
	return made{k, file, key}, m.Write(file)
})

func start(t *testing.T, o box.Options) *box.Box {
	t.Helper()
	lab.NeedsLab(t)
	m, err := image()
	if err != nil {
		t.Fatal(err)
	}
	o.Kernel, o.Image, o.Key = m.kernel, m.file, m.key
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "box")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begun := time.Now()
	b, err := box.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("switched on in %v", time.Since(begun).Round(10*time.Millisecond))
	t.Cleanup(func() {
		if err := b.Kill(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// One machine for all of it: an emulated one takes its time to start.
func TestAMachine(t *testing.T) {
	disk := filepath.Join(t.TempDir(), "disk")
	if err := errors.Join(os.WriteFile(disk, nil, 0o600), os.Truncate(disk, 8<<20)); err != nil {
		t.Fatal(err)
	}
	b := start(t, box.Options{})
	t.Run("runs Debian's kernel", func(t *testing.T) {
		out, err := b.Output(t.Context(), "uname", "-r")
		if err != nil || !strings.Contains(out, "-amd64") {
			t.Errorf("%q, %v", out, err)
		}
	})
	t.Run("gives a program its words as they are, and its environment", func(t *testing.T) {
		var out strings.Builder
		err := b.Run(t.Context(), box.Command{
			Args: []string{"sh", "-c", `printf '%s|' "$V" "$@"`, "sh", "a b", "", "$(reboot)", "é\n"}, Env: map[string]string{"V": "x y"}, Stdout: &out,
		})
		if want := "x y|a b||$(reboot)|é\n|"; err != nil || out.String() != want {
			t.Errorf("%q, %v; expected %q", &out, err, want)
		}
	})
	t.Run("says how a program ended", func(t *testing.T) {
		for _, c := range []struct{ script, want string }{{"exit 7", "ended with 7"}, {"kill -9 $$", "ended with 137"}} {
			if out, err := b.Output(t.Context(), "sh", "-c", c.script); !errors.Is(err, box.ErrExit) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %q, %v", c.script, out, err)
			}
		}
		if out, err := b.Output(t.Context(), "no-such-program"); !errors.Is(err, box.ErrExit) || !strings.Contains(out, "no-such-program") {
			t.Errorf("%q, %v", out, err)
		}
	})
	t.Run("keeps a file as it was written", func(t *testing.T) {
		want := strings.Repeat("\x00\r\n'\"é", 20_000)
		if err := b.Write(t.Context(), "/root/a/b", 0o640, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Output(t.Context(), "cat", "/root/a/b"); err != nil || got != want {
			t.Errorf("%d bytes, %v; expected %d", len(got), err, len(want))
		}
		if got, err := b.Output(t.Context(), "stat", "-c", "%a", "/root/a/b"); err != nil || got != "640\n" {
			t.Errorf("mode %q, %v", got, err)
		}
	})
	t.Run("stops a program on a signal", func(t *testing.T) {
		p, err := b.Start(box.Command{Args: []string{"sleep", "1000"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Signal(ssh.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(); err == nil || !strings.Contains(err.Error(), "ended with 143") {
			t.Error(err)
		}
	})
	// What follows takes the machine away: it is the last.
	t.Run("goes on from a snapshot as another boot each time", func(t *testing.T) {
		if _, err := b.Output(t.Context(), "modprobe", "-a", "virtio_blk"); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "snapshot")
		if err := b.Snapshot(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for life := range 2 {
			next := start(t, box.Options{Incoming: file})
			if err := next.Plug(t.Context(), 0, disk); err != nil {
				t.Fatal(err)
			}
			id, err := next.Output(t.Context(), "cat", "/proc/sys/kernel/random/boot_id")
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
			kept, err := next.Output(t.Context(), "sh", "-c", "until [ -b /dev/vda ]; do usleep 5000; done; head -c 5 /dev/vda; printf life"+strconv.Itoa(life)+" | dd of=/dev/vda conv=fsync 2>/dev/null")
			if err != nil {
				t.Fatal(err)
			}
			if life == 1 && kept != "life0" {
				t.Errorf("the disk has %q", kept)
			}
			if err := next.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		if ids[0] == ids[1] {
			t.Errorf("two lives with one boot id: %s", ids[0])
		}
	})
}

func TestAnImageSaysWhatItCannotHave(t *testing.T) {
	m := box.NewImage()
	m.Programs("no-such-program-here")
	if err := m.Write(filepath.Join(t.TempDir(), "image")); err == nil || !strings.Contains(err.Error(), "no-such-program-here") {
		t.Error(err)
	}
}

// What the kernel reads: each folder before what is in it, links as links, a program with its interpreter and libraries.
func TestAnImageIsAnArchiveWithEverythingAProgramNeeds(t *testing.T) {
	m := box.NewImage()
	m.Programs("ip")
	m.Text("/etc/a/b", 0o600, "text")
	m.Link("/usr/bin/other", "ip")
	file := filepath.Join(t.TempDir(), "image")
	if err := m.Write(file); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]cpio.FileMode{".": cpio.TypeDir}
	links := map[string]string{}
	for r := cpio.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if parent := filepath.Dir(h.Name); seen[parent]&cpio.TypeDir == 0 {
			t.Errorf("%s comes before its folder", h.Name)
		}
		seen[h.Name], links[h.Name] = h.Mode, h.Linkname
		if text, err := io.ReadAll(r); h.Name == "etc/a/b" && (err != nil || string(text) != "text" || h.Mode.Perm() != 0o600) {
			t.Errorf("%s: %q, %v, %v", h.Name, text, h.Mode, err)
		}
	}
	for _, name := range []string{"usr/lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu/libc.so.6"} {
		if !seen[name].IsRegular() {
			t.Errorf("no file %s (%v)", name, seen[name])
		}
	}
	if links["usr/bin/other"] != "ip" || links["lib"] != "usr/lib" {
		t.Errorf("links: %v", links)
	}
}
