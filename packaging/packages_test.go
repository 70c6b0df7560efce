//go:build packages

package packaging_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"parvis/internal/golden"
)

// Run by `make packages-check`: what is given out is built once, of version 1.0.0, and looked at. PARVIS_DIST names a directory that
// has it already.

var released = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("PARVIS_DIST"); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "parvis-dist")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("./release", dir)
	cmd.Env = append(os.Environ(), "VERSION=1.0.0", "SOURCE_DATE_EPOCH=1000000000")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

func dist(t *testing.T) string {
	t.Helper()
	dir, err := released()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := released(); err == nil && os.Getenv("PARVIS_DIST") == "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func output(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
	return string(out)
}

func TestWhatIsGivenOut(t *testing.T) {
	entries, err := os.ReadDir(dist(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	golden.Check(t, "dist.txt", strings.Join(names, "\n")+"\n")
	cmd := exec.Command("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
	cmd.Dir = dist(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dist(t), "parvis-1.0.0.spdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range []string{"github.com/mattn/go-sqlite3", "github.com/jackc/pgx/v5", `"std"`, "parvis-arm64"} {
		if !bytes.Contains(b, []byte(module)) {
			t.Errorf("the SBOM does not name %s", module)
		}
	}
}

func TestFilesOfPackages(t *testing.T) {
	for name, pattern := range map[string]string{"deb.txt": "parvis_1.0.0_amd64.deb", "deb-hub.txt": "parvis-hub_1.0.0_amd64.deb"} {
		golden.Check(t, name, listed(output(t, "dpkg-deb", "-c", filepath.Join(dist(t), pattern))))
	}
	dir := t.TempDir()
	output(t, "tar", "-xzf", filepath.Join(dist(t), "parvis_1.0.0_x86_64.ipk"), "-C", dir)
	ipk := listed(output(t, "tar", "--numeric-owner", "-tzvf", filepath.Join(dir, "data.tar.gz")))
	golden.Check(t, "ipk.txt", ipk)
	golden.Check(t, "tar.txt", listed(output(t, "tar", "--numeric-owner", "-tzvf", filepath.Join(dist(t), "parvis-1.0.0-openwrt-amd64.tar.gz"))))
}

var columns = regexp.MustCompile(`^(\S+) +(\S+) +\d+ \S+ \S+ (.*)$`)

// listed leaves sizes and times out of a listing of tar's.
func listed(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if m := columns.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			out = append(out, m[1]+" "+m[2]+" "+m[3])
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n") + "\n"
}

// The same source in another directory, with nothing remembered from the first time, gives the same bytes.
func TestABuildElsewhereGivesTheSameBytes(t *testing.T) {
	there := t.TempDir()
	files := exec.Command("sh", "-c", `git ls-files -z | xargs -0 cp --parents -t "$0"`, there)
	files.Dir = ".."
	if out, err := files.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	build := exec.Command("packaging/build", "parvis", "amd64", filepath.Join(there, "out"))
	build.Dir = there
	build.Env = append(os.Environ(), "VERSION=1.0.0", "GOCACHE="+t.TempDir())
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if a, b := sum(t, filepath.Join(dist(t), "parvis-amd64")), sum(t, filepath.Join(there, "out")); a != b {
		t.Errorf("%s and %s", a, b)
	}
}

func sum(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// other architectures, what starts their programs here, and how tests are built for them.
var others = []struct{ arch, qemu, goarch, cc string }{
	{"arm64", "qemu-aarch64-static", "arm64", "aarch64-linux-gnu-gcc"},
	{"armv7", "qemu-arm-static", "arm", "arm-linux-gnueabihf-gcc"},
}

func TestProgramsOfOtherRoutersSayTheSame(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.toml"), filepath.Join(dir, "bad.toml")
	reference, err := os.ReadFile("../internal/config/reference.toml")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{good: reference, bad: append([]byte("[nothing]\n"), reference...)} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	say := func(argv ...string) string {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = append(os.Environ(), "LANG=C")
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) {
			t.Fatalf("%v: %v: %s", argv, err, out)
		}
		return string(out)
	}
	native := filepath.Join(dist(t), "parvis-amd64")
	for _, o := range others {
		t.Run(o.arch, func(t *testing.T) {
			program := filepath.Join(dist(t), "parvis-"+o.arch)
			static(t, program)
			if n := size(t, program); n > routerMost {
				t.Errorf("%d bytes, at most %d", n, routerMost)
			}
			for _, args := range [][]string{{"--version"}, {"--help"}, {"--config", good, "dnsmasq"}, {"--config", bad, "check", "--json"}} {
				if want, got := say(append([]string{native}, args...)...), say(append([]string{o.qemu, program}, args...)...); got != want || want == "" {
					t.Errorf("%v: %q, on amd64 %q", args, got, want)
				}
			}
			// What the emulated kernel can do is qemu's: the problems must be told, whatever they are.
			var problems []struct{ What string }
			out := say("unshare", "--net", o.qemu, program, "--config", good, "check", "--json")
			if err := json.Unmarshal([]byte(out), &problems); err != nil || len(problems) == 0 {
				t.Errorf("check: %q, %v", out, err)
			}
		})
	}
}

func TestTheDatabaseOnOtherRouters(t *testing.T) {
	for _, o := range others {
		t.Run(o.arch, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "sqlite.test")
			build := exec.Command("go", "test", "-c", "-tags", "nomsgpack sqlite_omit_load_extension netgo osusergo",
				"-ldflags", "-linkmode external -extldflags -static", "-o", program, "parvis/sessions/sqlite")
			build.Env = append(os.Environ(), "CGO_ENABLED=1", "GOARCH="+o.goarch, "GOARM=7", "CC="+o.cc)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			run := exec.Command(o.qemu, program, "-test.short", "-rapid.checks=20")
			run.Dir = "../sessions/sqlite" // where its testdata is
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
