package report_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/figure"
	"parvis/internal/hub/pgtest"
	"parvis/internal/hub/report"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// sends lets a site send the hours of a day of November 2026 from 9 to 12 o'clock in Paris: so many sessions each, half an hour
// each of them online, the line down in one look of six.
func sends(t *testing.T, h *store.Hub, tenant, site string, seq int64, day int, sessions uint64, left int, at time.Time) {
	t.Helper()
	b := wire.Batch{Epoch: "00000000000000aa", Seq: seq + 2, Sent: at.Unix(), Left: left, Now: wire.Now{Clock: "synchronised", Place: "open"}}
	for i := range int64(3) {
		b.Hours = append(b.Hours, wire.Hour{
			At: time.Date(2026, 11, day, 8+int(i), 0, 0, 0, time.UTC).Unix() / 3600, Seq: seq + i, Measured: 3_600_000, Peak: int(sessions),
			Line:   wire.Quality{Asked: 60, Down: 10, Full: 5},
			Counts: []wire.Count{{What: "sessions", Word: "visite", N: sessions}, {What: "time", Word: "visite", N: sessions * 1_800_000}},
		})
	}
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	storetest.In(t, h, tenant, func(ctx context.Context, tt *store.Tenant) error {
		_, err := tt.Take(ctx, site, b, at)
		return err
	})
}

func TestTheReportIsMadeOfWhatSitesHaveSent(t *testing.T) {
	h, _ := storetest.New(t)
	tenant, other := storetest.Commune(t, h, "parvis"), storetest.Commune(t, h, "other")
	library, hall := storetest.Site(t, h, tenant, "Médiathèque"), storetest.Site(t, h, tenant, "Mairie")
	storetest.Site(t, h, tenant, "Jamais branché")
	end := time.Date(2026, 12, 1, 0, 10, 0, 0, paris)
	sends(t, h, tenant, library.ID, 1, 9, 10, 0, end)
	sends(t, h, tenant, library.ID, 4, 12, 20, 0, end)
	sends(t, h, tenant, hall.ID, 1, 9, 7, 0, end)
	sends(t, h, other, storetest.Site(t, h, other, "Ailleurs").ID, 1, 9, 999, 0, end)

	var in report.Input
	storetest.In(t, h, tenant, func(ctx context.Context, tt *store.Tenant) (err error) {
		in, err = report.Read(ctx, tt, november, end.Add(time.Hour))
		return err
	})
	r, err := in.CommuneReport()
	if err != nil {
		t.Fatal(err)
	}
	want := [5]figure.Figure{figure.Of(111), figure.Of(56), figure.Of(20), figure.Of(90), figure.Of(45)} // 45 and 10.5 hours, each site's rounded
	for k, w := range want {
		if r.Lines[k].Now != w || r.Lines[k].Before.How != figure.Missing {
			t.Errorf("%s: %v, expected %v", r.Lines[k].Key, r.Lines[k], w)
		}
	}
	if r.Commune != "Commune parvis" || r.Count != 2 || r.Provisional {
		t.Errorf("%+v", r)
	}
	// The first day with counts is the beginning: what was before is not missing, the days between are.
	var gaps []string
	for _, g := range r.Gaps {
		if g.Site == "Médiathèque" {
			gaps = append(gaps, strings.Join([]string{time.Date(2026, 11, g.From, 0, 0, 0, 0, time.UTC).Format("2"), time.Date(2026, 11, g.To, 0, 0, 0, 0, time.UTC).Format("2")}, "-"))
		}
	}
	if got := strings.Join(gaps, " "); got != "10-11 13-30" {
		t.Errorf("gaps %s", got)
	}
}

func TestACommuneThatWasNeverHeardHasNoReport(t *testing.T) {
	h, _ := storetest.New(t)
	tenant := storetest.Commune(t, h, "parvis")
	for want, id := range map[error]string{report.ErrEmpty: tenant, store.ErrUnknown: "nowhere"} {
		err := h.Tenant(t.Context(), id, func(tt *store.Tenant) error {
			_, err := report.Read(t.Context(), tt, november, time.Now())
			return err
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, expected %v", id, err, want)
		}
	}
}

func TestAReportIsDroppedUntilItIsDefinitive(t *testing.T) {
	h, _ := storetest.New(t)
	tenant := storetest.Commune(t, h, "parvis")
	site := storetest.Site(t, h, tenant, "Médiathèque")
	folder, dir := cloud(t)
	fake := clock.NewFake()
	job := &report.Job{Hub: h, Folders: map[string]report.Folder{tenant: folder}, Clock: fake, Log: slog.New(slog.DiscardHandler)}
	file := filepath.Join(dir, "Rapports Wi-Fi", "parvis-2026-11-commune-parvis.csv")
	// round is the state of the report that a round drops; "" when it drops none.
	round := func(at time.Time) string {
		fake.SetWall(clock.Wall{Time: at, Quality: clock.Synchronised})
		if err := job.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return ""
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\r\n")
		return lines[len(lines)-1][strings.LastIndex(lines[len(lines)-1], ";")+1:]
	}
	end := november.End(paris)
	sends(t, h, tenant, site.ID, 1, 9, 10, 5, end.Add(-time.Hour))
	for _, step := range []struct {
		after time.Duration
		sends bool
		want  string
	}{
		{-time.Minute, false, ""}, // the month is not over
		{time.Hour, false, "provisoire"},
		{2 * time.Hour, false, ""}, // once a day
		{26 * time.Hour, false, "provisoire"},
		{27 * time.Hour, true, "définitif"}, // the site has sent everything
		{60 * time.Hour, false, ""},
	} {
		if step.sends {
			sends(t, h, tenant, site.ID, 4, 10, 10, 0, end.Add(step.after))
		}
		if got := round(end.Add(step.after)); got != step.want {
			t.Errorf("%s after the month: %q, expected %q", step.after, got, step.want)
		}
	}
	if err := job.Drop(t.Context(), tenant, november); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("what is asked for is dropped again: %v", err)
	}
	job.Folders = nil
	if err := job.Drop(t.Context(), tenant, november); !errors.Is(err, report.ErrNoFolder) {
		t.Errorf("without a folder: %v", err)
	}
}
