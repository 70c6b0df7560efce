package main

import (
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	stdlog "log"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/hublink/hubtest"
	"parvis/internal/lab"
	"parvis/internal/lang"
)

// hubURL is a hub behind the lab's internet.
const hubURL = "https://" + lab.Trials + ":8440"

// centre starts a hub there and configures the place to have it.
func (p *place) centre(change ...func(*lab.Site)) *hubtest.Hub {
	p.t.Helper()
	ln, err := p.Internet.Listen(":8440")
	if err != nil {
		p.t.Fatal(err)
	}
	cert, key, err := p.CA.Issue(lab.Trials)
	if err != nil {
		p.t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		p.t.Fatal(err)
	}
	h := &hubtest.Hub{Far: true}
	server := &http.Server{Handler: h, ErrorLog: stdlog.New(io.Discard, "", 0), TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.ServeTLS(ln, "", "") }()
	p.t.Cleanup(func() {
		server.Close()
		<-done
		if errs := h.Errors(); len(errs) > 0 {
			p.t.Errorf("the hub was sent what no site sends: %q", errs)
		}
	})
	site := lab.Site{Duration: "2h", Idle: "0s", Lease: "24h", More: fmt.Sprintf("\n[hub]\nurl = %q\nca = %q\n", hubURL, p.CAFile())}
	for _, c := range change {
		c(&site)
	}
	if err := p.parvis.Configure(site); err != nil {
		p.t.Fatal(err)
	}
	return h
}

// counted is every counter that the place has on its disk, added up.
func (p *place) counted() (all map[string]uint64, hours int) {
	p.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(p.parvis.State, "usage.db")+"?mode=ro")
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	all = map[string]uint64{}
	rows, err := db.Query("SELECT what || ' ' || word, sum(n) FROM count GROUP BY what, word")
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var counter string
		var n uint64
		if err := rows.Scan(&counter, &n); err != nil {
			p.t.Fatal(err)
		}
		all[counter] = n
	}
	if err := db.QueryRow("SELECT count(*) FROM hour").Scan(&hours); err != nil {
		p.t.Fatal(err)
	}
	return all, hours
}

// heard is every counter that the hub has, added up.
func heard(h *hubtest.Hub) map[string]uint64 {
	all := map[string]uint64{}
	for _, x := range h.Hours() {
		for _, c := range x.Counts {
			all[c.What+" "+c.Word] += c.N
		}
	}
	return all
}

// same waits until the hub has what the place has on its disk, and no hour waits.
func (p *place) same(h *hubtest.Hub) {
	p.t.Helper()
	p.minute(p.t, "and the hub have the same numbers", func() bool {
		want, hours := p.counted()
		return maps.Equal(heard(h), want) && len(h.Hours()) == hours
	})
}

