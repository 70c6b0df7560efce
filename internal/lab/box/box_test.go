package box_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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

func TestAMachineRunsDebiansKernel(t *testing.T) {
	b := start(t, box.Options{})
	out, err := b.Output(t.Context(), "uname", "-r")
	if err != nil || !strings.Contains(out, "-amd64") {
		t.Errorf("%q, %v", out, err)
	}
}
