package sessions_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

func (w *world) tickets(r sessions.BatchRequest) (sessions.Batch, []sessions.Ticket) {
	w.t.Helper()
	if r.Profile == "" {
		r.Profile = visitor.Name
	}
	if r.Count == 0 {
		r.Count = 1
	}
	b, tickets, err := w.MakeBatch(context.Background(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return b, tickets
}

func (w *world) batch(id string) sessions.Batch {
	w.t.Helper()
	for _, b := range w.Batches() {
		if b.ID == id {
			return b
		}
	}
	w.t.Fatalf("no batch %s", id)
	return sessions.Batch{}
}

func (w *world) tryCode(d sessions.Device, code string) (sessions.Session, error) {
	return w.Redeem(context.Background(), sessions.Redemption{Device: d, Code: code})
}

func (w *world) redeem(d sessions.Device, code string) sessions.Session {
	w.t.Helper()
	s, err := w.tryCode(d, code)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func TestATicketOpensOnceForItsDevice(t *testing.T) {
	w := newWorld(t)
	b, tickets := w.tickets(sessions.BatchRequest{For: 30 * time.Minute, Label: "Atelier CV"})
	s := w.redeem(phone, strings.ToLower(tickets[0].Code))
	if s.Voucher != b.ID || s.Left != 30*time.Minute || s.OpenedBy != sessions.FromVoucher || s.Profile != visitor.Name {
		t.Errorf("%+v", s)
	}
	if _, err := w.tryCode(laptop, tickets[0].Code); !errors.Is(err, sessions.ErrUsed) {
		t.Errorf("another device: %v", err)
	}
	if got := w.batch(b.ID); got.Used != 1 || got.Left != 0 || got.State != sessions.BatchUsed {
		t.Errorf("batch: %+v", got)
	}
}

func TestWhoRedeemsAgainGetsTheirOwnSessionBack(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after func(*world, sessions.Session)
		left  time.Duration
	}{
		{"while it is open", func(w *world, _ sessions.Session) { w.pass(10 * time.Minute) }, 50 * time.Minute},
		{"after stopping", func(w *world, s sessions.Session) {
			w.pass(10 * time.Minute)
			w.end(s.ID, sessions.ByResident)
			w.pass(time.Hour)
		}, 50 * time.Minute},
		{"after falling silent", func(w *world, _ sessions.Session) { w.pass(2 * time.Hour) }, time.Hour},
		{"after a restart", func(w *world, _ sessions.Session) { w.pass(10 * time.Minute); w.restart() }, 50 * time.Minute},
		{"after the place had closed", func(w *world, s sessions.Session) {
			w.pass(10 * time.Minute)
			w.end(s.ID, sessions.ByClosing)
		}, 50 * time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			b, tickets := w.tickets(sessions.BatchRequest{Count: 2})
			first := w.redeem(phone, tickets[0].Code)
			tc.after(w, first)
			again := w.redeem(phone, tickets[0].Code)
			if again.ID != first.ID || again.Left != tc.left || again.State != sessions.Open {
				t.Errorf("%+v, want %s with %v", again, first.ID, tc.left)
			}
			if got := w.batch(b.ID); got.Used != 1 || got.Left != 1 {
				t.Errorf("batch: %+v", got)
			}
		})
	}
}

func TestATicketThatHasGivenAllItsTimeIsUsed(t *testing.T) {
	w := newWorld(t)
	_, tickets := w.tickets(sessions.BatchRequest{For: 10 * time.Minute})
	s := w.redeem(phone, tickets[0].Code)
	w.pass(time.Hour)
	if got := w.get(s.ID); got.Reason != sessions.ByTime {
		t.Fatalf("%+v", got)
	}
	if _, err := w.tryCode(phone, tickets[0].Code); !errors.Is(err, sessions.ErrUsed) {
		t.Error(err)
	}
}

// What is no longer remembered of the session must not make its ticket new.
func TestATicketStaysUsedWhenItsSessionIsForgotten(t *testing.T) {
	w := newWorld(t)
	b, tickets := w.tickets(sessions.BatchRequest{Devices: 2})
	first := w.redeem(phone, tickets[0].Code)
	w.pass(48 * time.Hour)
	if _, err := w.Get(first.ID); !errors.Is(err, sessions.ErrNotFound) {
		t.Fatalf("still remembered: %v", err)
	}
	for range 2 { // also over a restart
		if got := w.batch(b.ID); got.Used != 1 {
			t.Errorf("batch: %+v", got)
		}
		w.restart()
	}
	w.redeem(laptop, tickets[0].Code)
	if _, err := w.tryCode(tablet, tickets[0].Code); !errors.Is(err, sessions.ErrUsed) {
		t.Errorf("a third device of two: %v", err)
	}
}

func TestASecondTicketIsASecondSession(t *testing.T) {
	w := newWorld(t)
	_, tickets := w.tickets(sessions.BatchRequest{Count: 2})
	first := w.redeem(phone, tickets[0].Code)
	w.pass(10 * time.Minute)
	second := w.redeem(phone, tickets[1].Code)
	if second.ID == first.ID || second.Left != time.Hour {
		t.Errorf("%+v", second)
	}
	if again := w.redeem(phone, tickets[0].Code); again.ID != first.ID || again.Left != 50*time.Minute {
		t.Errorf("the first, which kept its time: %+v", again)
	}
}

func TestWhyATicketIsRefused(t *testing.T) {
	monday := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name string
		make sessions.BatchRequest
		then func(*world, sessions.Batch)
		want error
	}{
		{"too early", sessions.BatchRequest{From: monday.Add(time.Hour)}, nil, sessions.ErrTooEarly},
		{"too old", sessions.BatchRequest{Until: monday}, nil, sessions.ErrTooOld},
		{"within its time", sessions.BatchRequest{From: monday, Until: monday.Add(time.Minute)}, nil, nil},
		{"revoked", sessions.BatchRequest{}, func(w *world, b sessions.Batch) {
			if err := w.RevokeBatch(context.Background(), b.ID, false); err != nil {
				t.Fatal(err)
			}
		}, sessions.ErrRevoked},
		{"of a sheet that was replaced", sessions.BatchRequest{}, func(w *world, b sessions.Batch) {
			if _, err := w.ReplaceSheet(t.Context(), b.ID, 1); err != nil {
				t.Fatal(err)
			}
		}, sessions.ErrRevoked},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.clock.SetWall(clock.Wall{Time: monday, Quality: clock.Synchronised})
			b, tickets := w.tickets(tc.make)
			if tc.then != nil {
				tc.then(w, b)
			}
			if _, err := w.tryCode(phone, tickets[0].Code); !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

// A clock that nobody has set is not taken at its word, but what was known before holds.
func TestATicketWhoseValidityCannotBeJudgedWorks(t *testing.T) {
	day := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	w := newWorld(t)
	w.clock.SetWall(clock.Wall{Time: day, Quality: clock.Synchronised})
	_, coming := w.tickets(sessions.BatchRequest{From: day.Add(time.Hour)})
	_, ends := w.tickets(sessions.BatchRequest{Until: day.Add(time.Hour)})
	_, ended := w.tickets(sessions.BatchRequest{Until: day.Add(-time.Minute)})
	w.clock.SetWall(clock.Wall{Time: time.Unix(0, 0), Quality: clock.Unknown})
	w.reboot("boot-2")
	w.redeem(phone, coming[0].Code)
	w.redeem(laptop, ends[0].Code)
	if _, err := w.tryCode(tablet, ended[0].Code); !errors.Is(err, sessions.ErrTooOld) {
		t.Errorf("one that was too old when the clock was last known: %v", err)
	}
}

func TestGuessingIsThrottled(t *testing.T) {
	w := newWorld(t)
	_, tickets := w.tickets(sessions.BatchRequest{})
	for range 5 {
		if _, err := w.tryCode(phone, "0000-0000-0000"); !errors.Is(err, sessions.ErrCode) {
			t.Fatal(err)
		}
	}
	var throttled *sessions.Throttled
	if _, err := w.tryCode(phone, tickets[0].Code); !errors.As(err, &throttled) || throttled.Wait <= 0 {
		t.Fatalf("after five mistakes: %v", err)
	}
	w.redeem(laptop, tickets[0].Code) // nobody else pays for it
	w.pass(throttled.Wait)
	if _, err := w.tryCode(phone, tickets[0].Code); !errors.Is(err, sessions.ErrUsed) {
		t.Errorf("after waiting: %v", err)
	}
}

func TestASpoiledSheetIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.opts.LastSlot = 0x40
	w.restart()
	b, tickets := w.tickets(sessions.BatchRequest{Count: 30})
	if len(b.Sheets) != 2 || b.Sheets[0].Count != 24 || b.Sheets[1].Count != 6 {
		t.Fatalf("sheets: %+v", b.Sheets)
	}
	used := w.redeem(phone, tickets[24].Code)
	fresh, err := w.ReplaceSheet(t.Context(), b.ID, 2)
	if err != nil || len(fresh) != 5 || fresh[0].Sheet != 3 {
		t.Fatalf("%+v, %v", fresh, err)
	}
	if _, err := w.tryCode(laptop, tickets[25].Code); !errors.Is(err, sessions.ErrRevoked) {
		t.Errorf("a ticket of the spoiled sheet: %v", err)
	}
	w.redeem(laptop, fresh[0].Code)
	if again := w.redeem(phone, tickets[24].Code); again.ID != used.ID {
		t.Errorf("the used one: %+v", again)
	}
	if got := w.batch(b.ID); got.Count != 35 || got.Used != 2 || got.Left != 28 || got.Revoked != 5 {
		t.Errorf("batch: %+v", got)
	}
	if printable, ok := w.Tickets(b.ID); !ok || len(printable) != 24+1+5 {
		t.Errorf("%d tickets can be printed, %v", len(printable), ok)
	}
	if _, err := w.ReplaceSheet(t.Context(), b.ID, 2); !errors.Is(err, sessions.ErrUsed) {
		t.Errorf("a second time: %v", err)
	}
	for _, no := range []int{0, 4} {
		if _, err := w.ReplaceSheet(t.Context(), b.ID, no); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("sheet %d: %v", no, err)
		}
	}
}

