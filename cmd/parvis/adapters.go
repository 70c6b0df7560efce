package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"

	"parvis/firewall"
	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/look"
	"parvis/internal/mac"
	"parvis/portal"
	"parvis/sessions"
)

// enforcer lets the firewall be sessions' Enforcer: the two never import each other, and say the same in the same fields.
type enforcer struct {
	fw     *firewall.Firewall
	events chan sessions.Event
}

var _ sessions.Enforcer = (*enforcer)(nil)

// newEnforcer translates the firewall's events until the firewall is closed.
func newEnforcer(fw *firewall.Firewall) *enforcer {
	e := &enforcer{fw: fw, events: make(chan sessions.Event, 1)}
	go func() {
		defer close(e.events)
		for ev := range fw.Events() {
			e.events <- sessions.Event{
				Kind: sessions.EventKind(ev.Kind), Detail: ev.Detail, MAC: ev.MAC, Contest: sessions.Contest(ev.Contest),
			}
		}
	}()
	return e
}

func (e *enforcer) Put(g sessions.Grant) error    { return e.fw.Put(firewallGrant(g)) }
func (e *enforcer) Drop(slot uint16) error        { return e.fw.Drop(slot) }
func (e *enforcer) Events() <-chan sessions.Event { return e.events }

func (e *enforcer) Sync(grants []sessions.Grant) error {
	all := make([]firewall.Grant, len(grants))
	for i, g := range grants {
		all[i] = firewallGrant(g)
	}
	return e.fw.Sync(all)
}

func (e *enforcer) Usage() ([]sessions.Usage, error) {
	usage, err := e.fw.Usage()
	all := make([]sessions.Usage, len(usage))
	for i, u := range usage {
		all[i] = sessions.Usage(u)
	}
	return all, err
}

// firewallGrant is a grant in the firewall's words. Terminals' never come here (see both).
func firewallGrant(g sessions.Grant) firewall.Grant {
	return firewall.Grant{
		Slot: g.Slot, MAC: g.MAC, IPv4: g.IPv4, End: g.End, Down: g.Down, Up: g.Up, Floor: g.Floor,
		Suspended: g.Suspended, Named: g.Named,
	}
}

// identify is the portal's question to the firewall: who is behind this address?
func (d *daemon) identify(addr netip.Addr) (portal.Device, error) {
	dev, err := d.device(addr)
	switch {
	case errors.Is(err, firewall.ErrNoNeighbour):
		err = fmt.Errorf("%w: %w", portal.ErrUnknownDevice, err)
	case errors.Is(err, firewall.ErrNoLease):
		err = fmt.Errorf("%w: %w", portal.ErrNoLease, err)
	case errors.Is(err, firewall.ErrOtherDevice):
		err = fmt.Errorf("%w: %w", portal.ErrOtherDevice, err)
	}
	return portal.Device{MAC: dev.MAC, IPv4: dev.IPv4}, err
}

func firewallConfig(c *config.Config, state string) firewall.Config {
	fw := firewall.Config{
		Guest: c.Guests.Interface, WAN: c.WAN.Interface, Address: c.Guests.Address,
		HTTPPort: httpPort, HTTPSPort: httpsPort,
		Capacity: c.Guests.Capacity, Allow: c.Guests.Allow,
		Down: c.WAN.Down, Up: c.WAN.Up, Favour: c.WAN.Favour,
		IPv6:   c.Guests.IPv6,
		Leases: filepath.Join(state, "leases"),

		Terminal: c.Terminals.Interface, Printing: c.Terminals.Printer != "",
	}
	fw.Terminal, fw.Printing = c.Terminals.Interface, c.Terminals.Printer != ""
	fw.Garden = len(c.Gate.Garden) > 0
	fw.Named = slices.ContainsFunc(c.Profiles, func(p config.Profile) bool { return len(p.Names) > 0 })
	if c.Staff.Name != "" {
		fw.StaffPort = staffPort
		if a, ok := staffAddress(c); ok {
			fw.Staff, fw.StaffAddress = c.Staff.Interface, a
		}
	}
	return fw
}

