package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/sessions"
)

type workshopCmd struct {
	Make    workshopMakeCmd    `cmd:"" help:"${help_workshop_make}"`
	List    workshopListCmd    `cmd:"" help:"${help_workshop_list}"`
	Start   workshopStartCmd   `cmd:"" help:"${help_workshop_start}"`
	Prolong workshopProlongCmd `cmd:"" help:"${help_workshop_prolong}"`
	End     workshopEndCmd     `cmd:"" help:"${help_workshop_end}"`
	Heads   workshopHeadsCmd   `cmd:"" help:"${help_workshop_heads}"`
}

// workshopStates are the states of a workshop, for people.
var workshopStates = map[sessions.WorkshopState]lang.Text{
	sessions.Planned: {EN: "planned", FR: "prévu"},
	sessions.Running: {EN: "running", FR: "en cours"},
	sessions.Over:    {EN: "over", FR: "fini"},
}

// workshopAsk does one gesture and prints the workshop as it is afterwards.
func (a *app) workshopAsk(ctx context.Context, r control.WorkshopRequest, json bool) error {
	w, err := a.client.Workshop(ctx, r)
	if err != nil {
		return err
	}
	if json {
		return a.json(w)
	}
	a.printf(lang.Text{EN: "Workshop %s: %s, %d of %d places taken.", FR: "Atelier %s : %s, %d places prises sur %d."},
		w.ID, workshopStates[w.State], w.Taken, w.Places)
	if w.Code != "" {
		a.printf(lang.Text{EN: "Code of the room: %s", FR: "Code de la salle : %s"}, w.Code)
	}
	if w.State == sessions.Running {
		a.printf(lang.Text{EN: "It ends in %s.", FR: "Il finit dans %s."}, w.Left.Round(time.Second))
	}
	return nil
}

type workshopMakeCmd struct {
	Title   string        `help:"${help_workshop_title}" placeholder:"TEXT"`
	Profile string        `help:"${help_voucher_profile}" placeholder:"NAME"`
	Places  int           `help:"${help_workshop_places}" placeholder:"COUNT"`
	Length  time.Duration `help:"${help_workshop_length}" placeholder:"DURATION"`
	At      string        `help:"${help_workshop_at}" placeholder:"WHEN"`
	Reserve string        `help:"${help_workshop_reserve}" placeholder:"RATE"`
	Again   string        `help:"${help_workshop_again}" placeholder:"WORKSHOP"`
	jsonFlag
}

func (c workshopMakeCmd) Run(ctx context.Context, a *app) error {
	r := control.WorkshopRequest{
		Do: control.WorkshopMake, Again: c.Again, Title: c.Title, Profile: c.Profile, Places: c.Places, Length: c.Length, At: c.At,
	}
	if c.Reserve != "" {
		bits, err := config.ParseRate(c.Reserve)
		if err != nil {
			return fail(exitUsage, lang.Text{
				EN: "--reserve %q: expected a rate such as 20mbit",
				FR: "--reserve %q : un débit comme 20mbit est attendu",
			}, c.Reserve)
		}
		r.Reserve = bits
	}
	return a.workshopAsk(ctx, r, c.JSON)
}

type workshopListCmd struct{ jsonFlag }

func (c workshopListCmd) Run(ctx context.Context, a *app) error {
	list, err := a.client.Workshops(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(list)
	}
	if len(list) == 0 {
		a.printf(lang.Text{EN: "There is no workshop.", FR: "Il n'y a pas d'atelier."})
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, lang.Text{
		EN: "WORKSHOP\tSTATE\tCODE\tTAKEN\tPLACES\tDEVICES\tHEADS\tSTART\tTITLE",
		FR: "ATELIER\tÉTAT\tCODE\tPRISES\tPLACES\tAPPAREILS\tPERSONNES\tDÉBUT\tTITRE",
	}.In(a.lang))
	for _, ws := range list {
		heads, start := "-", "-"
		if ws.Heads != nil {
			heads = fmt.Sprint(*ws.Heads)
		}
		if !ws.Start.IsZero() {
			start = ws.Start.Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\n", ws.ID, workshopStates[ws.State].In(a.lang), ws.Code, ws.Taken, ws.Places, ws.Devices,
			heads, start, ws.Title)
	}
	return w.Flush()
}

type workshopStartCmd struct {
	ID string `arg:"" help:"${help_workshop_id}" placeholder:"WORKSHOP"`
	jsonFlag
}

func (c workshopStartCmd) Run(ctx context.Context, a *app) error {
	return a.workshopAsk(ctx, control.WorkshopRequest{Do: control.WorkshopStart, ID: c.ID}, c.JSON)
}

type workshopProlongCmd struct {
	ID string        `arg:"" help:"${help_workshop_id}" placeholder:"WORKSHOP"`
	By time.Duration `arg:"" help:"${help_workshop_by}" placeholder:"DURATION"`
	jsonFlag
}

func (c workshopProlongCmd) Run(ctx context.Context, a *app) error {
	return a.workshopAsk(ctx, control.WorkshopRequest{Do: control.WorkshopProlong, ID: c.ID, By: c.By}, c.JSON)
}

type workshopEndCmd struct {
	ID string `arg:"" help:"${help_workshop_id}" placeholder:"WORKSHOP"`
	jsonFlag
}

func (c workshopEndCmd) Run(ctx context.Context, a *app) error {
	return a.workshopAsk(ctx, control.WorkshopRequest{Do: control.WorkshopEnd, ID: c.ID}, c.JSON)
}

type workshopHeadsCmd struct {
	ID    string `arg:"" help:"${help_workshop_id}" placeholder:"WORKSHOP"`
	Count int    `arg:"" help:"${help_workshop_count}" placeholder:"COUNT"`
	jsonFlag
}

func (c workshopHeadsCmd) Run(ctx context.Context, a *app) error {
	return a.workshopAsk(ctx, control.WorkshopRequest{Do: control.WorkshopHeads, ID: c.ID, Heads: c.Count}, c.JSON)
}