func TestCodesCanBePrintedForAQuarterOfAnHour(t *testing.T) {
	w := newWorld(t)
	b, tickets := w.tickets(sessions.BatchRequest{Count: 3})
	if got, ok := w.Tickets(b.ID); !ok || len(got) != 3 || got[0] != tickets[0] {
		t.Errorf("%+v, %v", got, ok)
	}
	w.pass(15 * time.Minute)
	if got, ok := w.Tickets(b.ID); ok {
		t.Errorf("still there: %d", len(got))
	}
	w.redeem(phone, tickets[0].Code)
}

func TestRevokingABatchCutsOrNot(t *testing.T) {
	for _, cut := range []bool{true, false} {
		w := newWorld(t)
		b, tickets := w.tickets(sessions.BatchRequest{Count: 2})
		s := w.redeem(phone, tickets[0].Code)
		if err := w.RevokeBatch(t.Context(), b.ID, cut); err != nil {
			t.Fatal(err)
		}
		if open := w.get(s.ID).State == sessions.Open; open == cut {
			t.Errorf("cut %v: open %v", cut, open)
		}
		if got := w.batch(b.ID); got.State != sessions.BatchRevoked || got.Revoked != 1 || got.Used != 1 {
			t.Errorf("batch: %+v", got)
		}
		if _, ok := w.Tickets(b.ID); ok {
			t.Error("its codes can be printed")
		}
		if again, err := w.tryCode(phone, tickets[0].Code); cut && !errors.Is(err, sessions.ErrRevoked) || !cut && again.ID != s.ID {
			t.Errorf("cut %v: again %+v, %v", cut, again, err)
		}
	}
}

