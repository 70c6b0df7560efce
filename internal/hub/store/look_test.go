package store_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

var proposal = wire.Proposal{Service: "caf", Host: "images.exemple.fr"}

func init() {
	add := func(name string, f func(context.Context, *store.Tenant, string) (any, error)) { isolation[name] = f }
	own := func(context.Context, *store.Tenant, string) (any, error) { return nil, nil } // of its own commune alone: it is given no other
	for _, name := range []string{"SetLook", "Attach", "WriteCatalogue", "Decline"} {
		add(name, own)
	}
	add("Look", func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return t.Look(ctx) })
	add("Attachment", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return t.Attachment(ctx, store.HashOf([]byte("x")))
	})
	add("Catalogue", func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return t.Catalogue(ctx, 9) })
	add("SaidOfCatalogue", func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return t.SaidOfCatalogue(ctx) })
	add("SayCatalogue", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return nil, t.SayCatalogue(ctx, site, wire.Catalogue{})
	})
	add("CatalogueMark", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return t.CatalogueMark(ctx, site)
	})
	add("Undecline", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return nil, t.Undecline(ctx, proposal)
	})
	add("Declined", func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return t.Declined(ctx) })
}

// Two communes with the same logo and proposals, of which one sees only its own.
func TestLooksAndCataloguesAreOfOneCommune(t *testing.T) {
	h, _ := storetest.New(t)
	a, b := storetest.Commune(t, h, "a"), storetest.Commune(t, h, "b")
	site := storetest.Site(t, h, a, "Un")
	var hash string
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) (err error) {
		hash, err = tt.Attach(ctx, []byte("logo"))
		again, same := tt.Attach(ctx, []byte("logo"))
		if again != hash || same != nil {
			t.Errorf("the same twice: %q, %v", again, same)
		}
		return errors.Join(err, tt.SetLook(ctx, store.Look{Town: "A", Main: "#000000", Logo: hash, By: "x"}), tt.WriteCatalogue(ctx, "# one", "x"),
			tt.WriteCatalogue(ctx, "# two", "x"), tt.Decline(ctx, proposal, "x"), tt.SayCatalogue(ctx, site.ID, wire.Catalogue{Mark: "0123456789abcdef", Proposals: []wire.Proposal{proposal}}))
	})
	storetest.In(t, h, b, func(ctx context.Context, tt *store.Tenant) error {
		l, err := tt.Look(ctx)
		said, serr := tt.SaidOfCatalogue(ctx)
		declined, derr := tt.Declined(ctx)
		written, werr := tt.Catalogue(ctx, 9)
		if l != (store.Look{}) || len(said)+len(declined)+len(written) > 0 {
			t.Errorf("another commune's: %+v, %+v, %+v, %+v", l, said, declined, written)
		}
		if _, err := tt.Attachment(ctx, hash); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("another commune's attachment: %v", err)
		}
		_, aerr := tt.Attach(ctx, []byte("logo"))
		return errors.Join(err, serr, derr, werr, aerr)
	})
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		content, err := tt.Attachment(ctx, hash)
		if !bytes.Equal(content, []byte("logo")) {
			t.Errorf("kept: %q", content)
		}
		written, werr := tt.Catalogue(ctx, 9)
		if len(written) != 2 || written[0].Source != "# two" {
			t.Errorf("%+v", written)
		}
		mark, merr := tt.CatalogueMark(ctx, site.ID)
		if mark != "0123456789abcdef" {
			t.Errorf("mark %q", mark)
		}
		return errors.Join(err, werr, merr)
	})
}
