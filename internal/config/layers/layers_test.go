package layers_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parvis/internal/config"
	"parvis/internal/config/layers"
	"parvis/internal/lang"
)

func merge(t *testing.T, all ...layers.Layer) layers.Merged {
	t.Helper()
	m, err := layers.Merge(all...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestALaterLayerWins(t *testing.T) {
	for _, tc := range []struct {
		name          string
		below, top    string
		want, origins string
	}{
		{"a key", "[site]\ndesk = \"a\"", "[site]\ndesk = \"b\"", "[site]\ndesk = \"b\"\n", "site.desk:top"},
		{
			"beside others of its section", "[site]\ndesk = \"a\"\ncontact = \"c\"", "[site]\ndesk = \"b\"",
			"[site]\ncontact = \"c\"\ndesk = \"b\"\n", "site.contact:below site.desk:top",
		},
		{"a list as a whole", "[gate]\ngarden = [\"a\", \"b\"]", "[gate]\ngarden = [\"c\"]", "[gate]\ngarden = [\"c\"]\n", "gate.garden:top"},
		{
			"a profile by its name", "[[profile]]\nname = \"visite\"\nduration = \"1h\"\nidle = \"5m\"", "[[profile]]\nname = \"visite\"\nduration = \"2h\"",
			"[[profile]]\nduration = \"2h\"\nidle = \"5m\"\nname = \"visite\"\n",
			"profile.visite.duration:top profile.visite.idle:below profile.visite.name:top",
		},
		{
			"a profile beside another", "[[profile]]\nname = \"visite\"", "[[profile]]\nname = \"jeunesse\"",
			"[[profile]]\nname = \"visite\"\n\n[[profile]]\nname = \"jeunesse\"\n", "profile.jeunesse.name:top profile.visite.name:below",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := merge(t, layers.Layer{Origin: "below", Source: tc.below}, layers.Layer{Origin: "top", Source: tc.top})
			if d := cmp.Diff(tc.want, m.Source); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tc.origins, spoken(m.Origins)); d != "" {
				t.Error(d)
			}
		})
	}
}

// spoken writes origins in the order of their keys.
func spoken(m map[string]string) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, k+":"+m[k])
	}
	return strings.Join(all, " ")
}

func TestWhatIsNoPieceOfAConfigurationIsRefused(t *testing.T) {
	for source, want := range map[string]error{
		"[site":                                                layers.ErrNotTOML,
		"name = \"x\"":                                         layers.ErrShape,
		"[profile]\nname = \"x\"":                              layers.ErrShape,
		"[[site]]\nname = \"x\"":                               layers.ErrShape,
		"[[profile]]\nduration = \"1h\"":                       layers.ErrShape,
		"[[profile]]\nname = \"a.b\"":                          layers.ErrShape,
		"[site]\nx = { y = 1 }":                                layers.ErrShape,
		"[site]\nx = [[1]]":                                    layers.ErrShape,
		"[site]\nx = [{ y = 1 }]":                              layers.ErrShape,
		"[[profile]]\nname = \"a\"\n[profile.x]":               layers.ErrShape,
		"[[profile]]\nname = \"a\"\n[[profile]]\nname = \"a\"": layers.ErrShape,
	} {
		if _, err := layers.Merge(layers.Layer{Origin: "x", Source: source}); !errors.Is(err, want) {
			t.Errorf("%q: %v; expected %v", source, err, want)
		}
	}
}

func TestACentreDoesNotSayWhatIsOneMachines(t *testing.T) {
	for _, tc := range []struct {
		key string
		ok  bool
	}{
		{"site.hours", true},
		{"profile.visite.duration", true},
		{"gate.services", true},
		{"terminals.offers", true},
		{"guests.lease", false},
		{"gate.garden", false},
		{"wan.interface", false},
		{"wan.down", false},
		{"guests.address", false},
		{"guests.interface", false},
		{"portal.certificate", false},
		{"staff.client-secret-file", false},
		{"site.holidays", false},
		{"gate.catalogue", false},
		{"hub.url", false},
		{"copy.key", false},
		{"site.name", false},
	} {
		if layers.Central(tc.key) != tc.ok {
			t.Errorf("%s: %v; expected %v", tc.key, !tc.ok, tc.ok)
		}
	}
	if err := layers.Check("[site]\nhours = []\n[wan]\ninterface = \"eth0\""); !errors.Is(err, layers.ErrMachine) || !strings.Contains(err.Error(), "wan.interface") {
		t.Errorf("got %v", err)
	}
	if err := layers.Check("[site]\nhours = []"); err != nil {
		t.Error(err)
	}
}

