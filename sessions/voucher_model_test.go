package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

// booth drives tickets at random, with a disk and a kernel that fail, and keeps its own account of who was told what.
type booth struct {
	*world
	devices int // of one ticket
	batch   string
	codes   []string
	told    []map[string]bool // by ticket: ids of the sessions that somebody was told of
	owner   map[string]sessions.Device
	doubts  []bool // by ticket: somebody was told that it did not work, while something failed
	faulty  bool
	boots   int
}

func TestATicketIsUsedExactlyOnceForEachDevice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.opts.LastSlot = 0x18
		w.restart()
		b := &booth{world: w, devices: rapid.IntRange(1, 2).Draw(t, "devices"), owner: map[string]sessions.Device{}, boots: 1}
		made, tickets := w.tickets(sessions.BatchRequest{Count: 3, Devices: b.devices})
		b.batch = made.ID
		for _, ticket := range tickets {
			b.codes, b.told, b.doubts = append(b.codes, ticket.Code), append(b.told, map[string]bool{}), append(b.doubts, false)
		}
		t.Repeat(map[string]func(*rapid.T){
			"redeem": b.Redeem, "clones": b.Clones, "end": b.End, "pass": b.Pass, "restart": b.Restart, "reboot": b.Reboot, "fail": b.Fail,
			"heal": func(*rapid.T) { b.heal(); b.faulty = false }, "": b.Check,
		})
	})
}

func (b *booth) Redeem(t *rapid.T) {
	d, n := device(rapid.ByteRange(1, 5).Draw(t, "device")), rapid.IntRange(0, len(b.codes)-1).Draw(t, "ticket")
	s, err := b.tryCode(d, b.codes[n])
	b.answered(t, n, d, s, err)
}

// Clones type one code, one after the other.
func (b *booth) Clones(t *rapid.T) {
	n := rapid.IntRange(0, len(b.codes)-1).Draw(t, "ticket")
	for _, i := range rapid.Permutation([]byte{1, 2, 3, 4}).Draw(t, "order") {
		s, err := b.tryCode(device(i), b.codes[n])
		b.answered(t, n, device(i), s, err)
	}
}

func (b *booth) answered(t *rapid.T, n int, d sessions.Device, s sessions.Session, err error) {
	own := ""
	for id := range b.told[n] {
		if _, err := b.Get(id); err == nil && b.owner[id] == d { // what is forgotten was anybody's
			own = id
		}
	}
	switch {
	case err == nil:
		if s.Device != d || s.Voucher != b.batch || own != "" && s.ID != own {
			t.Fatalf("ticket %d, device %v, whose session is %q: %+v", n, d, own, s)
		}
		if other, was := b.owner[s.ID]; was && other != d {
			t.Fatalf("%v is given the session of %v", d, other)
		}
		b.told[n][s.ID], b.owner[s.ID] = true, d
	case errors.Is(err, sessions.ErrUsed):
		if own == "" && len(b.told[n]) < b.devices && !b.doubts[n] {
			t.Fatalf("ticket %d is used, and only %d of %d were told so", n, len(b.told[n]), b.devices)
		}
	case errors.Is(err, sessions.ErrFull):
	case (b.faulty || !b.Status().Enforcer.OK) && (errors.Is(err, sessions.ErrStore) || errors.Is(err, sessions.ErrEnforce)):
		b.doubts[n] = true
	default:
		t.Fatalf("ticket %d: %v", n, err)
	}
}

func (b *booth) End(t *rapid.T) {
	ids := slices.Sorted(maps.Keys(b.owner))
	if len(ids) == 0 {
		t.Skip("nobody")
	}
	slices.SortFunc(ids, func(x, y string) int { return int(b.owner[x].MAC[5]) - int(b.owner[y].MAC[5]) })
	r := rapid.SampledFrom([]sessions.Reason{sessions.ByResident, sessions.ByOperator, sessions.ByClosing}).Draw(t, "reason")
	_, err := b.Manager.End(context.Background(), ids[rapid.IntRange(0, len(ids)-1).Draw(t, "session")], r)
	if err != nil && !errors.Is(err, sessions.ErrNotFound) && !b.faulty {
		t.Fatal(err)
	}
}

func (b *booth) Pass(t *rapid.T) {
	b.pass(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 7 * time.Minute, 20 * time.Minute, 13 * time.Hour}).Draw(t, "for"))
}

func (b *booth) Restart(*rapid.T) { b.restart() }

func (b *booth) Reboot(*rapid.T) {
	b.boots++
	b.reboot(fmt.Sprint("boot-", b.boots))
}

func (b *booth) Fail(t *rapid.T) {
	b.faulty = true
	err := errors.New("told to fail")
	after := rapid.Bool().Draw(t, "after having done it")
	switch call := rapid.SampledFrom([]string{sessionstest.Put, sessionstest.Drop, sessionstest.Save}).Draw(t, "call"); {
	case call == sessionstest.Save && after:
		b.store.FailAfter(call, err)
	case call == sessionstest.Save:
		b.store.Fail(call, err)
	case after:
		b.kernel.FailAfter(call, err)
	default:
		b.kernel.Fail(call, err)
	}
}

// Check: no ticket has more uses than devices, on the disk neither; and no use that somebody was told of is lost.
func (b *booth) Check(t *rapid.T) {
	uses := map[sessions.TicketKey]map[string]bool{}
	for _, r := range b.store.Rows() {
		if uses[r.Ticket] == nil {
			uses[r.Ticket] = map[string]bool{}
		}
		uses[r.Ticket][r.ID] = true
	}
	total := 0
	for _, row := range b.store.Papers().Tickets {
		if n := len(uses[row.Key]) + row.Spent; n > b.devices {
			t.Fatalf("%d uses of a ticket for %d on the disk", n, b.devices)
		}
		total += len(uses[row.Key]) + row.Spent
	}
	told, certain, possible := 0, 0, 0
	for n, ids := range b.told {
		if len(ids) > b.devices {
			t.Fatalf("ticket %d for %d has opened %d sessions", n, b.devices, len(ids))
		}
		told += len(ids)
		if len(ids) > 0 {
			certain++
		}
		if len(ids) > 0 || b.doubts[n] {
			possible++
		}
	}
	if total < told {
		t.Fatalf("%d uses on the disk, %d were told", total, told)
	}
	if used := b.batchOf(t).Used; used < certain || used > possible {
		t.Fatalf("%d tickets are used; told %v, doubts %v", used, b.told, b.doubts)
	}
}

func (b *booth) batchOf(t *rapid.T) sessions.Batch {
	list := b.Batches()
	if len(list) != 1 {
		t.Fatalf("batches: %+v", list)
	}
	return list[0]
}

// Fifty who type the same code at the same moment: one gets in.
func TestOneOfManyClonesGetsIn(t *testing.T) {
	w := newWorld(t)
	w.opts.LastSlot = 0x60
	w.restart()
	b, tickets := w.tickets(sessions.BatchRequest{})
	var all sync.WaitGroup
	var in, used atomic.Int32
	for i := range 50 {
		all.Go(func() {
			switch _, err := w.tryCode(device(byte(i+1)), tickets[0].Code); {
			case err == nil:
				in.Add(1)
			case errors.Is(err, sessions.ErrUsed):
				used.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 || used.Load() != 49 || w.batch(b.ID).Used != 1 || len(w.kernel.Grants()) != 1 {
		t.Errorf("%d got in, %d were told that it is used; %+v", in.Load(), used.Load(), w.batch(b.ID))
	}
}
