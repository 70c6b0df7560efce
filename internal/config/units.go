package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// unit is a suffix and what it multiplies by.
type unit struct {
	suffix string
	factor float64
}

var (
	rateUnits = []unit{{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}}
	// Decimal and binary sizes (IEC 80000-13).
	sizeUnits = []unit{
		{"kib", 1 << 10},
		{"mib", 1 << 20},
		{"gib", 1 << 30},
		{"tib", 1 << 40},
		{"kb", 1e3},
		{"mb", 1e6},
		{"gb", 1e9},
		{"tb", 1e12},
		{"ko", 1e3},
		{"mo", 1e6},
		{"go", 1e9},
		{"to", 1e12},
	}
)

// quantity reads a number with one of the units behind it; case and a blank between the two do not matter.
func quantity(s string, units []unit) (uint64, bool) {
	s = strings.ToLower(strings.ReplaceAll(s, " ", ""))
	for _, u := range units {
		num, found := strings.CutSuffix(s, u.suffix)
		if !found {
			continue
		}
		num = strings.Replace(num, ",", ".", 1)
		if num == "" || strings.Trim(num, "0123456789.") != "" {
			return 0, false
		}
		f, err := strconv.ParseFloat(num, 64)
		if err != nil || f*u.factor >= math.MaxInt64 {
			return 0, false
		}
		return uint64(math.Round(f * u.factor)), true
	}
	return 0, false
}

// rate returns bits per second.
func (t *table) rate(key string, def uint64) (bits uint64, given bool) {
	v, ok := t.get(key, false)
	if !ok {
		return def, false
	}
	expected := Say("a rate from 64kbit to 100gbit", "un débit de 64kbit à 100gbit")
	s, isText := v.(string)
	if !isText {
		t.wrongType(key, v, expected)
		return def, false
	}
	n, ok := quantity(s, rateUnits)
	switch {
	case !ok:
		t.bad(key, Say("%s: %q is not a rate", "%s : %q n'est pas un débit", t.label(key), s), expected, Message{})
	case n < minRate || n > maxRate:
		t.bad(key, Say("%s: %q is out of range", "%s : %q est hors limites", t.label(key), s), expected, Message{})
	default:
		return n, true
	}
	return def, false
}

// slow returns bits per second; none is said as the number 0 or as "0".
func (t *table) slow(key string) (bits uint64, given bool) {
	if v := t.vals[key]; v == int64(0) || v == "0" {
		t.known = append(t.known, key)
		return 0, false
	}
	return t.rate(key, 0)
}

// ParseRate reads a rate as the configuration writes it, such as "512kbit": bits per second.
func ParseRate(s string) (bits uint64, err error) {
	n, ok := quantity(s, rateUnits)
	if !ok || n < minRate || n > maxRate {
		return 0, fmt.Errorf("config: rate %q: expected 64kbit to 100gbit", s)
	}
	return n, nil
}

// size returns bytes; 0 is said as the number 0 or as "0".
func (t *table) size(key string) uint64 {
	v, ok := t.get(key, false)
	if !ok || v == int64(0) || v == "0" {
		return 0
	}
	expected := Say("a size from 1MB to 1000TB, or 0 for no limit", "une taille de 1MB à 1000TB, ou 0 pour ne pas limiter")
	s, isText := v.(string)
	if !isText {
		t.wrongType(key, v, expected)
		return 0
	}
	n, ok := quantity(s, sizeUnits)
	switch {
	case !ok:
		t.bad(key, Say("%s: %q is not a size", "%s : %q n'est pas une taille", t.label(key), s), expected, Message{})
	case n < minVolume || n > maxVolume:
		t.bad(key, Say("%s: %q is out of range", "%s : %q est hors limites", t.label(key), s), expected, Message{})
	}
	return n
}

// within is the durations that a key takes; zero says that "0s" has a meaning of its own.
type within struct {
	low, high time.Duration
	zero      bool
}

// duration returns a duration in whole seconds.
func (t *table) duration(key string, need bool, def time.Duration, w within) (d time.Duration, given bool) {
	v, ok := t.get(key, need)
	if !ok {
		return def, false
	}
	expected := Say("a duration from %s to %s", "une durée de %s à %s", spell(w.low), spell(w.high))
	if w.zero {
		expected = Say("a duration from %s to %s, or 0s", "une durée de %s à %s, ou 0s", spell(w.low), spell(w.high))
	}
	s, isText := v.(string)
	if !isText {
		t.wrongType(key, v, expected)
		return def, false
	}
	d, err := time.ParseDuration(strings.ReplaceAll(strings.ToLower(s), " ", ""))
	switch {
	case err != nil:
		t.bad(key, Say("%s: %q is not a duration", "%s : %q n'est pas une durée", t.label(key), s), expected, Message{})
	case d == 0 && w.zero:
		return 0, true
	case d < w.low || d > w.high:
		t.bad(key, Say("%s: %q is out of range", "%s : %q est hors limites", t.label(key), s), expected, Message{})
	case d%time.Second != 0:
		t.bad(key, Say("%s: %q is not in whole seconds", "%s : %q n'est pas en secondes entières", t.label(key), s), expected, Message{})
	default:
		return d, true
	}
	return def, false
}

// spell writes a duration as people type it: 90m is "1h30m", not "1h30m0s".
func spell(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range []struct {
		d time.Duration
		s string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.d; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.s)
			d -= n * u.d
		}
	}
	return b.String()
}

// closest returns the known word that somebody most likely meant; "" when none is near.
func closest(word string, known []string) string {
	best, near := "", len(word)/3+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d <= near && (best == "" || d < near) {
			best, near = k, d
		}
	}
	return best
}

// distance counts the letters to insert, take out or change (Levenshtein). Words longer than 64 bytes are far from
// everything.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			change := prev[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, prev[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// count reads a whole number from 1 to most.
func (t *table) count(key string, def, most int) int {
	v, ok := t.get(key, false)
	if !ok {
		return def
	}
	n, whole := v.(int64)
	if !whole || n < 1 || n > int64(most) {
		t.bad(key, Say("%s: %v is out of range", "%s : %v est hors limites", t.label(key), v),
			Say("a whole number from 1 to %d", "un nombre entier de 1 à %d", most), Message{})
		return def
	}
	return int(n)
}
