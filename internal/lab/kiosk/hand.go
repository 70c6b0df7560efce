package kiosk

import (
	"context"
	"errors"
	"fmt"
)

// Click presses the button or link with exactly this visible text, with the mouse, as a person does: a page may then open a tab.
func (b *Browser) Click(ctx context.Context, label string) error {
	err := b.press(ctx, fmt.Sprintf(`[...document.querySelectorAll("button, a[href], input[type=submit], summary")].find(
		e => (e.innerText || e.value || "").replace(/\s+/g, " ").trim() === %q && e.getClientRects().length)`, flat(label)))
	if err != nil {
		text, _ := b.Text(ctx)
		return fmt.Errorf("kiosk: %s: press « %s »: %w: the page says: %s", b.Kind, label, err, text)
	}
	return nil
}

// Follow presses a link until the page that it leads to says a sentence: one that was pressed while its page was being loaded anew
// leads nowhere, and a person presses it again.
func (b *Browser) Follow(ctx context.Context, label, sentence string) error {
	var seen error
	err := poll(ctx, patience, func(ctx context.Context) error {
		if seen = b.Click(ctx, label); seen != nil {
			if errors.Is(seen, errEnded) || ctx.Err() != nil {
				return seen
			}
			return errNotYet // its page goes away
		}
		short, cancel := context.WithTimeout(ctx, attempt)
		defer cancel()
		if seen = b.See(short, sentence); seen != nil && ctx.Err() == nil && !errors.Is(seen, errEnded) {
			return errNotYet
		}
		return seen
	})
	if err != nil {
		return errors.Join(err, seen)
	}
	return nil
}

// press clicks in the middle of the element that an expression finds, once it does and is on the screen: Chromium lets nobody click
// on a page before its first picture.
func (b *Browser) press(ctx context.Context, element string) error {
	var x, y int
	err := poll(ctx, attempt, func(ctx context.Context) error {
		at, err := b.Evaluate(ctx, `(async () => {
			const e = `+element+`;
			if (!e) return "";
			e.scrollIntoView({block: "center", behavior: "instant"});
			await new Promise(painted => requestAnimationFrame(() => requestAnimationFrame(painted)));
			const r = e.getClientRects()[0];
			return Math.round(r.x + r.width / 2) + " " + Math.round(r.y + r.height / 2);
		})()`)
		if errors.Is(err, errEnded) {
			return err
		}
		if _, err := fmt.Sscan(at, &x, &y); err != nil {
			return errNotYet
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("it is not there: %w", err)
	}
	return b.bounded(ctx, func(ctx context.Context) error { return b.drive.click(ctx, b.tab, x, y) })
}

// Closes presses the button or link whose page then closes its own tab: nobody may be left to say that it was pressed.
func (b *Browser) Closes(ctx context.Context, label string) error {
	pressed := b.Click(ctx, label)
	if err := b.Gone(ctx, b.tab); err != nil {
		return errors.Join(fmt.Errorf("kiosk: « %s »: %w", label, err), pressed)
	}
	return nil
}

// Fill types into the field with this id.
func (b *Browser) Fill(ctx context.Context, id, value string) error {
	if err := b.press(ctx, fmt.Sprintf("document.getElementById(%q)", id)); err != nil {
		return fmt.Errorf("kiosk: %s: fill %s: %w", b.Kind, id, err)
	}
	return b.bounded(ctx, func(ctx context.Context) error { return b.drive.write(ctx, b.tab, value) })
}

// Choose puts a file into the file field with this id.
func (b *Browser) Choose(ctx context.Context, id, file string) error {
	return b.bounded(ctx, func(ctx context.Context) error { return b.drive.choose(ctx, b.tab, "#"+id, file) })
}
