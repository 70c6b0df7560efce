package monitor

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"parvis/hw"
	"parvis/internal/control"
	"parvis/internal/hublink/wire"
)

// busy is a condition in which every family has a value.
func busy() control.Condition {
	silent, off := int64(75), 0.25
	return control.Condition{
		Now: wire.Now{
			Version: "1.2.3", Up: 3600, Clock: "synchronised", Place: "open", Open: 12, Slots: 240, Waiting: 2,
			Line:      wire.Line{Up: true, Latency: 23, Loss: 4, Down: 91, Upload: 7},
			Terminals: []wire.Terminal{{ID: "poste-1", State: "open"}, {ID: "poste-2", State: "silent"}, {ID: "poste-3", State: "silent"}},
			Problems:  []wire.Problem{{Code: "terminal", What: "poste-2"}, {Code: "terminal", What: "poste-3"}, {Code: "line-saturated"}},
			Expires:   map[string]int{"portal": 60, "console": -1},
		},
		Suspended: 1, Disk: control.Disk{Free: 1 << 30, Size: 4 << 30}, HubSilent: &silent, Mails: 3,
		Hardware: control.Hardware{
			Board: "Linksys E8450 (UBI)", Temperatures: []hw.Temperature{{Sensor: "cpu-thermal", Celsius: 61.5}, {Sensor: "nvme Composite", Celsius: 39.85}},
			Wear: []hw.Wear{{Device: "mmcblk0", Used: 30}, {Device: "ubi0", Used: 2, Spare: true}}, ClockError: &off, BatteryClock: true, Printer: "no-paper", Watchdog: "fed",
		},
	}
}

func TestTheDocumentationNamesEveryMetric(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Metrics

What ` + "`http://ADDRESS/metrics`" + ` of a router answers (` + "`monitor.listen`" + `), in Prometheus' text format. All of it is how the place is at the
moment; what it was used for is counted elsewhere, and masked (ADR 14). Nothing here is about a person, and the answer is as long
with one session as with a thousand. Each family is a gauge. Terminals are counted by state, not named.

Four standard ones are there too: ` + "`process_resident_memory_bytes`, `process_cpu_seconds_total`, `process_open_fds`, `go_goroutines`" + `.

| name | unit | what it says |
|---|---|---|
`)
	for _, m := range Metrics {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.Name, m.Unit, m.Help)
	}
	const path = "../../docs/metrics.md"
	if os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != b.String() {
		t.Errorf("docs/metrics.md is not what the code says (%v); write it anew: UPDATE_DOCS=1 go test ./internal/monitor", err)
	}
}

func TestEveryFamilyHasAValueAndThoseThatAreAsked(t *testing.T) {
	var b bytes.Buffer
	Write(&b, busy())
	text := b.String()
	for _, m := range Metrics {
		if !strings.Contains(text, "\n"+m.Name+" ") && !strings.Contains(text, "\n"+m.Name+"{") {
			t.Errorf("%s has no value", m.Name)
		}
	}
	for _, line := range []string{
		`parvis_info{version="1.2.3"} 1`, `parvis_open_sessions 12`, `parvis_line_latency_seconds 0.023`, `parvis_line_used_ratio{direction="down"} 0.91`,
		`parvis_terminals{state="silent"} 2`, `parvis_terminals{state="locked"} 0`, `parvis_problems{code="terminal"} 2`, `parvis_problems{code="store"} 0`,
		`parvis_certificate_left_seconds{name="console"} -86400`, `parvis_hub_silent_seconds 75`, `parvis_waiting_mails 3`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

// What is not known is missing, which is not 0.
func TestWhatIsNotKnownIsNotSaid(t *testing.T) {
	var b bytes.Buffer
	Write(&b, control.Condition{})
	for _, name := range []string{"parvis_hub_silent_seconds", "parvis_certificate_left_seconds", "parvis_line_latency_seconds"} {
		if strings.Contains(b.String(), "\n"+name+" ") || strings.Contains(b.String(), "\n"+name+"{") {
			t.Errorf("%s has a value", name)
		}
	}
}

func TestPrometheusOwnCheckFindsNothing(t *testing.T) {
	needs(t, "promtool")
	var b bytes.Buffer
	Write(&b, busy())
	writeProcess(&b)
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTheListenerAnswersMetricsAndNothingElse(t *testing.T) {
	asked := 0
	h := Handler(func() control.Condition { asked++; return busy() })
	for _, c := range []struct {
		method, path string
		status       int
	}{{"GET", "/metrics", 200}, {"GET", "/metrics", 200}, {"HEAD", "/metrics", 200}, {"POST", "/metrics", 405}, {"GET", "/", 404}, {"GET", "/debug/pprof/", 404}} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, http.NoBody))
		if w.Code != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, w.Code, c.status)
		}
		if c.status == 200 && !strings.Contains(w.Body.String(), "process_resident_memory_bytes") {
			t.Error("the process's own figures are missing")
		}
	}
	if asked == 0 {
		t.Error("nobody was asked")
	}
}

// needs skips a test on a machine without a program; CI has all of them (.ci/packages).
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}
