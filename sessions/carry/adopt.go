package carry

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
	"time"

	"parvis/internal/clock"
	"parvis/sessions"
)

// Entry is a device that the kernel lets pass.
type Entry struct {
	Device sessions.Device
	Slot   uint16
	Left   time.Duration // until the kernel closes by itself
}

// Adopt makes sessions of the devices that the kernel lets pass and that no row of saved explains, under one profile and with the time that
// the kernel gives them, which is never more than they were given. A device whose row says that its session has ended is not adopted: its
// entry was to go. Slots are from first to last; one whose slot is another's in the database gets a free one.
func Adopt(saved sessions.Saved, entries []Entry, profile string, first, last uint16, now clock.Clock) sessions.Change {
	mark := saved.Mark
	if mark.BootID == "" {
		mark = sessions.Mark{BootID: now.BootID(), Seen: now.Boot()}
	}
	at := now.Boot()
	if mark.BootID != now.BootID() {
		at = mark.Seen // Manager.Start moves every time of the other boot to this one
	}
	taken := map[uint16]bool{}
	for _, r := range saved.Rests {
		taken[r.Slot] = taken[r.Slot] || at.Sub(r.Since) < sessions.SlotRest
	}
	for _, r := range saved.Rows {
		if r.State == sessions.Open {
			taken[r.Slot] = true
		}
	}
	c := sessions.Change{Mark: mark}
	for _, e := range entries {
		if e.Left <= 0 || explained(saved.Rows, e) {
			continue
		}
		slot := e.Slot
		for s := int(first); taken[slot] || slot < first || slot > last; s++ {
			if s > int(last) {
				return c // there are more than can be held: nobody is told apart, so the rest ends
			}
			slot = uint16(s)
		}
		taken[slot] = true
		c.Put = append(c.Put, sessions.Row{
			ID: newID(), Device: e.Device, Profile: profile, State: sessions.Open, Slot: slot, OpenedBy: sessions.FromResident,
			OpenedAt: now.Wall().Time, End: at.Add(e.Left), Active: at,
		})
	}
	return c
}

// explained reports whether a row is the device's: an open one, or an ended one that had the entry's slot.
func explained(rows []sessions.Row, e Entry) bool {
	for _, r := range rows {
		if r.Device.MAC == e.Device.MAC && (r.State == sessions.Open || r.Slot == e.Slot) {
			return true
		}
	}
	return false
}

// newID is an identifier of a session (docs/adr/0001-names.md).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}
