package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sync/errgroup"

	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/line"
	"parvis/portal/probes"
)

// primeName is asked by nobody but us: no resolver can have kept an answer.
const primeName = "last-resort.parvis.invalid"

// way is what concerns the way out: whether the line leads anywhere, and the names that are answered while it does not.
type way struct {
	uplink *line.Uplink
	gauge  *line.Gauge
	names  *line.LastResort
	socket net.PacketConn
}

// newWay opens the resolver of last resort. changed is told of each change, in order.
func newWay(ctx context.Context, d *daemon, changed func(context.Context, line.State)) (*way, error) {
	w := &way{}
	guests := d.cfg.Guests.Address.Addr()
	w.gauge = line.NewGauge(line.GaugeOptions{
		Configured: line.Rates{Down: d.cfg.WAN.Down, Up: d.cfg.WAN.Up}, Count: d.usage.Looked,
		Down: func() bool { return w.uplink.State().Down },
	}, d.clock)
	w.uplink = line.NewUplink(line.UplinkOptions{
		Network: &line.Reach{Interface: d.cfg.WAN.Interface, Probe: d.cfg.WAN.Probe, Clock: d.clock},
		Changed: func(ctx context.Context, s line.State) {
			changed(ctx, s)
			if s.Nameless() {
				line.Prime(ctx, netip.AddrPortFrom(guests, 53), primeName)
			}
		},
		Asked: w.gauge.Asked,
		Log:   d.log,
	}, d.clock)
	w.names = line.NewLastResort(append(probes.Names(), primeName), guests, func() bool { return w.uplink.State().Nameless() })
	var err error
	if w.socket, err = new(net.ListenConfig).ListenPacket(ctx, "udp4", config.LastResort.String()); err != nil {
		return nil, refused(fmt.Errorf("line: last resort: %w", err))
	}
	return w, nil
}

// run looks and answers until ctx ends.
func (w *way) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.uplink.Run(ctx) })
	group.Go(func() error { return w.names.Serve(ctx, w.socket) })
	return group.Wait()
}

// lineChanged tells those who keep state of the line.
func (d *daemon) lineChanged(ctx context.Context, s line.State) {
	d.manager.SetLine(ctx, !s.Down, s.Since)
}

var downText = map[line.Part]lang.Text{
	line.Gateway: {
		EN: "the line is down since %s: the operator's box does not answer; see its lamps and its cable",
		FR: "la ligne est en panne depuis %s : la box de l'opérateur ne répond pas ; voyez ses voyants et son câble",
	},
	line.Resolver: {
		EN: "the line is down since %s: no resolver on the internet answers; call the operator",
		FR: "la ligne est en panne depuis %s : aucun serveur de noms ne répond sur internet ; appelez l'opérateur",
	},
	line.HTTP: {
		EN: "the line is down since %s: the page of wan.probe does not come, while names are answered; see whether that page works elsewhere, then call the operator",
		FR: "la ligne est en panne depuis %s : la page de wan.probe ne vient pas, alors que les noms répondent ; voyez si cette page marche ailleurs, puis appelez l'opérateur",
	},
}

// notes say that the line is down, and what to do.
func (w *way) notes(now clock.Boot) []control.Problem {
	s := w.uplink.State()
	if !s.Down {
		return nil
	}
	return []control.Problem{problem(downText[s.Part], agoText(now.Sub(s.Since)))}
}
