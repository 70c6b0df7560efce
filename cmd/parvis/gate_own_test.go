package main

import (
	"strings"
	"testing"

	"parvis/kiosk/catalogue"
	hosts "parvis/kiosk/names"
)

func TestTheGateSendsToThePlacesOwnDesk(t *testing.T) {
	for desk, want := range map[string]string{"l'accueil": "à l'accueil", "Le comptoir": "au comptoir", "la banque de prêt": "à la banque de prêt"} {
		if got, err := frenchAtDesk(desk); err != nil || got != want {
			t.Errorf("%q: %q %v, expected %q", desk, got, err, want)
		}
	}
}

// A name that is never shown as refused must be nobody's service: who needs one would never learn that it is closed.
func TestWhatBrowsersAskOfThemselvesIsNoService(t *testing.T) {
	for _, r := range browsersOwn {
		if got, err := hosts.Parse(string(r)); err != nil || got != r {
			t.Errorf("%s is read as %s: %v", r, got, err)
		}
	}
	c, err := catalogue.Load(catalogue.Files(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Names([]string{"all", "messagerie", "jeunesse"}) {
		if browsersOwn.Allows(strings.TrimPrefix(string(r), ".")) {
			t.Errorf("%s is in the catalogue", r)
		}
	}
	if !browsersOwn.Allows("firefox.settings.services.mozilla.com") || browsersOwn.Allows("www.caf.fr") {
		t.Error("the list does not tell a browser's own names from a service's")
	}
}
