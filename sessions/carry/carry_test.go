package carry_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/carry"
	"parvis/sessions/sessionstest"
)

var (
	key     = [32]byte{1}
	silent  = slog.New(slog.DiscardHandler)
	addrCmp = cmpopts.EquateComparable(netip.Addr{})
)

func device(n byte) sessions.Device {
	return sessions.Device{MAC: mac.Addr{2, 0, 0, 0, 0, n}, IPv4: netip.AddrFrom4([4]byte{10, 20, 0, n})}
}

func row(id string, n byte, slot uint16, state sessions.State) sessions.Row {
	r := sessions.Row{
		ID: id, Device: device(n), Profile: "visite", State: state, Slot: slot, OpenedBy: sessions.FromVoucher,
		OpenedAt: time.UnixMilli(1_700_000_000_000).UTC(), End: clock.Boot(time.Hour), Active: 5, Down: 7, Code: "K7-42",
		Ticket: sessions.TicketKey{9, n}, Voucher: "batch",
	}
	if state == sessions.Ended {
		r.Reason, r.Ended, r.Left = sessions.ByResident, 6, time.Minute
	}
	return r
}

func load(t interface{ Fatal(...any) }, s sessions.Store) sessions.Saved {
	saved, err := s.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func over(t interface{ Fatal(...any) }, store sessions.Store, path string, trying func() bool) *carry.List {
	l, err := carry.Over(store, path, key, trying, silent)
	if err != nil {
		t.Fatal(err)
	}
	l.Begin()
	return l
}

func always() bool { return true }

// Whatever is written during a trial, the old store holds it afterwards.
func TestTheOldStoreEndsAsTheNewOneDid(t *testing.T) {
	dir := t.TempDir()
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		path := filepath.Join(dir, fmt.Sprint(runs))
		before := []sessions.Row{row("a", 1, 0x20, sessions.Open), row("b", 2, 0x21, sessions.Ended)}
		tried, old := sessionstest.NewStore(), sessionstest.NewStore()
		for _, s := range []sessions.Store{tried, old} {
			if err := s.Save(t.Context(), sessions.Change{Mark: sessions.Mark{BootID: "boot", Seen: 1}, Put: before}); err != nil {
				rt.Fatal(err)
			}
		}
		list := over(rt, tried, path, always)
		for i := range rapid.IntRange(1, 6).Draw(rt, "changes") {
			c := sessions.Change{Mark: sessions.Mark{BootID: "boot", Seen: clock.Boot(i + 2), Wall: time.UnixMilli(5).UTC()}}
			for range rapid.IntRange(0, 2).Draw(rt, "rows") {
				id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "id")
				n := byte(rapid.IntRange(1, 4).Draw(rt, "device"))
				state := rapid.SampledFrom([]sessions.State{sessions.Open, sessions.Ended}).Draw(rt, "state")
				c.Put = append(c.Put, row(id, n, 0x20+uint16(n), state))
			}
			if rapid.Bool().Draw(rt, "forget") {
				c.Forget = []string{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "which")}
			}
			if rapid.Bool().Draw(rt, "papers") {
				c.Papers = sessions.Papers{
					Batches: []sessions.BatchRow{{ID: "batch", Label: "Atelier", Devices: 1, Made: time.UnixMilli(9).UTC()}},
					Tickets: []sessions.TicketRow{{Key: sessions.TicketKey{9, 1}, Batch: "batch", Sheet: 1, Spent: i}},
				}
				c.Rests = []sessions.Rest{{Slot: 0x30, Since: clock.Boot(i)}}
			}
			_ = list.Save(t.Context(), c) // one that the store refuses is not listed
		}
		if _, err := carry.Replay(t.Context(), path, key, old); err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(load(rt, tried), load(rt, old), addrCmp, cmpopts.EquateEmpty()); d != "" {
			rt.Errorf("(-tried +old):\n%s", d)
		}
	})
}

