package kiosk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"parvis/internal/lab"
)

// Firefox is spoken to on the terminal's own loopback.
const (
	bidiAddress = "127.0.0.1:9222"
	origin      = "http://127.0.0.1:9222"
)

// firefox starts it with the settings that Porteus Kiosk derives from its configuration, and with what keeps it from asking
// the internet of itself.
func firefox(ctx context.Context, g *lab.Guest, home string, s start, run func(*exec.Cmd) error) (driver, error) {
	profile := filepath.Join(home, "profile")
	if err := os.MkdirAll(profile, 0o700); err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	prefs := map[string]any{
		"browser.shell.checkDefaultBrowser": false, "datareporting.policy.dataSubmissionEnabled": false, "toolkit.telemetry.enabled": false,
		"app.update.enabled": false, "extensions.update.enabled": false, "browser.safebrowsing.malware.enabled": false,
		"browser.safebrowsing.phishing.enabled": false, "network.captive-portal-service.enabled": false,
		"network.connectivity-service.enabled": false, "app.normandy.enabled": false, "services.settings.server": "",
		"browser.aboutwelcome.enabled": false, "browser.startup.homepage_override.mstone": "ignore", "browser.region.network.url": "",
		"browser.newtabpage.activity-stream.feeds.section.topstories": false, "extensions.getAddons.cache.enabled": false,
		"termsofuse.bypassNotification": true, "browser.privatebrowsing.autostart": true, "intl.accept_languages": "fr-FR, fr",
		"dom.security.https_first": false, "dom.security.https_only_mode": false, "dom.disable_open_during_load": !s.popups,
	}
	if s.printer != "" { // in the place of the hand that presses the dialogue's button
		prefs["print.always_print_silent"], prefs["print_printer"] = true, s.printer
	}
	if s.proxy != "" {
		host, port, err := net.SplitHostPort(s.proxy)
		if err != nil {
			return nil, fmt.Errorf("kiosk: read proxy: %w", err)
		}
		prefs["network.proxy.type"] = 1
		for _, p := range []string{"http", "ssl"} {
			prefs["network.proxy."+p] = host
			prefs["network.proxy."+p+"_port"] = json.Number(port)
		}
		prefs["network.proxy.no_proxies_on"] = strings.Join(s.direct, ",")
		prefs["network.proxy.failover_direct"] = false
	}
	var js bytes.Buffer
	for name, v := range prefs {
		value, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("kiosk: %w", err)
		}
		fmt.Fprintf(&js, "user_pref(%q, %s);\n", name, value)
	}
	js.WriteString(s.preferences) // last, as on a terminal
	if err := os.WriteFile(filepath.Join(profile, "user.js"), js.Bytes(), 0o600); err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	if err := trust(ctx, profile, s.caFile); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(bidiAddress)
	if err := run(exec.Command("firefox-esr", "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", port,
		"--remote-allow-origins", origin, s.homepage)); err != nil {
		return nil, err
	}
	b, err := converse(ctx, g, "ws://"+bidiAddress+"/session")
	if err != nil {
		return nil, err
	}
	return b, b.call(ctx, "session.new", map[string]any{"capabilities": map[string]any{}}, nil)
}

// converse connects to the browser once it listens.
func converse(ctx context.Context, g *lab.Guest, address string) (b *bidi, err error) {
	at, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	return b, poll(ctx, patience, func(ctx context.Context) error {
		conn, err := g.NS.Dial(ctx, "tcp", at.Host)
		if err != nil {
			return errNotYet
		}
		b, err = speak(conn, address)
		return errors.Join(err, closeUnless(err == nil, conn))
	})
}

func closeUnless(used bool, c io.Closer) error {
	if used {
		return nil
	}
	return c.Close()
}
