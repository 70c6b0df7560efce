package config

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"parvis/hw/button"
	"parvis/hw/led"
)

// HW is the box itself. Without a line nothing of it is touched; what it measures is read all the same.
type HW struct {
	LEDs         []led.Rule
	Buttons      []Button
	ButtonDevice string // name of the one input device that is listened to; "" any that has the keys

	Watchdog        string        // absolute path of the timer; "" none
	WatchdogTimeout time.Duration // 5 s to 10 min, whole seconds

	Hot        int           // degrees Celsius from which on it is too hot, 40 to 120
	Worn       int           // percent of its life from which on a flash is told, 10 to 200
	ClockError time.Duration // from which on the clock is too far off, 1 s to 1 h

	Printer string // of tickets: absolute path of a device, or host:port; "" none
	Paper   int    // its width in mm: 58 or 80
	Cut     bool   // it has a knife
}

// Button is what a press of a key does.
type Button struct {
	Press button.Press
	Do    Gesture
	For   time.Duration // of Open and Pause
}

// Gesture is what a button may do.
type Gesture string

// The gestures.
const (
	Ticket Gesture = "ticket" // print one
	Open   Gesture = "open"   // open the place for a time; pressed again, its hours decide
	Pause  Gesture = "pause"  // close it for a time; pressed again, the pause ends
)

// ofGesture is how long each lasts when the line does not say, 1 min to 24 h.
var ofGesture = map[Gesture]time.Duration{Ticket: 0, Open: 2 * time.Hour, Pause: 30 * time.Minute}

const (
	minTimeout, defTimeout, maxTimeout = 5 * time.Second, time.Minute, 10 * time.Minute
	minGesture, maxGesture             = time.Minute, 24 * time.Hour
	minOff, defOff, maxOff             = time.Second, 5 * time.Second, time.Hour
	minHot, defHot, maxHot             = 40, 85, 120 // degrees
	minWorn, defWorn, maxWorn          = 10, 80, 200 // percent
	maxLines                           = 32          // of leds and of buttons
)

func (t *table) hw() (h HW) {
	h.LEDs = t.leds("leds")
	h.Buttons = t.buttons("buttons")
	h.ButtonDevice, _ = t.text("button-device", false)
	h.Watchdog = t.absolute("watchdog")
	h.WatchdogTimeout, _ = t.duration("watchdog-timeout", false, defTimeout, within{minTimeout, maxTimeout, false})
	h.Hot = t.among("hot", defHot, minHot, maxHot, Say("degrees Celsius", "degrés"))
	h.Worn = t.among("worn", defWorn, minWorn, maxWorn, Say("percent", "pour cent"))
	h.ClockError, _ = t.duration("clock-error", false, defOff, within{minOff, maxOff, false})
	h.Printer = t.ticketPrinter("printer")
	h.Paper = t.paper("paper")
	h.Cut = t.flag("cut", true)
	for i, b := range h.Buttons {
		if b.Do == Ticket && h.Printer == "" && t.r.whole() {
			t.bad(element("buttons", i), Say("hw.buttons: a button prints tickets, and there is no hw.printer", "hw.buttons : un bouton imprime des tickets, et il n'y a pas de hw.printer"),
				Message{}, t.example("printer"))
			break
		}
	}
	return h
}

// rows reads a list of short lines of words.
func (t *table) rows(key string, expected Message, read func(words []string) bool) {
	texts, _ := t.list(key, expected)
	if len(texts) > maxLines {
		t.bad(key, Say("%s has more than %d lines", "%s a plus de %d lignes", t.label(key), maxLines), Message{}, Message{})
		return
	}
	for _, i := range slices.Sorted(maps.Keys(texts)) {
		if !read(strings.Fields(texts[i])) {
			t.bad(element(key, i), Say("%s: %q cannot be understood", "%s : %q n'est pas compris", t.label(key), texts[i]), expected, Message{})
		}
	}
}

