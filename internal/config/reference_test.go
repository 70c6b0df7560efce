package config_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/config"
	"parvis/internal/golden"
	"parvis/internal/lang"
)

func TestTheReferenceIsAConfigurationWithoutAProblem(t *testing.T) {
	for _, l := range []lang.Lang{lang.EN, lang.FR} {
		if cfg, ps := config.Parse("reference.toml", []byte(config.Reference(l))); cfg == nil || len(ps) > 0 {
			t.Errorf("%s: %s", l, say(ps, lang.EN))
		}
	}
}

var optional = regexp.MustCompile(`(?m)^# ([a-z0-9-]+ = )`)

func TestTheReferencesRemarksShowTheValuesThatHoldWithoutThem(t *testing.T) {
	for _, l := range []lang.Lang{lang.EN, lang.FR} {
		short, _ := config.Parse("r", []byte(config.Reference(l)))
		long, ps := config.Parse("r", []byte(optional.ReplaceAllString(config.Reference(l), "$1")))
		if long == nil || len(ps) > 0 {
			t.Fatal(say(ps, lang.EN))
		}
		// the line's page, the certificate and the Wi-Fi have no value that holds without them
		if long.WAN.Probe == "" || short.WAN.Probe != "" {
			t.Error("probe")
		}
		long.WAN.Probe = ""
		if long.WAN.Echo == nil || short.WAN.Echo != nil {
			t.Error("echo")
		}
		long.WAN.Echo = nil
		if long.Portal.Certificate == "" || short.Portal.Certificate != "" {
			t.Error("certificate")
		}
		long.Portal.Certificate, long.Portal.Key = "", ""
		// nor has the console, which is not there without its name
		if long.Staff.Name == "" || short.Staff.Name != "" || long.Staff.PKCE != short.Staff.PKCE || long.Staff.RoleClaim != short.Staff.RoleClaim {
			t.Errorf("staff: %+v, %+v", short.Staff, long.Staff)
		}
		long.Staff = short.Staff
		if long.Guests.SSID == "" || short.Guests.SSID != "" {
			t.Error("ssid")
		}
		long.Guests.SSID, long.Guests.PassphraseFile = "", ""
		// nor have the hours: without them the place is always open
		if len(long.Site.Hours.Week) == 0 || len(short.Site.Hours.Week) != 0 || long.Site.Hours.Zone.String() != short.Site.Hours.Zone.String() {
			t.Error("hours")
		}
		long.Site.Hours, long.Site.Holidays = short.Site.Hours, short.Site.Holidays
		// nor have terminals
		if !long.Terminals.There() || short.Terminals.There() {
			t.Error("terminals")
		}
		if profiles := long.Profiles[len(short.Profiles):]; len(profiles) != 1 || profiles[0].Name != long.Terminals.Profile || !profiles[0].Terminal {
			t.Errorf("terminals have no profile of their own: %+v", profiles)
		}
		long.Profiles = long.Profiles[:len(short.Profiles)]
		for _, free := range []*string{&long.Terminals.Interface, &long.Terminals.Profile, &long.Terminals.Printer, &long.Gate.Catalogue} {
			if *free == "" {
				t.Error("an example is missing")
			}
			*free = ""
		}
		long.Terminals.Address = short.Terminals.Address
		for i := range long.Profiles { // an empty list is none
			long.Profiles[i].Names = nil
		}
		long.Gate.Garden = nil
		// nor has who watches the place, but for the disk
		if !long.Monitor.Listen.IsValid() || short.Monitor.Listen.IsValid() || long.Monitor.SMTP == "" || short.Monitor.SMTP != "" || long.Monitor.Disk != short.Monitor.Disk {
			t.Errorf("monitor: %+v, %+v", short.Monitor, long.Monitor)
		}
		long.Monitor = short.Monitor
		// nor has the hub
		if long.Hub.URL == "" || long.Hub.Proxy == "" || long.Hub.CA == "" || short.Hub != (config.Hub{}) {
			t.Errorf("hub: %+v, %+v", short.Hub, long.Hub)
		}
		long.Hub = short.Hub
		// nor has the box, but for its limits
		if len(long.HW.LEDs) != 2 || len(long.HW.Buttons) != 2 || long.HW.ButtonDevice == "" || long.HW.Watchdog == "" || long.HW.Printer == "" {
			t.Errorf("hw: %+v", long.HW)
		}
		long.HW.LEDs, long.HW.Buttons, long.HW.ButtonDevice, long.HW.Watchdog, long.HW.Printer = nil, nil, "", "", ""
		if diff := cmp.Diff(short, long, values...); diff != "" {
			t.Errorf("%s (-defaults +shown)\n%s", l, diff)
		}
	}
}

func TestBothReferencesDifferInTheirRemarksAlone(t *testing.T) {
	settings := func(l lang.Lang) (lines []string) {
		for line := range strings.Lines(config.Reference(l)) {
			if !strings.HasPrefix(line, "# ") || optional.MatchString(line) {
				lines = append(lines, line)
			}
		}
		return lines
	}
	if diff := cmp.Diff(settings(lang.EN), settings(lang.FR)); diff != "" {
		t.Error(diff)
	}
}

func TestFillPutsValuesInAndKeepsTheRemarks(t *testing.T) {
	got := config.Fill(config.Reference(lang.FR), map[string]string{
		"wan.interface": `"wan"`, "guests.address": `"192.168.7.1/24"`, "guests.lease": `"45m"`, "profile.0.up": `"2mbit"`, "hub.nothing": `"x"`,
	})
	golden.Check(t, "filled.fr.golden", got)
	cfg, ps := config.Parse("parvis.toml", []byte(got))
	if cfg == nil || len(ps) > 0 {
		t.Fatal(say(ps, lang.EN))
	}
	if cfg.WAN.Interface != "wan" || cfg.Guests.Address.String() != "192.168.7.1/24" || cfg.Guests.Lease.String() != "45m0s" || cfg.Profiles[0].Up != 2_000_000 {
		t.Errorf("%+v", cfg)
	}
}
