package hw

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// Wear is how far a flash is used up.
type Wear struct {
	Device string `json:"device"` // mmcblk0, ubi0
	Used   int    `json:"used"`   // percent of what it was made for; it may go on beyond 100
	// Spare: the blocks that stand in for bad ones are nearly or wholly used: the next bad one may be the last.
	Spare bool `json:"spare_gone"`
}

// Erasures is what a block of a router's flash is said to bear: 100,000 is what makers of SLC NAND write. The kernel does not know it; other
// kinds bear less.
const Erasures = 100_000

// Wear reads what eMMC chips say of themselves (JEDEC JESD84-B51, EXT_CSD 267 to 269) and what UBI has counted. ErrAbsent when nothing here
// says: SD cards, SATA and NVMe disks do not in sysfs. Any other error comes with what the others say.
func (r Root) Wear() (all []Wear, err error) {
	var errs []error
	take := func(w Wear, err error) {
		switch {
		case errors.Is(err, ErrAbsent):
		case err != nil:
			errs = append(errs, err)
		default:
			all = append(all, w)
		}
	}
	for _, dir := range r.list("sys/block/mmcblk*") {
		if !strings.Contains(filepath.Base(dir), "boot") {
			take(r.mmc(dir))
		}
	}
	for _, dir := range r.list("sys/class/ubi/ubi*") {
		if !strings.Contains(filepath.Base(dir), "_") { // ubi0_1 is a volume of it
			take(r.ubi(dir))
		}
	}
	if len(all) == 0 && len(errs) == 0 {
		return nil, ErrAbsent
	}
	return all, errors.Join(errs...)
}

// mmc reads a chip's own estimates: of its two kinds of cells, in tenths of its life (1 is up to 10 %, 10 up to 100 %, 11 beyond, 0 not
// said), and of its spare blocks (1 normal, 2 four fifths used, 3 nine tenths).
func (r Root) mmc(dir string) (w Wear, err error) {
	w.Device = plain(filepath.Base(dir))
	file := filepath.Join(dir, "device/life_time")
	life, err := r.text(file)
	if err != nil {
		return w, err
	}
	for _, field := range strings.Fields(life) {
		n, err := strconv.ParseUint(field, 0, 8)
		if err != nil || n > 11 {
			return w, fmt.Errorf("hw: read %s: %q; expected two numbers from 0x00 to 0x0b", file, life)
		}
		w.Used = max(w.Used, int(n)*10)
	}
	eol, err := r.number(filepath.Join(dir, "device/pre_eol_info"))
	if err != nil && !errors.Is(err, ErrAbsent) {
		return w, err
	}
	w.Spare = eol >= 2
	if w.Used == 0 && eol == 0 {
		return w, ErrAbsent // it says neither
	}
	return w, nil
}

// ubi takes the block that was erased most. A flash without bad blocks (NOR) keeps none in reserve, so that only one that has had some can
// have none left.
func (r Root) ubi(dir string) (w Wear, err error) {
	w.Device = plain(filepath.Base(dir))
	most, err := r.number(filepath.Join(dir, "max_ec"))
	if err != nil {
		return w, err
	}
	w.Used = int(max(most, 0) * 100 / Erasures)
	bad, berr := r.number(filepath.Join(dir, "bad_peb_count"))
	left, lerr := r.number(filepath.Join(dir, "reserved_for_bad"))
	w.Spare = berr == nil && lerr == nil && bad > 0 && left == 0
	return w, nil
}