// Neither lost nor doubled: a use that the kernel or the disk refuses leaves the ticket as it was.
func TestARefusalUsesNothingUp(t *testing.T) {
	for name, fail := range map[string]func(*world, error){
		"kernel":              func(w *world, err error) { w.kernel.Fail(sessionstest.Put, err) },
		"kernel, having done": func(w *world, err error) { w.kernel.FailAfter(sessionstest.Put, err) },
		"disk":                func(w *world, err error) { w.store.Fail(sessionstest.Save, err) },
		"disk, having done":   func(w *world, err error) { w.store.FailAfter(sessionstest.Save, err) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b, tickets := w.tickets(sessions.BatchRequest{})
			fail(w, errors.New("no"))
			if _, err := w.tryCode(phone, tickets[0].Code); err == nil {
				t.Fatal("it opened")
			}
			if got := w.batch(b.ID); got.Used != 0 || got.Left != 1 {
				t.Errorf("batch: %+v", got)
			}
			w.heal()
			w.pass(time.Minute)
			if got := w.batch(b.ID); got.Used != 0 {
				t.Errorf("batch, later: %+v", got)
			}
			w.redeem(laptop, tickets[0].Code)
			w.restart()
			if got := w.batch(b.ID); got.Used != 1 {
				t.Errorf("batch, at the end: %+v", got)
			}
		})
	}
}

