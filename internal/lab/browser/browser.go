// Package browser drives the real Chromium as a device of the lab: in its network namespace, with its resolver, trusting the
// lab's CA through the NSS database that Chromium reads for its user.
//
// Chromium is spoken to over the pipe that it inherits (--remote-debugging-pipe), so nothing of the control is seen on
// any of the lab's networks.
package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"parvis/internal/lab"
)

const (
	program = "chromium"
	// patience bounds each verb: two shared cores render a page in well under a second.
	patience = 20 * time.Second
)

// Browser is one window of one device.
type Browser struct {
	process *lab.Process
	ctx     context.Context
	cancel  context.CancelFunc
	conn    io.Closer
	mute    bool // pages run no scripts
}

// Start opens a browser on the device. Its profile is a folder of dir, made anew.
func Start(ctx context.Context, g *lab.Guest, caFile, dir string) (*Browser, error) {
	return launch(ctx, g.NS.Spawn, caFile, dir)
}

// Here opens a browser on this machine itself, in its network and without the lab, for pages that a test serves on the
// loopback. Its profile is a folder of dir, made anew.
func Here(ctx context.Context, dir string) (*Browser, error) {
	return launch(ctx, lab.Spawn, "", dir)
}

func launch(ctx context.Context, spawn func(*exec.Cmd) (*lab.Process, error), caFile, dir string) (*Browser, error) {
	home, err := os.MkdirTemp(dir, "chromium-")
	if err != nil {
		return nil, fmt.Errorf("browser: make profile: %w", err)
	}
	if caFile != "" {
		if err := trust(ctx, home, caFile); err != nil {
			return nil, err
		}
	}
	// Chromium reads commands from descriptor 3 and answers on descriptor 4.
	commandsOut, commandsIn, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	answersOut, answersIn, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	cmd := exec.Command(program, flags(home)...)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home, "LANGUAGE=fr")
	cmd.ExtraFiles = []*os.File{commandsOut, answersIn}
	p, err := spawn(cmd)
	commandsOut.Close()
	answersIn.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("browser: %w", err), commandsIn.Close(), answersOut.Close())
	}
	conn := chromedp.NewPipeConn(answersOut, commandsIn)
	b := &Browser{process: p, conn: conn}
	allocator, _ := chromedp.NewAllocatorContext(context.Background(), running{conn})
	b.ctx, b.cancel = chromedp.NewContext(allocator)
	if err := b.try(ctx, "start", func(context.Context) error { return chromedp.Do(b.ctx) }); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, p.Log()), b.Close())
	}
	return b, nil
}

// running is the browser that already runs behind conn, for chromedp.
type running struct{ conn *chromedp.PipeConn }

func (r running) Allocate(ctx context.Context, opts ...chromedp.BrowserOption) (*chromedp.Browser, error) {
	return chromedp.NewBrowserTransport(ctx, r.conn, opts...)
}

func (running) Attaches() bool { return true } // the process is ours to end

func (running) Wait() {}

func flags(home string) []string {
	return []string{
		"--headless", "--remote-debugging-pipe", "--user-data-dir=" + filepath.Join(home, "profile"),
		"--no-sandbox", // root has none
		"--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb",
		"--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync",
		// What it asks the internet of itself would be mixed with what the resident asks.
		"--disable-background-networking", "--disable-component-update", "--disable-domain-reliability",
		"--disable-client-side-phishing-detection", "--no-pings", "--disable-breakpad",
		"--disable-auto-reload", // of a page that did not come, into the middle of the next one
		// The lab's internet speaks no QUIC, and typed http:// addresses stay http, as a captive browser's do.
		"--disable-quic", "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Translate,MediaRouter,OptimizationHints",
		"--accept-lang=fr-FR,fr", "--lang=fr", "--window-size=360,740",
		"about:blank",
	}
}

