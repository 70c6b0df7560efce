package main

import (
	"context"
	"net"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"parvis/internal/config"
	"parvis/internal/mail"
	"parvis/internal/monitor"
)

// watchers are the ways in which the place is watched from elsewhere. Without settings there are none.
type watchers struct {
	metrics net.Listener
	mailer  *monitor.Mailer
}

// openWatchers opens /metrics and takes up the e-mails that waited. When /metrics cannot be had the log says so and the daemon goes on:
// who watches must not keep people out.
func (d *daemon) openWatchers(ctx context.Context) {
	m := d.cfg.Monitor
	if m.SMTP != "" {
		d.watchers.mailer = monitor.NewMailer(monitor.MailerOptions{
			Clock: d.clock, Place: d.cfg.Site.Name, Location: d.cfg.Site.Hours.Zone, Condition: d.condition, Send: sendBy(m),
			Memory: monitor.File(filepath.Join(d.app.cli.State, "alerts.json")), Log: d.log,
		})
	}
	if !m.Listen.IsValid() {
		return
	}
	ln, err := d.listenOn(ctx, m.Listen.Addr(), int(m.Listen.Port()))
	if err != nil {
		d.log.Error("monitor: no /metrics", "listen", m.Listen.String(), "error", err)
		return
	}
	d.watchers.metrics = ln
}

// sendBy is how the place's own e-mails go.
func sendBy(m config.Monitor) func(context.Context, monitor.Letter) error {
	relay := mail.Server{Address: m.SMTP, User: m.SMTPUser, PasswordFile: m.SMTPPasswordFile, From: m.MailFrom}
	return func(ctx context.Context, l monitor.Letter) error {
		return relay.Send(ctx, monitor.Message(l, m.MailTo))
	}
}

func (w *watchers) run(ctx context.Context, d *daemon) error {
	group, ctx := errgroup.WithContext(ctx)
	if w.metrics != nil {
		group.Go(func() error { return monitor.Serve(ctx, w.metrics, d.condition, d.log) })
	}
	if w.mailer != nil {
		group.Go(func() error { return w.mailer.Run(ctx) })
	}
	return group.Wait()
}

func (w *watchers) close() {
	if w.metrics != nil {
		w.metrics.Close()
	}
}

// mails is how many e-mails wait to be sent.
func (w *watchers) mails() int {
	if w.mailer == nil {
		return 0
	}
	return w.mailer.Waiting()
}
