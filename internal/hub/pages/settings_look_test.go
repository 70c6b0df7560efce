package pages_test

import (
	"context"
	"net/http"
	"strings"
	"time"

	"parvis/internal/hub/alerts"
	"parvis/internal/hub/rollout"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

// centreSettings are the pages of those who run the hub.
func (a *album) centreSettings() {
	a.t.Helper()
	a.must(a.hub.WriteEPCILayer(a.t.Context(), "[site]\ntimezone = \"Europe/Paris\"\ndesk = \"l'accueil\"\n", "centre"))
	a.see("H7-centre", "/reglages")
	a.ways.all = []alerts.Way{{Name: "centre", Kind: "mail", To: []string{"exploitation@exemple.test"}, Problems: []string{"silent", "disk"}}}
	a.see("H16-centre", "/alertes")
	a.ways.all = nil
}

// communeSettings are those of a commune's administrator, with a site whose box is there.
func (a *album) communeSettings() {
	a.t.Helper()
	a.ways = ways{broken: map[string]bool{"tickets": true}, all: []alerts.Way{
		{Name: "astreinte", Kind: "mail", Tenant: "lac", To: []string{"astreinte@exemple.test", "reseau@exemple.test"}},
		{Name: "tickets", Kind: "zammad", Tenant: "lac", Group: "Réseau", Problems: []string{"silent", "disk"}},
		{Name: "salon", Kind: "matrix", Tenant: "lac", Room: "!salon:exemple.test"},
		{Name: "centre", Kind: "webhook"},
	}}
	storetest.In(a.t, a.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
		id, err := t.BeginIncident(ctx, a.lac.ID, "silent", nil, a.now)
		if err == nil {
			err = t.AddMessage(ctx, id, "tickets", "begin", nil)
		}
		if err != nil {
			return err
		}
		due, err := t.DueMessages(ctx, a.now.Add(time.Hour), 1)
		if err == nil {
			err = t.FailMessage(ctx, due[0].ID, "the server answers 401: it refuses the token", a.now.Add(time.Hour))
		}
		return err
	})
	a.see("H16", "/alertes?fait=essai")
	before := a.log.String()
	a.send("H16-refus", "/alertes/tickets/essai")
	a.log.Reset() // it holds why the way is broken, and nothing else of this page
	a.log.WriteString(before)

	lieu := "/reglages/" + a.lac.ID
	a.writes("/reglages", "# Toute la commune\n[site]\ndesk = \"le comptoir\"\nrules = [\"On parle doucement.\", \"Les casques sont à l'accueil.\"]\n\n[[profile]]\nname = \"visite\"\nlabel = \"Visite\"\nduration = \"2h\"\n")
	a.writes(lieu, "[site]\nhours = [\"lun-ven 9:00-12:00 14:00-18:00\", \"sam 9:00-12:00\"]\n")
	a.see("H7", "/reglages?fait=reglages")
	a.see("H7-lieu", lieu)
	a.send("H7-refus", lieu, "texte", "[site]\ndesk = 3\n[wan]\ninterface = \"eth0\"\n")
	a.send("H7-entretemps", "/reglages", "texte", "[site]\ndesk = \"le bureau\"\n", "lu", "")
	at, _, _ := strings.Cut(a.ask(http.MethodPost, "/publications").Header().Get("Location"), "?")
	a.see("H8-debut", at+"?fait=publie")
	var offers []store.Offer
	storetest.In(a.t, a.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
		if err := rollout.Advance(ctx, t, a.now); err != nil {
			return err
		}
		p, err := t.Publications(ctx, store.Settings, 1)
		if err == nil {
			offers, err = t.Offers(ctx, p[0].ID)
		}
		return err
	})
	for _, state := range []string{"line", ""} {
		o := offers[0]
		if o.Back = state; state == "" {
			o.Runs = a.now
		}
		storetest.In(a.t, a.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
			p, err := t.Publications(ctx, store.Settings, 1)
			if err == nil {
				err = t.SetOffer(ctx, o)
			}
			if err == nil {
				err = t.SetPublication(ctx, p[0].ID, map[bool]string{true: "stopped", false: "done"}[state != ""], 3)
			}
			return err
		})
		a.see("H8-"+map[bool]string{true: "retour", false: "fin"}[state != ""], at)
		if state != "" {
			a.see("H7-arrete", "/reglages")
		}
	}
	a.send("H7-rien", "/publications")
	a.see("H8-liste", "/publications")
}
