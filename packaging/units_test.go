package packaging_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/golden"
)

// systemd itself reads the units, in a tree that has the programs which they start.
func TestSystemdUnderstandsTheUnits(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("needs systemd-analyze")
	}
	dir := t.TempDir()
	true_, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("systemd/*.[spt][eai][rtm]*")
	if err != nil || len(files) < 9 {
		t.Fatalf("%v, %v", files, err)
	}
	args := []string{"verify", "--man=no"}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		// What is not installed here stands in by a program that is.
		for _, p := range []string{"/usr/lib/parvis/prepare", "/usr/lib/parvis/current", "/usr/lib/parvis/good", "/usr/bin/parvis-hub", "/usr/sbin/dnsmasq"} {
			text = bytes.ReplaceAll(text, []byte(p), []byte(true_))
		}
		to := filepath.Join(dir, filepath.Base(f))
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, to)
	}
	cmd := exec.Command("systemd-analyze", args...)
	cmd.Env = append(os.Environ(), "SYSTEMD_LOG_LEVEL=warning")
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "parvis") {
			t.Error(strings.TrimSpace(line))
		}
	}
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// Scripts of packages run where nobody looks: a shell reads each of them.
func TestScriptsAreOnesOfAShell(t *testing.T) {
	var all []string
	for _, p := range []string{"debian/*", "debian-hub/*", "openwrt/*.init", "openwrt/configure", "openwrt/firewall.include", "openwrt/uci-defaults", "openwrt/p*inst", "openwrt/prerm"} {
		files, err := filepath.Glob(p)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", p, err)
		}
		all = append(all, files...)
	}
	for _, f := range all {
		if out, err := exec.Command("sh", "-n", f).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", f, out)
		}
		if fi, err := os.Stat(f); err != nil || fi.Mode().Perm()&0o111 == 0 {
			t.Errorf("%s is not executable: %v", f, err)
		}
	}
}

// The sandbox is told in one place, and what it lets through is looked at when it changes.
func TestTheDaemonMayDoThisAndNoMore(t *testing.T) {
	text, err := os.ReadFile("systemd/parvis.service")
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(text)) {
		for _, word := range []string{"User=", "Group", "Supplementary", "Capabilit", "NoNew", "Protect", "Private", "Restrict", "SystemCall", "Device", "ReadW", "ReadO", "Memory", "Lock"} {
			if strings.HasPrefix(line, word) || strings.HasPrefix(line, "Ambient") && word == "Capabilit" {
				kept = append(kept, line)
				break
			}
		}
	}
	golden.Check(t, "sandbox.txt", strings.Join(kept, ""))
}
