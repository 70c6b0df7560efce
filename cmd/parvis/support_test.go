package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A place with a resident, a colleague and a console, whose file for a ticket tells nothing of any of them.
func TestTheFileForATicketHoldsNobody(t *testing.T) {
	p := openConsole(t)
	resident, phone := p.guest(), p.guest()
	if status, body := p.get(resident, portalURL+"/attendre"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if _, err := p.parvis.Output(ctx(t), "session", "open", resident.Lease().Address.Addr().String()); err != nil {
		t.Fatal(err)
	}
	p.colleague(phone, "mediator")
	s := p.sessionOf(resident)
	key, err := os.ReadFile(filepath.Join(filepath.Dir(p.parvis.Config), "site.key"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log, file := filepath.Join(dir, "log"), filepath.Join(dir, "support.tar.gz")
	// What another program may have written beside.
	more := "\nneigh " + resident.Lease().Address.Addr().String() + " lladdr " + strings.ToUpper(resident.MAC.String()) + " for Leïla, code " + s.Code + "\n"
	if err := os.WriteFile(log, []byte(p.daemon.Log()+more), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := p.parvis.Output(ctx(t), "support", "--log", log, file)
	if err != nil {
		t.Fatal(err, out)
	}
	tar, err := exec.Command("tar", "-xzOf", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(string(tar))
	for what, hidden := range map[string]string{
		"the resident's MAC": resident.MAC.String(), "its address": resident.Lease().Address.Addr().String(), "the phone's MAC": phone.MAC.String(),
		"its address there": phone.Lease().Address.Addr().String(), "the session": s.ID, "its code": s.Code, "a colleague's name": "Leïla",
		"her login": "informaticienne", "who is in charge": "accueil@laboratoire.test", "the site's key": strings.TrimSpace(string(key)),
	} {
		if hidden == "" {
			t.Errorf("%s is not known here", what)
		} else if strings.Contains(text, strings.ToLower(hidden)) {
			t.Errorf("%s (%s) is in the file", what, hidden)
		}
	}
	for _, wanted := range []string{
		"parvis-fwd", "parvis-up4", `"ready": true`, `"condition": {`, "[guests]", "10.77.0.1/16", "in force", "<mac-1>", "<token-1>", "htb", "/proc/version",
	} {
		if !strings.Contains(text, wanted) {
			t.Errorf("%q is not in the file", wanted)
		}
	}
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
	if out, err := p.parvis.Output(ctx(t), "support", "--log", log, file); err == nil {
		t.Errorf("a file that is there is written over: %s", out)
	}
}
