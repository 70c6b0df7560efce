package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"parvis/internal/config"
	"parvis/internal/lab"
)

// The first minutes on a router: init shows its plan and writes, check finds nothing to correct, serve runs.
func TestFirstMinutes(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{NoTLS: true})
	ownEtc(t, p)
	parvis := func(args ...string) (string, error) {
		return p.RouterOutput(ctx(t), self, append([]string{"--state", p.parvis.State, "--socket", p.parvis.Socket}, args...)...)
	}
	ask := []string{"init", "--guests", lab.GuestBridge, "--wan", lab.WAN, "--name", "La Maison des habitants", "--contact", "accueil@commune.example", "--portal", lab.PortalName}

	if out, err := parvis(ask...); err == nil { // nobody answers the question
		t.Errorf("init went on without an answer:\n%s", out)
	}
	if _, err := os.Stat(config.Path); err == nil {
		t.Error("init wrote without an answer")
	}
	out, err := parvis(append(ask, "--yes")...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{lab.GuestBridge, lab.WAN, "parvis check", "parvis serve --confirm 120"} {
		if !strings.Contains(out, want) {
			t.Errorf("the plan does not say %q:\n%s", want, out)
		}
	}
	if out, err := parvis(append(ask, "--yes")...); err == nil {
		t.Errorf("init wrote over a configuration:\n%s", out)
	}
	if out, err := parvis("check"); err != nil {
		t.Errorf("check: %v\n%s", err, out)
	}
	p.parvis.Config = config.Path
	p.serve()
	if s, err := p.client.Status(ctx(t)); err != nil || !s.Ready || s.Site != "La Maison des habitants" {
		t.Errorf("status: %+v, %v", s, err)
	}
}

// ownEtc gives the lab an /etc of its own for the time of a test: what is written there is seen by nobody else.
func ownEtc(t *testing.T, p *place) {
	t.Helper()
	layer := filepath.Join(p.Dir, "etc-layer")
	write(t, filepath.Join(layer, "made"), "")
	mount(t, "tmpfs", layer, "tmpfs", 0, "")
	upper, work := filepath.Join(layer, "upper"), filepath.Join(layer, "work")
	for _, d := range []string{upper, work} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mount(t, "overlay", "/etc", "overlay", unix.MS_NOATIME, "lowerdir=/etc,upperdir="+upper+",workdir="+work)
	if err := os.RemoveAll(filepath.Dir(config.Path)); err != nil { // of this machine's own Parvis, if it has one: hidden, not gone
		t.Fatal(err)
	}
}
