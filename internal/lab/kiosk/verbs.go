package kiosk

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

func (b *bidi) tabs(ctx context.Context) ([]Tab, error) {
	var tree struct{ Contexts []Tab }
	return tree.Contexts, b.call(ctx, "browsingContext.getTree", map[string]any{"maxDepth": 0}, &tree)
}

func (b *bidi) activate(ctx context.Context, tab string) error {
	return b.call(ctx, "browsingContext.activate", map[string]any{"context": tab}, nil)
}

func (b *bidi) create(ctx context.Context) (string, error) {
	var made Tab
	err := b.call(ctx, "browsingContext.create", map[string]any{"type": "tab"}, &made)
	return made.ID, err
}

func (b *bidi) shut(ctx context.Context, tab string) error {
	return b.call(ctx, "browsingContext.close", map[string]any{"context": tab}, nil)
}

func (b *bidi) open(ctx context.Context, tab, url string) error {
	return b.call(ctx, "browsingContext.navigate", map[string]any{"context": tab, "url": url, "wait": "complete"}, nil)
}

func (b *bidi) evaluate(ctx context.Context, tab, expression string) (string, error) {
	var r struct {
		Type   string
		Result struct {
			Type  string
			Value json.RawMessage
		}
		ExceptionDetails struct{ Text string }
	}
	err := b.call(ctx, "script.evaluate", map[string]any{
		"expression": expression, "target": map[string]any{"context": tab}, "awaitPromise": true,
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

func (b *bidi) click(ctx context.Context, tab string, x, y int) error {
	return b.call(ctx, "input.performActions", map[string]any{"context": tab, "actions": []any{map[string]any{
		"type": "pointer", "id": "mouse", "actions": []any{
			map[string]any{"type": "pointerMove", "x": x, "y": y},
			map[string]any{"type": "pointerDown", "button": 0},
			map[string]any{"type": "pointerUp", "button": 0},
		},
	}}}, nil)
}

// find waits for the element.
func (b *bidi) find(ctx context.Context, tab, selector string) (id string, err error) {
	err = poll(ctx, attempt, func(ctx context.Context) error {
		var r struct{ Nodes []struct{ SharedID string } }
		err := b.call(ctx, "browsingContext.locateNodes", map[string]any{
			"context": tab, "locator": map[string]any{"type": "css", "value": selector}, "maxNodeCount": 1,
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
		return "", fmt.Errorf("kiosk: find %s: %w", selector, err)
	}
	return id, nil
}

func (b *bidi) write(ctx context.Context, tab, text string) error {
	var keys []any
	for _, r := range text {
		keys = append(keys, map[string]any{"type": "keyDown", "value": string(r)}, map[string]any{"type": "keyUp", "value": string(r)})
	}
	return b.call(ctx, "input.performActions", map[string]any{"context": tab, "actions": []any{
		map[string]any{"type": "key", "id": "keyboard", "actions": keys},
	}}, nil)
}

func (b *bidi) choose(ctx context.Context, tab, selector, file string) error {
	node, err := b.find(ctx, tab, selector)
	if err != nil {
		return err
	}
	return b.call(ctx, "input.setFiles", map[string]any{
		"context": tab, "element": map[string]any{"sharedId": node}, "files": []string{file},
	}, nil)
}

func (b *bidi) screenshot(ctx context.Context, tab string) ([]byte, error) {
	size := map[string]int{"width": 1280, "height": 800}
	if err := b.call(ctx, "browsingContext.setViewport", map[string]any{"context": tab, "viewport": size}, nil); err != nil {
		return nil, err
	}
	var shot struct{ Data string }
	if err := b.call(ctx, "browsingContext.captureScreenshot", map[string]any{"context": tab}, &shot); err != nil {
		return nil, err
	}
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		return nil, fmt.Errorf("kiosk: screenshot: %w", err)
	}
	return png, nil
}

func (b *bidi) ended() <-chan struct{} { return b.gone }
