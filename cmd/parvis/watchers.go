package main

import (
	"context"
	"net"

	"golang.org/x/sync/errgroup"

	"parvis/internal/monitor"
)

// watchers are the ways in which the place is watched from elsewhere. Without settings there are none.
type watchers struct {
	metrics net.Listener
}

// openWatchers opens /metrics. When it cannot be had the log says so and the daemon goes on: who watches must not keep people out.
func (d *daemon) openWatchers(ctx context.Context) {
	at := d.cfg.Monitor.Listen
	if !at.IsValid() {
		return
	}
	ln, err := d.listenOn(ctx, at.Addr(), int(at.Port()))
	if err != nil {
		d.log.Error("monitor: no /metrics", "listen", at.String(), "error", err)
		return
	}
	d.watchers.metrics = ln
}

func (w *watchers) run(ctx context.Context, d *daemon) error {
	group, ctx := errgroup.WithContext(ctx)
	if w.metrics != nil {
		group.Go(func() error { return monitor.Serve(ctx, w.metrics, d.condition, d.log) })
	}
	return group.Wait()
}

func (w *watchers) close() {
	if w.metrics != nil {
		w.metrics.Close()
	}
}

// mails is how many e-mails wait to be sent.
func (w *watchers) mails() int { return 0 }
