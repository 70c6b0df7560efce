package rollout_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/hub/rollout"
	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
)

// releases keeps a version with a file for each architecture.
func (w *town) releases(version string, archs ...string) {
	w.Helper()
	files := map[string]io.ReadSeeker{}
	for _, a := range archs {
		files[a] = bytes.NewReader([]byte(version + a))
	}
	if _, err := w.hub.AddRelease(context.Background(), version, files); err != nil {
		w.Fatal(err)
	}
}

func (w *town) upgrade(version string) error {
	return w.hub.Tenant(context.Background(), "a", func(tt *store.Tenant) error {
		_, err := rollout.Upgrade(context.Background(), tt, "dsi", version, false)
		return err
	})
}

// wanted is the number of what each site is told of a release; 0 nothing.
func (w *town) wanted() (all []int64) {
	w.Helper()
	w.in(func(ctx context.Context, tt *store.Tenant) error {
		for _, s := range w.sites {
			o, _, err := tt.Wanted(ctx, s)
			if errors.Is(err, store.ErrUnknown) {
				o.Version, err = 0, nil
			}
			if err != nil {
				return err
			}
			all = append(all, o.Version)
		}
		return nil
	})
	return all
}

func told(all []int64) (n int) {
	for _, v := range all {
		if v != 0 {
			n++
		}
	}
	return n
}

func (w *town) upgradeState() (p store.Publication) {
	w.Helper()
	w.in(func(ctx context.Context, tt *store.Tenant) error {
		all, err := tt.Publications(ctx, store.Upgrades, 1)
		if err == nil {
			p = all[0]
		}
		return err
	})
	return p
}

// are says of all sites how they are.
func (w *town) are(of func(i int, number int64) wire.Now) {
	w.Helper()
	for i, n := range w.wanted() {
		w.says(i, of(i, n))
	}
}

func TestAReleaseReachesAllSitesByStages(t *testing.T) {
	w := newTown(t, 12)
	w.releases("1.1", "amd64")
	w.are(func(int, int64) wire.Now { return wire.Now{Version: "1.0", Arch: "amd64"} })
	if err := w.upgrade("1.1"); err != nil {
		t.Fatal(err)
	}
	var seen []int
	runs := func(_ int, n int64) wire.Now {
		if n != 0 {
			return wire.Now{Version: "1.1", Arch: "amd64"}
		}
		return wire.Now{Version: "1.0", Arch: "amd64"}
	}
	for range 8 {
		w.advance(time.Minute)
		seen = append(seen, told(w.wanted()))
		w.are(runs)
		w.advance(time.Minute) // it is seen that they run it
		w.now = w.now.Add(rollout.Soak)
		w.are(runs)
		if w.upgradeState().State == "done" {
			break
		}
	}
	if d := cmp.Diff([]int{1, 2, 12}, seen); d != "" {
		t.Error(d)
	}
	if err := w.upgrade("1.1"); !errors.Is(err, rollout.ErrNothing) {
		t.Errorf("again: %v", err)
	}
	if err := w.upgrade("9"); !errors.Is(err, rollout.ErrRelease) {
		t.Errorf("one that there is not: %v", err)
	}
	// Its configuration is told as before: releases are no part of it.
	if n := count(w.told()); n != 0 {
		t.Errorf("%d sites were told of a configuration", n)
	}
}

