package kiosk

import (
	"context"
	"encoding/base64"
	"encoding/json"
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
	talk      *bidi
	tab       string
}

// Tab is one open tab.
type Tab struct {
	ID  string `json:"context"`
	URL string `json:"url"`
}

// Tabs lists them, oldest first.
func (b *Browser) Tabs(ctx context.Context) ([]Tab, error) {
	var tree struct{ Contexts []Tab }
	return tree.Contexts, b.try(ctx, "browsingContext.getTree", map[string]any{"maxDepth": 0}, &tree)
}

// Look waits for a tab whose address contains part, and looks at it from then on.
func (b *Browser) Look(ctx context.Context, part string) error {
	var last []Tab
	err := poll(ctx, attempt, func(ctx context.Context) error {
		now, err := b.Tabs(ctx)
		if err != nil {
			return err
		}
		last = now
		for _, t := range last {
			if strings.Contains(t.URL, part) {
				b.tab = t.ID
				return b.try(ctx, "browsingContext.activate", map[string]any{"context": t.ID}, nil)
			}
		}
		return errNotYet
	})
	if err != nil {
		return fmt.Errorf("kiosk: look for a tab at %s: %w: there are %v", part, err, last)
	}
	return nil
}

// Open goes to an address and waits until the page has loaded. What the gate refuses is an error of the browser's.
func (b *Browser) Open(ctx context.Context, url string) error {
	return b.try(ctx, "browsingContext.navigate", map[string]any{"context": b.tab, "url": url, "wait": "complete"}, nil)
}

// NewTab opens a tab and looks at it.
func (b *Browser) NewTab(ctx context.Context) error {
	var made Tab
	if err := b.try(ctx, "browsingContext.create", map[string]any{"type": "tab"}, &made); err != nil {
		return err
	}
	b.tab = made.ID
	return nil
}

// Evaluate runs an expression in the page and returns its value, which must be text.
func (b *Browser) Evaluate(ctx context.Context, expression string) (string, error) {
	var r struct {
		Type   string
		Result struct {
			Type  string
			Value json.RawMessage
		}
		ExceptionDetails struct{ Text string }
	}
	err := b.try(ctx, "script.evaluate", map[string]any{
		"expression": expression, "target": map[string]any{"context": b.tab}, "awaitPromise": true, "userActivation": true,
	}, &r)
	if err != nil {
		return "", err
	}
	if r.Type != "success" {
		return "", fmt.Errorf("kiosk: evaluate: %s", r.ExceptionDetails.Text)
	}
	var s string
	if r.Result.Type != "string" || json.Unmarshal(r.Result.Value, &s) != nil {
		return "", fmt.Errorf("kiosk: evaluate: %s is no text: %s", r.Result.Type, r.Result.Value)
	}
	return s, nil
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

// Click presses the button or link with exactly this visible text, with the mouse, as a person does: a page may then open a tab.
func (b *Browser) Click(ctx context.Context, label string) error {
	found := fmt.Sprintf(`(() => {
		const flat = s => (s || "").replace(/\s+/g, " ").trim();
		document.querySelectorAll("[data-lab]").forEach(e => e.removeAttribute("data-lab"));
		for (const e of document.querySelectorAll("button, a[href], input[type=submit], summary"))
			if (flat(e.innerText || e.value) === %q && e.getClientRects().length) {
				e.setAttribute("data-lab", ""); e.scrollIntoView({block: "center", behavior: "instant"}); return "yes";
			}
		return "no";
	})()`, flat(label))
	err := poll(ctx, attempt, func(ctx context.Context) error {
		if yes, err := b.Evaluate(ctx, found); err != nil || yes != "yes" {
			if errors.Is(err, errEnded) {
				return err
			}
			return errNotYet
		}
		return nil
	})
	if err != nil {
		text, _ := b.Text(ctx)
		return fmt.Errorf("kiosk: %s: no button or link « %s »: %w: the page says: %s", b.Kind, label, err, text)
	}
	return b.press(ctx, "[data-lab]")
}

// press clicks the element that a selector finds.
func (b *Browser) press(ctx context.Context, selector string) error {
	id, err := b.find(ctx, selector)
	if err != nil {
		return err
	}
	at := map[string]any{"type": "element", "element": map[string]any{"sharedId": id}}
	return b.try(ctx, "input.performActions", map[string]any{"context": b.tab, "actions": []any{map[string]any{
		"type": "pointer", "id": "mouse", "actions": []any{
			map[string]any{"type": "pointerMove", "x": 0, "y": 0, "origin": at},
			map[string]any{"type": "pointerDown", "button": 0},
			map[string]any{"type": "pointerUp", "button": 0},
		},
	}}}, nil)
}

// find waits for the element.
func (b *Browser) find(ctx context.Context, selector string) (id string, err error) {
	err = poll(ctx, attempt, func(ctx context.Context) error {
		var r struct{ Nodes []struct{ SharedID string } }
		err := b.try(ctx, "browsingContext.locateNodes", map[string]any{
			"context": b.tab, "locator": map[string]any{"type": "css", "value": selector}, "maxNodeCount": 1,
		}, &r)
		if errors.Is(err, errEnded) {
			return err
		}
		if err != nil || len(r.Nodes) == 0 {
			return errNotYet
		}
		id = r.Nodes[0].SharedID
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("kiosk: %s: find %s: %w", b.Kind, selector, err)
	}
	return id, nil
}

// Fill types into the field with this id.
func (b *Browser) Fill(ctx context.Context, id, value string) error {
	if err := b.press(ctx, "#"+id); err != nil {
		return err
	}
	var keys []any
	for _, r := range value {
		keys = append(keys, map[string]any{"type": "keyDown", "value": string(r)}, map[string]any{"type": "keyUp", "value": string(r)})
	}
	return b.try(ctx, "input.performActions", map[string]any{"context": b.tab, "actions": []any{
		map[string]any{"type": "key", "id": "keyboard", "actions": keys},
	}}, nil)
}

// Choose puts a file into the file field with this id.
func (b *Browser) Choose(ctx context.Context, id, file string) error {
	node, err := b.find(ctx, "#"+id)
	if err != nil {
		return err
	}
	return b.try(ctx, "input.setFiles", map[string]any{
		"context": b.tab, "element": map[string]any{"sharedId": node}, "files": []string{file},
	}, nil)
}

// Screenshot writes the tab as a PNG, as a screen of 1280 × 800 shows it.
func (b *Browser) Screenshot(ctx context.Context, file string) error {
	err := b.try(ctx, "browsingContext.setViewport", map[string]any{"context": b.tab, "viewport": map[string]int{"width": 1280, "height": 800}}, nil)
	if err != nil {
		return err
	}
	var shot struct{ Data string }
	if err := b.try(ctx, "browsingContext.captureScreenshot", map[string]any{"context": b.tab}, &shot); err != nil {
		return err
	}
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		return fmt.Errorf("kiosk: screenshot: %w", err)
	}
	return os.WriteFile(file, png, 0o644)
}

// Ended is closed once the browser has gone, by itself or by a page that has closed its last tab.
func (b *Browser) Ended() <-chan struct{} { return b.talk.ended }

// Close kills the browser, as the terminal's killall does.
func (b *Browser) Close() error {
	var errs []error
	for i := len(b.processes) - 1; i >= 0; i-- {
		errs = append(errs, b.processes[i].Kill())
	}
	if b.talk != nil {
		_ = b.talk.close() // the other end has gone already
	}
	return errors.Join(errs...)
}

func (b *Browser) try(ctx context.Context, method string, params, result any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.talk.call(ctx, method, params, result)
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
