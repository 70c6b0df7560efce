package led

import (
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"parvis/hw"
)

// fake is an LED as drivers/leds/led-class.c and its triggers behave, and refuses what they refuse. The hardware lab has a real one.
type fake struct {
	triggers   []string
	trigger    string
	brightness int
	most       int
	settings   map[string]string // of the trigger
	gone       bool
	writes     int
}

var ofTrigger = map[string]map[string]string{
	"timer":  {"delay_on": "500", "delay_off": "500"},
	"netdev": {"device_name": "", "link": "0", "rx": "0", "tx": "0"},
}

func (f *fake) names() ([]string, error) {
	if f.gone {
		return nil, fs.ErrNotExist
	}
	return append([]string{"brightness", "trigger"}, slices.Collect(maps.Keys(f.settings))...), nil
}

func (f *fake) read(name string) (string, error) {
	switch v, ok := f.settings[name]; {
	case f.gone:
		return "", fs.ErrNotExist
	case name == "trigger":
		var all []string
		for _, t := range f.triggers {
			if t == f.trigger {
				t = "[" + t + "]"
			}
			all = append(all, t)
		}
		return strings.Join(all, " "), nil
	case name == "brightness":
		return strconv.Itoa(f.brightness), nil
	case name == "max_brightness":
		return strconv.Itoa(f.most), nil
	case ok:
		return v, nil
	}
	return "", fs.ErrNotExist
}

func (f *fake) write(name, value string) error {
	if f.gone {
		return fs.ErrNotExist
	}
	f.writes++
	switch _, ok := f.settings[name]; {
	case name == "trigger":
		if !slices.Contains(f.triggers, value) {
			return fs.ErrInvalid
		}
		f.trigger, f.settings = value, maps.Clone(ofTrigger[value])
	case name == "brightness":
		n, err := strconv.Atoi(value)
		if err != nil {
			return err
		}
		f.brightness = min(n, f.most)
		if n == 0 && f.trigger != "none" {
			f.trigger, f.settings = "none", nil // led_brightness_set: 0 takes the trigger away
		}
	case ok:
		f.settings[name] = value
	default:
		return fs.ErrNotExist
	}
	return nil
}

func panel(t *testing.T, leds map[string]*fake, rules ...Rule) *Panel {
	p := New("", rules, filepath.Join(t.TempDir(), "leds.json"), slog.New(slog.DiscardHandler))
	p.leds = func(name string) files {
		if l := leds[name]; l != nil {
			return l
		}
		return &fake{gone: true}
	}
	return p
}

func plain() *fake {
	return &fake{triggers: []string{"none", "timer", "netdev", "default-on"}, trigger: "none", most: 255}
}

func these(all ...Meaning) func(Meaning) bool {
	return func(m Meaning) bool { return slices.Contains(all, m) }
}

func TestAnLEDSaysTheFirstOfItsRulesThatHolds(t *testing.T) {
	rules := []Rule{{Fault, "a", true}, {Open, "a", false}, {Guests, "b", false}}
	for about, tc := range map[string]struct {
		holds []Meaning
		a, b  string // trigger and brightness
	}{
		"nothing":          {nil, "none 0", "none 0"},
		"open":             {[]Meaning{Open}, "none 255", "none 0"},
		"a fault is first": {[]Meaning{Open, Fault, Guests}, "timer", "none 255"},
	} {
		t.Run(about, func(t *testing.T) {
			leds := map[string]*fake{"a": plain(), "b": plain()}
			p := panel(t, leds, rules...)
			for range 2 { // applying twice changes nothing
				p.Show(these(tc.holds...))
				for name, want := range map[string]string{"a": tc.a, "b": tc.b} {
					l := leds[name]
					got := l.trigger
					if got != "timer" {
						got += " " + strconv.Itoa(l.brightness)
					}
					if got != want {
						t.Errorf("%s: %s; expected %s", name, got, want)
					}
				}
			}
		})
	}
}