func TestTheHubHasWhatThePlaceCountedAlsoAfterThreeDaysWithoutTheLine(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	h := p.centre()
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	pass := func(d time.Duration) {
		t.Helper()
		must(p.client.Shift(ctx(t), d))
	}
	says := func(args ...string) string {
		t.Helper()
		out, err := p.parvis.Output(ctx(t), args...)
		must(err)
		return out
	}
	// slowly waits while time passes that nobody has to wait for: the link's pauses. A line that is cut costs true half minutes.
	slowly := func(t *testing.T, what string, ok func() bool) {
		t.Helper()
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.After(4 * time.Minute); !ok(); pass(time.Minute) {
			select {
			case <-deadline:
				t.Fatalf("it is not so within four minutes that the place %s", what)
			case <-tick.C:
			}
		}
	}
	must(p.client.SetClock(ctx(t), time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)))

	if out := says("hub", "status"); !strings.Contains(out, hubURL) || h.Batches() > 0 {
		t.Errorf("not enrolled, %d batches:\n%s", h.Batches(), out)
	}
	if _, err := p.parvis.Output(ctx(t), "hub", "enrol", "WRONG"); err == nil {
		t.Error("a wrong code passes")
	}
	var joined control.Hub
	must(json.Unmarshal([]byte(says("hub", "enrol", hubtest.Code, "--json")), &joined))
	if !joined.Enrolled || joined.Site != "site-1" || joined.Name != "Maison du Lac" {
		t.Fatalf("%+v", joined)
	}

	for range 3 {
		p.accept(p.guest())
	}
	p.until("tell of 3 open sessions", func() bool {
		n := h.Now()
		if n.Open != 3 {
			pass(time.Minute)
		}
		return n.Open == 3 && n.Place == "open" && n.Line.Up && n.Clock == "synchronised"
	})
	pass(6 * time.Minute) // counts reach the disk every five minutes, and the hub every minute
	slowly(t, "and the hub have the same numbers", func() bool {
		return heard(h)["sessions visite"] == 3
	})
	p.same(h)

	began := time.Now()
	step := func(what string) { t.Logf("%5.1f s: %s", time.Since(began).Seconds(), what) }
	must(p.CutLine(true))
	p.minute(t, "knows that the line is down", func() bool {
		s, err := p.client.Status(ctx(t))
		return err == nil && !s.Condition.Line.Up
	})
	slowly(t, "knows that the hub is silent", func() bool {
		s, err := p.client.HubStatus(ctx(t))
		return err == nil && s.Error != ""
	})
	step("the hub is silent")
	before := h.Batches()
	for day := range 3 {
		for hour := range 24 {
			if hour == 10 { // the desk lets somebody in although the line is down
				g := p.guest()
				says("session", "open", g.Lease().Address.Addr().String())
			}
			pass(time.Hour)
			at := fmt.Sprintf("day %d, hour %d", day, hour)
			was := 24*day + hour + 1
			p.until("count "+at, func() bool { _, hours := p.counted(); return hours >= was })
		}
	}
	if out := says("status"); !strings.Contains(out, "acknowledged nothing for 7") || h.Batches() != before {
		t.Errorf("%d batches more, and the status says\n%s", h.Batches()-before, out)
	}
	var silent control.Hub
	must(json.Unmarshal([]byte(says("hub", "status", "--json")), &silent))
	if silent.SilentSeconds < 72*3600 || silent.Heard == nil {
		t.Errorf("%+v", silent)
	}

	step("3 days later")
	must(p.CutLine(false))
	slowly(t, "has sent what waited", func() bool {
		return heard(h)["sessions visite"] == 6
	})
	p.same(h)
	step("same")
	want, _ := p.counted()
	if want["sessions visite"] != 6 || want["opener operator"] != 3 || want["opener resident"] != 3 {
		t.Errorf("the place has counted %v", want)
	}
	down, measured := int64(0), int64(0)
	for _, x := range h.Hours() {
		down, measured = down+x.Line.Down, measured+x.Measured
	}
	if down == 0 || measured < 72*3600_000 {
		t.Errorf("%d looks found the line down, %v measured", down, time.Duration(measured)*time.Millisecond)
	}

	// A restart keeps the enrolment, and counts nothing twice.
	must(p.daemon.Stop())
	p.serve()
	pass(6 * time.Minute)
	slowly(t, "is heard after a restart", func() bool {
		s, err := p.client.HubStatus(ctx(t))
		return err == nil && s.Heard != nil && s.SilentSeconds < 120 && s.Error == ""
	})
	p.same(h)
	if diff := cmp.Diff(uint64(6), heard(h)["sessions visite"]); diff != "" {
		t.Errorf("after a restart (-want +got)\n%s", diff)
	}
	step("restarted")
	says("hub", "leave")
	if _, err := os.Stat(filepath.Join(p.parvis.State, "hub.json")); !os.IsNotExist(err) {
		t.Errorf("the enrolment is still there: %v", err)
	}
	if s, err := p.client.Status(ctx(t)); err != nil || s.Hub != nil || s.Condition.HubSilent != nil {
		t.Errorf("%+v, %v", s.Hub, err)
	}
}

func TestAPlaceWithoutAHubSaysNothingOfOne(t *testing.T) {
	d := &daemon{cfg: &config.Config{}}
	d.openHub()
	if h := d.hub.status(); h != (control.Hub{}) || d.hub.silent() != nil || d.hub.run(t.Context()) != nil {
		t.Errorf("%+v", h)
	}
	for _, do := range []string{control.HubEnrol, control.HubLeave} {
		_, err := d.hub.gesture(t.Context(), control.HubRequest{Do: do})
		if ref, ok := err.(*control.Refusal); !ok || ref.Kind != control.Refused || ref.EN != noHubText.In(lang.EN) {
			t.Errorf("%s: %v", do, err)
		}
	}
}

func TestAnAuthorityThatCannotBeReadIsSaidBeforeTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	for name, content := range map[string]string{"missing": "", "not PEM": "hello"} {
		t.Run(name, func(t *testing.T) {
			if content != "" {
				if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cfg := &config.Config{Hub: config.Hub{URL: hubURL, CA: file}}
			if ps := hubProblems(cfg); len(ps) != 1 || ps[0].Severity != config.Error || !strings.Contains(ps[0].In(lang.FR), file) {
				t.Errorf("%v", ps)
			}
			os.Remove(file)
		})
	}
	if ps := hubProblems(&config.Config{Hub: config.Hub{URL: hubURL, Proxy: "http://proxy.ville.example:3128"}}); len(ps) != 0 {
		t.Errorf("%v", ps)
	}
}

func TestAnEnrolmentThatCannotBeReadKeepsNobodyOut(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	p.centre()
	if err := os.WriteFile(filepath.Join(p.parvis.State, "hub.json"), []byte("{"), 0o600); err != nil {
		if err := os.MkdirAll(p.parvis.State, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p.parvis.State, "hub.json"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.serve()
	s, err := p.client.Status(ctx(t))
	if err != nil || !s.Ready || s.Hub == nil || !strings.Contains(s.Hub.Error, "hub.json") || len(s.Notes) == 0 {
		t.Errorf("%+v, %v", s, err)
	}
}
