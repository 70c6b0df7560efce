package monitor

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// zabbixItem is an item of a template, or a prototype of one (Zabbix 6.0 manual, "Export/import", YAML).
type zabbixItem struct {
	UUID          string `yaml:"uuid"`
	Name          string
	Type          string
	Key           string
	URL           string `yaml:"url"`
	Preprocessing []struct {
		Type         string
		Parameters   []string
		ErrorHandler string `yaml:"error_handler"`
	}
	MasterItem        struct{ Key string } `yaml:"master_item"`
	Triggers          []zabbixTrigger
	TriggerPrototypes []zabbixTrigger `yaml:"trigger_prototypes"`
}

type zabbixTrigger struct {
	UUID                       string `yaml:"uuid"`
	Name, Expression, Priority string
}

type zabbixTemplate struct {
	UUID           string `yaml:"uuid"`
	Template, Name string
	Items          []zabbixItem
	Macros         []struct{ Macro, Value, Description string }
	DiscoveryRules []struct {
		UUID           string       `yaml:"uuid"`
		ItemPrototypes []zabbixItem `yaml:"item_prototypes"`
		LLDMacroPaths  []struct {
			Macro string `yaml:"lld_macro"`
			Path  string
		} `yaml:"lld_macro_paths"`
	} `yaml:"discovery_rules"`
}

var (
	uuidV4   = regexp.MustCompile(`^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`) // as Zabbix wants them, without hyphens
	keyOf    = regexp.MustCompile(`/([^/]+)/([a-z_.]+(?:\[[^\]]*\])?)`)
	macroOf  = regexp.MustCompile(`\{[#$][A-Z.]+\}`)
	sortOf   = []string{"WARNING", "AVERAGE", "HIGH", "DISASTER"}
	metricOf = regexp.MustCompile(`^(?:parvis|process)_[a-z_]+(?:\{[a-z]+="[a-z-]+"\})?$`)
)

// Zabbix takes a template as a whole or not at all. Its own import was tried on version 6.0.14; here every reference of ours is followed.
func TestTheTemplatesForZabbixAreWhole(t *testing.T) {
	for _, file := range []string{"zabbix/parvis.yaml", "zabbix/parvis-hub.yaml"} {
		t.Run(file, func(t *testing.T) {
			var f struct {
				Export struct {
					Version   string
					Templates []zabbixTemplate
					Triggers  []zabbixTrigger
				} `yaml:"zabbix_export"`
			}
			if err := yaml.Unmarshal([]byte(read(t, file)), &f); err != nil {
				t.Fatal(err)
			}
			if f.Export.Version != "6.0" || len(f.Export.Templates) != 1 {
				t.Fatalf("version %q, %d templates", f.Export.Version, len(f.Export.Templates))
			}
			tpl := f.Export.Templates[0]
			items, triggers, uuids := slices.Clone(tpl.Items), f.Export.Triggers, []string{tpl.UUID}
			known := map[string]bool{"{HOST.NAME}": true}
			for _, m := range tpl.Macros {
				if known[m.Macro] = true; m.Value == "" || m.Description == "" {
					t.Errorf("macro %s is not said", m.Macro)
				}
			}
			for _, r := range tpl.DiscoveryRules {
				items, uuids = append(items, r.ItemPrototypes...), append(uuids, r.UUID)
				for _, m := range r.LLDMacroPaths {
					known[m.Macro] = true
				}
			}
			keys := map[string]string{} // key → type
			for _, i := range items {
				if _, twice := keys[i.Key]; twice {
					t.Errorf("%s is there twice", i.Key)
				}
				keys[i.Key], uuids = i.Type, append(uuids, i.UUID)
				triggers = append(append(triggers, i.Triggers...), i.TriggerPrototypes...)
			}
			for _, i := range items {
				switch i.Type {
				case "HTTP_AGENT":
					if !strings.HasPrefix(i.URL, "{$PARVIS.") {
						t.Errorf("%s is read at %q", i.Key, i.URL)
					}
				case "DEPENDENT":
					if keys[i.MasterItem.Key] != "HTTP_AGENT" {
						t.Errorf("%s depends on %q", i.Key, i.MasterItem.Key)
					}
					if p := i.Preprocessing; len(p) == 0 || p[0].Type != "PROMETHEUS_PATTERN" || len(p[0].Parameters) != 3 || !metricOf.MatchString(p[0].Parameters[0]) || p[0].Parameters[1] != "value" {
						t.Errorf("%s is made by %+v", i.Key, i.Preprocessing)
					}
				default:
					t.Errorf("%s is of type %q", i.Key, i.Type)
				}
			}
			if len(triggers) == 0 {
				t.Error("nothing is told")
			}
			for _, tr := range triggers {
				uuids = append(uuids, tr.UUID)
				found := keyOf.FindAllStringSubmatch(tr.Expression, -1)
				if len(found) == 0 || !slices.Contains(sortOf, tr.Priority) {
					t.Errorf("trigger %q: %s, %s", tr.Name, tr.Expression, tr.Priority)
				}
				for _, m := range found {
					if m[1] != tpl.Template || keys[m[2]] == "" {
						t.Errorf("trigger %q is about /%s/%s, which there is not", tr.Name, m[1], m[2])
					}
				}
			}
			for _, m := range macroOf.FindAllString(read(t, file), -1) {
				if !known[m] {
					t.Errorf("nobody says what %s is", m)
				}
			}
			slices.Sort(uuids)
			for i, u := range uuids {
				if !uuidV4.MatchString(u) || i > 0 && uuids[i-1] == u {
					t.Errorf("%q is no identifier of its own", u)
				}
			}
		})
	}
}
