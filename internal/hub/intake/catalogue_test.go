package intake_test

import (
	"context"
	"testing"

	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

// What a site says of its services is kept, and the receipt says what the hub has; a batch without it changes nothing of that.
func TestWhatASiteSaysOfItsServicesIsKept(t *testing.T) {
	h := newHub(t)
	box, site := h.enrolled("Médiathèque")
	said, err := wire.Catalogue{
		Trials:    []wire.Trial{{Service: "caf", Day: 20261124, OK: true}},
		Proposals: []wire.Proposal{{Service: "caf", Host: "images.exemple.fr"}},
	}.Marked()
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []*wire.Catalogue{nil, &said, nil} {
		b := intaketest.Batch(epoch, int64(i+1))
		b.Catalogue = c
		r, err := box.Send(t.Context(), b)
		if want := map[bool]string{true: said.Mark}[i > 0]; err != nil || r.Catalogue != want {
			t.Errorf("batch %d: the hub has %q, expected %q, %v", i, r.Catalogue, want, err)
		}
	}
	storetest.In(t, h.Hub, "a", func(ctx context.Context, tt *store.Tenant) error {
		all, err := tt.SaidOfCatalogue(ctx)
		if len(all) != 1 || all[0].Site != site || len(all[0].Said.Proposals) != 1 || !all[0].Said.Trials[0].OK {
			t.Errorf("%+v", all)
		}
		return err
	})
	b := intaketest.Batch(epoch, 9)
	b.Catalogue = &wire.Catalogue{Mark: said.Mark, Proposals: []wire.Proposal{{Service: "caf", Host: "https://exemple.fr/moi"}}}
	if _, err := box.Send(t.Context(), b); err == nil {
		t.Error("a visited page passes for a host")
	}
}
