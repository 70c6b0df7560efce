package hwlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"parvis/hw/escpos/escpostest"
	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/internal/lab/box"
	"parvis/sessions"
)

// bites is the watchdogs' timeout. A fed one has four chances in it, which an emulated machine on a busy one needs.
const bites = 30 * time.Second

// tryDevices is a place with everything that a box may have.
func tryDevices(ctx context.Context, l *Lab) (err error) {
	r, err := l.newRouter(ctx, lab.Site{Hours: `["lun-ven 9:00-17:00"]`, More: fmt.Sprintf(`
[hw]
watchdog = "/dev/watchdog0"
watchdog-timeout = "%.0fs"
leds = ["open %s"]
buttons = ["KEY_F9 short ticket", "KEY_F10 long pause 30m"]
printer = "%s"
`, bites.Seconds(), capslock, printerPort)}, box.Options{Devices: []string{"i6300esb"}, RTC: "1970-01-01"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	d := &devices{router: r}
	if d.paper, err = d.printer(); err != nil {
		return err
	}
	defer d.ln.Close()
	lives := []life{
		{"softdog", []step{d.openOnMonday, d.ticket, d.livesAndEnds}},
		{"i6300esb", []step{d.afterACut, d.hang}},
		{"i6300esb", []step{d.pause, d.livesAndEnds}},
		{"softdog", []step{d.hang}},
	}
	if l.Quick {
		lives = lives[:2]
	}
	for _, life := range lives {
		if err := d.begin(ctx, life.timer); err != nil {
			return err
		}
		for _, step := range life.steps {
			if err := step(ctx); err != nil {
				return fmt.Errorf("%w\nParvis said:\n%s", err, r.said)
			}
		}
		if err := r.cut(); err != nil {
			return err
		}
	}
	return nil
}

// life is what happens between two power cuts, with one of the timers.
type life struct {
	timer string
	steps []step
}

type step func(context.Context) error

// capslock is the light of the machine's keyboard (input-leds).
const capslock = "input0::capslock"

// devices is that place.
type devices struct {
	*router
	timer string
	ln    net.Listener
	paper <-chan escpostest.Paper
}

// begin gives the power, with one of the timers.
func (d *devices) begin(ctx context.Context, timer string) error {
	d.timer = timer
	if err := d.power(ctx); err != nil {
		return err
	}
	if _, err := d.box.Output(ctx, "modprobe", "-a", timer, "evdev"); err != nil {
		return err
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	return d.until(ctx, timer+" is fed", func(s control.Status) bool { return s.Condition.Hardware.Watchdog == "fed" })
}

// until waits until the daemon's state is so.
func (d *devices) until(ctx context.Context, what string, is func(control.Status) bool) error {
	return until(ctx, what, func(ctx context.Context) (bool, error) {
		s, err := d.client.Status(ctx)
		return err == nil && is(s), err
	})
}

// until asks four times a second until something is so.
func until(ctx context.Context, what string, is func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		yes, err := is(ctx)
		if yes && err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("not in %v: %s (last: %w)", patience, what, errors.Join(err, ctx.Err()))
		}
	}
}

// site waits until the place is open or closed for a reason, and its light says so.
func (d *devices) site(ctx context.Context, open bool, why sessions.Cause) error {
	what := fmt.Sprintf("the place is open=%v because of %s", open, why)
	err := until(ctx, what, func(ctx context.Context) (bool, error) {
		s, err := d.client.Site(ctx)
		return s.Open == open && s.Why == why, err
	})
	if err != nil {
		return err
	}
	return until(ctx, what+", and "+capslock+" says so", func(ctx context.Context) (bool, error) {
		light, err := d.box.Output(ctx, "cat", path.Join("/sys/class/leds", capslock, "brightness"))
		return (strings.TrimSpace(light) != "0") == open, err
	})
}

// A Monday, and the Sunday before it.
var (
	monday = time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	sunday = monday.AddDate(0, 0, -1)
)

// openOnMonday: the clock starts in 1970, and nothing was ever decided; set right it opens the place, and the light goes on.
func (d *devices) openOnMonday(ctx context.Context) error {
	out, err := d.box.Output(ctx, "date", "+%Y")
	if err != nil || strings.TrimSpace(out) != "1970" {
		return fmt.Errorf("the machine's year is %q, %w", out, err)
	}
	site, err := d.client.Site(ctx)
	if err != nil || site.Why != sessions.ByClock {
		return fmt.Errorf("in 1970 the place is %+v, %w", site.SiteState, err)
	}
	if err := d.client.SetClock(ctx, monday); err != nil {
		return err
	}
	if err := d.site(ctx, true, sessions.ByHours); err != nil {
		return err
	}
	d.lab.Say("the machine's clock starts in %s; hours are not looked at until it is set, then the place opens and the light %s is on", strings.TrimSpace(out), capslock)
	return nil
}

// livesAndEnds: a daemon that lives for longer than the timer's time is not bitten, nor one that has ended in order.
func (d *devices) livesAndEnds(ctx context.Context) error {
	if err := d.stays(ctx); err != nil {
		return fmt.Errorf("%s, with a daemon that lives: %w", d.timer, err)
	}
	if err := d.daemon.Signal(ssh.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-d.ended:
		if err != nil {
			return err
		}
	case <-time.After(patience):
		return errors.New("the daemon does not end")
	}
	if err := d.stays(ctx); err != nil {
		return fmt.Errorf("%s, after an orderly end: %w", d.timer, err)
	}
	d.lab.Say("%s: the machine stays on while Parvis lives, and after its orderly end", d.timer)
	return nil
}

// stays waits for longer than the watchdog's timeout.
func (d *devices) stays(ctx context.Context) error {
	over := time.NewTimer(bites + bites/4)
	defer over.Stop()
	select {
	case <-d.box.Gone():
		return errors.New("the machine has restarted")
	case <-over.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// afterACut: in 1970 again, the place is what it was last known to be; set to a Sunday it closes.
func (d *devices) afterACut(ctx context.Context) error {
	if err := d.site(ctx, true, sessions.ByClock); err != nil {
		return err
	}
	if err := d.client.SetClock(ctx, sunday); err != nil {
		return err
	}
	if err := d.site(ctx, false, sessions.ByHours); err != nil {
		return err
	}
	d.lab.Say("after a power cut, in 1970 again, the place stays as it was last decided (open); set to a Sunday it closes, and the light goes out")
	return nil
}

// hang: a daemon that stands still feeds nothing, and the machine restarts.
func (d *devices) hang(ctx context.Context) error {
	if err := d.daemon.Signal("STOP"); err != nil {
		return err
	}
	stopped := time.Now()
	select {
	case <-d.box.Gone():
	case <-time.After(patience):
		return fmt.Errorf("%s does not bite", d.timer)
	case <-ctx.Done():
		return ctx.Err()
	}
	d.lab.Say("%s: Parvis hangs (SIGSTOP), and the machine restarts after %.0f s (timeout %.0f)", d.timer, time.Since(stopped).Seconds(), bites.Seconds())
	return nil
}

// ticket: a key that is pressed for a moment prints one.
func (d *devices) ticket(ctx context.Context) error {
	before, err := d.client.Vouchers(ctx)
	if err != nil {
		return err
	}
	if err := d.box.Press(ctx, "f9", 100*time.Millisecond); err != nil {
		return err
	}
	select {
	case p := <-d.paper:
		size := p.Image.Bounds().Size()
		d.lab.Say("F9, pressed for a moment: a ticket of %d × %d dots comes out of the printer on port %d, cut=%v", size.X, size.Y, printerPort.Port(), p.Cut)
	case <-time.After(patience):
		return errors.New("F9, and no ticket comes out")
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := d.client.Vouchers(ctx)
	if err != nil || len(after) != len(before)+1 {
		return fmt.Errorf("%d batches of tickets after the key, %d before, %w", len(after), len(before), err)
	}
	return nil
}

// pause: a key that is held closes the place for a while.
func (d *devices) pause(ctx context.Context) error {
	if err := d.client.SetClock(ctx, monday); err != nil {
		return err
	}
	if err := d.site(ctx, true, sessions.ByHours); err != nil {
		return err
	}
	if err := d.box.Press(ctx, "f10", 3*time.Second); err != nil {
		return err
	}
	if err := d.site(ctx, false, sessions.ByPaused); err != nil {
		return err
	}
	d.lab.Say("F10, held for 3 s: the place pauses, and the light goes out")
	return nil
}
