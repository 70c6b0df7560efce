package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/lang"
)

// adminCmd is what those who run the hub do at its machine.
type adminCmd struct {
	Commune communeCmd `cmd:"" help:"${help_commune}"`
	Site    siteCmd    `cmd:"" help:"${help_site}"`
	Link    linkCmd    `cmd:"" help:"${help_link}"`
	Export  exportCmd  `cmd:"" help:"${help_admin_export}"`
	Release releaseCmd `cmd:"" help:"${help_release}"`
}

type communeCmd struct {
	Add    communeAddCmd    `cmd:"" help:"${help_commune_add}"`
	List   communeListCmd   `cmd:"" help:"${help_commune_list}"`
	Remove communeRemoveCmd `cmd:"" help:"${help_commune_remove}"`
}

type siteCmd struct {
	Add   siteAddCmd   `cmd:"" help:"${help_site_add}"`
	List  siteListCmd  `cmd:"" help:"${help_site_list}"`
	Code  siteCodeCmd  `cmd:"" help:"${help_site_code}"`
	Names siteNamesCmd `cmd:"" help:"${help_site_names}"`
}

// with opens the store for one gesture.
func (a *app) with(do func(context.Context, *store.Hub) error) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	h, err := a.open(s)
	if err != nil {
		return err
	}
	defer h.Close()
	return do(a.ctx, h)
}

// in is a gesture in a commune that there is.
func (a *app) in(commune string, do func(context.Context, *store.Tenant) error) error {
	return a.with(func(ctx context.Context, h *store.Hub) error {
		return h.Tenant(ctx, commune, func(t *store.Tenant) error {
			if _, err := t.Card(ctx); errors.Is(err, store.ErrUnknown) {
				return noCommune(commune)
			} else if err != nil {
				return err
			}
			return do(ctx, t)
		})
	})
}

func noCommune(id string) error {
	return fail(exitNotFound, lang.Text{
		EN: "there is no commune %q; parvis-hub admin commune list has those that there are",
		FR: "il n'y a pas de commune %q ; parvis-hub admin commune list montre celles qui existent",
	}, id)
}

type communeAddCmd struct {
	ID   string `arg:"" name:"commune" help:"${help_commune_id}"`
	Name string `arg:"" help:"${help_commune_name}"`
}

func (c communeAddCmd) Run(a *app) error {
	return a.with(func(ctx context.Context, h *store.Hub) error {
		if !store.Identifier(c.ID) || c.Name == "" {
			return fail(exitUsage, lang.Text{
				EN: "commune %q: expected an identifier of 1 to 40 lower-case letters, digits and hyphens, such as saint-pern, and a name",
				FR: "commune %q : un identifiant de 1 à 40 minuscules, chiffres et traits d'union, comme saint-pern, et un nom sont attendus",
			}, c.ID)
		}
		err := h.AddTenant(ctx, c.ID, c.Name)
		if errors.Is(err, store.ErrTaken) {
			return fail(exitRefused, lang.Text{EN: "there is a commune %q already; take another identifier", FR: "il y a déjà une commune %q ; prenez un autre identifiant"}, c.ID)
		}
		if err != nil {
			return err
		}
		a.printf(lang.Text{EN: "Added. Next: parvis-hub admin site add %s NAME", FR: "Ajoutée. Ensuite : parvis-hub admin site add %s NOM"}, c.ID)
		return nil
	})
}

type communeListCmd struct{}

func (communeListCmd) Run(a *app) error {
	return a.with(func(ctx context.Context, h *store.Hub) error {
		all, err := h.Tenants(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		for _, c := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\n", c.ID, c.Made.Format(time.DateOnly), c.Name)
		}
		return w.Flush()
	})
}

type communeRemoveCmd struct {
	ID  string `arg:"" name:"commune" help:"${help_commune_id}"`
	Yes bool   `help:"${help_commune_yes}"`
}

func (c communeRemoveCmd) Run(a *app) error {
	if !c.Yes {
		return fail(exitUsage, lang.Text{
			EN: "this removes all that is kept of %[1]s, for good; take its data out first (parvis-hub admin export %[1]s FILE), then say --yes",
			FR: "ceci retire tout ce qui est gardé de %[1]s, pour toujours ; sortez d'abord ses données (parvis-hub admin export %[1]s FICHIER), puis ajoutez --yes",
		}, c.ID)
	}
	return a.with(func(ctx context.Context, h *store.Hub) error {
		err := h.RemoveTenant(ctx, c.ID)
		if errors.Is(err, store.ErrUnknown) {
			return noCommune(c.ID)
		}
		if err != nil {
			return err
		}
		a.printf(lang.Text{EN: "Removed. Its boxes go on by themselves.", FR: "Retirée. Ses boîtiers continuent seuls."})
		return nil
	})
}

type siteAddCmd struct {
	Commune string        `arg:"" help:"${help_commune_id}"`
	Name    string        `arg:"" help:"${help_site_name}"`
	Zone    string        `help:"${help_site_zone}" default:"Europe/Paris"`
	Valid   time.Duration `help:"${help_code_valid}" default:"168h"`
}

func (c siteAddCmd) Run(a *app) error {
	return a.code(c.Commune, c.Valid, func(ctx context.Context, t *store.Tenant) (string, error) {
		s, err := t.AddSite(ctx, c.Name, c.Zone)
		return s.ID, err
	})
}