func TestWhatIsShownAlreadyIsNotWrittenAgain(t *testing.T) {
	a, b := plain(), plain()
	p := panel(t, map[string]*fake{"a": a, "b": b}, Rule{Fault, "a", true}, Rule{Open, "b", false})
	p.Show(these(Fault, Open))
	wrote := a.writes + b.writes
	p.Show(these(Fault, Open))
	if a.writes+b.writes != wrote || wrote == 0 {
		t.Errorf("%d writes, then %d", wrote, a.writes+b.writes-wrote)
	}
	b.brightness = 3 // another program's
	p.Show(these(Fault, Open))
	if b.brightness != 255 {
		t.Error("what another program changed stays")
	}
}

func TestWithoutATimerABlinkingLEDIsSteady(t *testing.T) {
	a := &fake{triggers: []string{"none", "default-on"}, trigger: "default-on", most: 1}
	panel(t, map[string]*fake{"a": a}, Rule{LineDown, "a", true}).Show(these(LineDown))
	if a.trigger != "none" || a.brightness != 1 {
		t.Errorf("%+v", a)
	}
}

func TestLEDsAreRestoredToWhatTheyWere(t *testing.T) {
	was := func() map[string]*fake {
		net := plain()
		net.trigger, net.settings = "netdev", map[string]string{"device_name": "eth1", "link": "1", "rx": "0", "tx": "1"}
		dim := plain()
		dim.brightness = 12
		blinking := plain()
		blinking.trigger, blinking.settings, blinking.brightness = "timer", map[string]string{"delay_on": "50", "delay_off": "950"}, 200
		return map[string]*fake{"net": net, "dim": dim, "blinking": blinking}
	}
	leds := was()
	rules := []Rule{{Open, "net", false}, {Open, "dim", true}, {Fault, "blinking", false}}
	p := panel(t, leds, rules...)
	p.Show(these(Open))
	p.Show(these(Fault))

	// A daemon that crashed has put nothing back; the next one still knows.
	next := New("", rules, p.kept, slog.New(slog.DiscardHandler))
	next.leds = p.leds
	next.Show(these(Open))
	if err := next.Restore(); err != nil {
		t.Fatal(err)
	}
	for name, want := range was() {
		got := leds[name]
		if got.trigger != want.trigger || !maps.Equal(got.settings, want.settings) || got.trigger == "none" && got.brightness != want.brightness {
			t.Errorf("%s: %+v; expected %+v", name, got, want)
		}
	}
	if _, err := os.Stat(p.kept); !errors.Is(err, fs.ErrNotExist) {
		t.Error("what they were is kept although it was put back")
	}
}

func TestAnLEDThatIsPulledOutAndComesBackIsShownAgain(t *testing.T) {
	a, b := plain(), plain()
	a.gone = true
	p := panel(t, map[string]*fake{"a": a, "b": b}, Rule{Open, "a", false}, Rule{Open, "b", false})
	p.Show(these(Open))
	if b.brightness != 255 {
		t.Error("one that is away keeps another from showing")
	}
	a.gone = false
	p.Show(these(Open))
	if a.brightness != 255 {
		t.Error("it came back dark")
	}
	a.gone = true
	if err := p.Restore(); err != nil {
		t.Errorf("%v: what is away cannot be restored, and need not", err)
	}
}

func TestAnLEDIsNotTouchedWhenWhatItWasCannotBeKept(t *testing.T) {
	a := plain()
	p := panel(t, map[string]*fake{"a": a}, Rule{Open, "a", false})
	p.kept = filepath.Join(t.TempDir(), "missing", "leds.json")
	p.Show(these(Open))
	if a.writes != 0 {
		t.Error("it was written")
	}
}

func TestInTheFileSystemAnLEDIsADirectoryOfFiles(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "sys/class/leds/green:status")
	if err := os.MkdirAll(filepath.Join(dir, "power"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"trigger": "[none] timer\n", "brightness": "0\n", "max_brightness": "1\n", "uevent": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := New(hw.Root(root), []Rule{{Open, "green:status", false}}, filepath.Join(root, "leds.json"), slog.New(slog.DiscardHandler))
	p.Show(these(Open))
	if b, err := os.ReadFile(filepath.Join(dir, "brightness")); string(b) != "1" {
		t.Errorf("%q, %v", b, err)
	}
	if err := sysfs(dir).write("delay_on", "500"); err == nil {
		t.Error("a file was made")
	}
}
