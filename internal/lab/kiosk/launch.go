package kiosk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
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

// Both listen on the terminal's own loopback.
const (
	bidiAddress   = "127.0.0.1:9222"
	driverAddress = "127.0.0.1:9515"
	origin        = "http://127.0.0.1:9222"
)

// launch starts a browser with a profile that has nothing of anybody's.
func launch(ctx context.Context, g *lab.Guest, kind Kind, s start) (_ *Browser, err error) {
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
	run := func(args ...string) error {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home, "LANGUAGE=fr",
			"MOZ_HEADLESS=1", "MOZ_CRASHREPORTER_DISABLE=1", "MOZ_DISABLE_CONTENT_SANDBOX=1") // root has no sandbox
		p, err := g.NS.Spawn(cmd)
		if err == nil {
			b.processes = append(b.processes, p)
		}
		return err
	}
	at := "ws://" + bidiAddress + "/session"
	if kind == Firefox {
		err = firefox(ctx, home, s, run)
	} else {
		at, err = chromium(ctx, g, home, s, run)
	}
	if err != nil {
		return nil, err
	}
	if b.talk, err = converse(ctx, g, at); err != nil {
		return nil, err
	}
	if kind == Firefox {
		if err := b.try(ctx, "session.new", map[string]any{"capabilities": map[string]any{}}, nil); err != nil {
			return nil, err
		}
	}
	if kind == Chromium { // its driver takes the tab that it starts with away from the homepage
		if err := b.Look(ctx, ""); err != nil {
			return nil, err
		}
		return b, b.Open(ctx, s.homepage)
	}
	return b, b.Look(ctx, s.homepage)
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

// firefox starts it with the settings that Porteus Kiosk derives from its configuration, and with what keeps it from asking
// the internet of itself.
func firefox(ctx context.Context, home string, s start, run func(...string) error) error {
	profile := filepath.Join(home, "profile")
	if err := os.MkdirAll(profile, 0o700); err != nil {
		return fmt.Errorf("kiosk: %w", err)
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
	if s.proxy != "" {
		host, port, err := net.SplitHostPort(s.proxy)
		if err != nil {
			return fmt.Errorf("kiosk: read proxy: %w", err)
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
			return fmt.Errorf("kiosk: %w", err)
		}
		fmt.Fprintf(&js, "user_pref(%q, %s);\n", name, value)
	}
	js.WriteString(s.preferences) // last, as on a terminal
	if err := os.WriteFile(filepath.Join(profile, "user.js"), js.Bytes(), 0o600); err != nil {
		return fmt.Errorf("kiosk: %w", err)
	}
	if err := trust(ctx, profile, s.caFile); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(bidiAddress)
	return run("firefox-esr", "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", port,
		"--remote-allow-origins", origin, s.homepage)
}

// chromium starts it by its driver, which speaks BiDi for it.
func chromium(ctx context.Context, g *lab.Guest, home string, s start, run func(...string) error) (address string, err error) {
	if err := trust(ctx, filepath.Join(home, ".pki", "nssdb"), s.caFile); err != nil {
		return "", err
	}
	_, port, _ := net.SplitHostPort(driverAddress)
	if err := run("chromedriver", "--port="+port); err != nil {
		return "", err
	}
	args := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb",
		"--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync", "--disable-background-networking",
		"--disable-component-update", "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--no-pings",
		"--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Translate,MediaRouter,OptimizationHints",
		"--accept-lang=fr-FR,fr", "--lang=fr", "--window-size=1280,800", "--user-data-dir=" + filepath.Join(home, "profile"),
	}
	if s.proxy != "" {
		args = append(args, "--proxy-server=http://"+s.proxy, "--proxy-bypass-list="+strings.Join(s.direct, ";"))
	}
	if s.popups {
		args = append(args, "--disable-popup-blocking")
	}
	body, err := json.Marshal(map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"webSocketUrl": true, "goog:chromeOptions": map[string]any{"args": args},
	}}})
	if err != nil {
		return "", fmt.Errorf("kiosk: %w", err)
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DialContext: g.NS.Dial, DisableKeepAlives: true}}
	err = poll(ctx, patience, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+driverAddress+"/session", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			if errors.As(err, new(*net.OpError)) {
				return errNotYet // it does not listen yet
			}
			return err
		}
		defer resp.Body.Close()
		var made struct {
			Value struct {
				Capabilities struct{ WebSocketURL string }
				Message      string
			}
		}
		if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
			return fmt.Errorf("kiosk: start Chromium: %s: %w", resp.Status, err)
		}
		if address = made.Value.Capabilities.WebSocketURL; address == "" {
			return fmt.Errorf("kiosk: start Chromium: %s", made.Value.Message)
		}
		return nil
	})
	return address, err
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
