// Package led lets LEDs of the box say how the place is: by the kernel's LED class (Documentation/leds/leds-class.rst), steady or blinking
// by its "timer" trigger.
//
// What an LED shows is compared with what it should show each time, and only a difference is written. What it was before is kept in a
// file of the run-time directory until it is put back, so that a daemon that crashed and came back still knows.
package led

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"parvis/hw"
	"parvis/internal/durable"
)

// Meaning is what an LED may say.
type Meaning string

// The meanings.
const (
	Open     Meaning = "open"      // the place is open
	Guests   Meaning = "guests"    // somebody is online
	LineDown Meaning = "line-down" // the line leads nowhere
	Fault    Meaning = "fault"     // something needs a hand
)

// Meanings is all of them.
var Meanings = []Meaning{Open, Guests, LineDown, Fault}

// Rule lets an LED say something.
type Rule struct {
	Meaning Meaning
	LED     string // its name below /sys/class/leds
	Blink   bool   // steady where the kernel has no timer trigger
}

// Panel is the LEDs of some rules. It belongs to one goroutine.
type Panel struct {
	rules []Rule
	kept  string
	was   map[string]state // by LED
	told  map[string]bool  // whose failure is in the log
	log   *slog.Logger
	leds  func(name string) files
}

// state is what an LED was: its trigger, and every value that could be read beside it.
type state struct {
	Trigger    string            `json:"trigger"`
	Brightness string            `json:"brightness"`
	Settings   map[string]string `json:"settings,omitempty"`
}

// files are those of one LED.
type files interface {
	names() ([]string, error) // that may be read and written
	read(name string) (string, error)
	write(name, value string) error
}

// New makes a panel; nothing is touched before Show. Of several rules about one LED the first that holds is shown. kept is the file where
// what LEDs were is remembered.
func New(root hw.Root, rules []Rule, kept string, log *slog.Logger) *Panel {
	p := &Panel{rules: rules, kept: kept, was: map[string]state{}, told: map[string]bool{}, log: log, leds: func(name string) files {
		return sysfs(filepath.Join(string(root), "sys/class/leds", name))
	}}
	b, err := os.ReadFile(kept)
	if err == nil {
		err = json.Unmarshal(b, &p.was)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("led: what LEDs were before is not known", "error", err)
		p.was = map[string]state{}
	}
	return p
}

// Show makes the LEDs say what holds. An LED that is not here, or takes nothing, is told once and tried again the next time.
func (p *Panel) Show(holds func(Meaning) bool) {
	want := map[string]look{}
	for _, r := range p.rules {
		now := want[r.LED]
		if now == off && holds(r.Meaning) {
			if now = steady; r.Blink {
				now = blink
			}
		}
		want[r.LED] = now
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		err := p.show(name, want[name])
		if err != nil && !p.told[name] {
			p.log.Warn("led: it does not show what it should", "led", name, "error", err)
		}
		p.told[name] = err != nil
	}
}

// Restore makes every LED what it was before the first Show.
func (p *Panel) Restore() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(p.was)) {
		if err := restore(p.leds(name), p.was[name]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("led: restore %s: %w", name, err))
			continue
		}
		delete(p.was, name)
	}
	if len(p.was) == 0 {
		if err := os.Remove(p.kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("led: restore: %w", err))
		}
	}
	return errors.Join(errs...)
}

// look is what an LED shows.
type look int

const (
	off look = iota
	steady
	blink
)

// half is how long a blinking LED is on, and then off, in milliseconds.
const half = "500"

func (p *Panel) show(name string, want look) error {
	led := p.leds(name)
	now, err := examine(led)
	if err != nil {
		return err
	}
	if _, known := p.was[name]; !known {
		p.was[name] = now.state
		if err := p.keep(); err != nil {
			delete(p.was, name)
			return err // what cannot be put back is not touched
		}
	}
	if want == blink && !now.timer {
		want = steady
	}
	switch want {
	case blink:
		if now.Trigger != "timer" {
			if err := led.write("trigger", "timer"); err != nil {
				return err
			}
			now.Settings = nil
		}
		for _, delay := range []string{"delay_on", "delay_off"} {
			if now.Settings[delay] != half {
				if err := led.write(delay, half); err != nil {
					return err
				}
			}
		}
		return nil
	case steady:
		return now.set(led, now.most)
	default:
		return now.set(led, 0)
	}
}

func (p *Panel) keep() error {
	b, err := json.Marshal(p.was)
	if err != nil {
		return err
	}
	return durable.Write(p.kept, b)
}

// found is an LED as it is.
type found struct {
	state
	timer bool // it can blink by itself
	most  int
}

func examine(led files) (f found, err error) {
	triggers, err := led.read("trigger")
	if err != nil {
		return f, err
	}
	for _, t := range strings.Fields(triggers) {
		if name := strings.Trim(t, "[]"); name != t {
			f.Trigger = name
		}
		f.timer = f.timer || strings.Trim(t, "[]") == "timer"
	}
	most, err := led.read("max_brightness")
	if err != nil {
		return f, err
	}
	if f.most, err = strconv.Atoi(most); err != nil || f.most < 1 {
		return f, fmt.Errorf("max_brightness is %q; expected a number from 1", most)
	}
	if f.Brightness, err = led.read("brightness"); err != nil {
		return f, err
	}
	names, err := led.names()
	if err != nil {
		return f, err
	}
	f.Settings = map[string]string{}
	for _, n := range names {
		if v, err := led.read(n); err == nil && n != "trigger" && n != "brightness" {
			f.Settings[n] = v
		}
	}
	return f, nil
}

// set gives an LED without a trigger its brightness.
func (f found) set(led files, brightness int) error {
	if f.Trigger != "none" {
		if err := led.write("trigger", "none"); err != nil {
			return err
		}
		f.Brightness = ""
	}
	if v := strconv.Itoa(brightness); f.Brightness != v {
		return led.write("brightness", v)
	}
	return nil
}

// restore writes the brightness first: with some triggers a brightness of 0 ends the trigger. A setting that its trigger does not take again
// is left.
func restore(led files, was state) error {
	if err := led.write("trigger", "none"); err != nil {
		return err
	}
	if err := led.write("brightness", was.Brightness); err != nil {
		return err
	}
	if was.Trigger == "none" || was.Trigger == "" {
		return nil
	}
	if err := led.write("trigger", was.Trigger); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(was.Settings)) { // device_name comes before the rest of netdev's
		_ = led.write(name, was.Settings[name])
	}
	return nil
}

// sysfs is an LED's directory.
type sysfs string

func (s sysfs) names() (names []string, err error) {
	all, err := os.ReadDir(string(s))
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if i, err := e.Info(); err == nil && i.Mode().IsRegular() && i.Mode().Perm()&0o600 == 0o600 && e.Name() != "uevent" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (s sysfs) read(name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(string(s), name))
	return strings.TrimSpace(string(b)), err
}

// write does not make a file: sysfs has them, and what is not there is no LED.
func (s sysfs) write(name, value string) error {
	f, err := os.OpenFile(filepath.Join(string(s), name), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