func portalConfig(c *config.Config, style look.Style) portal.Config {
	return portal.Config{
		Look:      style,
		Site:      portal.Site{Name: c.Site.Name, Desk: c.Site.Desk, Contact: c.Site.Contact, Publisher: c.Site.Publisher, Rules: c.Site.Rules},
		Languages: c.Site.Languages,
		Name:      c.Portal.Name,
		Address:   c.Guests.Address.Addr(),
		Secure:    c.Portal.Certificate != "",
		Profile:   c.Portal.Profile,
		AtDesk:    c.Portal.Open == config.ByDesk,
		Zone:      c.Site.Hours.Zone,
		Counts:    true,
		Version:   version,
	}
}

func profiles(c *config.Config) []sessions.Profile {
	var all []sessions.Profile
	for _, p := range c.Profiles {
		all = append(all, sessions.Profile{
			Name: p.Name, Label: p.Label, Duration: p.Duration, Runs: sessions.Runs(p.Runs), Idle: p.Idle,
			Volume: p.Volume, Slow: p.Slow, Down: p.Down, Up: p.Up, Keep: p.Keep, Daily: p.Daily, DailyVolume: p.DailyVolume,
			Extend: p.Extend, Extensions: p.Extensions, Devices: p.Devices, LineStops: p.LineStops,
			Terminal: p.Terminal, Named: len(p.Names) > 0,
		})
	}
	if c.Staff.Name != "" {
		all = append(all, staffProfile)
	}
	return all
}

// verbs is what the socket offers.
func (d *daemon) verbs() control.Daemon {
	v := control.Daemon{
		Status:   d.status,
		Sessions: d.manager.List,
		Open:     d.open,
		End:      d.end,
		Change:   d.change,
		Site:     d.site,
		Gesture:  d.gesture,
		Report:   d.report,
		Desk:     d.desk,
		Vouchers: d.manager.Batches, Voucher: d.voucher,
		Workshops: d.manager.Workshops, Workshop: d.workshop,
		Confirm: d.confirm.confirm,
		Staff:   d.team.verbs,

		HubStatus: d.hub.status, Hub: d.hub.gesture,

		Terminals: d.terminals, Terminal: d.terminal, TerminalConfig: d.terminalConfig, Queue: d.queueVerb,
	}
	if d.shifted != nil {
		v.Shift = func(by control.ShiftRequest) error {
			if by.Forward < 0 {
				return control.Refuse(control.BadInput, lang.Text{
					EN: "the clock goes forward only",
					FR: "l'horloge ne va qu'en avant",
				})
			}
			d.shifted.Shift(by.Forward)
			d.shifted.ShiftWall(by.Wall)
			if !by.Set.IsZero() {
				return setClock(d.shifted, by.Set)
			}
			return nil
		}
	}
	return v
}

var (
	unknownDeviceText = lang.Text{
		EN: "%s: no device with this address on the public network; expected one that has asked for an address there (or give --mac)",
		FR: "%s : aucun appareil avec cette adresse sur le réseau public ; il doit y avoir demandé une adresse (ou donnez --mac)",
	}
	outsideText = lang.Text{
		EN: "%s is not in the public network %s",
		FR: "%s n'est pas dans le réseau public %s",
	}
	unknownProfileText = lang.Text{
		EN: "no profile %q; the configuration has: %s",
		FR: "pas de profil « %s » ; la configuration a : %s",
	}
	fullText = lang.Text{
		EN: "no place is free: every one is taken, or rests for 5 minutes after its last use; see guests.capacity",
		FR: "aucune place libre : toutes sont prises, ou au repos 5 minutes après leur dernier usage ; voir guests.capacity",
	}
	contestedText = lang.Text{
		EN: "%s: %s; nobody gets in under this identity until one of the two has left",
		FR: "%s : %s ; personne n'entre sous cette identité tant que l'un des deux n'est pas parti",
	}
	notFoundText = lang.Text{
		EN: "%s: no open session of this name or address; see: parvis session list",
		FR: "%s : aucune connexion ouverte sous ce nom ou cette adresse ; voir : parvis session list",
	}
)

