package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"parvis/internal/config"
	"parvis/internal/golden"
)

const uciShow = `parvis.site=site
parvis.site.name='Maison de l'\''Étoile'
parvis.site.contact='accueil@parvis.example'
parvis.site.hours='lun-ven 9:00-12:00' 'sam 9:00-12:00'
parvis.wan=wan
parvis.wan.interface='eth0'
parvis.guests=guests
parvis.guests.interface='br-public'
parvis.guests.address='10.77.0.1/16'
parvis.guests.capacity='480'
parvis.guests.ipv6='1'
parvis.portal=portal
parvis.portal.name='wifi.parvis.example'
parvis.@profile[0]=profile
parvis.@profile[0].name='visite'
parvis.@profile[0].label='Visite'
parvis.@profile[0].duration='1h'
parvis.@profile[0].line_stops='off'
parvis.@profile[1]=profile
parvis.@profile[1].name='atelier'
parvis.@profile[1].label='Atelier \ "du mardi"'
parvis.@profile[1].duration='2h'
parvis.@profile[1].volume='2GB'
`

func TestAConfigurationOfOpenWrtIsOneOfOurs(t *testing.T) {
	got, err := config.FromUCI(strings.NewReader(uciShow))
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "uci.golden", got)
	cfg, problems := config.Parse("parvis.toml", []byte(got))
	if cfg == nil || config.HasErrors(problems) {
		t.Fatalf("it does not load: %v", problems)
	}
	if cfg.Site.Name != "Maison de l'Étoile" || cfg.Guests.Capacity != 480 || !cfg.Guests.IPv6 || len(cfg.Profiles) != 2 {
		t.Errorf("%+v", cfg)
	}
}

func TestWhatUCIDoesNotPrintIsRefusedWithItsLine(t *testing.T) {
	for name, in := range map[string]string{
		"another package":      "network.lan=interface",
		"no section before it": "parvis.site.name='x'",
		"no quotes":            "parvis.site=site\nparvis.site.name=x",
		"an open quote":        "parvis.site=site\nparvis.site.name='x",
		"text behind":          "parvis.site=site\nparvis.site.name='x'y",
		"no value":             "parvis.site=site\nparvis.site.name=",
		"a section twice":      "parvis.site=site\nparvis.site=site",
		"a type with a dot":    "parvis.site=a.b",
		"words":                "uci: Entry not found",
	} {
		if out, err := config.FromUCI(strings.NewReader(in)); !errors.Is(err, config.ErrUCI) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
	if _, err := config.FromUCI(strings.NewReader(strings.Repeat("parvis.a=b\n", config.UCIMost))); err == nil {
		t.Error("too long, and read")
	}
}

func FuzzUCI(f *testing.F) {
	f.Add(uciShow)
	f.Add("parvis.a=b\nparvis.a.c='\x00\x7f\xff' '\\\"'\n")
	f.Fuzz(func(t *testing.T, in string) {
		out, err := config.FromUCI(strings.NewReader(in))
		if err != nil {
			return
		}
		config.Parse("parvis.toml", []byte(out)) // it may refuse, in words
		// Keys and values are written so that none of them can become another one.
		var tree map[string]any
		if _, err := toml.Decode(out, &tree); err != nil && !strings.Contains(err.Error(), "already") && !strings.Contains(err.Error(), "defined") {
			t.Fatalf("%q gives %q: %v", in, out, err)
		}
	})
}
