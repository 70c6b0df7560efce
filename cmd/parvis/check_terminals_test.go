package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/lab"
)

// check says what terminals would miss: the printer, and once Parvis serves their own dnsmasq.
func TestCheckLooksAtTheTerminals(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{Posts: true})
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p.parvis.Binary = filepath.Join(t.TempDir(), "parvis") // by its name check knows what is Parvis' own
	if err := os.Symlink(exe, p.parvis.Binary); err != nil {
		t.Fatal(err)
	}
	p.terminals(`printer = "` + printerURI + `"`)
	says := func(when, text string, want bool) {
		t.Helper()
		// What it tells goes to the error output, and is no error of its own here.
		cmd, err := p.parvis.Command("check")
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		proc, err := p.Router.Spawn(cmd)
		if err != nil {
			t.Fatal(err)
		}
		if err := proc.Wait(ctx(t)); err != nil {
			t.Fatalf("%s: %v\n%s", when, err, out.String())
		}
		if got := strings.Contains(out.String(), text); got != want {
			t.Errorf("%s it says %q: %v, want %v:\n%s", when, text, got, want, out.String())
		}
	}
	const printer, addresses = "terminals' printer is not reached", "nothing gives addresses on"
	says("with a printer that is off", printer, true)
	says("before it serves", addresses, false)
	p.printer()
	says("with a printer", printer, false)
	p.serve()
	says("without the terminals' dnsmasq", addresses, true)
	if _, err := p.parvis.DnsmasqTerminals(ctx(t)); err != nil {
		t.Fatal(err)
	}
	says("with all of it", addresses, false)
	says("with all of it", "is held by", false)
}
