package browser

import (
	"context"
	"fmt"

	"github.com/chromedp/chromedp"
)

// Press presses the button with this id, and waits for the page that follows: for a page with many of the same words.
func (b *Browser) Press(ctx context.Context, id string) error {
	return b.try(ctx, "press "+id, func(ctx context.Context) error {
		_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(fmt.Sprintf("[id=%q]", id))))
		return err
	})
}

// Focus gives the keyboard to the element with this id.
func (b *Browser) Focus(ctx context.Context, id string) error {
	got, err := b.ask(ctx, "focus "+id, fmt.Sprintf(`(() => { document.getElementById(%q)?.focus(); return document.activeElement.id; })()`, id))
	if err == nil && got != id {
		err = fmt.Errorf("browser: focus %s: %q has it", id, got)
	}
	return err
}

// Focused returns the id of the element that has the keyboard; "" when it is the page itself.
func (b *Browser) Focused(ctx context.Context) (string, error) {
	return b.ask(ctx, "ask who has the keyboard", `document.activeElement.id`)
}

// Key presses one key, of chromedp/kb, on the element that has the keyboard.
func (b *Browser) Key(ctx context.Context, key string) error {
	return b.try(ctx, "press a key", func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.KeyEvent(key))
	})
}
