package rollout_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/hub/pgtest"
	"parvis/internal/hub/rollout"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// town is a commune with enrolled sites that say what bundle they run.
type town struct {
	*testing.T
	hub   *store.Hub
	sites []string
	now   time.Time
	seq   int64
}

func newTown(t *testing.T, sites int) *town {
	h, _ := storetest.New(t)
	storetest.Commune(t, h, "a")
	w := &town{T: t, hub: h, now: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}
	for i := range sites {
		s := storetest.Site(t, h, "a", "Place "+strconv.Itoa(i))
		var code string
		w.in(func(ctx context.Context, tt *store.Tenant) (err error) {
			code, _, err = tt.Code(ctx, s.ID, time.Hour)
			return err
		})
		if _, _, _, err := h.Enrol(context.Background(), wire.Enrolment{Code: code}); err != nil {
			t.Fatal(err)
		}
		w.sites = append(w.sites, s.ID)
		w.says(i, wire.Now{})
	}
	return w
}

func (w *town) in(fn func(context.Context, *store.Tenant) error) {
	w.Helper()
	storetest.In(w, w.hub, "a", fn)
}

// says is a sign of life of one site.
func (w *town) says(i int, now wire.Now) {
	w.Helper()
	now.Clock, now.Place = "synchronised", "open"
	w.seq++
	w.in(func(ctx context.Context, tt *store.Tenant) error {
		_, err := tt.Take(ctx, w.sites[i], wire.Batch{Epoch: "00000000000000aa", Seq: w.seq, Sent: w.now.Unix(), Now: now}, w.now)
		return err
	})
}

// told is the version that each site was last told, as the hub would send it; "" none.
func (w *town) told() (all []string) {
	w.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.Fatal(err)
	}
	w.in(func(ctx context.Context, tt *store.Tenant) error {
		for _, s := range w.sites {
			b, version, err := rollout.Bundle(ctx, tt, s, key)
			if err != nil && !errors.Is(err, store.ErrUnknown) {
				return err
			}
			if err == nil {
				p, err := bundle.Open(b, key.Public().(ed25519.PublicKey), s)
				if err != nil || strconv.FormatInt(p.Version, 10) != version {
					w.Errorf("bundle %+v as %s, %v", p, version, err)
				}
			}
			all = append(all, version)
		}
		return nil
	})
	return all
}

func (w *town) advance(d time.Duration) {
	w.Helper()
	w.now = w.now.Add(d)
	w.in(func(ctx context.Context, tt *store.Tenant) error { return rollout.Advance(ctx, tt, w.now) })
}

func (w *town) state() (p store.Publication) {
	w.Helper()
	w.in(func(ctx context.Context, tt *store.Tenant) error {
		all, err := tt.Publications(ctx, store.Settings, 1)
		if err == nil {
			p = all[0]
		}
		return err
	})
	return p
}

func (w *town) write(site, source string) {
	w.Helper()
	w.in(func(ctx context.Context, tt *store.Tenant) error { return tt.WriteLayer(ctx, site, source, "dsi") })
}

func (w *town) publish() (err error) {
	w.Helper()
	return w.hub.Tenant(context.Background(), "a", func(tt *store.Tenant) error {
		_, err := rollout.Publish(context.Background(), tt, "dsi")
		return err
	})
}

func count(all []string) (n int) {
	for _, s := range all {
		if s != "" {
			n++
		}
	}
	return n
}

func TestAPublicationReachesAllSitesByStages(t *testing.T) {
	w := newTown(t, 12)
	w.write("", "[site]\ndesk = \"le comptoir\"")
	if err := w.publish(); err != nil {
		t.Fatal(err)
	}
	run := func() {
		for i, v := range w.told() {
			w.says(i, wire.Now{Bundle: v})
		}
	}
	var seen []int
	for range 8 {
		w.advance(time.Minute)
		seen = append(seen, count(w.told()))
		run()
		w.advance(time.Minute) // it is seen that they run it
		w.now = w.now.Add(rollout.Soak)
		run()
		if w.state().State == "done" {
			break
		}
	}
	if d := cmp.Diff([]int{1, 2, 12}, seen); d != "" {
		t.Error(d)
	}
	if err := w.publish(); !errors.Is(err, rollout.ErrNothing) {
		t.Errorf("again: %v", err)
	}
	w.write(w.sites[3], "[site]\ndesk = \"la banque d'accueil\"")
	if err := w.publish(); err != nil {
		t.Fatal(err)
	}
	before := w.told()
	w.advance(time.Minute)
	for i, v := range w.told() {
		if (v != before[i]) != (i == 3) {
			t.Errorf("site %d was told %s after %s", i, v, before[i])
		}
	}
}

