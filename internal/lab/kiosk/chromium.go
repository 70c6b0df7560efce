package kiosk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"

	"parvis/internal/lab"
)

// display is the terminal's screen. Chromium prints on no printer without one.
const display = ":9"

// screen starts an X server without a screen, which only its own machine reaches: its socket is an abstract one.
func screen(ctx context.Context, g *lab.Guest, run func(*exec.Cmd) error) error {
	if err := run(exec.Command("Xvfb", display, "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-nolisten", "unix", "-nolock")); err != nil {
		return err
	}
	return poll(ctx, attempt, func(ctx context.Context) error {
		c, err := g.NS.Dial(ctx, "unix", "@/tmp/.X11-unix/X"+strings.TrimPrefix(display, ":"))
		if err != nil {
			return errNotYet
		}
		return c.Close()
	})
}

// devtools is a conversation in Chromium's own protocol, over the pipe that it inherits.
type devtools struct {
	process *lab.Process
	pipe    io.Closer
	root    context.Context
	cancel  context.CancelFunc

	attached map[string]context.Context // tabs
}

func (b *Browser) chromium(ctx context.Context, g *lab.Guest, home string, s start, run func(*exec.Cmd) error) (driver, error) {
	if err := trust(ctx, filepath.Join(home, ".pki", "nssdb"), s.caFile); err != nil {
		return nil, err
	}
	if err := screen(ctx, g, run); err != nil {
		return nil, err
	}
	args := []string{
		"--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb",
		"--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync", "--disable-background-networking",
		"--disable-component-update", "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--no-pings", "--disable-breakpad",
		"--disable-auto-reload", // of a page that did not come, into the middle of the next one
		"--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Translate,MediaRouter,OptimizationHints",
		"--accept-lang=fr-FR,fr", "--lang=fr", "--window-size=1280,800", "--window-position=0,0", "--user-data-dir=" + filepath.Join(home, "profile"),
	}
	if s.proxy != "" {
		args = append(args, "--proxy-server=http://"+s.proxy, "--proxy-bypass-list="+strings.Join(s.direct, ";"))
	}
	if s.popups {
		args = append(args, "--disable-popup-blocking")
	}
	if s.printer != "" { // in the place of the hand that presses the dialogue's button
		args = append(args, "--kiosk-printing")
	}
	// Chromium reads commands from descriptor 3 and answers on descriptor 4.
	commandsOut, commandsIn, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	answersOut, answersIn, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("kiosk: %w", err), commandsOut.Close(), commandsIn.Close())
	}
	cmd := exec.Command("chromium", append(args, s.homepage)...)
	cmd.ExtraFiles = []*os.File{commandsOut, answersIn}
	err = run(cmd)
	err = errors.Join(err, commandsOut.Close(), answersIn.Close())
	if err != nil {
		return nil, errors.Join(err, commandsIn.Close(), answersOut.Close())
	}
	conn := chromedp.NewPipeConn(answersOut, commandsIn)
	d := &devtools{process: b.processes[len(b.processes)-1], pipe: conn, attached: map[string]context.Context{}}
	allocator, _ := chromedp.NewAllocatorContext(context.Background(), running{conn})
	d.root, d.cancel = chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {})) // of events while it attaches: verbs have errors
	return d, d.lasting(ctx, d.root, func() error {
		_, err := chromedp.Targets(d.root)
		return err
	})
}

// running is the browser that already runs behind conn, for chromedp.
type running struct{ conn *chromedp.PipeConn }

func (r running) Allocate(ctx context.Context, opts ...chromedp.BrowserOption) (*chromedp.Browser, error) {
	return chromedp.NewBrowserTransport(ctx, r.conn, opts...)
}

func (running) Attaches() bool { return true } // the process is ours to end

func (running) Wait() {}

// lasting runs f, which starts what lives as long as of and not as long as ctx.
func (d *devtools) lasting(ctx, of context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return d.within(ctx, of, func(ctx context.Context) error {
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// within runs f with a chromedp context that also ends with ctx; once the browser has gone its error is errEnded.
func (d *devtools) within(ctx, of context.Context, f func(context.Context) error) error {
	of, cancel := context.WithCancel(of)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	err := f(of)
	if err == nil {
		return nil
	}
	select {
	case <-d.process.Done():
		return fmt.Errorf("%w: %w", errEnded, err)
	default:
		return fmt.Errorf("kiosk: chromium: %w", errors.Join(err, ctx.Err()))
	}
}
