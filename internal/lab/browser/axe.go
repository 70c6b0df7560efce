package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Violation is one rule of axe-core that a page breaks.
type Violation struct {
	ID     string // of the rule: color-contrast
	Impact string // minor, moderate, serious, critical
	Help   string // what the rule asks for
	Where  []string
}

func (v Violation) String() string {
	return v.ID + " (" + v.Impact + "): " + v.Help + ":\n\t" + strings.Join(v.Where, "\n\t")
}

// Axe examines the page with axe-core: its rules for WCAG 2.2 A and AA and its own good practices. Beside them it looks for what
// axe-core cannot see: a page that is wider than its window (WCAG 1.4.10, reported as "reflow"). The program is evaluated
// over the debugging pipe, where the page's policy is not in its way; where scripts are off they are on meanwhile, and those
// of the page stay unread.
func (b *Browser) Axe(ctx context.Context) (found []Violation, err error) {
	program, err := axe()
	if err != nil {
		return nil, err
	}
	// Evaluated with the page's own module and exports out of the way, if it has such.
	script := `(async () => {
		if (!window.axe) { (function(module, exports, define) {` + program + `
		}).call(window); }
		const r = await axe.run(document, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}});
		const found = r.violations.map(v => ({ID: v.id, Impact: v.impact, Help: v.help,
			Where: v.nodes.map(n => n.html.slice(0, 200) + " " + (n.failureSummary || "").replace(/\s+/g, " "))}));
		const wide = document.scrollingElement.scrollWidth, window_ = document.documentElement.clientWidth;
		if (wide > window_) found.push({ID: "reflow", Impact: "serious", Help: "A page is not wider than its window",
			Where: [wide + " px in a window of " + window_ + " px"]});
		return JSON.stringify(found);
	})()`
	return found, b.try(ctx, "examine the page", func(ctx context.Context) (err error) {
		if b.mute {
			if err := chromedp.Do(ctx, scripts(true)); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, chromedp.Do(ctx, scripts(false))) }()
		}
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(text), &found)
	})
}

// Viewport makes the window width × height CSS pixels; 200 % zoom of a window is one of half its size.
func (b *Browser) Viewport(ctx context.Context, width, height int64) error {
	return b.try(ctx, "resize the window", func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.EmulateViewport(width, height))
	})
}

// Scripts lets pages run scripts, or not, from the next page on.
func (b *Browser) Scripts(ctx context.Context, on bool) error {
	b.mute = !on
	return b.try(ctx, "switch scripts", func(ctx context.Context) error { return chromedp.Do(ctx, scripts(on)) })
}

func scripts(on bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}

// axe is axe-core's program, of the folder into which .ci/deps installs it.
var axe = sync.OnceValues(func() (string, error) {
	root, err := os.Getwd()
	for err == nil {
		if _, err = os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if parent := filepath.Dir(root); errors.Is(err, fs.ErrNotExist) && parent != root {
			root, err = parent, nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("browser: look for axe-core: %w", err)
	}
	b, err := os.ReadFile(filepath.Join(root, ".tools/npm/node_modules/axe-core/axe.min.js"))
	if err != nil {
		return "", fmt.Errorf("browser: axe-core is missing; install it with: .ci/deps: %w", err)
	}
	return string(b), nil
})

// NeedsAxe ends a test where Chromium or axe-core is missing: skipped for a developer, failed in CI.
func NeedsAxe(t testing.TB) {
	t.Helper()
	_, err := axe()
	if _, missing := exec.LookPath(program); missing != nil {
		err = missing
	}
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

// Media makes the page what it is on a medium ("screen", "print") and in a scheme of colours ("light", "dark").
func (b *Browser) Media(ctx context.Context, medium, scheme string) error {
	return b.try(ctx, "choose a medium", func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}))
	})
}
