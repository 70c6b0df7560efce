package policies_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"parvis/internal/golden"
	"parvis/kiosk/policies"
)

func place() policies.Settings {
	return policies.Settings{Address: netip.MustParseAddr("10.20.0.1"), PortalName: "wifi.commune.fr"}
}

func TestGolden(t *testing.T) {
	all := place()
	all.Prints, all.USB = true, true
	for name, s := range map[string]policies.Settings{"least": place(), "all": all} {
		for browser, write := range map[string]func(policies.Settings) ([]byte, error){"firefox": policies.Firefox, "chromium": policies.Chromium} {
			b, err := write(s)
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(b) {
				t.Errorf("%s is no JSON", browser)
			}
			golden.Check(t, browser+"."+name+".json", string(b))
		}
	}
}

func TestWithoutAnAddressThereAreNone(t *testing.T) {
	for name, spoil := range map[string]func(*policies.Settings){
		"no address": func(s *policies.Settings) { s.Address = netip.Addr{} },
		"IPv6":       func(s *policies.Settings) { s.Address = netip.MustParseAddr("fd00::1") },
		"no name":    func(s *policies.Settings) { s.PortalName = "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := place()
			spoil(&s)
			if b, err := policies.Firefox(s); err == nil || b != nil {
				t.Error("Firefox has some")
			}
			if b, err := policies.Chromium(s); err == nil || b != nil {
				t.Error("Chromium has some")
			}
		})
	}
}
