package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/pgtest"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

// programEnv makes the test binary be parvis-hub: the hubs of these tests are this code, race detector included.
const programEnv = "PARVIS_HUB_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		main()
	}
	os.Exit(pgtest.Run(m))
}

// centre is a town's: a database with a configuration beside it.
type centre struct {
	*testing.T
	store *store.Hub
	db    pgtest.Database
	file  string // the configuration
}

func newCentre(t *testing.T) *centre {
	c := &centre{T: t}
	c.store, c.db = storetest.New(t)
	dir := t.TempDir()
	c.file = filepath.Join(dir, "parvis-hub.toml")
	c.write(`url = "https://centre.example"
listen = "127.0.0.1:0"
monitor = "127.0.0.1:0"
sign-key = "` + filepath.Join(dir, "sign.key") + `"
[database]
program = "` + c.db.Program + `"
owner = "` + c.db.Owner + `"
`)
	return c
}

func (c *centre) write(source string) {
	c.Helper()
	if err := os.WriteFile(c.file, []byte(source), 0o600); err != nil {
		c.Fatal(err)
	}
}

// verb runs one in English and expects an exit code.
func (c *centre) verb(code int, args ...string) string {
	c.Helper()
	var out bytes.Buffer
	if got := run(c.Context(), append([]string{"--config", c.file}, args...), func(string) string { return "" }, &out, &out); got != code {
		c.Fatalf("parvis-hub %v: exit code %d, expected %d:\n%s", args, got, code, &out)
	}
	return out.String()
}

// process is a hub that serves.
type process struct {
	*exec.Cmd
	url, monitor string
	ended        chan struct{}
	mu           sync.Mutex
	log          strings.Builder
}

var serving = regexp.MustCompile(`msg=serving what=(listen|monitor) address=(\S+)`)

// serve starts one and returns once both its addresses are there.
func (c *centre) serve() *process {
	c.Helper()
	p := &process{Cmd: exec.Command("/proc/self/exe", "--config", c.file, "serve"), ended: make(chan struct{})}
	p.Env = append(os.Environ(), programEnv+"=1")
	stderr, err := p.StderrPipe()
	if err != nil {
		c.Fatal(err)
	}
	if err := p.Start(); err != nil {
		c.Fatal(err)
	}
	found := make(chan [2]string, 2)
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.mu.Lock()
			p.log.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			if m := serving.FindStringSubmatch(lines.Text()); m != nil {
				found <- [2]string{m[1], "http://" + m[2]}
			}
		}
		p.Wait()
	}()
	c.Cleanup(func() {
		p.Process.Kill()
		<-p.ended
		if c.Failed() {
			c.Logf("the hub's log:\n%s", p.said())
		}
	})
	for range 2 {
		select {
		case f := <-found:
			if f[0] == "listen" {
				p.url = f[1]
			} else {
				p.monitor = f[1]
			}
		case <-p.ended:
			c.Fatalf("the hub has ended:\n%s", p.said())
		case <-time.After(time.Minute): // only a failure waits so long
			c.Fatal("the hub does not serve")
		}
	}
	return p
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

var codeLine = regexp.MustCompile(`(?m)^([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})\nSite ([0-9a-f]{16})\.`)

// adds makes a site with its box, as an operator does.
func (c *centre) adds(p *process, commune, name string) (*intaketest.Box, string) {
	c.Helper()
	m := codeLine.FindStringSubmatch(c.verb(exitOK, "admin", "site", "add", commune, name))
	if m == nil {
		c.Fatal("no code")
	}
	box := &intaketest.Box{URL: p.url, Client: http.DefaultClient}
	if e, a, err := box.Enrol(c.Context(), m[1]); err != nil || e.Site != m[2] {
		c.Fatalf("%+v, %d %s, %v", e, a.Status, a.Body, err)
	}
	return box, m[2]
}

// sessions are what the store has of a site.
func (c *centre) sessions(commune, site string) (n uint64) {
	c.Helper()
	storetest.In(c, c.store, commune, func(ctx context.Context, t *store.Tenant) error {
		months, err := t.Months(ctx, site, 0, 999999)
		for _, m := range months {
			n += m.Use.Sum("sessions")
		}
		var days uint64
		all, derr := t.Days(ctx, site, 0, 99999999)
		for _, d := range all {
			days += d.Use.Sum("sessions")
		}
		if days != n {
			return fmt.Errorf("the months have %d, the days %d", n, days)
		}
		if err == nil {
			err = derr
		}
		return err
	})
	return n
}
