package browser_test

import (
	"context"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/lab"
	"parvis/internal/lab/browser"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

// window returns a browser on a device of a town without a firewall.
func window(t *testing.T) *browser.Browser {
	t.Helper()
	lab.NeedsLab(t)
	dir := t.TempDir()
	town, err := lab.NewTown(dir, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	if err := town.PlainRouter(ctx, ""); err != nil {
		t.Fatal(err)
	}
	g, err := town.AddGuest(lab.GuestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.DHCP(ctx); err != nil {
		t.Fatal(err)
	}
	b, err := browser.Start(ctx, g, town.CAFile(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// One browser serves all: it is what takes the time.
func TestChromium(t *testing.T) {
	b := window(t)
	for name, test := range map[string]func(*testing.T, *browser.Browser){
		"shows pages of the lab":                     showsPages,
		"click follows the visible text":             clickFollows,
		"unknown name is an error":                   unknownName,
		"screenshot has the size that was asked for": screenshotSize,
	} {
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
}

func showsPages(t *testing.T, b *browser.Browser) {
	for _, url := range []string{"http://www.service-public.lab.test/", "https://www.service-public.lab.test/"} {
		if err := b.Open(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		if err := b.See(t.Context(), "Le service public", "Vos papiers"); err != nil {
			t.Error(err)
		}
		if got, err := b.URL(t.Context()); err != nil || got != url {
			t.Errorf("at %s, %v; want %s", got, err, url)
		}
		if got, err := b.Title(t.Context()); err != nil || got != "Le service public" {
			t.Errorf("title %q, %v", got, err)
		}
	}
}

func clickFollows(t *testing.T, b *browser.Browser) {
	if err := b.Open(t.Context(), "http://essais.lab.test/liens"); err != nil {
		t.Fatal(err)
	}
	if err := b.Click(t.Context(), "Ouvrir  maintenant"); err != nil {
		t.Fatal(err)
	}
	if err := b.See(t.Context(), "Vous avez ouvert : oui"); err != nil {
		t.Error(err)
	}
	err := b.Click(t.Context(), "Fermer")
	if err == nil || !strings.Contains(err.Error(), "Vous avez ouvert : oui") {
		t.Errorf("error %v does not say what is on the page", err)
	}
}

func unknownName(t *testing.T, b *browser.Browser) {
	err := b.Open(t.Context(), "http://absent.lab.test/")
	if err == nil || !strings.Contains(err.Error(), "ERR_NAME_NOT_RESOLVED") {
		t.Errorf("%v, want ERR_NAME_NOT_RESOLVED", err)
	}
}

func screenshotSize(t *testing.T, b *browser.Browser) {
	if err := b.Open(t.Context(), "http://www.caf.lab.test/"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "caf.png")
	if err := b.Screenshot(t.Context(), file, 320, 640); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := png.DecodeConfig(f)
	if err != nil || c.Width != 320 || c.Height != 640 {
		t.Errorf("%d × %d, %v; want 320 × 640", c.Width, c.Height, err)
	}
}
