package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/golden"
	"parvis/internal/lab"
)

// programEnv makes the test binary be parvis: the daemon of these tests is this code, race detector included.
const programEnv = "PARVIS_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		pretend()
		main()
	}
	lab.Main(func() int {
		if err := os.Setenv(programEnv, "1"); err != nil { // for every program that the tests start
			panic(err)
		}
		return m.Run()
	})
}

const self = "/proc/self/exe"

// place is a town whose router runs Parvis.
type place struct {
	*lab.Town
	t      *testing.T
	parvis *lab.Parvis
	daemon *lab.Process
	client *control.Client
	clock  clock.Clock
}

// town raises a town with Parvis installed and nothing running.
func town(t *testing.T, o lab.Options, s lab.Site) *place {
	t.Helper()
	lab.NeedsLab(t)
	tw, err := lab.NewTown(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	p := &place{Town: tw, t: t}
	t.Cleanup(func() {
		if t.Failed() && p.daemon != nil {
			t.Logf("the daemon's log:\n%s", p.daemon.Log())
		}
		if err := tw.Close(); err != nil {
			t.Error(err)
		}
	})
	if p.parvis, err = tw.Install(self, s); err != nil {
		t.Fatal(err)
	}
	p.client = control.NewClient(p.parvis.Socket)
	if p.clock, err = clock.NewSystem(); err != nil {
		t.Fatal(err)
	}
	return p
}

// open raises a town whose Parvis serves.
func open(t *testing.T, o lab.Options, s lab.Site) *place {
	t.Helper()
	p := town(t, o, s)
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) serve() {
	p.t.Helper()
	d, err := p.parvis.Serve(ctx(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	p.daemon = d
}

// guest joins a device that has its address.
func (p *place) guest() *lab.Guest {
	p.t.Helper()
	g, err := p.AddGuest(lab.GuestOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := g.DHCP(ctx(p.t)); err != nil {
		p.t.Fatal(err)
	}
	return g
}

func ctx(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(t.Context(), lab.Patient(time.Minute))
	t.Cleanup(cancel)
	return c
}

func TestCommandLine(t *testing.T) {
	tests := []struct {
		name string
		args []string
		lang string
		code int
	}{
		{"help.en", []string{"--help"}, "C", 0},
		{"help.fr", []string{"--help"}, "fr_FR.UTF-8", 0},
		{"help-session-open.en", []string{"session", "open", "--help"}, "C", 0},
		{"unknown-verb.en", []string{"serv"}, "C", 2},
		{"unknown-verb.fr", []string{"serv"}, "fr_FR.UTF-8", 2},
		{"end-nothing.en", []string{"session", "end"}, "C", 2},
		{"open-bad-address.en", []string{"session", "open", "10.77"}, "C", 2},
		{"no-daemon.en", []string{"--socket", "/nowhere/parvis.sock", "status"}, "C", 4},
		{"no-daemon.fr", []string{"--socket", "/nowhere/parvis.sock", "status"}, "fr_FR.UTF-8", 4},
		{"probe-no-daemon.en", []string{"--socket", "/nowhere/parvis.sock", "probe"}, "C", 2},
		{"probe-no-daemon.fr", []string{"--socket", "/nowhere/parvis.sock", "probe"}, "fr_FR.UTF-8", 2},
		{"probe-wrong-limit.en", []string{"probe", "--warn", "lost=4"}, "C", 3},
		{"probe-wrong-use.en", []string{"probe", "--wrong"}, "C", 3},
		{"no-configuration.en", []string{"--config", "/nowhere/parvis.toml", "check"}, "C", 3},
		{"no-configuration.fr", []string{"--config", "/nowhere/parvis.toml", "serve"}, "fr_FR.UTF-8", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			env := func(k string) string { return map[string]string{"LANG": tt.lang}[k] }
			if code := run(t.Context(), tt.args, env, &out, &out); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			golden.Check(t, "cli/"+tt.name+".golden", out.String())
		})
	}
}
