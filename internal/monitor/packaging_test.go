package monitor

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const shipped = "../../packaging/monitoring/"

// names are the metrics of ours that a text speaks of, and the records of ours.
var (
	ourMetric = regexp.MustCompile(`\b(?:site:)?parvis_[a-z0-9_]+(?::[a-z0-9]+)?`)
	record    = regexp.MustCompile(`(?m)^ *- record: (\S+)`)
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(shipped + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRulesAndDashboardNameMetricsThatThereAre(t *testing.T) {
	var b bytes.Buffer
	Write(&b, busy())
	known := map[string]bool{}
	for line := range strings.Lines(b.String()) {
		if name, _, found := strings.Cut(strings.ReplaceAll(line, "{", " "), " "); found && name != "#" {
			known[name] = true
		}
	}
	rules := read(t, "prometheus/parvis.rules.yml")
	for _, r := range record.FindAllStringSubmatch(rules, -1) {
		known[r[1]] = true
	}
	for _, file := range []string{"prometheus/parvis.rules.yml", "prometheus/parvis.rules.test.yml", "grafana/parvis.json", "zabbix/parvis.yaml"} {
		found := ourMetric.FindAllString(read(t, file), -1)
		if len(found) == 0 {
			t.Errorf("%s names no metric", file)
		}
		for _, name := range found {
			if !known[name] {
				t.Errorf("%s: there is no metric %s", file, name)
			}
		}
	}
	codes := regexp.MustCompile(`code[!=]~"([^"]+)"`).FindAllStringSubmatch(rules, -1)
	if len(codes) == 0 {
		t.Error("no rule is about a problem")
	}
	for _, m := range codes {
		for _, code := range strings.Split(m[1], "|") {
			if !known["parvis_problems"] || !strings.Contains(b.String(), `parvis_problems{code="`+code+`"}`) {
				t.Errorf("there is no problem %s", code)
			}
		}
	}
}

func TestTheShippedRulesPassPrometheusOwnTests(t *testing.T) {
	needs(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", "parvis.rules.yml", "parvis-hub.rules.yml"}, {"test", "rules", "parvis.rules.test.yml", "parvis-hub.rules.test.yml"},
	} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = shipped + "prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

func TestTheDashboardsAreWhole(t *testing.T) {
	for file, choice := range map[string]string{"grafana/parvis.json": `site=~"$site"`, "grafana/parvis-hub.json": `commune_name=~"$commune"`} {
		t.Run(file, func(t *testing.T) { whole(t, file, choice) })
	}
}

// whole looks at one dashboard. choice is what each figure of a site is chosen by.
func whole(t *testing.T, file, choice string) {
	var d struct {
		UID    string `json:"uid"`
		Panels []struct {
			ID      int    `json:"id"`
			Type    string `json:"type"`
			Title   string `json:"title"`
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, file)), &d); err != nil {
		t.Fatal(err)
	}
	var ids []int
	for _, p := range d.Panels {
		if p.Title == "" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 || slices.Contains(ids, p.ID) {
			t.Errorf("panel %d %q", p.ID, p.Title)
		}
		ids = append(ids, p.ID)
		for _, target := range p.Targets {
			if !strings.Contains(target.Expr, "parvis_hub_") && !strings.Contains(target.Expr, choice) {
				t.Errorf("panel %q shows other sites than the chosen ones: %s", p.Title, target.Expr)
			}
		}
	}
	if d.UID == "" || len(ids) == 0 {
		t.Error("no panels, or no name by which it is replaced")
	}
}