// In the last stage sites wait for their night. One that goes back holds all that still wait, until a person goes on without it.
func TestWhoGoesBackInTheNightHoldsTheOthers(t *testing.T) {
	w := newTown(t, 12)
	w.releases("1.1", "amd64")
	w.are(func(int, int64) wire.Now { return wire.Now{Version: "1.0", Arch: "amd64"} })
	if err := w.upgrade("1.1"); err != nil {
		t.Fatal(err)
	}
	state := map[int]wire.Now{}
	say := func() {
		w.are(func(i int, _ int64) wire.Now {
			if n, ok := state[i]; ok {
				return n
			}
			return wire.Now{Version: "1.0", Arch: "amd64", Upgrade: &wire.Upgrade{Version: "1.1", State: "waiting", Why: "hours"}}
		})
	}
	for range 2 { // the one, then the tenth
		w.advance(time.Minute)
		for i, n := range w.wanted() {
			if n != 0 {
				state[i] = wire.Now{Version: "1.1", Arch: "amd64"}
			}
		}
		say()
		w.advance(time.Minute)
		w.now = w.now.Add(rollout.Soak)
		say()
	}
	w.advance(time.Minute)
	if p := w.upgradeState(); told(w.wanted()) != 12 || p.State != "going" || p.Stage != 3 {
		t.Fatalf("%d are told, %+v", told(w.wanted()), p)
	}
	bad := 5
	state[bad] = wire.Now{Version: "1.0", Arch: "amd64", Upgrade: &wire.Upgrade{Number: w.wanted()[bad], Version: "1.1", State: "back", Why: "console"}}
	say()
	w.advance(time.Minute)
	p := w.upgradeState()
	if got := told(w.wanted()); p.State != "stopped" || got != 2 {
		t.Fatalf("%s; %d are still told, expected the 2 that run it", p.State, got)
	}
	w.in(func(ctx context.Context, tt *store.Tenant) error { return tt.GoOn(ctx, p.ID) })
	if err := w.hub.Tenant(context.Background(), "a", func(tt *store.Tenant) error { return tt.GoOn(context.Background(), p.ID) }); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("twice: %v", err)
	}
	w.advance(time.Minute)
	if got := told(w.wanted()); w.upgradeState().State != "going" || got != 11 || w.wanted()[bad] != 0 {
		t.Errorf("%s, %d are told", w.upgradeState().State, got)
	}
	for i := range w.sites {
		if i != bad {
			state[i] = wire.Now{Version: "1.1", Arch: "amd64"}
		}
	}
	say()
	w.advance(time.Minute)
	w.advance(time.Minute)
	if s := w.upgradeState().State; s != "done" {
		t.Errorf("in the end: %s", s)
	}
	// Going back is a rollout of the earlier version.
	w.in(func(ctx context.Context, tt *store.Tenant) error {
		offers, err := tt.Offers(ctx, p.ID)
		if v := rollout.Earlier(offers); v != "1.0" {
			t.Errorf("before it they ran %q", v)
		}
		return err
	})
}

func TestWhoCannotRunAReleaseIsNamed(t *testing.T) {
	said := func(version, arch string) *store.Contact {
		return &store.Contact{Now: wire.Now{Version: version, Arch: arch}}
	}
	box := time.Now()
	all := []store.Site{
		{ID: "good", Enrolled: box, Version: "1.0", Contact: said("1.0", "amd64")},
		{ID: "there", Enrolled: box, Version: "1.1", Contact: said("1.1", "amd64")},
		{ID: "old", Enrolled: box, Version: "0.9", Contact: said("0.9", "")},
		{ID: "never heard", Enrolled: box, Version: "1.0"},
		{ID: "small", Enrolled: box, Version: "1.0", Contact: said("1.0", "armv7")},
		{ID: "without a box"},
	}
	offers, left := rollout.Candidates(all, store.Release{Version: "1.1", Files: map[string]wire.File{"amd64": {SHA256: "x"}}})
	if len(offers) != 1 || offers[0].Site != "good" || offers[0].Was != "1.0" {
		t.Errorf("%+v", offers)
	}
	got := map[string]string{}
	for _, l := range left {
		got[l.ID] = l.Why
	}
	if d := cmp.Diff(map[string]string{"there": rollout.Same, "old": rollout.Unread, "never heard": rollout.Unread, "small": rollout.NoFile}, got); d != "" {
		t.Error(d)
	}
}

// Reverting tells what was told before, at once and under another version; who went back by itself is left alone.
func TestAPublicationIsReverted(t *testing.T) {
	w := newTown(t, 3)
	publish := func(desk string) {
		t.Helper()
		w.write("", "[site]\ndesk = \""+desk+"\"")
		if err := w.publish(); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			w.advance(time.Minute)
			for i, v := range w.told() {
				w.says(i, wire.Now{Bundle: v})
			}
			w.advance(time.Minute)
			w.now = w.now.Add(rollout.Soak)
			for i, v := range w.told() {
				w.says(i, wire.Now{Bundle: v})
			}
		}
	}
	publish("le comptoir")
	publish("le bureau")
	bad, before := w.state(), w.told()
	revert := func() error {
		return w.hub.Tenant(context.Background(), "a", func(tt *store.Tenant) error {
			_, err := rollout.Revert(context.Background(), tt, "dsi", bad.ID, w.now)
			return err
		})
	}
	if err := revert(); err != nil {
		t.Fatal(err)
	}
	for i, v := range w.told() {
		if v == before[i] || v == "" {
			t.Errorf("site %d is told %q after %q", i, v, before[i])
		}
	}
	w.in(func(ctx context.Context, tt *store.Tenant) error {
		o, err := tt.Told(ctx, store.Settings, w.sites[0])
		if want := "[site]\ndesk = \"le comptoir\"\n"; o.Config != want {
			t.Errorf("%q; expected %q", o.Config, want)
		}
		layer, lerr := tt.Layer(ctx, "")
		if layer.Source != "[site]\ndesk = \"le bureau\"" {
			t.Errorf("the layer has become %q", layer.Source)
		}
		return errors.Join(err, lerr)
	})
	if err := revert(); !errors.Is(err, rollout.ErrNothing) {
		t.Errorf("twice: %v", err)
	}
}
