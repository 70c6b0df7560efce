package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// The centre's monitoring finds every site by the hub, and asks the hub about each; what sites and people reach has none of it.
func TestMonitoringFindsEverySite(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	p := c.serve()
	box, site := c.adds(p, "saint-pern", "Médiathèque")
	c.verb(exitOK, "admin", "site", "add", "saint-pern", "Mairie")
	b := intaketest.Batch(epoch, 1, intaketest.Hour(hoursAgo(5), 1, 3))
	b.Left = 4
	if _, err := box.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	_, body := get(t, p.monitor+"/sites")
	var found []target
	if err := json.Unmarshal([]byte(body), &found); err != nil || len(found) != 2 {
		t.Fatal(body, err)
	}
	for _, f := range found {
		if "http://"+f.Targets[0] != p.monitor || f.Labels["commune"] != "saint-pern" {
			t.Errorf("%+v", f)
		}
		status, body := get(t, "http://"+f.Targets[0]+f.Labels["__metrics_path__"])
		if status != http.StatusOK {
			t.Errorf("%s: %d", f.Labels["site_name"], status)
		}
		heard := f.Labels["instance"] == site
		for _, want := range []string{"parvis_site_silent_seconds ", "parvis_site_waiting_hours 4", "parvis_site_line_up 1", "parvis_site_problems 0"} {
			if strings.Contains(body, "\n"+want) != heard {
				t.Errorf("%s was heard: %v; %q is in it: %v\n%s", f.Labels["site_name"], heard, want, !heard, body)
			}
		}
	}
	if status, _ := get(t, p.monitor+"/sites/0000000000000000/metrics"); status != http.StatusNotFound {
		t.Errorf("a site that there is not: %d", status)
	}
	_, body = get(t, p.monitor+"/metrics")
	for _, want := range []string{
		`parvis_hub_info{version="unknown"} 1`, `parvis_hub_requests_total{what="batch",status="200"} 1`, `parvis_hub_requests_total{what="enrol",status="200"} 1`,
		"parvis_hub_database_up 1", "parvis_hub_sites 2", "parvis_hub_silent_sites 0", "parvis_hub_waiting_messages 0", "parvis_hub_oldest_message_seconds 0",
		"parvis_hub_kept_hours_total 1", `parvis_hub_request_seconds_count{what="batch"} 1`, `parvis_hub_database_connections{state="busy"}`, "process_resident_memory_bytes",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics has no %s:\n%s", want, body)
		}
	}
	if strings.Contains(body, "parvis_hub_backup") {
		t.Errorf("there never was a backup, and /metrics says\n%s", body)
	}
	if err := c.store.AddBackup(t.Context(), store.Backup{At: time.Now().Add(-90 * time.Minute), Bytes: 4096, Checked: true}); err != nil {
		t.Fatal(err)
	}
	if _, body = get(t, p.monitor+"/metrics"); !strings.Contains(body, "\nparvis_hub_backup_age_seconds 54") || !strings.Contains(body, "\nparvis_hub_backup_bytes 4096\n") {
		t.Errorf("there is a backup, and /metrics says\n%s", body)
	}
	for _, path := range []string{"/metrics", "/sites"} {
		// Whoever has not entered meets the page where people enter, whatever they ask for.
		if _, body := get(t, p.url+path); strings.Contains(body, "parvis_") || strings.Contains(body, "targets") || !strings.Contains(body, "<html") {
			t.Errorf("%s of what sites and people reach: %s", path, body)
		}
	}
	if status, body := get(t, p.url+"/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz: %d %s", status, body)
	}
}

// What a commune publishes is there for everybody, without an account; of a commune that publishes nothing, nothing.
func TestWhatIsPublishedIsThere(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	c.verb(exitOK, "admin", "commune", "add", "saint-hele", "Saint-Hélé")
	p := c.serve()
	_, site := c.adds(p, "saint-pern", "Médiathèque")
	storetest.In(t, c.store, "saint-pern", func(ctx context.Context, tt *store.Tenant) error {
		return tt.SetPlace(ctx, store.Place{Site: site, Card: json.RawMessage("{}"), Live: true})
	})
	if status, body := get(t, p.url+"/donnees/saint-pern/ouverts.json"); status != http.StatusOK || !strings.Contains(body, "Médiathèque") {
		t.Errorf("%d: %s", status, body)
	}
	for _, commune := range []string{"saint-hele", "elsewhere"} {
		if status, _ := get(t, p.url+"/donnees/"+commune+"/ouverts.json"); status != http.StatusNotFound {
			t.Errorf("%s: %d", commune, status)
		}
	}
}
