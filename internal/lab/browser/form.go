package browser

import (
	"context"
	"errors"
	"fmt"

	"github.com/chromedp/chromedp"
)

// Value returns what is in the field with this id. Where scripts are off they are on meanwhile; those of the page stay unread.
func (b *Browser) Value(ctx context.Context, id string) (value string, err error) {
	return value, b.try(ctx, "read the field "+id, func(ctx context.Context) (err error) {
		if b.mute {
			if err := chromedp.Do(ctx, scripts(true)); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, chromedp.Do(ctx, scripts(false))) }()
		}
		value, err = chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.getElementById(%q).value`, id)))
		return err
	})
}