// leds reads lines of a meaning, an LED and perhaps "blink".
func (t *table) leds(key string) (all []led.Rule) {
	t.rows(key, Say("a meaning (open, guests, line-down, fault), a name of /sys/class/leds, and \"blink\" if it should, such as \"fault red:power blink\"",
		"un sens (open, guests, line-down, fault), un nom de /sys/class/leds, et « blink » pour clignoter, comme \"fault red:power blink\""), func(words []string) bool {
		if len(words) < 2 || len(words) > 3 || len(words) == 3 && words[2] != "blink" {
			return false
		}
		r := led.Rule{Meaning: led.Meaning(words[0]), LED: words[1], Blink: len(words) == 3}
		if !slices.Contains(led.Meanings, r.Meaning) || strings.ContainsAny(r.LED, "/\\") || strings.HasPrefix(r.LED, ".") || len(r.LED) > 63 {
			return false
		}
		all = append(all, r)
		return true
	})
	return all
}

// buttons reads lines of a key, how long it is pressed, what that does, and for how long.
func (t *table) buttons(key string) (all []Button) {
	t.rows(key, Say("a key, short or long, and ticket, open or pause with their time, such as \"KEY_WPS_BUTTON short ticket\" or \"BTN_0 long pause 30m\"",
		"une touche, short (court) ou long, et ticket, open (ouvrir) ou pause avec leur durée, comme \"KEY_WPS_BUTTON short ticket\" ou \"BTN_0 long pause 30m\""), func(words []string) bool {
		if len(words) < 3 || len(words) > 4 || words[1] != "short" && words[1] != "long" {
			return false
		}
		k, err := button.ParseKey(words[0])
		b := Button{Press: button.Press{Key: k, Long: words[1] == "long"}, Do: Gesture(words[2])}
		lasts, known := ofGesture[b.Do]
		if err != nil || !known || len(words) == 4 && lasts == 0 {
			return false
		}
		if b.For = lasts; len(words) == 4 {
			if b.For, err = time.ParseDuration(words[3]); err != nil || b.For < minGesture || b.For > maxGesture {
				return false
			}
		}
		if slices.ContainsFunc(all, func(o Button) bool { return o.Press == b.Press }) {
			return false
		}
		all = append(all, b)
		return true
	})
	return all
}

// among reads a whole number of a range.
func (t *table) among(key string, def, least, most int, unit Message) int {
	v, ok := t.get(key, false)
	if !ok {
		return def
	}
	n, whole := v.(int64)
	if !whole || n < int64(least) || n > int64(most) {
		t.bad(key, Say("%s: %v is out of range", "%s : %v est hors limites", t.label(key), v),
			Say("a whole number from %d to %d, in %s", "un nombre entier de %d à %d, en %s", least, most, unit), Message{})
		return def
	}
	return int(n)
}

// ticketPrinter reads a device of this machine, or a host with its port.
func (t *table) ticketPrinter(key string) string {
	s, ok := t.text(key, false)
	if !ok {
		return ""
	}
	if strings.HasPrefix(s, "/dev/") && !strings.Contains(s, "..") {
		return s
	}
	host, port, err := net.SplitHostPort(s)
	n, perr := strconv.ParseUint(port, 10, 16)
	if ip := net.ParseIP(host); err != nil || perr != nil || n == 0 || ip == nil && !dnsHost(host) || ip != nil && (ip.IsUnspecified() || ip.IsMulticast()) {
		t.bad(key, Say("%s: %q is not a ticket printer's address", "%s : %q n'est pas l'adresse d'une imprimante à tickets", t.label(key), s),
			Say("a device such as \"/dev/usb/lp0\", or an address with its port such as \"192.168.1.30:9100\"", "un périphérique comme \"/dev/usb/lp0\", ou une adresse avec son port comme \"192.168.1.30:9100\""), Message{})
		return ""
	}
	return s
}

func (t *table) paper(key string) int {
	v, ok := t.get(key, false)
	if !ok {
		return 80
	}
	if n, _ := v.(int64); n == 58 || n == 80 {
		return int(n)
	}
	t.bad(key, Say("%s: %v is not a paper of ticket printers", "%s : %v n'est pas un papier d'imprimante à tickets", t.label(key), v), Say("58 or 80, in mm", "58 ou 80, en mm"), Message{})
	return 80
}