func TestNoCodeIsOnTheDiskOrInABatch(t *testing.T) {
	w := newWorld(t)
	_, tickets := w.tickets(sessions.BatchRequest{Count: 40})
	for _, row := range w.store.Papers().Tickets {
		for _, ticket := range tickets {
			if strings.Contains(string(row.Key[:]), strings.ReplaceAll(ticket.Code, "-", "")[:4]) {
				t.Errorf("%s is in a row", ticket.Code)
			}
		}
	}
	if n := len(w.store.Papers().Tickets); n != 40 {
		t.Errorf("%d tickets on the disk", n)
	}
}

func TestABatchGoesThirtyDaysAfterItsEnd(t *testing.T) {
	day := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	w := newWorld(t)
	w.clock.SetWall(clock.Wall{Time: day, Quality: clock.Synchronised})
	w.tickets(sessions.BatchRequest{Count: 3, Label: "Semaine 48", Until: day.Add(24 * time.Hour)})
	w.pass(30 * 24 * time.Hour)
	if n := len(w.Batches()); n != 1 {
		t.Fatalf("%d batches before its time", n)
	}
	w.pass(26 * time.Hour)
	if n, p := len(w.Batches()), w.store.Papers(); n != 0 || len(p.Batches)+len(p.Tickets) != 0 {
		t.Errorf("%d batches, on the disk %+v", n, p)
	}
}

func TestWhatCannotBeABatch(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	for name, r := range map[string]sessions.BatchRequest{
		"no ticket":          {Profile: visitor.Name},
		"too many":           {Profile: visitor.Name, Count: 961},
		"too many devices":   {Profile: visitor.Name, Count: 1, Devices: 21},
		"too long":           {Profile: visitor.Name, Count: 1, For: sessions.MaxTime + 1},
		"ends before":        {Profile: visitor.Name, Count: 1, From: now, Until: now},
		"a label of a novel": {Profile: visitor.Name, Count: 1, Label: strings.Repeat("é", 81)},
	} {
		if _, _, err := w.MakeBatch(t.Context(), r); !errors.Is(err, sessions.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := w.MakeBatch(t.Context(), sessions.BatchRequest{Profile: "none", Count: 1}); !errors.Is(err, sessions.ErrUnknownProfile) {
		t.Error(err)
	}
	if n := len(w.Batches()); n != 0 {
		t.Errorf("%d batches", n)
	}
}

// A phone that has changed its address shows the token of its session: the ticket is not used a second time.
func TestATicketKnowsItsPersonByTheToken(t *testing.T) {
	for name, before := range map[string]func(*world, sessions.Session){
		"open":    func(*world, sessions.Session) {},
		"stopped": func(w *world, s sessions.Session) { w.end(s.ID, sessions.ByResident) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b, tickets := w.tickets(sessions.BatchRequest{})
			s := w.redeem(phone, tickets[0].Code)
			w.pass(10 * time.Minute)
			before(w, s)
			moved := device(9)
			again, err := w.Redeem(t.Context(), sessions.Redemption{Device: moved, Code: tickets[0].Code, Token: s.Token})
			if err != nil || again.ID != s.ID || again.Device != moved || again.Left != 50*time.Minute {
				t.Fatalf("%+v, %v", again, err)
			}
			if g := w.kernel.Grants(); len(g) != 1 || g[0].MAC != moved.MAC {
				t.Errorf("%+v", g)
			}
			if got := w.batch(b.ID); got.Used != 1 {
				t.Errorf("%+v", got)
			}
			if _, err := w.tryCode(phone, tickets[0].Code); !errors.Is(err, sessions.ErrUsed) {
				t.Errorf("the old address: %v", err)
			}
		})
	}
}

func TestWhoCountsIsToldOfEachUseOnce(t *testing.T) {
	var told []string
	w := newWorld(t)
	w.opts.Notice = func(n sessions.Notice) { told = append(told, string(n.Kind)+" "+n.Why) }
	w.restart()
	_, tickets := w.tickets(sessions.BatchRequest{})
	w.redeem(phone, tickets[0].Code)
	w.redeem(phone, tickets[0].Code)
	_, _ = w.tryCode(laptop, tickets[0].Code)
	_, _ = w.tryCode(laptop, "nonsense")
	if got, want := strings.Join(told, ", "), "opened , redeemed , refused used, refused code"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
}