// trust makes the NSS database of a home that trusts the lab's CA for servers.
func trust(ctx context.Context, home, caFile string) error {
	db := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(db, 0o700); err != nil {
		return fmt.Errorf("browser: make NSS database: %w", err)
	}
	for _, args := range [][]string{
		{"-N", "--empty-password"},
		{"-A", "-n", "lab", "-t", "C,,", "-i", caFile},
	} {
		cmd := exec.CommandContext(ctx, "certutil", append([]string{"-d", "sql:" + db}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("browser: certutil %s: %w: %s", args[0], err, out)
		}
	}
	return nil
}

// Open goes to a URL and waits until the page has loaded.
func (b *Browser) Open(ctx context.Context, url string) error {
	return b.try(ctx, "open "+url, func(ctx context.Context) error { return Navigate(ctx, url) })
}

// Navigate goes to a URL, and once more where Chromium gave up because the machine had just got another address: it says so itself and offers
// to load the page again, which people do.
func Navigate(ctx context.Context, url string) (err error) {
	for range 5 {
		if err = chromedp.Do(ctx, chromedp.Navigate(url)); err == nil || !strings.Contains(err.Error(), "ERR_NETWORK_CHANGED") {
			return err
		}
	}
	return err
}

// Text returns what the page says to a reader.
func (b *Browser) Text(ctx context.Context) (string, error) {
	return b.ask(ctx, "read the page", `document.body ? document.body.innerText : ""`)
}

// Title returns the page's title.
func (b *Browser) Title(ctx context.Context) (string, error) {
	return b.ask(ctx, "read the title", `document.title`)
}

// URL returns where the window is.
func (b *Browser) URL(ctx context.Context) (string, error) {
	return b.ask(ctx, "read the address", `location.href`)
}

// See waits until the page says every one of the sentences; it fails with what the page says instead.
func (b *Browser) See(ctx context.Context, sentences ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := b.Text(ctx)
		missing := ""
		for _, s := range sentences {
			if !strings.Contains(flat(text), flat(s)) {
				missing = s
				break
			}
		}
		if err == nil && missing == "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("browser: look for « %s »: %w: %s", missing, ctx.Err(), b.page())
		}
	}
}

// Click presses the button or link with exactly this visible text, and waits for the page that follows.
func (b *Browser) Click(ctx context.Context, label string) error {
	return b.try(ctx, "click « "+label+" »", func(ctx context.Context) error {
		const mark = "data-lab-click"
		found, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(`(() => {
			const flat = s => (s || "").replace(/\s+/g, " ").trim();
			document.querySelectorAll("[%[1]s]").forEach(e => e.removeAttribute("%[1]s"));
			for (const e of document.querySelectorAll("button, a[href], input[type=submit]"))
				if (flat(e.innerText || e.value) === %[2]q && e.getClientRects().length) {
					e.setAttribute("%[1]s", "");
					return true;
				}
			return false;
		})()`, mark, flat(label))))
		if err != nil {
			return err
		}
		if !found {
			return errors.New("no such button or link")
		}
		_, err = chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS("["+mark+"]")))
		return err
	})
}

// Screenshot writes the window as a PNG, as a screen of width × height CSS pixels shows it.
func (b *Browser) Screenshot(ctx context.Context, file string, width, height int64) error {
	return b.try(ctx, "screenshot", func(ctx context.Context) error {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height)); err != nil {
			return err
		}
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			return err
		}
		return os.WriteFile(file, png, 0o644)
	})
}

// Whole writes the page from its top to its end as a PNG, as wide as the window is.
func (b *Browser) Whole(ctx context.Context, file string) error {
	return b.try(ctx, "screenshot of the whole page", func(ctx context.Context) error {
		png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			return err
		}
		return os.WriteFile(file, png, 0o644)
	})
}

// Fill writes a text into the field with this id, in the place of what it holds.
func (b *Browser) Fill(ctx context.Context, id, text string) error {
	return b.try(ctx, "fill "+id, func(ctx context.Context) error {
		found, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(
			`(() => { const e = document.getElementById(%q); if (!e) return false; e.value = %q; return true; })()`, id, text)))
		if err == nil && !found {
			err = errors.New("no such field")
		}
		return err
	})
}

// Close ends the browser. With its pipe closed Chromium leaves by itself and takes its temporary files along; what has
// not left in time is killed.
func (b *Browser) Close() error {
	b.cancel()
	err := b.conn.Close()
	select {
	case <-b.process.Done():
	case <-time.After(5 * time.Second):
	}
	return errors.Join(err, b.process.Kill())
}

func (b *Browser) ask(ctx context.Context, what, script string) (s string, err error) {
	return s, b.try(ctx, what, func(ctx context.Context) error {
		s, err = chromedp.Run(ctx, chromedp.Evaluate[string](script))
		return err
	})
}

// try runs one verb in the window, bounded by ctx and patience. Its error says what was on the page.
func (b *Browser) try(ctx context.Context, what string, verb func(context.Context) error) error {
	window, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	stop := context.AfterFunc(ctx, cancel)
	defer stop()
	err := verb(window)
	if err == nil {
		return nil
	}
	return fmt.Errorf("browser: %s: %w: %s", what, err, b.page())
}

// page tells what is on the page, for errors.
func (b *Browser) page() string {
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string](
		`location.href + " « " + document.title + " »\n" + (document.body ? document.body.innerText : "").slice(0, 2000)`))
	if err != nil {
		return "the page cannot be read: " + err.Error()
	}
	return "on the page: " + s
}

// flat makes one line of what a browser breaks over several; French punctuation's thin spaces count as spaces.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }
