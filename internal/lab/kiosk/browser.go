package kiosk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"parvis/internal/lab"
)

// patience bounds each verb: a shared core that renders for the first time is slow.
const patience = 30 * time.Second

// Browser is one run of a browser on a terminal, from a clean profile to its end. The verbs are about the tab that is looked at.
type Browser struct {
	Kind Kind

	processes []*lab.Process
	drive     driver
	tab       string
}

// driver is how one make of browser is told what to do with its tabs.
type driver interface {
	tabs(ctx context.Context) ([]Tab, error)
	activate(ctx context.Context, tab string) error
	create(ctx context.Context) (tab string, err error)
	shut(ctx context.Context, tab string) error
	open(ctx context.Context, tab, url string) error
	evaluate(ctx context.Context, tab, expression string) (string, error)
	click(ctx context.Context, tab string, x, y int) error // with the mouse, in CSS pixels of what is seen of the page
	write(ctx context.Context, tab, text string) error     // with the keyboard
	choose(ctx context.Context, tab, selector, file string) error
	screenshot(ctx context.Context, tab string) (png []byte, err error)
	ended() <-chan struct{} // closed once the browser has gone
	close() error
}

// Tab is one open tab.
type Tab struct {
	ID  string `json:"context"`
	URL string `json:"url"`
}

// errEnded is returned once the browser has gone.
var errEnded = errors.New("kiosk: the browser has ended")

// Tabs lists them.
func (b *Browser) Tabs(ctx context.Context) (all []Tab, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.drive.tabs(ctx)
}

// Look waits for a tab whose address contains part, and looks at it from then on.
func (b *Browser) Look(ctx context.Context, part string) error {
	var (
		tabs []Tab
		last error // a tab that is between two pages cannot be looked at
	)
	err := poll(ctx, attempt, func(ctx context.Context) error {
		if tabs, last = b.Tabs(ctx); last == nil {
			for _, t := range tabs {
				if strings.Contains(t.URL, part) {
					if last = b.drive.activate(ctx, t.ID); last == nil {
						b.tab = t.ID
						return nil
					}
					break
				}
			}
		}
		if errors.Is(last, errEnded) {
			return last
		}
		return errNotYet
	})
	if err != nil {
		return fmt.Errorf("kiosk: %s: look for a tab at %s: %w (%v): there are %v", b.Kind, part, err, last, tabs)
	}
	return nil
}

// Here is the id of the tab that is looked at.
func (b *Browser) Here() string { return b.tab }

// Gone waits until a tab has closed, or the browser itself has gone.
func (b *Browser) Gone(ctx context.Context, tab string) error {
	var last []Tab
	err := poll(ctx, attempt, func(ctx context.Context) error {
		now, err := b.Tabs(ctx)
		if errors.Is(err, errEnded) {
			return nil
		}
		if err != nil {
			return errNotYet // it may be going
		}
		last = now
		for _, t := range last {
			if t.ID == tab {
				return errNotYet
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("kiosk: %s: the tab %s does not close: %w: there are %v", b.Kind, tab, err, last)
	}
	return nil
}

// Alone closes every tab but the one that is looked at, as a person does who is done with them.
func (b *Browser) Alone(ctx context.Context) error {
	all, err := b.Tabs(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.ID != b.tab {
			err = errors.Join(err, b.bounded(ctx, func(ctx context.Context) error { return b.drive.shut(ctx, t.ID) }))
		}
	}
	return err
}

// Open goes to an address and waits until the page has loaded. What the gate refuses is an error of the browser's.
func (b *Browser) Open(ctx context.Context, url string) error {
	return b.bounded(ctx, func(ctx context.Context) error { return b.drive.open(ctx, b.tab, url) })
}

// NewTab opens a tab and looks at it.
func (b *Browser) NewTab(ctx context.Context) error {
	return b.bounded(ctx, func(ctx context.Context) (err error) {
		b.tab, err = b.drive.create(ctx)
		return err
	})
}

// Evaluate runs an expression in the page and returns its value, which must be text.
func (b *Browser) Evaluate(ctx context.Context, expression string) (s string, err error) {
	return s, b.bounded(ctx, func(ctx context.Context) (err error) {
		s, err = b.drive.evaluate(ctx, b.tab, expression)
		return err
	})
}

// Text returns what the page says to a reader.
func (b *Browser) Text(ctx context.Context) (string, error) {
	return b.Evaluate(ctx, `document.body ? document.body.innerText : ""`)
}

// Title returns the page's title.
func (b *Browser) Title(ctx context.Context) (string, error) {
	return b.Evaluate(ctx, `document.title`)
}

// URL returns where the tab is.
func (b *Browser) URL(ctx context.Context) (string, error) { return b.Evaluate(ctx, `location.href`) }

// See waits until the page says every one of the sentences; it fails with what the page says instead.
func (b *Browser) See(ctx context.Context, sentences ...string) error {
	var (
		text, missing string
		last          error // between two pages
	)
	err := poll(ctx, attempt, func(ctx context.Context) error {
		said, err := b.Text(ctx)
		if errors.Is(err, errEnded) {
			return err
		}
		if last = err; err != nil {
			return errNotYet
		}
		text = said
		for _, s := range sentences {
			if !strings.Contains(flat(text), flat(s)) {
				missing = s
				return errNotYet
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("kiosk: %s: look for « %s »: %w (%v): the page says: %s", b.Kind, missing, err, last, text)
	}
	return nil
}

// Quit closes the tab that is looked at, the last one, as a person does with its cross, and waits until the browser has gone.
func (b *Browser) Quit(ctx context.Context) error {
	err := b.bounded(ctx, func(ctx context.Context) error { return b.drive.shut(ctx, b.tab) })
	if errors.Is(err, errEnded) {
		err = nil
	}
	return errors.Join(err, b.WaitEnd(ctx))
}

// WaitEnd waits until the browser has gone by itself.
func (b *Browser) WaitEnd(ctx context.Context) error {
	return b.bounded(ctx, func(ctx context.Context) error {
		select {
		case <-b.drive.ended():
			return nil
		case <-ctx.Done():
			return fmt.Errorf("kiosk: %s does not end: %w", b.Kind, ctx.Err())
		}
	})
}

// Screenshot writes the tab as a PNG, as a screen of 1280 × 800 shows it. One that goes to another page is looked at again.
func (b *Browser) Screenshot(ctx context.Context, file string) error {
	var (
		png  []byte
		last error
	)
	err := poll(ctx, attempt, func(ctx context.Context) error {
		if png, last = b.drive.screenshot(ctx, b.tab); last != nil && !errors.Is(last, errEnded) {
			return errNotYet
		}
		return last
	})
	if err != nil {
		return fmt.Errorf("kiosk: %s: screenshot: %w (%v)", b.Kind, err, last)
	}
	return os.WriteFile(file, png, 0o644)
}

// Close kills the browser, as the terminal's killall does.
func (b *Browser) Close() error {
	var errs []error
	for i := len(b.processes) - 1; i >= 0; i-- {
		errs = append(errs, b.processes[i].Kill())
	}
	if b.drive != nil {
		_ = b.drive.close() // the other end has gone already
	}
	return errors.Join(errs...)
}

func (b *Browser) bounded(ctx context.Context, verb func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return verb(ctx)
}

// errNotYet has poll try again.
var errNotYet = errors.New("not yet")

// attempt bounds one look at a page: a command to one that goes away meanwhile may never be answered.
const attempt = 5 * time.Second

// poll tries until it works, for as long as patience lasts and each time at most for limit; any error but errNotYet ends it.
func poll(ctx context.Context, limit time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		one, stop := context.WithTimeout(ctx, limit)
		err := try(one)
		lost := err != nil && one.Err() != nil
		stop()
		if !errors.Is(err, errNotYet) && !lost {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// flat makes one line of what a browser breaks over several; French punctuation's thin spaces count as spaces.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }
