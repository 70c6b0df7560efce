package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/hub/intake/intaketest"
)

// A real Prometheus, with the rules that are shipped, finds a real hub's sites by the hub, fetches both, and evaluates every rule on them.
func TestPrometheusFetchesTheHubAndItsSites(t *testing.T) {
	program, err := exec.LookPath("prometheus")
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("prometheus is not installed")
	} else if err != nil {
		t.Fatal(err)
	}
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	p := c.serve()
	box, site := c.adds(p, "saint-pern", "Médiathèque")
	if _, err := box.Send(t.Context(), intaketest.Batch(epoch, 1, intaketest.Hour(hoursAgo(5), 1, 3))); err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs("../../packaging/monitoring/prometheus/parvis-hub.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir, at := t.TempDir(), free(t)
	conf := fmt.Sprintf(`global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [%s]
scrape_configs:
- { job_name: parvis-hub, static_configs: [{ targets: ["%s"] }] }
- { job_name: parvis-sites, http_sd_configs: [{ url: "%s/sites" }] }
`, rules, strings.TrimPrefix(p.monitor, "http://"), p.monitor)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config.file", filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path", filepath.Join(dir, "tsdb"), "--web.listen-address", at)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	ask := func(path string, into any) bool {
		resp, err := http.Get("http://" + at + path) // until it answers
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return json.NewDecoder(resp.Body).Decode(into) == nil
	}
	// value is what an expression has as its one result; "" none.
	value := func(expr string) string {
		var answer struct {
			Data struct {
				Result []struct {
					Value [2]any
				}
			}
		}
		if !ask("/api/v1/query?query="+url.QueryEscape(expr), &answer) || len(answer.Data.Result) != 1 {
			return ""
		}
		return fmt.Sprint(answer.Data.Result[0].Value[1])
	}
	for expr, want := range map[string]string{
		`up{job="parvis-hub"}`:   "1",
		`parvis_hub_database_up`: "1",
		`parvis_hub_sites`:       "1",
		`parvis_site_line_up{instance="` + site + `",commune="saint-pern",site_name="Médiathèque"}`: "1",
		`parvis_site_recent_sessions`:                              "3",
		`count(ALERTS{alertname="ParvisSiteSilent"}) or vector(0)`: "0",
	} {
		c.until("Prometheus says "+want+" of "+expr, func() bool { return value(expr) == want })
	}
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	c.until("Prometheus has evaluated every rule", func() bool {
		if !ask("/api/v1/rules", &answer) || len(answer.Data.Groups) < 2 {
			return false
		}
		for _, g := range answer.Data.Groups {
			for _, r := range g.Rules {
				if r.Health == "unknown" {
					return false
				}
			}
		}
		return true
	})
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			if r.Health != "ok" {
				t.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
}
