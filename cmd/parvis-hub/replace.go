package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"parvis/internal/hub/store"
	"parvis/internal/lang"
)

// siteReplaceCmd is what the page "Remplacer une box" does.
type siteReplaceCmd struct {
	Commune string        `arg:"" help:"${help_commune_id}"`
	Site    string        `arg:"" help:"${help_site_id}"`
	Valid   time.Duration `help:"${help_code_valid}" default:"72h"`
}

func (c siteReplaceCmd) Run(a *app) error {
	if err := validity(c.Valid); err != nil {
		return err
	}
	s, err := a.settings()
	if err != nil {
		return err
	}
	var (
		copies []store.Copy
		boxes  store.Boxes
		code   string
		until  time.Time
	)
	err = a.in(c.Commune, func(ctx context.Context, t *store.Tenant) (err error) {
		if code, until, err = t.Code(ctx, c.Site, c.Valid); err != nil {
			return err
		}
		if copies, err = t.Copies(ctx, c.Site); err != nil {
			return err
		}
		boxes, err = t.Boxes(ctx, c.Site)
		return err
	})
	if errors.Is(err, store.ErrUnknown) {
		return noSite(c.Site, c.Commune)
	}
	if err != nil {
		return err
	}
	if len(copies) == 0 {
		a.printf(lang.Text{
			EN: "The hub keeps no copy of this site: the new box needs one in a file (--from FILE).",
			FR: "Le centre ne garde aucune copie de ce lieu : la nouvelle box en a besoin dans un fichier (--from FICHIER).",
		})
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, k := range copies {
		fmt.Fprintf(w, "%s\t%d kB\n", k.Kept.Local().Format("2006-01-02 15:04"), (k.Size+999)/1000)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if !boxes.Refused.IsZero() {
		a.printf(lang.Text{
			EN: "A box that was replaced has called again at %s, and was refused.",
			FR: "Une box remplacée a encore appelé le %s, et a été refusée.",
		}, boxes.Refused.Local().Format("2006-01-02 15:04"))
	}
	a.printf(lang.Text{
		EN: "%s\nAt the new box, before %s, once: parvis replace %[1]s --hub %[3]s --key FILE",
		FR: "%s\nSur la nouvelle box, avant le %s, une fois : parvis replace %[1]s --hub %[3]s --key FICHIER",
	}, code, until.Local().Format("2006-01-02 15:04"), s.URL)
	return nil
}
