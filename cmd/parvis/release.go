package main

import (
	"context"
	"log/slog"
	"runtime"

	"parvis/internal/hublink/releases"
)

// arch is what the protocol calls the architecture of this program (wire.Archs).
func arch() string {
	if runtime.GOARCH == "arm" {
		return "armv7"
	}
	return runtime.GOARCH
}

// openReleases prepares for versions that the hub wants here. Without it a site is upgraded by hand alone, and says so.
func (f *follow) openReleases(a *app, site string, log *slog.Logger) {
	k, err := releases.Open(releases.Options{
		State: a.cli.State, Site: site, Arch: arch(), Running: version, Log: log,
		Free: freeOn,
	})
	if err != nil {
		log.Error("no version comes by the hub", "error", err)
		return
	}
	f.releases = k
}

// want passes on what a receipt says; while something else is tried here, nothing.
func (f *follow) want(d *daemon, version string) {
	if f.releases == nil {
		if version != "" && !f.joined {
			f.begin()
		}
		return
	}
	if d.confirm.left(d.clock) > 0 || f.keeper != nil && f.keeper.Trying() {
		return
	}
	select {
	case <-f.wants: // of before
	default:
	}
	f.wants <- version // whoever sends is one: the link
}

// upgrades does what the hub wants, beside the signs of life: a file takes a slow line minutes.
func (f *follow) upgrades(ctx context.Context, d *daemon) error {
	if f.releases == nil || d.hub.link == nil {
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case version := <-f.wants:
			if err := f.releases.Take(ctx, d.hub.link, version); err != nil && ctx.Err() == nil {
				d.log.Warn("the version that the hub wants here has not come yet; it is gone on with", "version", version, "error", err)
			}
		}
	}
}