// Every key of the reference is decided about: what is central is a key that exists.
func TestWhatACentreSaysExists(t *testing.T) {
	reference := config.Reference(lang.EN)
	for _, key := range layers.Keys() {
		section, name, _ := strings.Cut(key, ".")
		i := strings.Index(reference, "["+section+"]")
		if i < 0 || !strings.Contains(reference[i:], name+" = ") {
			t.Errorf("%s is not in the reference", key)
		}
	}
}

// The whole of a real configuration and a centre's piece is a configuration.
func TestAMergedConfigurationIsRead(t *testing.T) {
	m := merge(t,
		layers.Layer{Origin: "site", Source: config.Reference(lang.EN)},
		layers.Layer{Origin: "commune", Source: "[site]\ndesk = \"le comptoir\"\n[[profile]]\nname = \"ville\"\nlabel = \"Ville\"\nduration = \"90m\"\n"},
	)
	cfg, problems := config.Parse("merged.toml", []byte(m.Source))
	if config.HasErrors(problems) {
		t.Fatal(problems)
	}
	if cfg.Site.Desk != "le comptoir" || m.Origins["site.desk"] != "commune" || m.Origins["guests.address"] != "site" {
		t.Errorf("%q, %v", cfg.Site.Desk, m.Origins)
	}
}

var piece = rapid.Custom(func(t *rapid.T) string {
	var b strings.Builder
	for _, s := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"site", "gate", "portal"}), func(s string) string { return s }).Draw(t, "sections") {
		fmt.Fprintf(&b, "[%s]\n", s)
		for _, k := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), func(s string) string { return s }).Draw(t, "keys") {
			fmt.Fprintf(&b, "%s = %d\n", k, rapid.IntRange(0, 9).Draw(t, "value"))
		}
	}
	for _, p := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"p", "q"}), func(s string) string { return s }).Draw(t, "profiles") {
		fmt.Fprintf(&b, "[[profile]]\nname = %q\nn = %d\n", p, rapid.IntRange(0, 9).Draw(t, "n"))
	}
	return b.String()
})

// Merging in steps is merging at once, and merging twice changes nothing.
func TestMergingIsTheSameInAnyGrouping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := piece.Draw(t, "a"), piece.Draw(t, "b"), piece.Draw(t, "c")
		at := func(all ...string) string {
			var ls []layers.Layer
			for _, s := range all {
				ls = append(ls, layers.Layer{Source: s})
			}
			m, err := layers.Merge(ls...)
			if err != nil {
				t.Fatal(err)
			}
			return m.Source
		}
		whole := at(a, b, c)
		for name, other := range map[string]string{"left": at(at(a, b), c), "right": at(a, at(b, c)), "again": at(whole), "over itself": at(whole, c)} {
			if other != whole {
				t.Fatalf("%s: %q; expected %q", name, other, whole)
			}
		}
	})
}

func FuzzMerge(f *testing.F) {
	f.Add("[site]\nname = \"a\"", "[[profile]]\nname = \"b\"")
	f.Fuzz(func(t *testing.T, a, b string) {
		m, err := layers.Merge(layers.Layer{Origin: "a", Source: a}, layers.Layer{Origin: "b", Source: b})
		if err != nil {
			return
		}
		again, err := layers.Merge(layers.Layer{Origin: "m", Source: m.Source})
		if err != nil || again.Source != m.Source {
			t.Fatalf("what was written is not read back: %v\n%s\n%s", err, m.Source, again.Source)
		}
	})
}

// A page shows each value as the file has it.
func TestEachValueIsWrittenAsTOML(t *testing.T) {
	m, err := layers.Merge(layers.Layer{Source: "[site]\ndesk = \"le \\\"bar\\\"\"\nrules = ['a', \"b\"]\n[staff]\npkce = false\n[[profile]]\nname = \"visite\"\ndevices = 2\n"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"site.desk": `"le \"bar\""`, "site.rules": `["a", "b"]`, "staff.pkce": "false", "profile.visite.name": `"visite"`, "profile.visite.devices": "2",
	}
	for key, v := range want {
		if m.Values[key] != v {
			t.Errorf("%s = %s, want %s", key, m.Values[key], v)
		}
	}
	if len(m.Values) != len(want) {
		t.Errorf("%v", m.Values)
	}
}
