package main

import (
	"context"
	"net/netip"
	"time"

	"parvis/internal/mac"
	"parvis/portal/console"
	"parvis/portal/terminal"
	"parvis/sessions"
)

// openSeatPages makes the pages of the terminals, where the place has any, once there is everything that they speak of.
func (d *daemon) openSeatPages(ctx context.Context) error {
	if d.seats.posts == nil {
		return nil
	}
	c, t := d.cfg, d.cfg.Terminals
	pages, err := terminal.New(terminal.Options{
		Site: terminal.Site{
			Name: c.Site.Name, Desk: c.Site.Desk, Contact: c.Site.Contact, Publisher: c.Site.Publisher, Rules: c.Site.Rules,
		},
		Languages: c.Site.Languages, Name: c.Portal.Name, Address: t.Address.Addr(), Version: version, Zone: c.Site.Hours.Zone,
		Keep: d.seatsKept(), Grace: t.Grace, Prints: t.Printer != "", USB: t.USB, Look: d.look,
		Clock: d.clock, Log: d.log, Posts: d.seats.posts, Catalogue: d.door.catalogue, Calls: d.hall.calls,
		Who:      func(a netip.Addr) (mac.Addr, bool) { return d.behind(a) },
		Place:    d.manager.Site,
		Line:     func() bool { return d.way.uplink.State().Down },
		Updating: d.updating,
	})
	if err != nil {
		return refused(err)
	}
	context.AfterFunc(ctx, pages.Close)
	d.seats.pages = pages
	return nil
}

// seatsKept is how long a terminal's session is remembered after its end; its slot rests as long at least.
func (d *daemon) seatsKept() time.Duration {
	kept := sessions.SlotRest
	for _, p := range d.cfg.Profiles {
		if p.Name == d.cfg.Terminals.Profile {
			kept = max(kept, p.Keep)
		}
	}
	return kept
}

// addSeats gives the console the place's terminals, where it has any.
func (d *daemon) addSeats(p console.Parts) console.Parts {
	if d.seats.posts == nil {
		return p
	}
	p.Terminals = &console.Terminals{
		Posts: d.seats.posts, Offers: d.cfg.Terminals.Offers, Restarts: d.cfg.Terminals.Restart, USB: d.cfg.Terminals.USB,
	}
	p.Changes = append(p.Changes, d.seats.posts.Changes)
	return p
}
