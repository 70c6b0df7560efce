package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

func init() {
	add := func(name string, f func(context.Context, *store.Tenant, string) (any, error)) { isolation[name] = f }
	add("EPCILayer", func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return t.EPCILayer(ctx) }) // everybody's
	add("Layer", func(ctx context.Context, t *store.Tenant, site string) (any, error) { return t.Layer(ctx, site) })
	add("Layers", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		all, err := t.Layers(ctx)
		return len(all), err
	})
	add("AllTold", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		all, err := t.AllTold(ctx, store.Settings)
		return len(all), err
	})
	add("WriteLayer", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return nil, t.WriteLayer(ctx, site, "", "dsi")
	})
	add("Publish", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		p, err := t.Publish(ctx, store.Publication{By: "dsi"}, []store.Offer{{Site: site}})
		if err == nil {
			err = errors.New("another commune's site is published to")
		}
		return p, err
	})
	add("Publications", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return t.Publications(ctx, store.Settings, 10)
	})
	add("Publication", func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return t.Publication(ctx, 1) })
	add("Offers", func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return t.Offers(ctx, 1) })
	add("Told", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return t.Told(ctx, store.Settings, site)
	})
	add("ToldBefore", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return t.ToldBefore(ctx, store.Offer{Site: site, Version: 1 << 40})
	})
	add("Wanted", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		o, _, err := t.Wanted(ctx, site)
		return o, err
	})
	add("GoOn", func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return nil, t.GoOn(ctx, 1) })
	add("Releases", func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return t.Releases(ctx) }) // everybody's
	add("SetOffer", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return nil, t.SetOffer(ctx, store.Offer{Site: site, Version: 1, Back: "x"})
	})
	add("SetPublication", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return nil, t.SetPublication(ctx, 1, "done", 3) // of another commune there is no row to change
	})
	add("EndPublication", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return nil, t.EndPublication(ctx, 1)
	})
}

// What is read of all sites at once is what is read of each.
func TestAllSitesAtOnceAreAsEachByItself(t *testing.T) {
	h, _ := storetest.New(t)
	a := storetest.Commune(t, h, "a")
	first, second, third := storetest.Site(t, h, a, "Mairie"), storetest.Site(t, h, a, "Gare"), storetest.Site(t, h, a, "Stade")
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(tt.WriteLayer(ctx, "", "of all", "dsi"))
		must(tt.WriteLayer(ctx, first.ID, "old", "dsi"))
		must(tt.WriteLayer(ctx, first.ID, "new", "dpo"))
		must(tt.WriteLayer(ctx, second.ID, "other", "dsi"))
		for i, config := range []string{"one", "two", "never told"} {
			p, err := tt.Publish(ctx, store.Publication{By: "dsi"}, []store.Offer{{Site: first.ID, Config: config}, {Site: second.ID, Config: config}})
			must(err)
			offers, err := tt.Offers(ctx, p.ID)
			must(err)
			for k, o := range offers {
				if i+k < 2 { // the first is told of two publications, the second of one
					o.Told = now
					must(tt.SetOffer(ctx, o))
				}
			}
		}
		layers, err := tt.Layers(ctx)
		must(err)
		told, err := tt.AllTold(ctx, store.Settings)
		must(err)
		for _, s := range []store.Site{first, second, third} {
			w, err := tt.Layer(ctx, s.ID)
			must(err)
			if d := cmp.Diff(w, layers[s.ID]); d != "" {
				t.Errorf("layer of %s (-alone +among all):\n%s", s.Name, d)
			}
			o, err := tt.Told(ctx, store.Settings, s.ID)
			if err != nil && !errors.Is(err, store.ErrUnknown) {
				t.Fatal(err)
			}
			if d := cmp.Diff(o, told[s.ID]); d != "" {
				t.Errorf("told %s (-alone +among all):\n%s", s.Name, d)
			}
		}
		if told[first.ID].Config != "two" || told[second.ID].Config != "one" || len(layers) != 2 || layers[first.ID].Source != "new" {
			t.Errorf("%+v\n%+v", layers, told)
		}
		return nil
	})
}
