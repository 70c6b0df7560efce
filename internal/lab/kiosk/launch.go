package kiosk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"parvis/internal/lab"
)

// Kind is which browser.
type Kind string

// The browsers that a terminal may have.
const (
	Firefox  Kind = "firefox"
	Chromium Kind = "chrome" // as Porteus Kiosk calls it
)

// launch starts a browser with a profile that has nothing of anybody's.
func launch(ctx context.Context, g *lab.Guest, kind Kind, s start) (_ *Browser, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	home, err := os.MkdirTemp(s.dir, "guest-")
	if err != nil {
		return nil, fmt.Errorf("kiosk: make profile: %w", err)
	}
	b := &Browser{Kind: kind}
	defer func() {
		if err != nil {
			var logs strings.Builder
			for _, p := range b.processes {
				logs.WriteString(p.Log())
			}
			err = errors.Join(fmt.Errorf("%w\n%s", err, logs.String()), b.Close())
		}
	}()
	run := func(cmd *exec.Cmd) error {
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home, "LANGUAGE=fr", "DISPLAY="+display,
			"CUPS_SERVER="+cupsAddress,
			"MOZ_HEADLESS=1", "MOZ_CRASHREPORTER_DISABLE=1", "MOZ_DISABLE_CONTENT_SANDBOX=1") // root has no sandbox
		p, err := g.NS.Spawn(cmd)
		if err == nil {
			b.processes = append(b.processes, p)
		}
		return err
	}
	if kind == Firefox {
		b.drive, err = firefox(ctx, g, home, s, run)
	} else {
		b.drive, err = b.chromium(ctx, g, home, s, run)
	}
	if err != nil {
		return nil, err
	}
	return b, b.Look(ctx, s.homepage)
}

// trust makes an NSS database that trusts the lab's CA for servers.
func trust(ctx context.Context, db, caFile string) error {
	if err := os.MkdirAll(db, 0o700); err != nil {
		return fmt.Errorf("kiosk: make NSS database: %w", err)
	}
	for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-n", "lab", "-t", "C,,", "-i", caFile}} {
		cmd := exec.CommandContext(ctx, "certutil", append([]string{"-d", "sql:" + db}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("kiosk: certutil %s: %w: %s", args[0], err, out)
		}
	}
	return nil
}
