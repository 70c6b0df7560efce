package box

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Kernel is Debian's kernel with its modules, as .ci/deps unpacks it.
type Kernel struct {
	Version string // "6.1.0-56-amd64"
	Image   string // vmlinuz

	modules string              // folder of the modules
	needs   map[string][]string // modules.dep: file → the files that it needs, all below modules
}

// FindKernel looks for .tools/kernel beside the go.mod of the folder where it is called, or above it.
func FindKernel() (*Kernel, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(root, ".tools", "kernel")
	images, err := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	if err != nil {
		return nil, fmt.Errorf("box: %w", err)
	}
	if len(images) != 1 {
		return nil, fmt.Errorf("box: %s has %d kernels, expected one; remove the folder and run .ci/deps", dir, len(images))
	}
	k := &Kernel{Image: images[0], needs: map[string][]string{}}
	k.Version = strings.TrimPrefix(filepath.Base(images[0]), "vmlinuz-")
	k.modules = filepath.Join(dir, "lib", "modules", k.Version)
	text, err := os.ReadFile(filepath.Join(k.modules, "modules.dep"))
	if err != nil {
		return nil, fmt.Errorf("box: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		file, needs, found := strings.Cut(line, ":")
		if !found {
			return nil, fmt.Errorf("box: %s/modules.dep: %q has no colon", k.modules, line)
		}
		k.needs[file] = strings.Fields(needs)
	}
	return k, nil
}

// Root is the folder of Parvis' go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("box: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("box: %w", err)
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("box: no go.mod in %s nor above it; start the lab in Parvis' source", dir)
		}
	}
}

// files are the modules below the named folders, and the named modules ("kernel/net/sched", "kernel/drivers/net/veth.ko"), with all
// that they need.
func (k *Kernel) files(names ...string) (map[string]bool, error) {
	files := map[string]bool{}
	for _, name := range names {
		found := false
		for file, needs := range k.needs {
			if file != name && !strings.HasPrefix(file, name+"/") {
				continue
			}
			found, files[file] = true, true
			for _, n := range needs { // modules.dep names the whole closure
				files[n] = true
			}
		}
		if !found {
			return nil, fmt.Errorf("box: kernel %s has no module %s", k.Version, name)
		}
	}
	return files, nil
}
