package scenes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"parvis/internal/lab"
	"parvis/internal/lab/kiosk"
	"parvis/sessions"
)

// cut is the end in the middle of an upload: the desk lets it go on once, and then everything ends at once.
func (p *sitting) cut(ctx context.Context) error {
	big, err := p.file("grosse.pdf", 400_000_000)
	if err != nil {
		return err
	}
	var end time.Time
	held := watchMachine()
	defer held.stop()
	const goes = 100_000 // bytes: more than the host's window, so that the gate has seen some pass as well
	n := len(p.Town.Uploads())
	sending := func() (lab.Upload, bool) {
		all := p.Town.Uploads()
		if len(all) <= n {
			return lab.Upload{}, false
		}
		return all[n], all[n].Open
	}
	goesOn := func() error {
		first, _ := sending()
		return p.until(ctx, "the upload goes on", func() bool { u, open := sending(); return open && u.Bytes > first.Bytes+goes })
	}
	return do(
		func() error { return p.b.NewTab(ctx) }, // where an error stands in Chromium, no page closes the tab any more
		func() error { return p.b.Open(ctx, "https://"+lab.Account+"/") },
		func() error { return p.b.Choose(ctx, "grosse", big) },
		func() error { return p.b.Click(ctx, "Envoyer la grosse pièce") },
		goesOn,
		// Less at once than the gate lets a silent connection live, and bytes in between: to its clock the upload never stops.
		func() error { return p.Control.Shift(ctx, 9*time.Minute) },
		goesOn,
		func() error { return p.Control.Shift(ctx, 9*time.Minute) },
		goesOn,
		func() error { return p.Control.Shift(ctx, 8*time.Minute) },
		goesOn,
		func() error { return p.mediator.Visit(ctx, ConsoleURL+"postes/"+p.id, "Démarche en cours") },
		func() error { return p.mediator.Browser.Press(ctx, "delai-b") },
		goesOn,
		func() error { return p.Control.Shift(ctx, 5*time.Minute) }, // past the end without the desk's gesture
		goesOn,
		func() error { return p.almost(ctx) },
		goesOn,
		func() (err error) { end, err = p.end(ctx); return err },
		func() error {
			return p.until(ctx, "the upload is cut", func() bool { u, open := sending(); return !open && !u.Whole && u.Bytes > 0 })
		},
		func() error {
			one, _ := sending()
			if one.Last.IsZero() {
				return errors.New("scenes: the host does not know when its last bytes came")
			}
			if over := one.Last.Sub(end); over > time.Second+held.longest() {
				return fmt.Errorf("scenes: the host received bytes until %v after the end", over)
			}
			return nil
		},
		func() error { return p.remember(ctx) },
		func() error { return p.b.Look(ctx, kioskHome) },
		func() error { return p.b.See(ctx, "C'est fini.") },
		func() error { return p.shot(ctx, "7-fini") },
		func() error { return p.b.Gone(ctx, p.service) }, // the page has closed what it has opened
		func() error { return p.b.NewTab(ctx) },
		func() error {
			if p.b.Open(ctx, "https://"+lab.CAF+"/") == nil {
				return errors.New("scenes: a service is still open after the end")
			}
			return nil
		},
	)
}

// beforeEnd is how much of the session is left to end by itself: more than a loaded machine needs to look at it once.
const beforeEnd = 8 * time.Second

// almost moves the clock to just before the session's end.
func (p *sitting) almost(ctx context.Context) error {
	one, err := p.session(ctx)
	if err == nil && one.Left < beforeEnd {
		err = fmt.Errorf("scenes: the terminal's session has %v left, expected more", one.Left)
	}
	if err != nil {
		return err
	}
	return p.Control.Shift(ctx, one.Left-beforeEnd)
}

// end is the moment at which the session ends by the daemon's own clock, and not earlier than that.
func (p *sitting) end(ctx context.Context) (time.Time, error) {
	one, err := p.session(ctx)
	if err == nil && one.State != sessions.Open {
		err = errors.New("scenes: the terminal's session has ended before it was looked at")
	}
	return time.Now().Add(one.Left), err
}

// session is the terminal's.
func (p *sitting) session(ctx context.Context) (sessions.Session, error) {
	all, err := p.Control.Sessions(ctx)
	for _, one := range all {
		if one.Terminal && one.Device.IPv4 == p.terminal.Guest.Lease().Address.Addr() {
			return one, nil
		}
	}
	return sessions.Session{}, errors.Join(err, errors.New("scenes: the terminal's session is not there"))
}

// remember keeps the session that has ended, for what the day counts.
func (p *sitting) remember(ctx context.Context) error {
	one, err := p.session(ctx)
	if err == nil {
		p.sat = append(p.sat, one)
	}
	return err
}

// printsNoMore is the same button after the end: the terminal's print system takes the page, and the router does not.
func (p *sitting) printsNoMore(ctx context.Context) error {
	return do(
		func() error { return p.b.Look(ctx, lab.Account+"/attestation") },
		func() error { return p.b.Click(ctx, "Imprimer") },
		func() error {
			var last string
			err := p.until(ctx, "the router refuses the page", func() bool {
				waiting, err := p.terminal.Waiting(ctx)
				last = waiting
				return err == nil && strings.Contains(waiting, "cups-held-for-authentication")
			})
			if err != nil {
				return errors.Join(err, errors.New(last))
			}
			all, err := p.printer.Documents(ctx)
			if err == nil && len(all) != p.printed {
				err = fmt.Errorf("scenes: %d documents were printed while terminals were open, and the printer has %d", p.printed, len(all))
			}
			return err
		},
	)
}

// closes is the person who leaves by the page's button, and then by what the page says where it may not close itself. The
// browser ends.
func (p *sitting) closes(ctx context.Context) error {
	if err := do(
		func() error { return p.b.Look(ctx, kioskHome) },
		func() error { return p.b.Alone(ctx) },
	); err != nil {
		return err
	}
	if p.b.Kind == kiosk.Firefox { // its preferences let the page close
		return do(
			func() error { return p.b.Closes(ctx, "Fermer") },
			func() error { return p.b.WaitEnd(ctx) },
		)
	}
	return do(
		func() error { return p.b.Click(ctx, "Fermer") },
		func() error { return p.b.See(ctx, "Fermez le navigateur : appuyez sur la croix, en haut.") },
		func() error { return p.shot(ctx, "8-fermer") },
		func() error { return p.b.Quit(ctx) },
	)
}

// until waits for something that happens by itself, as long as a slow machine may need.
func (p *sitting) until(ctx context.Context, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("scenes: it does not come to this: %s: %s", what, strings.TrimSpace(fmt.Sprint(p.Town.Uploads())))
		}
	}
	return nil
}
