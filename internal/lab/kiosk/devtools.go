package kiosk

import (
	"context"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"parvis/internal/lab/browser"
)

// in runs f in a tab, attached to at the first time.
func (d *devtools) in(ctx context.Context, tab string, f func(context.Context) error) error {
	t := d.attached[tab]
	if t == nil {
		t, _ = chromedp.NewContext(d.root, chromedp.WithTargetID(target.ID(tab)), chromedp.WithDetachOnCancel())
		if err := d.lasting(ctx, t, func() error { return chromedp.Do(t) }); err != nil {
			return err
		}
		d.attached[tab] = t
	}
	return d.within(ctx, t, f)
}

func (d *devtools) tabs(ctx context.Context) (all []Tab, err error) {
	err = d.within(ctx, d.root, func(ctx context.Context) error {
		list, err := chromedp.Targets(ctx)
		for _, t := range list {
			if t.Type == "page" {
				all = append(all, Tab{ID: string(t.TargetID), URL: t.URL})
			}
		}
		return err
	})
	return all, err
}

func (d *devtools) activate(ctx context.Context, tab string) error {
	return d.within(ctx, d.root, func(ctx context.Context) error {
		_, err := chromedp.CallBrowser(ctx, target.ActivateTarget, target.ActivateTargetParams{TargetID: target.ID(tab)})
		return err
	})
}

func (d *devtools) create(ctx context.Context) (tab string, err error) {
	return tab, d.within(ctx, d.root, func(ctx context.Context) error {
		made, err := chromedp.CallBrowser(ctx, target.CreateTarget, target.CreateTargetParams{URL: "about:blank"})
		tab = string(made.TargetID)
		return err
	})
}

func (d *devtools) shut(ctx context.Context, tab string) error {
	return d.within(ctx, d.root, func(ctx context.Context) error {
		_, err := chromedp.CallBrowser(ctx, target.CloseTarget, target.CloseTargetParams{TargetID: target.ID(tab)})
		return err
	})
}

func (d *devtools) open(ctx context.Context, tab, url string) error {
	return d.in(ctx, tab, func(ctx context.Context) error { return browser.Navigate(ctx, url) })
}

func (d *devtools) evaluate(ctx context.Context, tab, expression string) (s string, err error) {
	return s, d.in(ctx, tab, func(ctx context.Context) error {
		s, err = chromedp.Run(ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
		return err
	})
}

func (d *devtools) click(ctx context.Context, tab string, x, y int) error {
	return d.in(ctx, tab, func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.MouseClickXY(float64(x), float64(y)))
	})
}

func (d *devtools) write(ctx context.Context, tab, text string) error {
	return d.in(ctx, tab, func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.KeyEvent(text)) })
}

func (d *devtools) choose(ctx context.Context, tab, selector, file string) error {
	return d.in(ctx, tab, func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.SetUploadFiles(chromedp.CSS(selector), []string{file}))
	})
}

func (d *devtools) screenshot(ctx context.Context, tab string) (png []byte, err error) {
	return png, d.in(ctx, tab, func(ctx context.Context) error {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
			return err
		}
		png, err = chromedp.Run(ctx, chromedp.CaptureScreenshot())
		return err
	})
}

func (d *devtools) ended() <-chan struct{} { return d.process.Done() }

func (d *devtools) close() error {
	d.cancel()
	return d.pipe.Close()
}