type siteCodeCmd struct {
	Commune string        `arg:"" help:"${help_commune_id}"`
	Site    string        `arg:"" help:"${help_site_id}"`
	Valid   time.Duration `help:"${help_code_valid}" default:"168h"`
}

func (c siteCodeCmd) Run(a *app) error {
	return a.code(c.Commune, c.Valid, func(context.Context, *store.Tenant) (string, error) { return c.Site, nil })
}

type siteNamesCmd struct {
	Commune string   `arg:"" help:"${help_commune_id}"`
	Site    string   `arg:"" help:"${help_site_id}"`
	Names   []string `arg:"" optional:"" help:"${help_names}"`
	None    bool     `help:"${help_names_none}"`
}

func (c siteNamesCmd) Run(a *app) error {
	return a.in(c.Commune, func(ctx context.Context, t *store.Tenant) error {
		if _, err := t.Site(ctx, c.Site); errors.Is(err, store.ErrUnknown) {
			return noSite(c.Site, c.Commune)
		}
		if len(c.Names) > 0 || c.None {
			err := t.SetNames(ctx, c.Site, c.Names)
			if errors.Is(err, store.ErrTaken) {
				return fail(exitRefused, lang.Text{EN: "another site has one of these names: %v", FR: "un autre lieu a l'un de ces noms : %v"}, err)
			}
			if err != nil {
				return err
			}
		}
		all, err := t.Names(ctx, c.Site)
		for _, n := range all {
			fmt.Fprintln(a.out, n)
		}
		return err
	})
}

// linkCmd makes the link of the first account of a team.
type linkCmd struct {
	Commune string `arg:"" optional:"" help:"${help_link_commune}"`
}

func (c linkCmd) Run(a *app) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	system, err := clock.NewSystem()
	if err != nil {
		return err
	}
	return a.with(func(ctx context.Context, h *store.Hub) error {
		people := staff.New(staff.Options{Origin: s.URL, Store: h.Staff(), Clock: system, Log: slog.New(slog.DiscardHandler)})
		by, role := staff.Operator, staff.EPCI
		if c.Commune != "" {
			by.Tenant, role = c.Commune, staff.DSI
		}
		l, err := people.Invite(ctx, by, c.Commune, role, "parvis-hub admin link")
		if errors.Is(err, staff.ErrTenant) {
			return noCommune(c.Commune)
		}
		if err != nil {
			return err
		}
		a.printf(lang.Text{
			EN: "%s\nIt makes one account, and works once, until %s.",
			FR: "%s\nIl crée un compte, et sert une fois, jusqu'au %s.",
		}, l.URL, l.Until.Local().Format("2006-01-02 15:04"))
		return nil
	})
}

func noSite(id, commune string) error {
	return fail(exitNotFound, lang.Text{
		EN: "there is no site %q in this commune; parvis-hub admin site list %s has those that there are",
		FR: "il n'y a pas de lieu %q dans cette commune ; parvis-hub admin site list %s montre ceux qui existent",
	}, id, commune)
}

// code gives one for a site, once it is kept.
func (a *app) code(commune string, valid time.Duration, which func(context.Context, *store.Tenant) (string, error)) error {
	if valid < time.Minute || valid > 90*24*time.Hour {
		return fail(exitUsage, lang.Text{EN: "--valid %v: expected 1m to 2160h", FR: "--valid %v : de 1m à 2160h est attendu"}, valid)
	}
	var (
		site, code string
		until      time.Time
	)
	err := a.in(commune, func(ctx context.Context, t *store.Tenant) (err error) {
		if site, err = which(ctx, t); err == nil {
			code, until, err = t.Code(ctx, site, valid)
		}
		return err
	})
	if errors.Is(err, store.ErrUnknown) {
		return noSite(site, commune)
	}
	if err != nil {
		return err
	}
	a.printf(lang.Text{
		EN: "%s\nSite %s. At its box, before %s, once: parvis hub enrol %[1]s",
		FR: "%s\nLieu %s. Sur son boîtier, avant le %s, une fois : parvis hub enrol %[1]s",
	}, code, site, until.Local().Format("2006-01-02 15:04"))
	return nil
}

type siteListCmd struct {
	Commune string `arg:"" help:"${help_commune_id}"`
}

func (c siteListCmd) Run(a *app) error {
	never := lang.Text{EN: "never heard", FR: "jamais entendu"}.In(a.lang)
	return a.in(c.Commune, func(ctx context.Context, t *store.Tenant) error {
		all, err := t.Sites(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		for _, s := range all {
			heard := never
			if s.Contact != nil {
				heard = s.Contact.At.Local().Format("2006-01-02 15:04")
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.ID, heard, s.Version, s.Name)
		}
		return w.Flush()
	})
}

type exportCmd struct {
	Commune string `arg:"" help:"${help_commune_id}"`
	File    string `arg:"" type:"path" help:"${help_admin_export_file}"`
}

func (c exportCmd) Run(a *app) error {
	return a.in(c.Commune, func(ctx context.Context, t *store.Tenant) error {
		if err := replace(c.File, func(f *os.File) error { return t.Export(ctx, f) }); err != nil {
			return fail(exitRefused, lang.Text{EN: "%s was not written: %v", FR: "%s n'a pas été écrit : %v"}, c.File, err)
		}
		a.printf(lang.Text{
			EN: "%s has everything of %s. It holds hashes of secrets: keep it as you keep a backup.",
			FR: "%s contient tout de %s. Il a des empreintes de secrets : gardez-le comme une sauvegarde.",
		}, c.File, c.Commune)
		return nil
	})
}
