package main

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"parvis/internal/lab"
	"parvis/internal/lab/browser"
)

// decoder runs a program of .ci/packages; a developer without it skips the test, CI fails.
func decoder(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err, "(.ci/deps installs it)")
	}
	out, err := exec.CommandContext(ctx(t), name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

// A colleague prints a sheet; what a real decoder reads from the printed page opens internet to whoever has the ticket.
func TestAPrintedTicketsCodeOpensInternet(t *testing.T) {
	p := openConsole(t)
	c := p.colleague(p.guest(), "dsi")
	console := "https://" + consoleName
	status, to, body := p.ask(c, http.MethodPost, console+"/tickets/nouveau", url.Values{"profil": {"visite"}, "nombre": {"24"}, "papier": {"planche"}})
	if status != http.StatusSeeOther || !strings.HasPrefix(to, "/tickets/") {
		t.Fatalf("%d to %q: %s", status, to, body)
	}
	batch, _, _ := strings.Cut(to, "?")
	resp, err := c.Get(console + batch + "/tickets.pdf?papier=planche")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	dir := t.TempDir()
	pdf, err := os.Create(filepath.Join(dir, "planche.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pdf.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	if err := pdf.Close(); err != nil {
		t.Fatal(err)
	}
	decoder(t, "pdftoppm", "-r", "300", "-png", "-singlefile", pdf.Name(), filepath.Join(dir, "planche"))
	read := strings.Fields(decoder(t, "zbarimg", "-q", "--raw", "-Sdisable", "-Sqr.enable", filepath.Join(dir, "planche.png")))
	var codes []string
	for _, s := range read {
		switch {
		case strings.HasPrefix(s, portalURL+"/code#"):
			codes = append(codes, s)
		case s != "WIFI:T:nopass;S:"+lab.SSID+";;":
			t.Errorf("one QR code says %q", s)
		}
	}
	if len(codes) != 24 || len(read) != 48 {
		t.Fatalf("%d codes of %d are tickets'", len(codes), len(read))
	}
	slices.Sort(codes)
	if len(slices.Compact(codes)) != 24 {
		t.Error("two tickets have one code")
	}

	resident := p.guest()
	p.passes(resident, false)
	b, err := browser.Start(ctx(t), resident, p.CAFile(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := b.Open(ctx(t), codes[0]); err != nil {
		t.Fatal(err)
	}
	if err := b.Click(ctx(t), "Valider"); err != nil {
		t.Fatal(err)
	}
	if err := b.See(ctx(t), "Internet est ouvert."); err != nil {
		t.Fatal(err)
	}
	p.passes(resident, true)
	if _, _, page := p.ask(c, http.MethodGet, console+batch, nil); !strings.Contains(strings.ReplaceAll(page, "\u00a0", " "), "23 tickets restent") {
		t.Errorf("the console does not count it: %s", page)
	}
}
