package main

import (
	"cmp"
	"path/filepath"
	"slices"

	"parvis/internal/hublink/wire"
	"parvis/kiosk/catalogue"
)

// proposalsFile is in the state directory.
const proposalsFile = "catalogue-proposals.json"

// openProposals reads what the staff proposes for the town's catalogue. What the catalogue has by now is answered.
func (d *daemon) openProposals() {
	var err error
	if d.proposals, err = catalogue.OpenProposals(filepath.Join(d.app.cli.State, proposalsFile)); err != nil {
		d.log.Warn("what was proposed for the catalogue is not known", "error", err)
	}
	if d.door.catalogue == nil {
		return
	}
	if err := d.proposals.Settle(d.door.catalogue); err != nil {
		d.log.Warn("what was proposed for the catalogue stays", "error", err)
	}
}

// toHub reports whether there is a hub that hears of proposals.
func (d *daemon) toHub() bool {
	return d.hub.link != nil && d.hub.link.Status().Enrolled()
}

// saysOfCatalogue is what the hub is told of the services: when each was tried from here, and what the staff proposes. A site without a catalogue
// says nothing.
func (d *daemon) saysOfCatalogue() wire.Catalogue {
	if d.door.catalogue == nil {
		return wire.Catalogue{}
	}
	c := wire.Catalogue{Trials: []wire.Trial{}, Proposals: []wire.Proposal{}}
	trials, err := catalogue.ReadTrials(filepath.Join(d.app.cli.State, trialsFile))
	if err != nil {
		d.log.Warn("the hub is not told when services were tried", "error", err)
	}
	for _, s := range d.door.catalogue.Services() {
		if t, tried := trials[s.ID]; tried && t.Day() > 0 && len(c.Trials) < wire.MaxTrials {
			c.Trials = append(c.Trials, wire.Trial{Service: s.ID, Day: t.Day(), OK: len(t.Failed) == 0})
		}
	}
	for _, p := range d.proposals.All() {
		if one := (wire.Proposal{Service: p.Service, Host: p.Host}); one.Check() == nil {
			c.Proposals = append(c.Proposals, one)
		}
	}
	slices.SortFunc(c.Trials, func(a, b wire.Trial) int { return cmp.Compare(a.Service, b.Service) })
	marked, err := c.Marked()
	if err != nil || marked.Check() != nil { // a clock that was years off when services were tried
		return wire.Catalogue{}
	}
	return marked
}
