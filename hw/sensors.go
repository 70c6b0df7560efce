package hw

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
)

// Temperature is one sensor's word.
type Temperature struct {
	Sensor  string  `json:"sensor"`  // as the kernel names it: cpu-thermal, nvme Composite
	Celsius float64 `json:"celsius"` // degrees
}

// What a sensor says outside of this is its way of having nothing to say (0xff, 0 K).
const coldest, hottest = -40.0, 150.0 // degrees

// Temperatures reads every thermal zone and every hardware monitor, zones first. ErrAbsent when there is none that says something; any other
// error comes with what the others say.
func (r Root) Temperatures() (all []Temperature, err error) {
	var errs []error
	add := func(name, file string) {
		n, err := r.number(file)
		switch c := float64(n) / 1000; { // both give thousandths of a degree
		case errors.Is(err, ErrAbsent):
		case err != nil:
			errs = append(errs, err)
		case c > coldest && c < hottest:
			all = append(all, Temperature{Sensor: name, Celsius: c})
		}
	}
	var zones []string
	for _, dir := range r.list("sys/class/thermal/thermal_zone*") {
		zone, err := r.text(filepath.Join(dir, "type"))
		if err != nil {
			zone = filepath.Base(dir)
		}
		zones = append(zones, strings.ReplaceAll(zone, "-", "_"))
		add(plain(zone), filepath.Join(dir, "temp"))
	}
	for _, dir := range r.list("sys/class/hwmon/hwmon*") {
		name, err := r.text(filepath.Join(dir, "name"))
		if err != nil || slices.Contains(zones, strings.ReplaceAll(name, "-", "_")) {
			continue // zones show themselves as monitors too, by a name without hyphens
		}
		for _, file := range r.list(filepath.Join(dir, "temp*_input")) {
			sensor := name
			if label, err := r.text(strings.TrimSuffix(file, "_input") + "_label"); err == nil {
				sensor += " " + label
			}
			add(plain(sensor), file)
		}
	}
	all = apart(all)
	if len(all) == 0 && len(errs) == 0 {
		return nil, ErrAbsent
	}
	return all, errors.Join(errs...)
}

// apart gives sensors of one name numbers: two samples of one name are none for who collects them.
func apart(all []Temperature) []Temperature {
	seen := map[string]int{}
	for i := range all {
		name := all[i].Sensor
		if seen[name]++; seen[name] > 1 {
			all[i].Sensor = name + " " + string(rune('0'+min(seen[name], 9)))
		}
	}
	return all
}

// Hottest is the highest of them; false when there is none.
func Hottest(all []Temperature) (t Temperature, ok bool) {
	for i, one := range all {
		if i == 0 || one.Celsius > t.Celsius {
			t, ok = one, true
		}
	}
	return t, ok
}
