package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/config"
	"parvis/internal/lang"
)

func TestCheckSaysWhatOfTheBoxIsNotHere(t *testing.T) {
	src := strings.NewReplacer(`# leds = `, `leds = `, `# watchdog = `, `watchdog = `, `# printer = "192.168.1.30:9100"`, `printer = "/dev/usb/lp0"`).Replace(config.Reference(lang.EN))
	cfg, problems := config.Parse("parvis.toml", []byte(src))
	if cfg == nil {
		t.Fatal(problems)
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "sys/class/leds/green:status"), 0o755); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, p := range boxProblems(cfg, root) {
		if p.Severity != config.Warning || p.Line == 0 {
			t.Errorf("%+v", p)
		}
		said = append(said, p.In(lang.FR))
	}
	for i, want := range []string{`il n'y a pas de voyant "red:power" ici ; attendu : l'un de green:status`, "/dev/watchdog n'est pas un périphérique ici", "/dev/usb/lp0 n'est pas un périphérique ici"} {
		if len(said) != 3 || !strings.Contains(said[i], want) {
			t.Errorf("%q; expected %s", said, want)
		}
	}
	cfg.HW = config.HW{Printer: "192.168.1.30:9100", Watchdog: "/dev/null"}
	if ps := boxProblems(cfg, "/"); len(ps) != 0 {
		t.Errorf("%v", ps)
	}
}
