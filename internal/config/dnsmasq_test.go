package config_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/config"
	"parvis/internal/golden"
	"parvis/internal/lang"
	"parvis/kiosk/names"
)

// gardens are of the places that have one.
var gardens = map[string]names.List{"garden": {"www.caf.fr", ".gouv.fr"}}

func TestDnsmasqConfigurationIsTakenByDnsmasq(t *testing.T) {
	tls := strings.Replace(least, "[portal]", "[portal]\ncertificate = \"/etc/parvis/portal.crt\"\nkey = \"/etc/parvis/portal.key\"", 1)
	for name, src := range map[string]string{
		"http-only":       least,
		"tls":             tls,
		"ipv6":            strings.Replace(tls, "address =", "ipv6 = true\naddress =", 1),
		"console":         strings.Replace(tls, "[[profile]]", "[staff]\nname = \"equipe.example.org\"\n[[profile]]", 1),
		"in-the-middle":   strings.Replace(least, "10.77.0.1/16", "192.168.40.100/24", 1),
		"last-and-small":  strings.Replace(least, "10.77.0.1/16", "192.168.40.14/28", 1),
		"garden":          least,
		"thousands-short": strings.Replace(least, "address =", "capacity = 10000\nlease = \"10m\"\naddress =", 1),
	} {
		t.Run(name, func(t *testing.T) {
			cfg, ps := config.Parse("parvis.toml", []byte(src))
			if cfg == nil {
				t.Fatal(say(ps, lang.EN))
			}
			got := config.Dnsmasq(cfg, "/var/lib/parvis", gardens[name])
			golden.Check(t, name+".dnsmasq.golden", got)
			if got := config.DnsmasqTerminals(cfg, "/var/lib/parvis"); got != "" {
				t.Errorf("a place without terminals has a resolver for them:\n%s", got)
			}
			file := filepath.Join(t.TempDir(), "dnsmasq.conf")
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("dnsmasq", "--test", "-C", file).CombinedOutput(); err != nil {
				t.Errorf("dnsmasq --test: %v\n%s", err, out)
			}
		})
	}
}

func TestDnsmasqConfigurationOfTerminalsIsTakenByDnsmasq(t *testing.T) {
	src := strings.Replace(least, "[[profile]]", "[terminals]\ninterface = \"eth2\"\naddress = \"10.30.0.1/24\"\n[[profile]]", 1)
	cfg, ps := config.Parse("parvis.toml", []byte(src))
	if cfg == nil {
		t.Fatal(say(ps, lang.EN))
	}
	got := config.DnsmasqTerminals(cfg, "/var/lib/parvis")
	golden.Check(t, "terminals.dnsmasq.golden", got)
	file := filepath.Join(t.TempDir(), "dnsmasq.conf")
	if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("dnsmasq", "--test", "-C", file).CombinedOutput(); err != nil {
		t.Errorf("dnsmasq --test: %v\n%s", err, out)
	}
}
