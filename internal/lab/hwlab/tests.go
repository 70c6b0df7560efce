package hwlab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"parvis/internal/lab"
	"parvis/internal/lab/box"
)

// tested are tests of a package that run inside a machine: the same that run outside, compiled without the race detector.
type tested struct {
	pkg string // "./firewall", from Parvis' root
	run string // as -test.run takes it
	// at least so many pass; a list that names what is not there any more would pass by running nothing.
	least int
}

// inside is where the machine has a package's tests.
func (t tested) inside() string { return path.Join("/lab", path.Clean(t.pkg)) }

// withTests is a machine that has the tests of every package that has some to run inside; its image is made once.
func (l *Lab) withTests(ctx context.Context) (box.Options, error) {
	const name = "tests"
	if l.tests.Image != "" {
		return l.tests, nil
	}
	o := box.Options{MemoryMB: 1024}
	all := map[string]tested{byAir.pkg: byAir}
	for _, t := range onKernel {
		all[t.pkg] = t
	}
	root, err := box.Root()
	if err != nil {
		return o, err
	}
	o.Image, o.Key, err = l.Image(ctx, name, func(m *box.Image) error {
		m.Text("/etc/lab/test.sh", 0o755, "#!/bin/sh\ncd \"$1\" && shift && exec ./tests \"$@\"\n")
		for _, t := range all {
			file := filepath.Join(l.Dir, name, filepath.Base(t.pkg)+".test")
			if err := box.BuildTest(ctx, file, "parvis/"+path.Clean(t.pkg)); err != nil {
				return err
			}
			m.File(path.Join(t.inside(), "tests"), file)
			data := filepath.Join(root, t.pkg, "testdata")
			if _, err := os.Stat(data); err == nil {
				m.TreeAt(path.Join(t.inside(), "testdata"), data)
			}
		}
		return nil
	})
	if err == nil {
		l.tests = o
	}
	return o, err
}

var (
	outcome = regexp.MustCompile(`^--- (PASS|FAIL|SKIP): (\S+)`)
	said    = regexp.MustCompile(`^ +\w+_test\.go:\d+: `)
)

// results reads what -test.v prints: how each test ended.
type results struct {
	mu   sync.Mutex
	out  io.Writer
	rest string
	all  strings.Builder
	by   map[string][]string
}

func (r *results) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all.Write(p)
	r.rest += string(p)
	for {
		line, rest, found := strings.Cut(r.rest, "\n")
		if !found {
			return len(p), nil
		}
		r.rest = rest
		if m := outcome.FindStringSubmatch(line); m != nil {
			r.by[m[1]] = append(r.by[m[1]], m[2])
			fmt.Fprintln(r.out, "   ", line)
		}
		if said.MatchString(line) {
			fmt.Fprintln(r.out, "   ", line)
		}
	}
}

// test runs tests on a machine of testImage; what they printed is returned too.
func (l *Lab) test(ctx context.Context, b *box.Box, t tested) (string, error) {
	begun := time.Now()
	r := &results{out: l.Out, by: map[string][]string{}}
	// CI: a test that cannot run there fails. The box says that this is the machine on which nothing may be missing.
	err := b.Run(ctx, box.Command{
		Args:   []string{"/etc/lab/test.sh", t.inside(), "-test.v", "-test.run", t.run, "-test.timeout", "30m"},
		Env:    map[string]string{"CI": "true", lab.BoxEnv: speed()},
		Stdout: r, Stderr: r,
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	passed, failed, skipped := r.by["PASS"], r.by["FAIL"], r.by["SKIP"]
	l.Say("%s: %d tests passed, %d failed, %d skipped, in %.0f s", path.Clean(t.pkg), len(passed), len(failed), len(skipped), time.Since(begun).Seconds())
	switch {
	case len(failed) > 0:
		err = fmt.Errorf("%s: failed: %s", t.pkg, strings.Join(failed, " "))
	case err == nil && len(passed) < t.least:
		err = fmt.Errorf("%s: %d tests ran of -test.run %s, expected %d or more", t.pkg, len(passed), t.run, t.least)
	}
	if err != nil {
		err = errors.Join(err, errors.New(last(r.all.String(), 20_000)))
	}
	return r.all.String(), err
}

func speed() string {
	if box.Accelerated() {
		return "1"
	}
	return lab.Emulated
}

// last is the end of a text.
func last(s string, n int) string { return s[max(0, len(s)-n):] }
