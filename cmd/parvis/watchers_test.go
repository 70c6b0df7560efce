package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/lab"
)

const (
	// The daemon's /metrics on the router's own address beside the line: the one where a town's monitoring would come in.
	metricsAt    = "203.0.113.2:9100"
	prometheusAt = "127.0.0.1:9090"
)

// A real Prometheus, with the files that are shipped, fetches a real daemon's figures and evaluates every rule on them.
func TestPrometheusFetchesTheDaemonAndEvaluatesTheShippedRules(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{More: "\n[monitor]\nlisten = \"" + metricsAt + "\"\n"})
	g := p.guest()
	p.accept(g)

	rules, err := filepath.Abs("../../packaging/monitoring/prometheus/parvis.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	conf := "global: { scrape_interval: 1s, evaluation_interval: 1s }\n" +
		"rule_files: [" + rules + "]\n" +
		"scrape_configs:\n- job_name: parvis\n  static_configs: [{ targets: ['" + metricsAt + "'], labels: { site: laboratoire } }]\n"
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal(err)
	}
	cmd, err := p.RouterCommand(prometheus, "--config.file", filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path", filepath.Join(dir, "tsdb"),
		"--web.listen-address", prometheusAt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.StartRouterProgram(cmd); err != nil {
		t.Fatal(err)
	}
	query := func(expr string) string {
		out, _ := p.RouterOutput(ctx(t), "promtool", "query", "instant", "http://"+prometheusAt, expr) // until it answers
		return strings.TrimSpace(out)
	}
	p.minute(t, "has the guest's session in Prometheus", func() bool { return strings.Contains(query(`parvis_open_sessions{site="laboratoire"}`), "=> 1 @") })
	p.minute(t, "has what the rules record", func() bool { return strings.Contains(query(`site:parvis_used_sessions:ratio`), "=> 0.00") })
	for expr, want := range map[string]string{
		`parvis_line_up`: "=> 1 @", `parvis_place_open`: "=> 1 @", `parvis_most_sessions`: "=> 240 @", `parvis_problems{code="store"}`: "=> 0 @",
		`ALERTS{alertname="ParvisSilent"}`: "", `up{job="parvis"}`: "=> 1 @", `process_resident_memory_bytes > 1e6`: "=> ",
	} {
		if got := query(expr); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
	on := http.Client{Transport: &http.Transport{DialContext: p.Router.Dial}}
	resp, err := on.Get("http://" + prometheusAt + "/api/v1/rules")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			count++
			if r.Health != "ok" {
				t.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if count == 0 {
		t.Error("no rules")
	}

	// The same figures are of no concern to guests, with or without a session.
	soon, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	c, err := g.Dial(soon, "tcp", metricsAt)
	if err == nil {
		c.Close()
		t.Error("a guest reaches /metrics")
	}
}
