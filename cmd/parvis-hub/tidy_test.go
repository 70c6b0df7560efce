package main

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

// A year passes on the hub's own clock: the log, incidents and single hours go after the terms of the configuration, in one hub at a time; what
// sites have counted stays.
func TestWhatIsOverIsForgotten(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	s, problems := parseSettings("parvis-hub.toml", least+"[keep]\nlog = 6\nincidents = 8\nhours = 1\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	storetest.Commune(t, c.store, "saint-pern")
	site := storetest.Site(t, c.store, "saint-pern", "Médiathèque")
	began := time.Now().Truncate(time.Hour)
	fake := clock.NewFake()
	at := func(months int) {
		fake.SetWall(clock.Wall{Time: began.Add(time.Duration(months) * month), Quality: clock.Synchronised})
	}
	at(0)
	d := &daemon{settings: s, hub: c.store, clock: fake, log: slog.New(slog.DiscardHandler)}
	d.staff = staff.New(staff.Options{Origin: s.URL, Store: c.store.Staff(), Clock: fake, Log: d.log, Keep: s.Keep.terms().Log})
	d.staff.Record(t.Context(), staff.Person{Tenant: "saint-pern", Name: "Claire", Role: staff.DSI}, "charge", "1")
	storetest.In(t, c.store, "saint-pern", func(ctx context.Context, tt *store.Tenant) error {
		b := intaketest.Batch(epoch, 1, intaketest.Hour(began.Unix()/3600, 1, 3))
		b.Now = wire.Now{Version: "1", Clock: "synchronised", Place: "open"}
		if _, err := tt.Take(ctx, site.ID, b, began); err != nil {
			return err
		}
		id, err := tt.BeginIncident(ctx, site.ID, "disk", nil, began)
		if err != nil {
			return err
		}
		return tt.EndIncident(ctx, id, began)
	})
	left := func() (log, incidents, hours int) {
		storetest.In(t, c.store, "saint-pern", func(ctx context.Context, tt *store.Tenant) error {
			entries, err := c.store.Staff().Log(ctx, "saint-pern", staff.Filter{Most: 10})
			if err != nil {
				return err
			}
			all, err := tt.Incidents(ctx, time.Time{})
			if err != nil {
				return err
			}
			h, err := tt.Hours(ctx, site.ID, 20200101, 22000101)
			if err != nil {
				return err
			}
			days, err := tt.Days(ctx, site.ID, 20200101, 22000101)
			log, incidents, hours = len(entries), len(all), len(h)
			if len(days) != 1 || days[0].Use.Sum("sessions") != 3 {
				t.Errorf("what was counted: %+v", days)
			}
			return err
		})
		return log, incidents, hours
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	run := func() { ended <- d.tidy(ctx) }
	// Another hub is at it: this one does not stand beside.
	held, err := c.store.Once(t.Context(), "tidy", func(context.Context) error {
		at(7)
		ran, err := c.store.Once(t.Context(), "tidy", d.forget)
		if ran {
			t.Error("two hubs forget at the same time")
		}
		return err
	})
	if !held || err != nil {
		t.Fatal(held, err)
	}
	if log, _, _ := left(); log != 1 {
		t.Errorf("%d entries of the log", log)
	}
	at(0)
	go run()
	for _, step := range []struct {
		months                int
		log, incidents, hours int
	}{{5, 1, 1, 1}, {7, 0, 1, 1}, {9, 0, 0, 1}, {14, 0, 0, 0}} {
		at(step.months)
		c.until("the term is over, and not before", func() bool {
			fake.Advance(tidyEvery)
			log, incidents, hours := left()
			if log < step.log || incidents < step.incidents || hours < step.hours {
				t.Fatalf("after %d months: log %d, incidents %d, hours %d; want %+v", step.months, log, incidents, hours, step)
			}
			return log == step.log && incidents == step.incidents && hours == step.hours
		})
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
