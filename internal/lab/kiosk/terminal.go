// Package kiosk stands in for a fixed terminal that runs Porteus Kiosk: it fetches its configuration and reads it as one does
// (kiosk/porteus says how sure that is), and runs the real Firefox ESR or Chromium by it.
//
// It leaves out what a terminal does with its own disk and screen. Its browser is driven from outside in place of a person: Firefox
// by WebDriver BiDi on its own loopback, Chromium over its pipe, so that nothing of the control is seen on the lab's networks.
package kiosk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"parvis/internal/lab"
	"parvis/kiosk/porteus"
)

// Terminal is one machine.
type Terminal struct {
	Guest *lab.Guest
	PCID  string
	// Settings are those that the terminal has read for itself; nil before Boot.
	Settings map[string]string

	caFile, dir string
	preferences string
	browser     *Browser
	cups        *cups // nil: it prints nothing
}

// start is what a browser is started with.
type start struct {
	homepage, proxy, preferences string
	printer                      string   // its queue; "" none
	direct                       []string // hosts that are not asked for by the proxy
	popups                       bool
	caFile, dir                  string
}

// New plugs a terminal in and lets it ask for an address.
func New(ctx context.Context, t *lab.Town, name, pcid string) (*Terminal, error) {
	g, err := t.AddGuest(lab.GuestOptions{Name: name, Post: true})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := g.DHCP(ctx); err != nil {
		return nil, err
	}
	dir := filepath.Join(t.Dir, "kiosk-"+name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	return &Terminal{Guest: g, PCID: pcid, caFile: t.CAFile(), dir: dir}, nil
}

// tries of a terminal at a file that does not answer, two seconds apart.
const tries = 14

// Boot fetches the configuration at its address: HEAD until it answers, then GET; and reads it. A file that does not name
// kiosk_config is not taken (kiosk.md, 1.1).
func (t *Terminal) Boot(ctx context.Context, address string) error {
	var err error
	for range tries {
		if _, err = t.fetch(ctx, http.MethodHead, address); err == nil {
			break
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err != nil {
		return err
	}
	file, err := t.fetch(ctx, http.MethodGet, address)
	if err != nil {
		return err
	}
	settings := porteus.For(file, t.PCID)
	if settings["kiosk_config"] == "" {
		return errors.New("kiosk: the configuration has no kiosk_config and is not taken")
	}
	t.Settings = settings
	if at := settings["browser_preferences"]; at != "" {
		prefs, err := t.fetch(ctx, http.MethodGet, at)
		if err != nil {
			return err
		}
		t.preferences = string(prefs)
	}
	return nil
}

// fetch asks as wget does; a redirection is followed, any other answer than 200 refused.
func (t *Terminal) fetch(ctx context.Context, method, address string) ([]byte, error) {
	client := t.Guest.Client()
	client.CheckRedirect = nil
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	req.Header.Set("User-Agent", "Wget/1.21")
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("kiosk: %s %s: %w", method, address, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("kiosk: %s %s: %s", method, address, resp.Status), err)
	}
	return body, nil
}

// Homepage is the address that the browser opens first, with what homepage_append adds.
func (t *Terminal) Homepage() string {
	page, _, _ := strings.Cut(t.Settings["homepage"], "|")
	switch t.Settings["homepage_append"] {
	case "pcid":
		page += "?kiosk=" + t.PCID
	case "mac":
		page += "?kiosk=" + strings.ToUpper(strings.ReplaceAll(t.Guest.MAC.String(), ":", ""))
	}
	return page
}

// Start starts the browser that kind says, "" for the configuration's, on the homepage. One that runs is killed: every start
// is a clean one, as the terminal's own loop makes it. session_idle is left out: it counts minutes without a hand on the mouse.
func (t *Terminal) Start(ctx context.Context, kind Kind) (*Browser, error) {
	if err := t.Kill(); err != nil {
		return nil, err
	}
	if kind == "" {
		kind = Kind(t.Settings["browser"])
	}
	page := t.Homepage()
	if _, err := t.fetch(ctx, http.MethodHead, page); t.Settings["homepage_check"] != "" && err != nil {
		return nil, err
	}
	if err := t.print(ctx); err != nil {
		return nil, err
	}
	printer := ""
	if t.cups != nil {
		printer = queue
	}
	b, err := launch(ctx, t.Guest, kind, start{
		homepage: page, proxy: t.Settings["proxy"], direct: strings.Fields(t.Settings["proxy_exceptions"]),
		preferences: t.preferences, printer: printer, popups: t.Settings["allow_popup_windows"] == "yes", caFile: t.caFile, dir: t.dir,
	})
	t.browser = b
	return b, err
}

// Close switches the machine off.
func (t *Terminal) Close() error { return errors.Join(t.Kill(), t.cups.close()) }

// Kill ends the browser, as the terminal's killall does; nothing when none runs.
func (t *Terminal) Kill() error {
	if t.browser == nil {
		return nil
	}
	b := t.browser
	t.browser = nil
	return b.Close()
}
