package main

import (
	"regexp"
	"strings"
	"testing"

	"parvis/internal/lab"
	"parvis/internal/lab/bench"
)

// log writes what a run prints into the test's log.
type log struct{ t *testing.T }

func (l log) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// Every figure is taken and says something; how fast is not a test's business.
func TestAQuickBenchTakesEveryFigure(t *testing.T) {
	lab.NeedsLab(t)
	f, err := bench.Run(t.Context(), bench.Options{Binary: self, Bare: []string{self, "lab", "bench", "--bare"}, Gate: []string{self, "lab", "bench", "--gate"}, Out: log{t}, Quick: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"(forward_pps|shaped_pps|forward_tcp_up|forward_tcp_down)_ratio_(1|20)_(legacy|nft)", "rules_pps_ratio_(1|20)_(legacy|nft)",
		"open_ms_p99_(0|20)(_without_storage)?", "redeem_ms_p(50|99)", "restore_ms_20(_empty_kernel)?",
		"jain_index", "uplink_used_pct", "latency_under_load_ms_p(50|99)", "rss_mb_20", "portal_302_per_s_4", "portal_302_ratio_4", "portal_302_ms_p99_4", "console_events_ms_p(50|99)",
		"gate_throughput(_up)?_ratio",
		"hub_(ingest_rows|batches)_per_s", "hub_page_ms_p95_(sites|site|site_beside_a_year_ago|report|report_file|settings|communes|centre)", "hub_page_ms_p95", "hub_(bytes_per_site_year|busy_pct_500_sites)",
	} {
		found := 0
		for name, v := range f.Results {
			if regexp.MustCompile("^" + want + "$").MatchString(name) {
				found++
				if v <= 0 {
					t.Errorf("%s is %v", name, v)
				}
			}
		}
		if all := alternatives(want); found != all {
			t.Errorf("%d figures like %s, want %d", found, want, all)
		}
	}
	for name, bound := range map[string]float64{"jain_index": 1, "shape_error_pct_up_5": 30, "shape_error_pct_down_5": 30, "portal_timeouts_4": 0, "idle_cpu_pct_20": 200, "cut_ms_p99": 20_000, "gate_connect_ms_p99": 20_000, "gate_tunnel_kb": 20_000} {
		if v, ok := f.Results[name]; !ok || v > bound+1e-9 || v < -bound {
			t.Errorf("%s is %v (there: %v), want at most %v", name, v, ok, bound)
		}
	}
	for name, why := range f.Missing {
		if !strings.HasPrefix(name, "repair_ms_") { // that a fault is not repaired is a figure too
			t.Errorf("%s is missing: %s", name, why)
		}
	}
}

// alternatives counts the names that a pattern of groups stands for.
func alternatives(pattern string) int {
	n := 1
	for _, g := range regexp.MustCompile(`\(([^)]*)\)(\??)`).FindAllStringSubmatch(pattern, -1) {
		n *= len(strings.Split(g[1], "|")) + len(g[2])
	}
	return n
}
