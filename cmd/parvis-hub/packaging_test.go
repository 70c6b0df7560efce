package main

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/store"
)

// Rules, dashboard and template for the centre name what a real centre says, with labels that it has.
func TestWhatIsShippedForMonitoringNamesMetricsThatThereAre(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	p := c.serve()
	box, site := c.adds(p, "saint-pern", "Médiathèque")
	if _, err := box.Send(t.Context(), intaketest.Batch(epoch, 1, intaketest.Hour(hoursAgo(5), 1, 3))); err != nil {
		t.Fatal(err)
	}
	if err := c.store.AddBackup(t.Context(), store.Backup{At: time.Now(), Bytes: 4096, Checked: true}); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range []string{"/metrics", "/sites/" + site + "/metrics"} {
		status, body := get(t, p.monitor+path)
		if status != http.StatusOK {
			t.Fatal(path, status)
		}
		all.WriteString(body)
	}
	known := map[string]bool{}
	for line := range strings.Lines(all.String()) {
		if name, _, found := strings.Cut(strings.ReplaceAll(strings.TrimSpace(line), "{", " "), " "); found && name != "#" {
			known[name] = true
		}
	}
	const shipped = "../../packaging/monitoring/"
	read := func(file string) string {
		t.Helper()
		b, err := os.ReadFile(shipped + file)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, r := range regexp.MustCompile(`(?m)^ *- record: (\S+)`).FindAllStringSubmatch(read("prometheus/parvis-hub.rules.yml"), -1) {
		known[r[1]] = true
	}
	metric := regexp.MustCompile(`(?:\bhub:)?\b(?:parvis|process)_[a-z0-9_]+(?::[a-z0-9]+)?`)
	for _, file := range []string{"prometheus/parvis-hub.rules.yml", "prometheus/parvis-hub.rules.test.yml", "grafana/parvis-hub.json", "zabbix/parvis-hub.yaml"} {
		found := metric.FindAllString(read(file), -1)
		if len(found) == 0 {
			t.Errorf("%s names no metric", file)
		}
		for _, name := range found {
			if !known[name] {
				t.Errorf("%s: there is no metric %s", file, name)
			}
		}
	}
	for _, label := range []string{`state="busy"`, `state="idle"`, `what="batch"`, `status="200"`, `le="`} {
		if !strings.Contains(all.String(), label) {
			t.Errorf("no metric has %s", label)
		}
	}
}
