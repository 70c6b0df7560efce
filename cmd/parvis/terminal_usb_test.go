package main

import (
	"strings"
	"testing"

	"parvis/internal/control"
	"parvis/kiosk"
)

// What the place offers is preset when a terminal is adopted, and its locked page says what its renderer can do with it.
func TestKeysArePresetAtAdoptionAndToldByRenderer(t *testing.T) {
	const none, reads, saves = "Ici, vous ne pouvez pas utiliser une clé USB.", "Ici, vous ne pouvez pas enregistrer sur une clé USB.", "Ici, vous pouvez utiliser une clé USB."
	no, yes, linux := false, true, kiosk.Linux
	for name, k := range map[string]struct {
		place string
		say   control.TerminalRequest
		usb   bool
		says  string
	}{
		"the place takes keys":           {"usb = true", control.TerminalRequest{}, true, reads},
		"on an ordinary machine":         {"usb = true", control.TerminalRequest{Renderer: &linux}, true, saves},
		"said otherwise at adoption":     {"usb = true", control.TerminalRequest{USB: &no}, false, none},
		"the place takes none":           {"", control.TerminalRequest{}, false, none},
		"the place takes none, whatever": {"", control.TerminalRequest{USB: &yes}, true, none},
	} {
		t.Run(name, func(t *testing.T) {
			p := withTerminals(t, k.place)
			g := p.plug("un")
			p.homepage(g, "ABCD1234")
			k.say.Do, k.say.Which = control.TerminalAdopt, g.MAC.String()
			a, err := p.client.Terminal(ctx(t), k.say)
			if err != nil || a.USB != k.usb {
				t.Errorf("adopted with keys: %v (%v), want %v", a.USB, err, k.usb)
			}
			if _, page := p.get(g, kioskP); !strings.Contains(page, k.says) {
				t.Errorf("the page does not say %q:\n%s", k.says, page)
			}
		})
	}
}
