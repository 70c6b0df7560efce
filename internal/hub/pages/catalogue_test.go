package pages_test

import (
	"context"
	"html"
	"net/http"
	"strings"
	"testing"

	"parvis/internal/hub/rollout"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

// services is a site's word of its services.
func (w *world) services(tenant, site string, c wire.Catalogue) {
	w.t.Helper()
	c, err := c.Marked()
	w.must(err)
	w.must(c.Check())
	storetest.In(w.t, w.hub, tenant, func(ctx context.Context, t *store.Tenant) error { return t.SayCatalogue(ctx, site, c) })
}

func (w *world) ownServices() (source string) {
	w.t.Helper()
	storetest.In(w.t, w.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
		all, err := t.Catalogue(ctx, 1)
		if len(all) > 0 {
			source = all[0].Source
		}
		return err
	})
	return source
}

const proposed = "images.exemple.fr"

func withProposal(t *testing.T) *world {
	w := administered(t)
	w.services("lac", w.lac.ID, wire.Catalogue{
		Trials:    []wire.Trial{{Service: "caf", Day: 20261124, OK: false}, {Service: "ameli", Day: 20261123, OK: true}},
		Proposals: []wire.Proposal{{Service: "caf", Host: proposed}, {Service: "of-a-later-version", Host: proposed}},
	})
	return w
}

func TestServicesSayWhenTheyWereTriedAndWhere(t *testing.T) {
	w := withProposal(t)
	body := html.UnescapeString(w.ask(http.MethodGet, "/catalogue").Body.String())
	for _, want := range []string{"Essayé dans 1 lieu.", "Le dernier essai est du 24\u00a0novembre\u00a02026.", "Un nom n'a pas répondu ici\u00a0: Médiathèque du Lac.", "Jamais essayé.", proposed} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, "of-a-later-version") {
		t.Error("a service that is not in the catalogue is proposed to")
	}
}

// What is accepted goes into the commune's own services, out with the next publication, and out of the list; it can be taken back.
func TestAProposalIsAcceptedAndTakenBack(t *testing.T) {
	w := withProposal(t)
	w.writesServices("without = [\"ent\"]\n")
	if answer := w.ask(http.MethodPost, "/catalogue/accepter", "service", "caf", "hote", proposed); answer.Code != http.StatusSeeOther {
		t.Fatalf("accepted: %d %s", answer.Code, answer.Body)
	}
	if got := w.ownServices(); got != "without = [\"ent\"]\n\n[[more]]\nof = \"caf\"\nbelieved = [\"images.exemple.fr\"]\n" {
		t.Errorf("the commune's services: %s", got)
	}
	if body := w.ask(http.MethodGet, "/catalogue").Body.String(); !strings.Contains(body, "Aucun lieu ne propose de nom.") {
		t.Error("it is proposed still")
	}
	if answer := w.ask(http.MethodPost, "/catalogue/accepter", "service", "caf", "hote", proposed); answer.Code != http.StatusNotFound {
		t.Errorf("twice: %d", answer.Code)
	}
	if body := w.ask(http.MethodGet, "/journal").Body.String(); !strings.Contains(body, "Nom accepté pour un service") || strings.Contains(body, proposed) {
		t.Error("the log does not tell of it, or tells of the name")
	}
	var text []byte
	storetest.In(t, w.hub, "lac", func(ctx context.Context, tt *store.Tenant) error {
		p, err := rollout.Publish(ctx, tt, "administration")
		if err != nil {
			return err
		}
		offers, err := tt.Offers(ctx, p.ID)
		if err == nil {
			text, err = tt.Attachment(ctx, offers[0].Catalogue)
		}
		return err
	})
	if string(text) != w.ownServices() {
		t.Errorf("published: %s", text)
	}
	m := readMark.FindStringSubmatch(w.ask(http.MethodGet, "/catalogue").Body.String())
	if answer := w.ask(http.MethodPost, "/catalogue/retour", "lu", html.UnescapeString(m[1])); answer.Code != http.StatusSeeOther {
		t.Fatalf("taken back: %d", answer.Code)
	}
	if got := w.ownServices(); got != "without = [\"ent\"]\n" {
		t.Errorf("taken back: %s", got)
	}
	if answer := w.ask(http.MethodPost, "/catalogue/retour", "lu", html.UnescapeString(m[1])); answer.Code != http.StatusConflict {
		t.Errorf("taken back by somebody who has not seen it: %d", answer.Code)
	}
}

func TestAProposalIsDeclinedAndTakenUpAgain(t *testing.T) {
	w := withProposal(t)
	for _, path := range []string{"/catalogue/ecarter", "/catalogue/reprendre", "/catalogue/accepter"} {
		if answer := w.ask(http.MethodPost, path, "service", "caf", "hote", proposed); answer.Code != http.StatusSeeOther {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
	for _, path := range []string{"/catalogue/ecarter", "/catalogue/reprendre", "/catalogue/accepter"} {
		if answer := w.ask(http.MethodPost, path, "service", "caf", "hote", "nobody.proposes.this.example.fr"); answer.Code != http.StatusNotFound {
			t.Errorf("%s of what nobody proposes: %d", path, answer.Code)
		}
	}
}

// writesServices types the commune's own services and saves them.
func (w *world) writesServices(source string) {
	w.t.Helper()
	if answer := w.writes("/catalogue", source); answer.Code != http.StatusSeeOther {
		w.t.Fatalf("written: %d %s", answer.Code, answer.Body)
	}
}

func TestServicesThatAreNotRightAreNotSaved(t *testing.T) {
	w := withProposal(t)
	for name, tc := range map[string]struct {
		source, says string
		code         int
	}{
		"not TOML":         {"[[service", "TOML", http.StatusUnprocessableEntity},
		"too wide":         {"[[more]]\nof = \"caf\"\nhosts = [\".gouv.fr.example\", \".co.uk\"]\n", "tout le monde peut avoir un nom dessous", http.StatusUnprocessableEntity},
		"of nothing":       {"[[more]]\nof = \"rien\"\nhosts = [\"a.exemple.fr\"]\n", "il n'y a pas de", http.StatusUnprocessableEntity},
		"an address":       {"[[more]]\nof = \"caf\"\nhosts = [\"192.0.2.1\"]\n", "c'est une adresse", http.StatusUnprocessableEntity},
		"longer than that": {"# " + strings.Repeat("x", 25<<10), "trop long", http.StatusRequestEntityTooLarge},
	} {
		answer := w.writes("/catalogue", tc.source)
		if body := html.UnescapeString(answer.Body.String()); answer.Code != tc.code || !strings.Contains(body, tc.says) {
			t.Errorf("%s: %d, without %q", name, answer.Code, tc.says)
		}
	}
	if got := w.ownServices(); got != "" {
		t.Errorf("saved: %s", got)
	}
}

func TestWhoReadsSeesTheCatalogueAndChangesNothing(t *testing.T) {
	w := withProposal(t)
	w.join("lac", "lecture", staff.Reader)
	w.enter("lecture")
	answer := w.ask(http.MethodGet, "/catalogue")
	if body := answer.Body.String(); answer.Code != http.StatusOK || !strings.Contains(body, proposed) || strings.Contains(body, "<textarea") || strings.Contains(body, "/catalogue/accepter") {
		t.Errorf("%d", answer.Code)
	}
	if answer := w.ask(http.MethodPost, "/catalogue/accepter", "service", "caf", "hote", proposed); answer.Code != http.StatusForbidden {
		t.Errorf("accepted: %d", answer.Code)
	}
}