func (d *daemon) open(ctx context.Context, r control.OpenRequest) (sessions.Session, error) {
	if !d.cfg.Guests.Address.Masked().Contains(r.IPv4) {
		return sessions.Session{}, control.Refuse(control.BadInput, outsideText, r.IPv4, d.cfg.Guests.Address.Masked())
	}
	dev := sessions.Device{IPv4: r.IPv4}
	if r.MAC != nil {
		dev.MAC = *r.MAC
	} else {
		seen, err := d.device(r.IPv4)
		if err != nil {
			return sessions.Session{}, control.Refuse(control.NotFound, unknownDeviceText, r.IPv4)
		}
		dev = sessions.Device{MAC: seen.MAC, IPv4: seen.IPv4}
	}
	profile := r.Profile
	if profile == "" {
		profile = d.cfg.Portal.Profile
	}
	s, err := d.manager.Open(ctx, sessions.OpenRequest{Device: dev, Profile: profile, For: r.For, By: sessions.FromOperator})
	switch {
	case errors.Is(err, sessions.ErrUnknownProfile):
		var names []string
		for _, p := range d.cfg.Profiles {
			names = append(names, p.Name)
		}
		err = control.Refuse(control.BadInput, unknownProfileText, profile, fmt.Sprint(names))
	case errors.Is(err, sessions.ErrFull):
		err = control.Refuse(control.Refused, fullText)
	case errors.Is(err, sessions.ErrContested):
		err = control.Refuse(control.Refused, contestedText, r.IPv4, contestText(s.Suspended))
	case errors.Is(err, sessions.ErrClosed):
		err = control.Refuse(control.Refused, closedText)
	}
	return s, err
}

func (d *daemon) end(ctx context.Context, r control.EndRequest) ([]sessions.Session, error) {
	var ended []sessions.Session
	for _, s := range d.manager.List() {
		if s.State != sessions.Open || !(r.All || names(r.Which, s)) {
			continue
		}
		done, err := d.manager.End(ctx, s.ID, r.Reason)
		if errors.Is(err, sessions.ErrNotFound) {
			continue // it ended by itself in the meantime
		}
		if err != nil {
			return ended, err
		}
		ended = append(ended, done)
	}
	if len(ended) == 0 && !r.All {
		return nil, control.Refuse(control.NotFound, notFoundText, r.Which)
	}
	return ended, nil
}

func (d *daemon) change(ctx context.Context, r control.ChangeRequest) ([]sessions.Session, error) {
	var changed []sessions.Session
	for _, s := range d.manager.List() {
		if s.State != sessions.Open || !names(r.Which, s) {
			continue
		}
		done, err := d.manager.Change(ctx, s.ID, sessions.Rates{Down: r.Down, Up: r.Up})
		if errors.Is(err, sessions.ErrNotFound) {
			continue // it ended by itself in the meantime
		}
		if err != nil {
			return changed, err
		}
		changed = append(changed, done)
	}
	if len(changed) == 0 {
		return nil, control.Refuse(control.NotFound, notFoundText, r.Which)
	}
	return changed, nil
}

// names reports whether which is the session's number, code, MAC or address.
func names(which string, s sessions.Session) bool {
	if code, ok := sessions.ParseCode(which); ok {
		return code == s.Code
	}
	if a, err := netip.ParseAddr(which); err == nil {
		return a == s.Device.IPv4
	}
	if m, err := mac.Parse(which); err == nil {
		return m == s.Device.MAC
	}
	return which == s.ID
}