func TestAPublicationStopsAtTheFirstSiteThatWentBack(t *testing.T) {
	w := newTown(t, 12)
	w.write("", "[site]\ndesk = \"le comptoir\"")
	if err := w.publish(); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Minute)
	var version string
	for i, v := range w.told() {
		if v != "" {
			version = v
			w.says(i, wire.Now{Refused: &wire.Refused{Bundle: v, Why: "line"}})
		}
	}
	for range 3 {
		w.advance(rollout.Soak)
	}
	if p := w.state(); p.State != "stopped" || count(w.told()) != 1 {
		t.Fatalf("%+v, %d were told", p, count(w.told()))
	}
	// What is put right is published anew, under another version.
	w.write("", "[site]\ndesk = \"le bureau\"")
	if err := w.publish(); err != nil {
		t.Fatal(err)
	}
	w.advance(0)
	if v := w.told()[0]; v == version || v == "" {
		t.Errorf("the first site is told %q after %s, from which it went back", v, version)
	}
}

// The last sites to be told prove it after the publication is done; who went back then is told again by the next one, of the same values.
func TestWhoGoesBackAfterTheLastStageIsNoticed(t *testing.T) {
	w := newTown(t, 1)
	w.write("", "[site]\ndesk = \"le comptoir\"")
	if err := w.publish(); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Minute)
	if p := w.state(); p.State != "done" {
		t.Fatalf("%+v", p)
	}
	w.says(0, wire.Now{Refused: &wire.Refused{Bundle: w.told()[0], Why: "check"}})
	w.advance(time.Minute)
	w.in(func(ctx context.Context, tt *store.Tenant) error {
		o, err := tt.Told(ctx, store.Settings, w.sites[0])
		if o.Back != "check" || w.state().State != "done" {
			t.Errorf("%+v, %+v", o, w.state())
		}
		return err
	})
	if err := w.publish(); err != nil {
		t.Errorf("it is not told again: %v", err)
	}
}

func TestATrialProvesNothing(t *testing.T) {
	w := newTown(t, 3)
	w.write("", "[site]\ndesk = \"le comptoir\"")
	if err := w.publish(); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Minute)
	for range 3 {
		for i, v := range w.told() {
			w.says(i, wire.Now{Bundle: v, Trial: true})
		}
		w.advance(rollout.Soak)
	}
	if n := count(w.told()); n != 1 {
		t.Errorf("%d were told", n)
	}
}

func TestAPersonEndsAPublication(t *testing.T) {
	w := newTown(t, 3)
	w.write("", "[site]\ndesk = \"le comptoir\"")
	if err := w.publish(); err != nil {
		t.Fatal(err)
	}
	w.in(func(ctx context.Context, tt *store.Tenant) error { return tt.EndPublication(ctx, w.state().ID) })
	w.advance(time.Minute)
	if n := count(w.told()); n != 0 || w.state().State != "ended" {
		t.Errorf("%d were told, %s", n, w.state().State)
	}
}

func TestASitesConfigurationIsOfThreeHands(t *testing.T) {
	w := newTown(t, 1)
	if err := w.hub.WriteEPCILayer(context.Background(), "[site]\ntimezone = \"Europe/Paris\"\ndesk = \"l'accueil\"", "operator"); err != nil {
		t.Fatal(err)
	}
	w.write("", "[site]\ndesk = \"le comptoir\"\ncontact = \"mairie\"")
	w.write(w.sites[0], "[site]\ncontact = \"la médiathèque\"")
	w.in(func(ctx context.Context, tt *store.Tenant) error {
		m, err := rollout.Merged(ctx, tt, w.sites[0])
		want := map[string]string{"site.timezone": rollout.EPCI, "site.desk": rollout.Commune, "site.contact": rollout.Place}
		if d := cmp.Diff(want, m.Origins); d != "" {
			t.Error(d)
		}
		if !strings.Contains(m.Source, "contact = \"la médiathèque\"") || !strings.Contains(m.Source, "desk = \"le comptoir\"") {
			t.Error(m.Source)
		}
		return err
	})
}
