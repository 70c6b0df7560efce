package main

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hublink/wire"
)

const epoch = "00000000000000aa"

// hoursAgo is a whole hour so long ago, as a site writes it.
func hoursAgo(n int) int64 { return time.Now().Unix()/3600 - int64(n) }

// A hub falls with a batch half written: nothing of it is there, and the same batch counts once when another hub stands in.
func TestAHubKilledInMidBatchCountsItOnce(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	p := c.serve()
	box, site := c.adds(p, "saint-pern", "Médiathèque")
	if _, err := box.Send(t.Context(), intaketest.Batch(epoch, 1, intaketest.Hour(hoursAgo(5), 1, 3))); err != nil {
		t.Fatal(err)
	}

	// The batch's hours and sums are written, and its last row waits for this lock.
	ctx := context.Background()
	owner, err := pgx.Connect(ctx, c.db.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(ctx)
	tx, err := owner.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "LOCK TABLE contact IN SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	batch := intaketest.Batch(epoch, 3, intaketest.Hour(hoursAgo(5), 2, 4), intaketest.Hour(hoursAgo(4), 3, 7))
	failed := make(chan error)
	go func() {
		_, err := box.Send(ctx, batch)
		failed <- err
	}()
	c.until("the batch waits", func() bool {
		var waiting bool
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'contact'::regclass AND NOT granted)").Scan(&waiting)
		return err == nil && waiting
	})
	if err := p.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Error("a hub that was killed has given a receipt")
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	c.until("the killed hub's transaction has ended", func() bool {
		var going bool
		err := owner.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = 'parvis_hub' AND backend_xid IS NOT NULL)").Scan(&going)
		return err == nil && !going
	})
	if n := c.sessions("saint-pern", site); n != 3 {
		t.Errorf("half a batch is kept: %d sessions, expected 3", n)
	}
	box.URL = c.serve().url
	for range 2 {
		if r, err := box.Send(ctx, batch); err != nil || r.Seq != 3 {
			t.Fatal(r, err)
		}
	}
	if n := c.sessions("saint-pern", site); n != 11 {
		t.Errorf("%d sessions, expected 11", n)
	}
}

// until asks until it is so; only a failure takes a minute.
func (c *centre) until(what string, so func() bool) {
	c.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("not after a minute: %s", what)
		}
	}
}

// A living site joins with five months of history, through two hubs that work on one database, and keeps counting meanwhile.
func TestALivingSiteIsAdoptedThroughTwoHubs(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	hubs := []*process{c.serve(), c.serve()}
	box, site := c.adds(hubs[0], "saint-pern", "Médiathèque")
	var (
		all  []wire.Batch
		want uint64
		seq  int64
	)
	for from := 150 * 24; from > 0; from -= wire.MaxHours {
		b := intaketest.Batch(epoch, 0)
		for h := from; h > from-wire.MaxHours; h-- {
			seq++
			want += uint64(h % 5)
			b.Hours = append(b.Hours, intaketest.Hour(hoursAgo(h), seq, uint64(h%5)))
		}
		b.Seq = seq
		all = append(all, b)
	}
	var both sync.WaitGroup
	for i, hub := range hubs {
		sender := *box
		sender.URL = hub.url
		both.Go(func() {
			for _, j := range rand.New(rand.NewPCG(uint64(i), 1)).Perm(len(all)) {
				if r, err := sender.Send(t.Context(), all[j]); err != nil || r.Seq != all[j].Seq {
					t.Error(r, err)
				}
			}
		})
	}
	both.Wait()
	if n := c.sessions("saint-pern", site); n != want {
		t.Errorf("%d sessions, expected %d", n, want)
	}
}

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
		"parvis_hub_kept_hours_total 1", `parvis_hub_request_seconds_count{what="batch"} 1`, `parvis_hub_database_connections{state="busy"}`, "process_resident_memory_bytes",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics has no %s:\n%s", want, body)
		}
	}
	for _, path := range []string{"/metrics", "/sites"} {
		if status, _ := get(t, p.url+path); status != http.StatusNotFound {
			t.Errorf("%s of what sites reach: %d", path, status)
		}
	}
	if status, body := get(t, p.url+"/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz: %d %s", status, body)
	}
}

// A hub that is told to end lets go what is under way, and says nothing wrong.
func TestAHubEndsInOrder(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	p := c.serve()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if code := p.ProcessState.ExitCode(); code != 0 || !strings.Contains(p.said(), "the hub has ended") || strings.Contains(p.said(), "level=ERROR") {
		t.Errorf("exit code %d:\n%s", code, p.said())
	}
}
