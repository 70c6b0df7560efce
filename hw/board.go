package hw

import "strings"

// Board is what the machine calls itself.
type Board struct {
	Model string // for people, at most 64 plain letters: "Raspberry Pi 4 Model B Rev 1.4"
	ID    string // for programs, of the device tree: "raspberrypi,4-model-b"; "" without one
}

// nothing is what makers of PCs leave in their tables.
var nothing = []string{"to be filled by o.e.m.", "default string", "system product name", "system manufacturer", "not specified", "none", "o.e.m."}

// Board says what board this is: by OpenWrt's word, else the device tree's, else the firmware's tables (SMBIOS). ErrAbsent when none of
// them says.
func (r Root) Board() (b Board, err error) {
	if ids, err := r.text("proc/device-tree/compatible"); err == nil {
		first, _, _ := strings.Cut(ids, "\x00") // a list, the most precise first (Devicetree Specification, 2.3.1)
		b.ID = plain(first)
	}
	for _, path := range []string{"tmp/sysinfo/model", "proc/device-tree/model"} {
		if s, err := r.text(path); err == nil && plain(s) != "" {
			b.Model = plain(s)
			return b, nil
		}
	}
	var words []string
	for _, path := range []string{"sys/class/dmi/id/sys_vendor", "sys/class/dmi/id/product_name"} {
		if s, err := r.text(path); err == nil && plain(s) != "" && !filler(s) {
			words = append(words, plain(s))
		}
	}
	if len(words) == 2 && strings.HasPrefix(words[1], words[0]) {
		words = words[1:] // it names its maker itself
	}
	if b.Model = plain(strings.Join(words, " ")); b.Model == "" {
		return b, ErrAbsent
	}
	return b, nil
}

func filler(s string) bool {
	s = strings.ToLower(s)
	for _, n := range nothing {
		if s == n {
			return true
		}
	}
	return false
}
