package packaging_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What the programs may be at most, in bytes. Routers' flash is small: a program that grows past this has taken something in that it
// could do without, or this page of the ADR is to be written anew.
const (
	routerMost   = 27_000_000
	routerXZMost = 7_600_000
	hubMost      = 25_000_000
)

// built builds a program as it is released.
func built(t *testing.T, program, arch string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), program)
	cmd := exec.Command("./build", program, arch, out)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return out
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	fi, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return fi.Size()
}

func TestTheRoutersProgramFitsItsFlash(t *testing.T) {
	program := built(t, "parvis", "amd64")
	if n := size(t, program); n > routerMost {
		t.Errorf("%d bytes, at most %d", n, routerMost)
	} else {
		t.Logf("%d bytes", n)
	}
	packed := exec.Command("xz", "-9e", "--stdout", program)
	f, err := os.Create(program + ".xz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	packed.Stdout = f
	if err := packed.Run(); err != nil {
		t.Fatal(err)
	}
	if n := size(t, f.Name()); n > routerXZMost {
		t.Errorf("%d bytes packed, at most %d", n, routerXZMost)
	} else {
		t.Logf("%d bytes packed by xz -9e", n)
	}
	static(t, program)
}

func TestTheHubsProgramIsNoMoreThanItWas(t *testing.T) {
	program := built(t, "parvis-hub", "amd64")
	if n := size(t, program); n > hubMost {
		t.Errorf("%d bytes, at most %d", n, hubMost)
	} else {
		t.Logf("%d bytes", n)
	}
	static(t, program)
}

// static checks that the program needs no library of the system's: it runs on glibc and on musl.
func static(t *testing.T, program string) {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it asks for a dynamic linker")
		}
	}
}
