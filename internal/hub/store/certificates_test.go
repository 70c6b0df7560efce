package store_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

func init() {
	add := func(name string, f func(context.Context, *store.Tenant, string) (any, error)) { isolation[name] = f }
	add("SetNames", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return nil, t.SetNames(ctx, site, []string{"portail.a.test"})
	})
	add("Names", func(ctx context.Context, t *store.Tenant, site string) (any, error) { return t.Names(ctx, site) })
	add("AskCertificate", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return t.AskCertificate(ctx, site, "portail.a.test", nil)
	})
	add("WaitingCertificates", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return t.WaitingCertificates(ctx, time.Now())
	})
	add("SetCertificate", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return nil, t.SetCertificate(ctx, store.Certificate{Site: site, Name: "portail.a.test"}) // of another commune there is no row to change
	})
}

func TestASiteAsksForItsNamesAlone(t *testing.T) {
	h, _ := storetest.New(t)
	a, b := storetest.Commune(t, h, "a"), storetest.Commune(t, h, "b")
	ours, theirs := storetest.Site(t, h, a, "A"), storetest.Site(t, h, b, "B")
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		return tt.SetNames(ctx, ours.ID, []string{"Portail.A.test.", "equipe.a.test"})
	})
	ctx := context.Background()
	err := h.Tenant(ctx, b, func(tt *store.Tenant) error { return tt.SetNames(ctx, theirs.ID, []string{"portail.a.test"}) })
	if !errors.Is(err, store.ErrTaken) {
		t.Errorf("another commune takes a name: %v", err)
	}
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		if _, err := tt.AskCertificate(ctx, ours.ID, "www.b.test", []byte("csr")); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("somebody else's name: %v", err)
		}
		c, err := tt.AskCertificate(ctx, ours.ID, "portail.a.test", []byte("csr"))
		if err != nil || c.Chain != "" {
			return errors.Join(err, errors.New("a certificate from nowhere"))
		}
		c.Chain, c.Tried, c.Until = "chain", now, now.Add(time.Hour)
		if err := tt.SetCertificate(ctx, c); err != nil {
			return err
		}
		if c, err = tt.AskCertificate(ctx, ours.ID, "portail.a.test", []byte("csr")); c.Chain != "chain" || !c.Until.Equal(now.Add(time.Hour)) {
			t.Errorf("asked again: %+v, %v", c, err)
		}
		c, err = tt.AskCertificate(ctx, ours.ID, "portail.a.test", []byte("another key"))
		if c.Chain != "" || err != nil {
			t.Errorf("another request: %+v, %v", c, err)
		}
		waiting, err := tt.WaitingCertificates(ctx, now)
		if len(waiting) != 1 || !bytes.Equal(waiting[0].CSR, []byte("another key")) {
			t.Errorf("%+v", waiting)
		}
		return err
	})
}

func TestAnAccountsKeyIsMadeOnce(t *testing.T) {
	h, _ := storetest.New(t)
	ctx := context.Background()
	first, err := h.ACMEKey(ctx, "https://one", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.ACMEKey(ctx, "https://one", []byte("2"))
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("%s, then %s, %v", first, again, err)
	}
	other, err := h.ACMEKey(ctx, "https://two", []byte("3"))
	if err != nil || string(other) != "3" {
		t.Errorf("%s, %v", other, err)
	}
}
