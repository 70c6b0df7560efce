package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

// builds makes a program that calls itself what the router's binary does, for one architecture.
func builds(t *testing.T, arch, version string) string {
	t.Helper()
	dir := t.TempDir()
	main := filepath.Join(dir, "cmd", "parvis")
	if err := os.MkdirAll(main, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		filepath.Join(dir, "go.mod"):   "module parvis\n\ngo 1.26\n",
		filepath.Join(main, "main.go"): "package main\n\nvar version string\n\nfunc main() { println(version) }\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "parvis-"+arch)
	build := exec.Command("go", "build", "-ldflags", "-s -w -X main.version="+version, "-o", file, "./cmd/parvis")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

func TestAReleaseIsKeptListedAndWithdrawn(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	if out := c.verb(exitOK, "admin", "release", "list"); !strings.Contains(out, "None.") {
		t.Errorf("without any:\n%s", out)
	}
	amd64 := builds(t, "amd64", "1.1")
	b, err := os.ReadFile(amd64)
	if err != nil {
		t.Fatal(err)
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(b))
	list := filepath.Join(t.TempDir(), "SHA256SUMS")
	sums := func(line string) {
		if err := os.WriteFile(list, []byte(line), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sums(strings.Repeat("0", 64) + "  parvis-amd64\n" + digest + "  parvis-arm64\n")
	if out := c.verb(exitRefused, "admin", "release", "add", "1.1", "amd64="+amd64, "--checksums", list); !strings.Contains(out, digest) {
		t.Errorf("another digest:\n%s", out)
	}
	sums(digest + " *dist/parvis-amd64\n")
	row := regexp.MustCompile(`(?m)^1\.1  20\d\d-\d\d-\d\d  amd64  ` + fmt.Sprint(len(b)) + `  ` + digest)
	if out := c.verb(exitOK, "admin", "release", "add", "1.1", "amd64="+amd64, "--checksums", list); !row.MatchString(out) || !strings.Contains(out, "Kept.") {
		t.Errorf("kept:\n%s", out)
	}
	for _, tc := range []struct {
		code int
		want string
		args []string
	}{
		{exitRefused, "never another one", []string{"1.1", "amd64=" + amd64}},
		{exitRefused, "of version 1.1; expected 1.2", []string{"1.2", "amd64=" + amd64}},
		{exitRefused, "built for linux amd64; expected linux arm64", []string{"1.1", "arm64=" + amd64}},
		{exitRefused, "no program of Go", []string{"1.1", "arm64=" + list}},
		{exitRefused, "no such file", []string{"1.1", "arm64=/nowhere"}},
		{exitUsage, "at most once", []string{"1.1", "mips=" + amd64}},
		{exitUsage, "at most once", []string{"1.1", "amd64=" + amd64, "amd64=" + amd64}},
		{exitUsage, "expected 1 to 64", []string{"../1", "amd64=" + amd64}},
	} {
		if out := c.verb(tc.code, append([]string{"admin", "release", "add"}, tc.args...)...); !strings.Contains(out, tc.want) {
			t.Errorf("%v: %q is not in:\n%s", tc.args, tc.want, out)
		}
	}
	c.verb(exitNotFound, "admin", "release", "withdraw", "9.9")
	c.verb(exitOK, "admin", "release", "withdraw", "1.1")
	c.verb(exitNotFound, "admin", "release", "withdraw", "1.1")
	if out := c.verb(exitOK, "admin", "release", "list"); !regexp.MustCompile(`(?m)^1\.1 .*  withdrawn$`).MatchString(out) {
		t.Errorf("withdrawn:\n%s", out)
	}
	if out := c.verb(exitRefused, "admin", "release", "add", "1.1", "amd64="+amd64); !strings.Contains(out, "does not come back") {
		t.Errorf("once more:\n%s", out)
	}
}

func TestOnlyARoutersBinaryIsKept(t *testing.T) {
	made := func(path string, settings ...string) *debug.BuildInfo {
		i := &debug.BuildInfo{Path: path}
		for _, s := range settings {
			k, v, _ := strings.Cut(s, "=")
			i.Settings = append(i.Settings, debug.BuildSetting{Key: k, Value: v})
		}
		return i
	}
	const parvis, flags = "parvis/cmd/parvis", "-ldflags=-s -w -X main.version=1.1"
	for _, tc := range []struct {
		name string
		info *debug.BuildInfo
		arch string
		want string
	}{
		{"a router's", made(parvis, "GOOS=linux", "GOARCH=amd64", flags), "amd64", ""},
		{"one that does not say its version", made(parvis, "GOOS=linux", "GOARCH=arm64"), "arm64", ""},
		{"of a small board", made(parvis, "GOOS=linux", "GOARCH=arm", "GOARM=7", flags), "armv7", ""},
		{"of a smaller one", made(parvis, "GOOS=linux", "GOARCH=arm", "GOARM=5", flags), "armv7", "built for linux arm5; expected linux armv7"},
		{"the hub's", made("parvis/cmd/parvis-hub", "GOOS=linux", "GOARCH=amd64"), "amd64", "another program"},
		{"another system's", made(parvis, "GOOS=darwin", "GOARCH=arm64"), "arm64", "built for darwin arm64"},
		{"another version", made(parvis, "GOOS=linux", "GOARCH=amd64", "-ldflags=-X main.version=1.10 -s"), "amd64", "of version 1.10"},
		{"a test's", made(parvis, "GOOS=linux", "GOARCH=amd64", "-race=true"), "amd64", "race"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := misbuilt(tc.info, "1.1", tc.arch)
			if !strings.Contains(got.EN, tc.want) || tc.want == "" && got.EN != "" || (got.EN == "") != (got.FR == "") {
				t.Errorf("%+v; expected %q", got, tc.want)
			}
		})
	}
}
