package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/kiosk/catalogue"
)

func parvis(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, func(string) string { return "" }, &o, &e)
	return code, o.String(), e.String()
}

func TestCatalogueListShowsEveryServiceToProgramsAndPeople(t *testing.T) {
	state := t.TempDir()
	code, out, errs := parvis(t, "--config", filepath.Join(state, "none.toml"), "--state", state, "catalogue", "list", "--json")
	var got struct {
		Needs   []catalogue.Need
		Bundles []catalogue.Bundle
	}
	if err := json.Unmarshal([]byte(out), &got); code != exitOK || err != nil || len(got.Needs) == 0 || len(got.Bundles) == 0 {
		t.Fatalf("%d %v %s", code, err, errs)
	}
	_, people, _ := parvis(t, "--config", filepath.Join(state, "none.toml"), "--state", state, "catalogue", "list")
	for _, n := range got.Needs {
		for _, s := range n.Services {
			if !strings.Contains(people, "  "+s.ID+" ") {
				t.Errorf("%s is not told to people", s.ID)
			}
		}
	}
}

func TestCatalogueLintRefusesAndSaysWhere(t *testing.T) {
	dir := t.TempDir()
	for src, want := range map[string]int{
		"[[more]]\nof = \"caf\"\nhosts = [\"a.example\"]\n":    exitOK,
		"[[more]]\nof = \"caf\"\nhosts = [\"192.0.2.1\"]\n":    exitNotRight,
		"[[more]]\nof = \"nobody\"\nhosts = [\"a.example\"]\n": exitNotRight,
	} {
		if err := os.WriteFile(filepath.Join(dir, "ville.toml"), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := parvis(t, "catalogue", "lint", dir)
		if code != want || strings.Contains(out, "ville.toml: ") != (want != exitOK) {
			t.Errorf("%s: %d\n%s%s", src, code, out, errs)
		}
	}
	if code, out, _ := parvis(t, "catalogue", "lint", t.TempDir()); code != exitNotRight {
		t.Errorf("a directory without a file is right: %s", out)
	}
}

// A trial is noted with its date, unless nothing at all answers or nobody knows the date.
func TestCatalogueTryNotesTheDate(t *testing.T) {
	own, state := t.TempDir(), t.TempDir()
	// The certificate of httptest's server is example.com's.
	if err := os.WriteFile(filepath.Join(own, "ville.toml"), []byte(`[[service]]
id = "essai"
need = "commune"
title = "Un essai"
address = "https://example.com/"
hosts = ["example.com", "inside.example.com", "gone.example.com"]
drawing = "arch"
`), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	line := catalogue.Line{
		Roots: roots,
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			if a, ok := map[string]string{"example.com": "203.0.113.1", "inside.example.com": "10.0.0.1"}[host]; ok {
				return []netip.Addr{netip.MustParseAddr(a)}, nil
			}
			return nil, errors.New("no such host")
		},
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	down := line
	down.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }
	known := clock.Wall{Time: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), Quality: clock.Synchronised}

	var out bytes.Buffer
	a := &app{cli: &CLI{State: state, Config: filepath.Join(state, "none.toml")}, lang: lang.FR, out: &out, err: new(bytes.Buffer)}
	try := func(line catalogue.Line, now clock.Wall) catalogue.Tried {
		t.Helper()
		if err := (catalogueTryCmd{IDs: []string{"essai"}, ownFlag: ownFlag{own}}).try(t.Context(), a, line, now); a.exit(err) != exitRefused {
			t.Errorf("names that do not answer: %v", err)
		}
		ts, err := catalogue.ReadTrials(filepath.Join(state, trialsFile))
		if err != nil {
			t.Fatal(err)
		}
		return ts["essai"]
	}
	if got := try(down, known); got.Date != "" {
		t.Errorf("the line is down and it is noted: %+v", got)
	}
	if got := try(line, clock.Wall{Time: known.Time}); got.Date != "" {
		t.Errorf("nobody knows the date and it is noted: %+v", got)
	}
	want := catalogue.Tried{Date: "2026-11-24", Failed: []string{"inside.example.com", "gone.example.com"}}
	if diff := cmp.Diff(want, try(line, known)); diff != "" {
		t.Error(diff)
	}
	for _, words := range []string{"répond", "adresse privée", "nom inconnu"} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("it does not say %q:\n%s", words, &out)
		}
	}
	if err := (catalogueTryCmd{IDs: []string{"none"}}).try(t.Context(), a, line, known); a.exit(err) != exitNotFound {
		t.Error(err)
	}
}

// What the configuration opens must exist: an id that is misspelt would open nothing, and nobody would know why.
func TestCheckKnowsTheCatalogue(t *testing.T) {
	own := t.TempDir()
	a := &app{cli: &CLI{Config: "/etc/parvis/parvis.toml"}}
	cfg := &config.Config{
		Gate:     config.Gate{Services: []string{"all", "piscine"}, Garden: []string{"caf"}, Catalogue: own},
		Profiles: []config.Profile{{Names: []string{"jeunesse", "jeunese"}}},
	}
	says := func(want ...string) {
		t.Helper()
		got := a.catalogueProblems(cfg)
		if len(got) != len(want) {
			t.Errorf("%d problems, want %d: %+v", len(got), len(want), got)
			return
		}
		for i, p := range got {
			if text := p.In(lang.FR); !strings.Contains(text, want[i]) || strings.Contains(text+p.In(lang.EN), "%!") {
				t.Errorf("%s; want %s", text, want[i])
			}
		}
	}
	says("il n'y a pas de fichier *.toml ici")
	write := func(src string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(own, "ville.toml"), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[[more]]\nof = \"caf\"\nhosts = [\"a.example\"]\n")
	says("jeunese", "piscine")
	write("[[service]]\nid = \"piscine\"\nneed = \"commune\"\ntitle = \"La piscine\"\naddress = \"https://piscine.example/\"\nhosts = [\"piscine.example\"]\ndrawing = \"sun\"\n")
	says("jeunese")
	write("[[service]]\nid = \"piscine\"\n")
	if len(a.catalogueProblems(cfg)) == 0 {
		t.Error("a service that is nothing passes")
	}
	cfg.Gate.Catalogue = filepath.Join(own, "none")
	says("none")
}
