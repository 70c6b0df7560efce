package hublink_test

import (
	"testing"

	"parvis/internal/hublink/hubtest"
	"parvis/internal/hublink/wire"
)

// The catalogue is said whole, once: again only when it is another one, when the hub has lost it, or to another hub.
func TestTheCatalogueIsSaidOnceForEachContent(t *testing.T) {
	w := enrolled(t)
	c := wire.Catalogue{Trials: []wire.Trial{{Service: "caf", Day: 20261124, OK: true}}}
	w.o.Catalogue = func() wire.Catalogue {
		marked, err := c.Marked()
		if err != nil {
			t.Error(err)
		}
		return marked
	}
	w.restart()
	expect := func(what string, times int) {
		t.Helper()
		for range 3 {
			w.Send(t.Context())
		}
		if _, got := w.hub.Catalogue(); got != times {
			t.Errorf("%s: said %d times, expected %d", what, got, times)
		}
	}
	expect("new", 1)
	c.Proposals = []wire.Proposal{{Service: "caf", Host: "images.exemple.fr"}}
	expect("changed", 2)
	if got, _ := w.hub.Catalogue(); len(got.Proposals) != 1 {
		t.Errorf("%+v", got)
	}
	w.hub.Fails(func() hubtest.Fault { return hubtest.Away })
	c.Proposals = nil
	expect("while the hub is away", 2)
	w.hub.Fails(nil)
	expect("afterwards", 3)
	w.restart()
	expect("after a restart", 4)
	w.o.Catalogue = func() wire.Catalogue { return wire.Catalogue{} }
	w.restart()
	expect("of a site without services", 4)
}