func TestNothingIsListedButDuringATrial(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	trying, asked := true, 0
	list, err := carry.Over(sessionstest.NewStore(), path, key, func() bool { asked++; return trying }, silent)
	if err != nil {
		t.Fatal(err)
	}
	save := func(id string, n byte) {
		if err := list.Save(t.Context(), sessions.Change{Put: []sessions.Row{row(id, n, 0x20+uint16(n), sessions.Open)}}); err != nil {
			t.Fatal(err)
		}
	}
	save("start", 1) // what the start itself writes
	list.Begin()
	save("trial", 2)
	trying = false
	save("after", 3)
	n := asked
	trying = true
	save("never", 4)
	if asked != n {
		t.Error("once a trial is over, it is asked for no more")
	}
	to := sessionstest.NewStore()
	if made, err := carry.Replay(t.Context(), path, key, to); err != nil || made != 1 {
		t.Fatalf("%d changes, %v", made, err)
	}
	if rows := load(t, to).Rows; len(rows) != 1 || rows[0].ID != "trial" {
		t.Errorf("%+v", rows)
	}
}

func TestAListNamesNobodyAndIsTheSitesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	list := over(t, sessionstest.NewStore(), path, always)
	if err := list.Save(t.Context(), sessions.Change{Put: []sessions.Row{row("a", 1, 0x20, sessions.Open)}}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{device(1).MAC.String(), device(1).IPv4.String(), "visite"} {
		if bytes.Contains(b, []byte(s)) {
			t.Errorf("%s can be read", s)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if made, err := carry.Replay(t.Context(), path, [32]byte{2}, sessionstest.NewStore()); err == nil || made != 0 {
		t.Errorf("under another key: %d, %v", made, err)
	}
}

func TestAListWhoseEndIsCutOffIsReadAsFarAsItGoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	list := over(t, sessionstest.NewStore(), path, always)
	for n := range byte(3) {
		if err := list.Save(t.Context(), sessions.Change{Put: []sessions.Row{row(fmt.Sprint(n), n, 0x20+uint16(n), sessions.Open)}}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-5); err != nil {
		t.Fatal(err)
	}
	to := sessionstest.NewStore()
	if made, err := carry.Replay(t.Context(), path, key, to); err == nil || made != 2 || len(load(t, to).Rows) != 2 {
		t.Errorf("%d changes, %v", made, err)
	}
	if made, err := carry.Replay(t.Context(), path+".none", key, to); err != nil || made != 0 {
		t.Errorf("no list: %d, %v", made, err)
	}
}

// A list of this version, as another one finds it: its form is what versions have in common.
func TestAListOfAnEarlierVersionIsRead(t *testing.T) {
	const golden = "testdata/meanwhile"
	change := sessions.Change{
		Mark: sessions.Mark{BootID: "boot", Seen: 3, Wall: time.UnixMilli(5).UTC(), Sure: true, Day: "2026-11-24"},
		Put:  []sessions.Row{row("a", 1, 0x20, sessions.Open), row("b", 2, 0x21, sessions.Ended)}, Forget: []string{"c"},
		Rests: []sessions.Rest{{Slot: 0x30, Since: 2}},
		Papers: sessions.Papers{
			Batches: []sessions.BatchRow{{ID: "batch", Label: "Atelier", Devices: 1, Made: time.UnixMilli(9).UTC()}},
			Tickets: []sessions.TicketRow{{Key: sessions.TicketKey{9, 1}, Batch: "batch", Sheet: 1}},
		},
	}
	if os.Getenv("PARVIS_NEW_LIST") != "" { // a new form: never in the place of the one that is there
		if err := over(t, sessionstest.NewStore(), golden, always).Save(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	want, got := sessionstest.NewStore(), sessionstest.NewStore()
	if err := want.Save(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	if made, err := carry.Replay(t.Context(), golden, key, got); err != nil || made != 1 {
		t.Fatalf("%d, %v", made, err)
	}
	if d := cmp.Diff(load(t, want), load(t, got), addrCmp, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestWhoPassesAndIsInNoRowIsAdopted(t *testing.T) {
	now := clock.NewFake()
	const first, last = 0x20, 0x23
	open := func(slot uint16) sessions.Row { return row("open", 9, slot, sessions.Open) }
	entry := func(n byte, slot uint16, left time.Duration) carry.Entry {
		return carry.Entry{Device: device(n), Slot: slot, Left: left}
	}
	boot := sessions.Mark{BootID: now.BootID(), Seen: 1}
	for _, tc := range []struct {
		name    string
		saved   sessions.Saved
		entries []carry.Entry
		slots   []uint16 // of those that are adopted
		end     clock.Boot
	}{
		{"nobody passes", sessions.Saved{Mark: boot}, nil, nil, 0},
		{"an unknown device", sessions.Saved{Mark: boot}, []carry.Entry{entry(1, 0x22, time.Hour)}, []uint16{0x22}, now.Boot().Add(time.Hour)},
		{"of an empty store", sessions.Saved{}, []carry.Entry{entry(1, 0x22, time.Hour)}, []uint16{0x22}, now.Boot().Add(time.Hour)},
		{"of another boot's store", sessions.Saved{Mark: sessions.Mark{BootID: "other", Seen: 7}}, []carry.Entry{entry(1, 0x22, time.Hour)}, []uint16{0x22}, clock.Boot(7).Add(time.Hour)},
		{"no time is left", sessions.Saved{Mark: boot}, []carry.Entry{entry(1, 0x22, 0)}, nil, 0},
		{"it has a row", sessions.Saved{Mark: boot, Rows: []sessions.Row{row("a", 1, 0x20, sessions.Open)}}, []carry.Entry{entry(1, 0x20, time.Hour)}, nil, 0},
		{"it has a row under another slot", sessions.Saved{Mark: boot, Rows: []sessions.Row{row("a", 1, 0x21, sessions.Open)}}, []carry.Entry{entry(1, 0x20, time.Hour)}, nil, 0},
		{"its session has ended", sessions.Saved{Mark: boot, Rows: []sessions.Row{row("a", 1, 0x20, sessions.Ended)}}, []carry.Entry{entry(1, 0x20, time.Hour)}, nil, 0},
		{"an earlier session of it has ended", sessions.Saved{Mark: boot, Rows: []sessions.Row{row("a", 1, 0x20, sessions.Ended)}}, []carry.Entry{entry(1, 0x21, time.Hour)}, []uint16{0x21}, now.Boot().Add(time.Hour)},
		{"its slot is another's", sessions.Saved{Mark: boot, Rows: []sessions.Row{open(0x20)}}, []carry.Entry{entry(1, 0x20, time.Hour)}, []uint16{0x21}, now.Boot().Add(time.Hour)},
		{"a free slot has rested", sessions.Saved{Mark: boot, Rows: []sessions.Row{open(0x20)}, Rests: []sessions.Rest{{Slot: 0x21, Since: now.Boot()}}}, []carry.Entry{entry(1, 0x20, time.Hour)}, []uint16{0x22}, now.Boot().Add(time.Hour)},
		{"its slot is out of range", sessions.Saved{Mark: boot}, []carry.Entry{entry(1, 0x99, time.Hour)}, []uint16{0x20}, now.Boot().Add(time.Hour)},
		{"there are more than slots", sessions.Saved{Mark: boot}, []carry.Entry{entry(1, 0x20, 1), entry(2, 0x20, 1), entry(3, 0x20, 1), entry(4, 0x20, 1), entry(5, 0x20, 1)}, []uint16{0x20, 0x21, 0x22, 0x23}, now.Boot().Add(1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := carry.Adopt(tc.saved, tc.entries, "visite", first, last, now)
			var slots []uint16
			for i, r := range c.Put {
				slots = append(slots, r.Slot)
				if r.End != tc.end || r.State != sessions.Open || r.Profile != "visite" || r.Device != tc.entries[i].Device {
					t.Errorf("%+v; end expected %v", r, tc.end)
				}
			}
			if d := cmp.Diff(tc.slots, slots); d != "" {
				t.Errorf("slots (-want +got):\n%s", d)
			}
			if err := sessionstest.NewStore().Save(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
}

func FuzzReplay(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	if err := over(f, sessionstest.NewStore(), path, always).Save(context.Background(), sessions.Change{Put: []sessions.Row{row("a", 1, 0x20, sessions.Open)}}); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte("AAAA\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		store := sessionstest.NewStore()
		made, err := carry.Replay(t.Context(), path, key, store)
		if made > 0 && !bytes.Contains(b, bytes.TrimSpace(seed)) {
			t.Errorf("%d changes of nobody's, %v", made, err)
		}
	})
}
