package main

import (
	"context"
	"time"

	"parvis/internal/control"
	"parvis/internal/lang"
)

var hubTexts = map[string]lang.Text{
	"help_hub":        {EN: "The town's hub.", FR: "Le centre de la ville (hub)."},
	"help_hub_enrol":  {EN: "Enrol this place at the hub of hub.url.", FR: "Inscrit ce lieu au centre de hub.url."},
	"help_hub_code":   {EN: "The code that the hub's page shows; it works once.", FR: "Le code que montre la page du centre ; il sert une seule fois."},
	"help_hub_status": {EN: "Say whether the hub hears this place, and what waits.", FR: "Dit si le centre entend ce lieu, et ce qui attend."},
	"help_hub_leave": {
		EN: "Forget the enrolment. What was counted stays here, and goes to the hub where the place is enrolled next.",
		FR: "Oublie l'inscription. Les chiffres restent ici, et iront au centre où le lieu sera inscrit ensuite.",
	},
}

type hubCmd struct {
	Enrol  hubEnrolCmd  `cmd:"" help:"${help_hub_enrol}"`
	Status hubStatusCmd `cmd:"" help:"${help_hub_status}"`
	Leave  hubLeaveCmd  `cmd:"" help:"${help_hub_leave}"`
}

type hubEnrolCmd struct {
	Code string `arg:"" help:"${help_hub_code}" placeholder:"CODE"`
	jsonFlag
}

func (c hubEnrolCmd) Run(ctx context.Context, a *app) error {
	h, err := a.client.Hub(ctx, control.HubRequest{Do: control.HubEnrol, Code: c.Code})
	switch {
	case err != nil:
		return err
	case c.JSON:
		return a.json(h)
	}
	a.printf(lang.Text{
		EN: "Enrolled at %s as %s. What was counted so far goes there now, then once a minute.",
		FR: "Inscrit à %s sous le nom %s. Les chiffres comptés jusqu'ici y partent maintenant, puis chaque minute.",
	}, h.URL, h.Name)
	return nil
}

type hubStatusCmd struct{ jsonFlag }

func (c hubStatusCmd) Run(ctx context.Context, a *app) error {
	h, err := a.client.HubStatus(ctx)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return a.json(h)
	case h.URL == "":
		a.printf(noHubText)
	case h.Enrolled:
		a.printf(lang.Text{EN: "Enrolled at %s as %s.", FR: "Inscrit à %s sous le nom %s."}, h.URL, h.Name)
		a.heard(h)
	default:
		a.printf(lang.Text{
			EN: "Not enrolled at %s; with a code of the hub: parvis hub enrol CODE",
			FR: "Pas inscrit à %s ; avec un code du centre : parvis hub enrol CODE",
		}, h.URL)
	}
	if h.Error != "" {
		a.printf(lang.Text{EN: "The last try: %s", FR: "Le dernier essai : %s"}, h.Error)
	}
	return nil
}

// heard says when the hub last acknowledged something, and what waits.
func (a *app) heard(h control.Hub) {
	silent := time.Duration(h.SilentSeconds) * time.Second
	last := lang.Text{EN: "never", FR: "jamais"}
	if h.Heard != nil {
		at := h.Heard.Local().Format("2006-01-02 15:04")
		last = lang.Text{EN: at, FR: at}
	}
	a.printf(lang.Text{
		EN: "Hub: nothing acknowledged for %s (last: %s), %d hours wait.",
		FR: "Centre : rien de confirmé depuis %s (dernière fois : %s), %d heures attendent.",
	}, agoText(silent), last, h.Left)
}

type hubLeaveCmd struct{ jsonFlag }

func (c hubLeaveCmd) Run(ctx context.Context, a *app) error {
	h, err := a.client.Hub(ctx, control.HubRequest{Do: control.HubLeave})
	switch {
	case err != nil:
		return err
	case c.JSON:
		return a.json(h)
	}
	a.printf(lang.Text{
		EN: "The enrolment is forgotten here; at the hub the place will be silent until it is taken out there too.",
		FR: "L'inscription est oubliée ici ; au centre, le lieu restera muet tant qu'il n'y sera pas retiré aussi.",
	})
	return nil
}
