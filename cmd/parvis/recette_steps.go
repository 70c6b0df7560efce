package main

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"parvis/firewall"
	"parvis/internal/acceptance"
	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/echo"
	"parvis/internal/lang"
	"parvis/sessions"
)

// steps are those of this site, and what leaves nothing open behind them.
func (c recetteCmd) steps(ctx context.Context, a *app, cfg *config.Config, t acceptance.Technician, tick <-chan time.Time) ([]acceptance.Step, func() error, error) {
	facts, err := a.look(cfg)
	if err != nil {
		return nil, nil, refused(err)
	}
	own := map[string][]netip.Addr{}
	for _, i := range facts.Interfaces {
		for _, p := range i.Addresses {
			own[i.Name] = append(own[i.Name], p.Addr())
		}
	}
	line := acceptance.Line{Down: cfg.WAN.Down, Up: cfg.WAN.Up, Own: own[cfg.WAN.Interface], Echo: echo.Asker{URL: cfg.WAN.Echo}}
	say := func(en, fr string) acceptance.Sentence { return acceptance.Say(en, fr) }
	steps := []acceptance.Step{
		{ID: "machine", Title: say("Configuration and machine", "Configuration et machine").Text, Look: a.machineFindings(cfg)},
		{ID: "line", Title: say("The line", "La ligne").Text, Look: line.Measure},
		{ID: "ports", Title: say("Address and ports arrive as they left", "L'adresse et les ports arrivent comme ils partent").Text, Look: func(ctx context.Context) []acceptance.Finding {
			return a.blockOf(ctx, cfg, line).Ports(ctx)
		}},
		{
			ID: "guests-link", Title: say("Who else is on the guests' network", "Qui d'autre est sur le réseau des visiteurs").Text,
			Look: acceptance.Nearby{Interface: cfg.Guests.Interface, Own: own[cfg.Guests.Interface]}.Strangers,
		},
	}
	if cfg.Terminals.There() {
		steps = append(steps, acceptance.Step{
			ID: "terminals-link", Title: say("Who else is on the terminals' network", "Qui d'autre est sur le réseau des postes").Text,
			Look: acceptance.Nearby{Interface: cfg.Terminals.Interface, Own: own[cfg.Terminals.Interface]}.Strangers,
		})
	}
	site := running{a.client, cfg}
	clear := func() error { return nil }
	if !c.NoPhone {
		phone := &acceptance.Phone{
			Place: site, Technician: t, Interface: cfg.Guests.Interface, WiFi: cfg.Guests.SSID, Portal: cfg.Portal.Name,
			ByDesk: cfg.Portal.Open == config.ByDesk, IPv6: cfg.Guests.IPv6, Wait: c.Wait, Tick: tick,
		}
		hearing, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() { phone.Listen(hearing) })
		clear = func() error {
			stop()
			wg.Wait()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer cancel()
			return phone.Clear(ctx)
		}
		steps = append(steps, phone.Steps()...)
	}
	if cfg.Terminals.There() {
		if cfg.Terminals.Printer != "" {
			steps = append(steps, acceptance.Step{ID: "printer", Title: say("The terminals' printer", "L'imprimante des postes").Text, Look: func(ctx context.Context) []acceptance.Finding {
				return findings(printerProblems(ctx, cfg), say("the printer answers and takes jobs", "l'imprimante répond et prend des travaux"))
			}})
		}
		steps = append(steps, acceptance.Terminals{Hall: site, Technician: t, Wait: c.Wait, Tick: tick}.Step())
	}
	return steps, clear, nil
}

// findings are problems of a check; good is said when there are none.
func findings(problems []config.Problem, good acceptance.Sentence) []acceptance.Finding {
	if len(problems) == 0 {
		return []acceptance.Finding{acceptance.Pass(good)}
	}
	var all []acceptance.Finding
	for _, p := range problems {
		f := acceptance.Finding{Verdict: acceptance.Noted, What: p.What, Do: p.Do}
		if p.Severity == config.Error {
			f.Verdict = acceptance.Failed
		}
		all = append(all, f)
	}
	return all
}

