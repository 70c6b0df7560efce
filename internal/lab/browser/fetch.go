package browser

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// Fetch returns what the page's own site answers at a path, with what this window has of cookies: for what a window does not
// show, like a PDF.
func (b *Browser) Fetch(ctx context.Context, path string) (body []byte, err error) {
	return body, b.try(ctx, "fetch "+path, func(ctx context.Context) error {
		data, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`(async () => {
			const answer = await fetch(%q);
			if (!answer.ok) throw new Error(answer.status);
			const content = await answer.blob();
			return new Promise((done, failed) => {
				const r = new FileReader();
				r.onload = () => done(r.result);
				r.onerror = () => failed(r.error);
				r.readAsDataURL(content);
			});
		})()`, path), chromedp.EvalAwaitPromise))
		if err != nil {
			return err
		}
		_, encoded, _ := strings.Cut(data, ",")
		body, err = base64.StdEncoding.DecodeString(encoded)
		return err
	})
}
