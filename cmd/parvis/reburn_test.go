package main

import (
	"fmt"
	"strings"
	"testing"

	"parvis/internal/config"
	"parvis/internal/config/layers"
	"parvis/kiosk/porteus"
)

// What the hub says of who burns terminals anew is what is written for them: each key that may come from a centre is given two values.
func TestTheHubKnowsWhichKeysBurnTerminalsAnew(t *testing.T) {
	values := map[string][2]string{
		"gate.services": {`["all"]`, `["franceconnect"]`}, "portal.open": {`"click"`, `"desk"`}, "portal.profile": {`"visite"`, `"etude"`},
		"site.contact": {`"a"`, `"b"`}, "site.desk": {`"le comptoir"`, `"le bureau"`}, "site.exceptions": {`[]`, `["2026-12-25 fermé"]`},
		"site.holiday-hours": {`[]`, `["lun 9:00-12:00"]`}, "site.hours": {`["lun 9:00-12:00"]`, `["mar 9:00-12:00"]`}, "site.languages": {`["fr"]`, `["fr", "en"]`},
		"site.publisher": {`"a"`, `"b"`}, "site.rules": {`[]`, `["On parle doucement."]`}, "site.timezone": {`"Europe/Paris"`, `"Indian/Reunion"`},
		"portal.town": {`"A"`, `"B"`}, "portal.colour": {`"#1d3f8f"`, `"#17564b"`}, "portal.accent": {`"#9a3d12"`, `"#b03a6f"`},
		"staff.client": {`"a"`, `"b"`}, "staff.issuer": {`"https://a.example"`, `"https://b.example"`}, "staff.pkce": {`true`, `false`}, "staff.role-claim": {`"a"`, `"b"`},
		"terminals.browser": {`"firefox"`, `"chrome"`}, "terminals.grace": {`"5m"`, `"0s"`}, "terminals.idle": {`"10m"`, `"20m"`}, "terminals.offers": {`["30m"]`, `["1h"]`},
		"terminals.profile": {`"poste"`, `"long"`}, "terminals.prolong": {`"0s"`, `"10m"`}, "terminals.restart": {`false`, `true`}, "terminals.usb": {`false`, `true`},
		"wan.echo": {`"http://a.example:4747"`, `"http://b.example:4747"`}, "wan.favour": {`[]`, `["192.0.2.1"]`}, "wan.probe": {`"http://a.example/"`, `"http://b.example/"`},
	}
	const base = `[site]
name = "Médiathèque"
contact = "accueil"
[wan]
interface = "wan"
[guests]
interface = "lan"
address = "10.77.0.1/24"
[portal]
name = "portail.example"
[staff]
name = "equipe.example"
certificate = "/etc/parvis/a.pem"
key = "/etc/parvis/a.key"
issuer = "https://a.example"
client = "a"
[terminals]
interface = "posts"
address = "192.168.90.1/24"
[[profile]]
name = "visite"
label = "Visite"
duration = "1h"
[[profile]]
name = "etude"
label = "Étude"
duration = "2h"
[[profile]]
name = "poste"
label = "Poste"
duration = "30m"
terminal = true
[[profile]]
name = "long"
label = "Long"
duration = "1h"
terminal = true
`
	written := func(key, value string) string {
		t.Helper()
		section, name, _ := strings.Cut(key, ".")
		m, err := layers.Merge(layers.Layer{Source: base}, layers.Layer{Source: fmt.Sprintf("[%s]\n%s = %s\n", section, name, value)})
		if err != nil {
			t.Fatal(key, err)
		}
		cfg, problems := config.Parse("parvis.toml", []byte(m.Source))
		if cfg == nil {
			t.Fatalf("%s = %s: %v", key, value, problems)
		}
		s := porteusSettings(cfg)
		s.Terminals = []porteus.Post{{PCID: "AB12CD34", Host: "poste-1"}}
		b, err := porteus.Render(s)
		if err != nil {
			t.Fatal(key, err)
		}
		return string(b)
	}
	for _, key := range layers.Keys() {
		two, ok := values[key]
		if !ok {
			t.Errorf("%s has no values here: does it burn terminals anew?", key)
			continue
		}
		if is := written(key, two[0]) != written(key, two[1]); is != layers.Reburns(key) {
			t.Errorf("%s: what is written for terminals changes: %v; the hub says %v", key, is, layers.Reburns(key))
		}
	}
}
