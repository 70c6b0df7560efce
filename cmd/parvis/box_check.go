package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"parvis/hw/printer"
	"parvis/internal/config"
)

// boxProblems is what `parvis check` says of [hw], below a root: LEDs, a timer and a printer that are not there. They may be plugged in later, so
// they are warnings. Nothing is opened: a timer would run from then on.
func boxProblems(cfg *config.Config, root string) (all []config.Problem) {
	add := func(key string, what, expected, do config.Message) {
		all = append(all, cfg.Problem(key, config.Warning, what, expected, do))
	}
	var here []string
	if entries, err := os.ReadDir(filepath.Join(root, "sys/class/leds")); err == nil {
		for _, e := range entries {
			here = append(here, e.Name())
		}
	}
	there := config.Say("this machine has no LED", "cette machine n'a pas de voyant")
	if len(here) > 0 {
		there = config.Say("one of %s", "l'un de %s", strings.Join(here[:min(len(here), 20)], ", "))
	}
	for i, r := range cfg.HW.LEDs {
		if !slices.Contains(here, r.LED) {
			add("hw.leds."+strconv.Itoa(i), config.Say("hw.leds: there is no LED %q here", "hw.leds : il n'y a pas de voyant %q ici", r.LED),
				there, config.Say("see: ls /sys/class/leds", "voyez : ls /sys/class/leds"))
		}
	}
	if path := cfg.HW.Watchdog; path != "" && !device(root, path) {
		add("hw.watchdog", config.Say("hw.watchdog: %s is not a device here", "hw.watchdog : %s n'est pas un périphérique ici", path),
			config.Say("the timer of the board, such as /dev/watchdog", "le minuteur de la carte, comme /dev/watchdog"),
			config.Say("load its module (softdog where there is no chip), or take the line out", "chargez son module (softdog sans puce), ou retirez la ligne"))
	}
	if path := cfg.HW.Printer; printer.USB(path) && !device(root, path) {
		add("hw.printer", config.Say("hw.printer: %s is not a device here", "hw.printer : %s n'est pas un périphérique ici", path),
			config.Say("a printer that is plugged in, as the module usblp shows it", "une imprimante branchée, telle que le module usblp la montre"),
			config.Say("plug it in, and see: ls /dev/usb", "branchez-la, puis voyez : ls /dev/usb"))
	}
	return all
}

func device(root, path string) bool {
	i, err := os.Stat(filepath.Join(root, path))
	return err == nil && i.Mode()&fs.ModeCharDevice != 0
}