// machineFindings are those of parvis check and parvis status.
func (a *app) machineFindings(cfg *config.Config) func(context.Context) []acceptance.Finding {
	return func(ctx context.Context) []acceptance.Finding {
		problems, err := a.allProblems(ctx, cfg, nil)
		if err != nil {
			return []acceptance.Finding{acceptance.Fail(acceptance.Say("this machine cannot be looked at: %v", "cette machine ne peut pas être examinée : %v", err), acceptance.Say("run as root", "lancez la commande en root"))}
		}
		all := findings(problems, acceptance.Say("nothing to correct (parvis check)", "rien à corriger (parvis check)"))
		s, err := a.client.Status(ctx)
		if err != nil {
			return append(all, acceptance.Fail(acceptance.Say("the daemon does not answer: %v", "le service ne répond pas : %v", err), acceptance.Say("see its log", "voir son journal")))
		}
		for _, p := range s.Problems {
			all = append(all, acceptance.Fail(acceptance.Say("%s", "%s", lang.Text{EN: p.EN, FR: p.FR}), acceptance.Sentence{}))
		}
		if s.ConfirmSeconds > 0 {
			all = append(all, acceptance.Fail(acceptance.Say("everything is still on trial", "tout est encore à l'essai"), acceptance.Say("run: parvis confirm", "lancez : parvis confirm")))
		}
		if s.Ready {
			all = append(all, acceptance.Pass(acceptance.Say("everything is in force (parvis status)", "tout est en place (parvis status)")))
		}
		return all
	}
}

// blockOf makes the line's questions leave from a block of ports that nobody has: the highest free slot's.
func (a *app) blockOf(ctx context.Context, cfg *config.Config, l acceptance.Line) acceptance.Line {
	first, last, shift := firewall.Slots(cfg.Guests.Capacity)
	if shift == 0 {
		return l
	}
	taken := map[uint16]bool{}
	if all, err := a.client.Sessions(ctx); err == nil {
		for _, s := range all {
			taken[s.Slot] = true
		}
	}
	slot := last
	for slot > first && taken[slot] {
		slot--
	}
	l.Block = echo.Block{First: slot << shift, Last: slot<<shift + 1<<shift - 1}
	l.Echo.Control = func(_, _ string, conn syscall.RawConn) error {
		var marked error
		err := conn.Control(func(fd uintptr) {
			marked = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, int(slot)<<16)
		})
		return errors.Join(err, marked)
	}
	return l
}

// running is the site as its daemon shows it.
type running struct {
	client *control.Client
	cfg    *config.Config
}

var (
	_ acceptance.Place = running{}
	_ acceptance.Hall  = running{}
)

// Visits implements acceptance.Place.
func (r running) Visits(ctx context.Context) ([]acceptance.Visit, error) {
	list, err := r.client.Sessions(ctx)
	var all []acceptance.Visit
	for _, s := range list {
		if !s.Terminal {
			all = append(all, acceptance.Visit{ID: s.ID, Open: s.State == sessions.Open, MAC: s.Device.MAC, IPv4: s.Device.IPv4, Down: s.Down})
		}
	}
	return all, err
}

// End implements acceptance.Place and, for terminals, acceptance.Hall.
func (r running) End(ctx context.Context, id string) error {
	list, err := r.client.Terminals(ctx)
	if err != nil {
		return err
	}
	for _, t := range list {
		if t.ID == id {
			_, err := r.client.Terminal(ctx, control.TerminalRequest{Do: control.TerminalEnd, Which: id})
			return err
		}
	}
	_, err = r.client.End(ctx, control.EndRequest{Which: id, Reason: sessions.ByOperator})
	return err
}

// Ticket implements acceptance.Place.
func (r running) Ticket(ctx context.Context) (code, batch string, err error) {
	a, err := r.client.Voucher(ctx, control.VoucherRequest{Do: control.VoucherMake, Label: "Recette", Devices: 1, Count: 1, Until: "2h"})
	if err != nil {
		return "", "", err
	}
	return a.Tickets[0].Code, a.Batch.ID, nil
}

// Revoke implements acceptance.Place.
func (r running) Revoke(ctx context.Context, batch string) error {
	_, err := r.client.Voucher(ctx, control.VoucherRequest{Do: control.VoucherRevoke, Batch: batch, Cut: true})
	return err
}

// Posts implements acceptance.Hall.
func (r running) Posts(ctx context.Context) ([]acceptance.Post, error) {
	list, err := r.client.Terminals(ctx)
	var all []acceptance.Post
	for _, t := range list {
		if t.Adopted {
			all = append(all, acceptance.Post{ID: t.ID, Name: t.Name, State: string(t.State)})
		}
	}
	return all, err
}

// Open implements acceptance.Hall.
func (r running) Open(ctx context.Context, id string, d time.Duration) error {
	_, err := r.client.Terminal(ctx, control.TerminalRequest{Do: control.TerminalOpen, Which: id, For: d})
	return err
}
