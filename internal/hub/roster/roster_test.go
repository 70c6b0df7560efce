package roster_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"parvis/internal/hub/pgtest"
	"parvis/internal/hub/roster"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// site is one with a box, as the box sees its hub.
type site struct {
	*testing.T
	hub  *store.Hub
	id   string
	key  *ecdh.PrivateKey
	sign ed25519.PrivateKey
	seq  int64
}

func enrolled(t *testing.T, h *store.Hub, name string) *site {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, sign, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := storetest.Site(t, h, "a", name)
	var code string
	storetest.In(t, h, "a", func(ctx context.Context, tt *store.Tenant) (err error) {
		code, _, err = tt.Code(ctx, s.ID, time.Hour)
		return err
	})
	if _, _, _, err := h.Enrol(context.Background(), wire.Enrolment{Code: code, SealKey: key.PublicKey().Bytes()}); err != nil {
		t.Fatal(err)
	}
	return &site{T: t, hub: h, id: s.ID, key: key, sign: sign}
}

// people are who the site is told of: login → closed; nil: it has no list.
func (s *site) people() (map[string]bool, string) {
	s.Helper()
	var b []byte
	var version string
	err := s.hub.Tenant(context.Background(), "a", func(tt *store.Tenant) (err error) {
		b, version, err = roster.Bundle(context.Background(), tt, s.id, s.sign)
		return err
	})
	if errors.Is(err, store.ErrUnknown) {
		return nil, ""
	}
	if err != nil {
		s.Fatal(err)
	}
	if bytes.Contains(b, []byte("mediatrice")) {
		s.Error("a name travels readable")
	}
	p, err := bundle.Open(b, s.sign.Public().(ed25519.PublicKey), s.id)
	if err != nil {
		s.Fatal(err)
	}
	plain, err := p.Unseal(s.key)
	if err != nil {
		s.Fatal(err)
	}
	var all []wire.Colleague
	if err := json.Unmarshal(plain, &all); err != nil {
		s.Fatal(err)
	}
	m := map[string]bool{}
	for _, c := range all {
		m[c.Login] = c.Closed
	}
	return m, version
}

// knows is the site's word that it has a version of its list.
func (s *site) knows(version string) {
	s.Helper()
	s.seq++
	storetest.In(s, s.hub, "a", func(ctx context.Context, tt *store.Tenant) error {
		_, err := tt.Take(ctx, s.id, wire.Batch{
			Epoch: "00000000000000aa", Seq: s.seq, Sent: s.seq, Now: wire.Now{Clock: "synchronised", Place: "open", Staff: version},
		}, time.Now())
		return err
	})
}

func TestSitesKnowWhoWorksThereAndWhoLeft(t *testing.T) {
	h, _ := storetest.New(t)
	storetest.Commune(t, h, "a")
	one, two, never := enrolled(t, h, "Un"), enrolled(t, h, "Deux"), enrolled(t, h, "Trois")
	if all, _ := one.people(); all != nil {
		t.Errorf("a list of nobody: %v", all)
	}
	var c store.Colleague
	do := func(f func(context.Context, *store.Tenant) error) { t.Helper(); storetest.In(t, h, "a", f) }
	do(func(ctx context.Context, tt *store.Tenant) (err error) {
		if c, err = tt.AddColleague(ctx, store.Colleague{Login: "Mediatrice", Name: "Médiatrice", Role: "mediator", Password: "hash"}); err != nil {
			return err
		}
		return tt.SendColleague(ctx, c.ID, []string{one.id, two.id})
	})
	want := func(s *site, people map[string]bool) (version string) {
		t.Helper()
		got, version := s.people()
		if d := cmp.Diff(people, got); d != "" {
			t.Error(d)
		}
		return version
	}
	first := want(one, map[string]bool{"mediatrice": false})
	want(two, map[string]bool{"mediatrice": false})
	want(never, nil)
	// She works at one site less: that site closes her account, the other one does not.
	do(func(ctx context.Context, tt *store.Tenant) error {
		return tt.SendColleague(ctx, c.ID, []string{one.id})
	})
	want(one, map[string]bool{"mediatrice": false})
	want(two, map[string]bool{"mediatrice": true})
	// She leaves: every site is told, and the hub says which have not heard yet.
	do(func(ctx context.Context, tt *store.Tenant) error { return tt.CloseColleague(ctx, c.ID) })
	last := want(one, map[string]bool{"mediatrice": true})
	want(never, map[string]bool{"mediatrice": true})
	if first == last {
		t.Error("another list under the same version")
	}
	reached := func(want ...string) {
		t.Helper()
		do(func(ctx context.Context, tt *store.Tenant) error {
			got, err := tt.NotTold(ctx, c.ID)
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
			return err
		})
	}
	one.knows(last)
	_, version := never.people()
	never.knows(version)
	reached(two.id) // which is offline
	_, version = two.people()
	two.knows(version)
	reached()
	do(func(ctx context.Context, tt *store.Tenant) error {
		all, err := tt.Colleagues(ctx)
		if len(all) != 1 || all[0].Closed.IsZero() || all[0].Password != "" || len(all[0].Sites) != 0 {
			t.Errorf("%+v", all)
		}
		return err
	})
}

func TestALoginIsOnesInACommune(t *testing.T) {
	h, _ := storetest.New(t)
	storetest.Commune(t, h, "a")
	storetest.In(t, h, "a", func(ctx context.Context, tt *store.Tenant) error {
		_, err := tt.AddColleague(ctx, store.Colleague{Login: "mediatrice", Role: "mediator"})
		return err
	})
	err := h.Tenant(context.Background(), "a", func(tt *store.Tenant) error {
		_, err := tt.AddColleague(context.Background(), store.Colleague{Login: " MEDIATRICE", Role: "mediator"})
		return err
	})
	if !errors.Is(err, store.ErrTaken) {
		t.Error(err)
	}
}
