package pages

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"parvis/internal/hub/rollout"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
)

const upgradePath = "/mise-a-jour"

// upgradeView is H5: which releases there are, and what became of those that were brought to sites.
type upgradeView struct {
	Versions []versionRow
	Newest   *rolloutView // the last rollout; nil: there was none
	Before   []store.Publication
	May      bool
	Wrong    string
	Chosen   string // version in the form
}

// versionRow is a release that can be brought to sites.
type versionRow struct {
	store.Release
	Runs, Told int            // sites that run it, and that would be told of it
	Left       []rollout.Left // that it leaves out
	Archs      []string
}

// doing is the key of how far a site is with a release, as it says; "" it has no text.
func doing(u wire.Upgrade) string {
	switch {
	case u.State == "waiting" && u.Why == "hours":
		return "hours"
	case u.State == "waiting", u.State == "trial":
		return u.State
	}
	return ""
}

func (p *Pages) upgradeView(r *http.Request, who staff.Person) (v upgradeView, err error) {
	v.May = who.Role.May(staff.Operate)
	err = p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		releases, err := t.Releases(ctx)
		if err != nil {
			return err
		}
		sites, err := t.Sites(ctx)
		if err != nil {
			return err
		}
		for _, r := range releases {
			if !r.Withdrawn.IsZero() {
				continue
			}
			row := versionRow{Release: r}
			offers, left := rollout.Candidates(sites, r)
			row.Told = len(offers)
			for _, l := range left {
				if l.Why == rollout.Same {
					row.Runs++
				} else {
					row.Left = append(row.Left, l)
				}
			}
			for _, arch := range wire.Archs {
				if _, ok := r.Files[arch]; ok {
					row.Archs = append(row.Archs, arch)
				}
			}
			v.Versions = append(v.Versions, row)
		}
		all, err := t.Publications(ctx, store.Upgrades, mostPublications)
		if err != nil || len(all) == 0 {
			return err
		}
		newest, err := rolloutOf(ctx, t, who, all[0])
		v.Newest, v.Before = &newest, all[1:]
		return err
	})
	if i := slices.IndexFunc(v.Versions, func(r versionRow) bool { return r.Told > 0 }); i >= 0 {
		v.Chosen = v.Versions[i].Version
	}
	return v, err
}

func (p *Pages) upgrade(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.upgradeView(r, who)
	if err != nil {
		return err
	}
	return p.showUpgrade(w, r, v, 0)
}

func (p *Pages) showUpgrade(w http.ResponseWriter, r *http.Request, v upgradeView, status int) error {
	return p.show(w, r, page{template: "upgrade", Title: "upgrade.head", Here: upgradePath, status: status}, v)
}

// beginUpgrade brings a release to the sites.
func (p *Pages) beginUpgrade(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	version, force := line(r, "version"), r.PostFormValue("ouvert") != ""
	var made store.Publication
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		made, err = rollout.Upgrade(ctx, t, who.Name, version, force)
		return err
	})
	wrong := ""
	switch {
	case errors.Is(err, rollout.ErrNothing):
		wrong = "upgrade.nothing"
	case errors.Is(err, rollout.ErrRelease):
		wrong = "upgrade.gone"
	case err != nil:
		return err
	}
	if wrong != "" {
		v, err := p.upgradeView(r, who)
		if err != nil {
			return err
		}
		v.Wrong, v.Chosen = wrong, version
		return p.showUpgrade(w, r, v, http.StatusConflict)
	}
	id := strconv.FormatInt(made.ID, 10)
	p.Staff.Record(r.Context(), who, "upgrade", id)
	return done(w, upgradePath, "mise-a-jour")
}
