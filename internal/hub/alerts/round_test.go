package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parvis/internal/clock"
	"parvis/internal/hub/alerts"
	"parvis/internal/hub/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(withDatabase{m}) }

type withDatabase struct{ m *testing.M }

func (w withDatabase) Run() int { return pgtest.Run(w.m) }

// Two hubs look at a hundred sites on one store: each incident begins once, and each message arrives once.
func TestTwoHubsMakeOneIncident(t *testing.T) {
	h := newOther(t, map[string][]string{"POST /": {"204 "}})
	fake, store := clock.NewFake(), newMemory()
	for i := range 100 {
		store.sites = append(store.sites, alerts.Seen{Tenant: "commune", Site: fmt.Sprint("s-", i), Name: "Lieu", Every: time.Minute})
	}
	var hubs [2]*alerts.Manager
	for i := range hubs {
		m, err := alerts.New(alerts.Options{
			Store: store, Clock: fake, Zone: time.UTC, Log: quiet,
			Ways: []alerts.Way{{Name: "autre", Kind: "webhook", URL: h.URL, Secret: secret(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		hubs[i] = m
	}
	for range 14 {
		fake.Advance(time.Minute)
		store.speak(fake.Wall().Time, true)
		var both sync.WaitGroup
		for _, m := range hubs {
			both.Go(func() {
				if err := m.Round(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	if store.began != 100 || store.waiting() != 0 || h.asked != 100 {
		t.Errorf("%d incidents, %d requests, %d messages wait", store.began, h.asked, store.waiting())
	}
	var ids []string
	for _, line := range strings.Split(h.said(), "\n") {
		if strings.HasPrefix(line, "> Webhook-Id") {
			ids = append(ids, line)
		}
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 100 {
		t.Errorf("%d different messages", n)
	}
}

// forgetful is a store that cannot write down that a message has arrived, as when a hub dies just then.
type forgetful struct {
	*memory
	times int
}

func (f *forgetful) Done(ctx context.Context, p alerts.Pending, ref string) error {
	if f.times--; f.times >= 0 {
		return errors.New("the database is away")
	}
	return f.memory.Done(ctx, p, ref)
}

func TestAMessageThatHasArrivedUnnoticedComesAgainUnderItsID(t *testing.T) {
	h := newOther(t, map[string][]string{"POST /": {"204 "}})
	fake, store := clock.NewFake(), &forgetful{newMemory(), 2}
	m, err := alerts.New(alerts.Options{
		Store: store, Clock: fake, Zone: time.UTC, Log: quiet,
		Ways: []alerts.Way{{Name: "autre", Kind: "webhook", URL: h.URL, Secret: secret(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	store.sites = []alerts.Seen{{Tenant: "commune", Site: "s-1", Name: "Mairie", Every: time.Minute}}
	failed := 0
	for range 20 {
		fake.Advance(time.Minute)
		store.speak(fake.Wall().Time, true)
		if err := m.Round(t.Context()); err != nil {
			failed++
		}
	}
	if n := strings.Count(h.said(), "> Webhook-Id: parvis-autre-1-1795531380\n"); n != 3 || h.asked != 3 || failed != 2 || store.waiting() != 0 {
		t.Errorf("%d requests, %d under its id, %d rounds failed, %d wait", h.asked, n, failed, store.waiting())
	}
}

func TestWhatWaitsIsTriedLessAndLessOftenAndNeverGivenUp(t *testing.T) {
	h := newOther(t, map[string][]string{"POST /": {"500 "}})
	_, store, minute := setup(t, alerts.Way{Name: "autre", Kind: "webhook", URL: h.URL, Secret: secret(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")})
	var at []int
	for i := range 10 * 60 {
		before := h.asked
		minute(true)
		if h.asked != before {
			at = append(at, i+1)
		}
	}
	if want := []int{11, 12, 14, 18, 26, 42, 74, 134, 194, 254, 314, 374, 434, 494, 554}; !slices.Equal(at, want) {
		t.Errorf("tried at minutes %v, expected %v", at, want)
	}
	if store.waiting() != 1 {
		t.Errorf("%d messages wait", store.waiting())
	}
}

func TestAWayHasWhatItAskedFor(t *testing.T) {
	for name, tt := range map[string]struct {
		way  alerts.Way
		want int
	}{
		"everything":                   {alerts.Way{}, 1},
		"this commune":                 {alerts.Way{Tenant: "commune"}, 1},
		"another commune":              {alerts.Way{Tenant: "other"}, 0},
		"disks":                        {alerts.Way{Problems: []string{"disk", "gate"}}, 1},
		"other problems":               {alerts.Way{Problems: []string{"silent"}}, 0},
		"disks of another commune":     {alerts.Way{Tenant: "other", Problems: []string{"disk"}}, 0},
		"other problems of this one's": {alerts.Way{Tenant: "commune", Problems: []string{"gate"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newOther(t, map[string][]string{"POST /": {"204 "}})
			w := tt.way
			w.Name, w.Kind, w.URL, w.Secret = "autre", "webhook", h.URL, secret(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
			_, _, minute := setup(t, w)
			for range 15 {
				minute(true)
			}
			if h.asked != tt.want {
				t.Errorf("%d messages, expected %d", h.asked, tt.want)
			}
		})
	}
}

func TestTheManagerLooksEveryMinuteUntilItIsTold(t *testing.T) {
	fake, store := clock.NewFake(), newMemory()
	looked := make(chan struct{})
	m, err := alerts.New(alerts.Options{Store: watched{store, looked}, Clock: fake, Zone: time.UTC, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.Run(ctx) }()
	<-looked
	for range 3 {
		fake.Advance(time.Minute)
		<-looked
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type watched struct {
	*memory
	looked chan struct{}
}

func (w watched) Seen(ctx context.Context) ([]alerts.Seen, error) {
	w.looked <- struct{}{}
	return w.memory.Seen(ctx)
}
