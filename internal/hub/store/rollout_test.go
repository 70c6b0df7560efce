package store_test

import (
	"context"
	"errors"

	"parvis/internal/hub/store"
)

func init() {
	add := func(name string, f func(context.Context, *store.Tenant, string) (any, error)) { isolation[name] = f }
	add("EPCILayer", func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return t.EPCILayer(ctx) }) // everybody's
	add("Layer", func(ctx context.Context, t *store.Tenant, site string) (any, error) { return t.Layer(ctx, site) })
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
