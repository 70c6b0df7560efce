package sessions_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

// room is a world with slots for twelve and more and a line of 100 Mbit/s.
func room(t *testing.T) *world {
	w := newWorld(t)
	w.opts.LastSlot, w.opts.Line = 0x3f, 100e6
	w.restart()
	return w
}

func (w *world) workshop(r sessions.WorkshopRequest) sessions.Workshop {
	w.t.Helper()
	if r.Profile == "" {
		r.Profile = visitor.Name
	}
	if r.Places == 0 {
		r.Places = 12
	}
	if r.Length == 0 {
		r.Length = 2 * time.Hour
	}
	ws, err := w.MakeWorkshop(context.Background(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return ws
}

func (w *world) begin(id string) sessions.Workshop {
	w.t.Helper()
	ws, err := w.StartWorkshop(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return ws
}

func (w *world) look(id string) sessions.Workshop {
	w.t.Helper()
	ws, err := w.Workshop(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return ws
}

func TestAWorkshopLetsItsPlacesInAndNobodyElse(t *testing.T) {
	w := room(t)
	ws := w.workshop(sessions.WorkshopRequest{Title: "Premiers pas", Places: 12})
	if _, err := w.tryCode(device(1), ws.Code); !errors.Is(err, sessions.ErrWorkshopNotStarted) {
		t.Fatalf("before it starts: %v", err)
	}
	w.begin(ws.ID)
	for n := byte(1); n <= 12; n++ {
		if s := w.redeem(device(n), ws.Code); s.Workshop != ws.ID || s.Left != 2*time.Hour {
			t.Fatalf("%+v", s)
		}
	}
	if _, err := w.tryCode(device(13), ws.Code); !errors.Is(err, sessions.ErrWorkshopFull) {
		t.Errorf("the thirteenth: %v", err)
	}
	w.redeem(device(3), ws.Code) // who is in already
	if got := w.look(ws.ID); got.Taken != 12 || got.Devices != 12 || got.State != sessions.Running {
		t.Errorf("%+v", got)
	}
}

func TestAWorkshopEndsForEverybodyTogether(t *testing.T) {
	w := room(t)
	ws := w.workshop(sessions.WorkshopRequest{Length: 50 * time.Minute})
	w.begin(ws.ID)
	early := w.redeem(phone, ws.Code)
	w.use(early.ID, 40*time.Minute)
	late := w.redeem(laptop, ws.Code)
	if late.Left != 10*time.Minute || late.End != w.get(early.ID).End {
		t.Fatalf("the late one has %v until %v, the early one until %v", late.Left, late.End, w.get(early.ID).End)
	}
	w.pass(10 * time.Minute)
	for _, id := range []string{early.ID, late.ID} {
		if got := w.get(id); got.State != sessions.Ended || got.Reason != sessions.ByWorkshop || got.Left != 0 {
			t.Errorf("%+v", got)
		}
	}
	w.pass(time.Second)
	if got := w.look(ws.ID); got.State != sessions.Over || got.Code != "" || got.Devices != 2 {
		t.Errorf("%+v", got)
	}
	if _, err := w.tryCode(tablet, ws.Code); !errors.Is(err, sessions.ErrWorkshopOver) {
		t.Errorf("after its end: %v", err)
	}
	if n := len(w.kernel.Grants()); n != 0 {
		t.Errorf("%d still pass", n)
	}
}

func TestProlongingMovesEverybodysEnd(t *testing.T) {
	w := room(t)
	ws := w.workshop(sessions.WorkshopRequest{Length: time.Hour})
	w.begin(ws.ID)
	in, away := w.redeem(phone, ws.Code), w.redeem(laptop, ws.Code)
	w.pass(10 * time.Minute)
	w.end(away.ID, sessions.ByResident)
	got, err := w.ProlongWorkshop(t.Context(), ws.ID, 15*time.Minute)
	if err != nil || got.Left != 65*time.Minute {
		t.Fatalf("%+v, %v", got, err)
	}
	if s := w.get(in.ID); s.Left != 65*time.Minute {
		t.Errorf("%+v", s)
	}
	if s := w.redeem(laptop, ws.Code); s.ID != away.ID || s.Left != 65*time.Minute {
		t.Errorf("who comes back: %+v", s)
	}
	for _, g := range w.kernel.Grants() {
		if g.End != w.get(in.ID).End {
			t.Errorf("the kernel ends %+v, want %v", g, w.get(in.ID).End)
		}
	}
	for _, r := range w.store.Rows() {
		if r.End != w.get(in.ID).End {
			t.Errorf("the disk has the end %v, want %v", r.End, w.get(in.ID).End)
		}
	}
}

func TestTheMediatorEndsAWorkshop(t *testing.T) {
	w := room(t)
	ws := w.workshop(sessions.WorkshopRequest{})
	w.begin(ws.ID)
	s, left := w.redeem(phone, ws.Code), w.redeem(laptop, ws.Code)
	w.pass(30 * time.Minute)
	w.end(left.ID, sessions.ByResident)
	got, err := w.EndWorkshop(t.Context(), ws.ID)
	if err != nil || got.State != sessions.Over || got.Length != 30*time.Minute {
		t.Fatalf("%+v, %v", got, err)
	}
	if got := w.get(s.ID); got.Reason != sessions.ByWorkshop && got.Reason != sessions.ByIdle {
		t.Errorf("%+v", got)
	}
	if got := w.get(left.ID); got.Left != 0 {
		t.Errorf("who had left keeps %v of a workshop that is over", got.Left)
	}
	if _, err := w.EndWorkshop(t.Context(), ws.ID); !errors.Is(err, sessions.ErrWorkshopState) {
		t.Errorf("a second time: %v", err)
	}
	n, err := w.CountHeads(t.Context(), ws.ID, 11)
	if err != nil || n.Heads == nil || *n.Heads != 11 || n.Devices != 2 {
		t.Errorf("heads: %+v, %v", n, err)
	}
}

// The place goes with the session: whose it is, not whose device.
func TestAPlaceIsFreeAgainWhenTheDeskTakesItBack(t *testing.T) {
	w := room(t)
	ws := w.workshop(sessions.WorkshopRequest{Places: 1})
	w.begin(ws.ID)
	s := w.redeem(phone, ws.Code)
	w.end(s.ID, sessions.ByResident)
	if _, err := w.tryCode(laptop, ws.Code); !errors.Is(err, sessions.ErrWorkshopFull) {
		t.Errorf("while the other can come back: %v", err)
	}
	w.redeem(phone, ws.Code)
	w.end(s.ID, sessions.ByOperator)
	w.redeem(laptop, ws.Code)
	if got := w.look(ws.ID); got.Taken != 1 || got.Devices != 2 {
		t.Errorf("%+v", got)
	}
}

func TestAWorkshopBeginsAtItsHour(t *testing.T) {
	day := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name string
		do   func(*world)
		want sessions.WorkshopState
		left time.Duration
	}{
		{"before", func(w *world) { w.pass(59 * time.Minute) }, sessions.Planned, 0},
		{"at its hour", func(w *world) { w.pass(time.Hour + time.Second) }, sessions.Running, 2*time.Hour - time.Second},
		{"late, after a power cut", func(w *world) {
			w.clock.SetWall(clock.Wall{Time: day.Add(90 * time.Minute), Quality: clock.Synchronised})
			w.reboot("boot-2")
			w.pass(time.Second)
		}, sessions.Running, 90*time.Minute - time.Second},
		{"missed", func(w *world) {
			w.clock.SetWall(clock.Wall{Time: day.Add(4 * time.Hour), Quality: clock.Synchronised})
			w.reboot("boot-2")
			w.pass(time.Second)
		}, sessions.Over, 0},
		{"with a clock that nobody has set", func(w *world) {
			w.clock.SetWall(clock.Wall{Time: day.Add(90 * time.Minute), Quality: clock.Unknown})
			w.reboot("boot-2")
			w.pass(time.Minute)
		}, sessions.Planned, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := room(t)
			w.clock.SetWall(clock.Wall{Time: day, Quality: clock.Synchronised})
			ws := w.workshop(sessions.WorkshopRequest{Start: day.Add(time.Hour)})
			tc.do(w)
			if got := w.look(ws.ID); got.State != tc.want || got.Left != tc.left {
				t.Errorf("%s with %v left, want %s with %v", got.State, got.Left, tc.want, tc.left)
			}
		})
	}
}

func TestAWorkshopGoesOnAfterARestartAndAPowerCut(t *testing.T) {
	for name, cut := range map[string]func(*world){
		"restart":   (*world).restart,
		"power cut": func(w *world) { w.reboot("boot-2") },
	} {
		t.Run(name, func(t *testing.T) {
			w := room(t)
			ws := w.workshop(sessions.WorkshopRequest{Reserve: 24e6})
			w.begin(ws.ID)
			s := w.redeem(phone, ws.Code)
			w.use(s.ID, 10*time.Minute)
			cut(w)
			got := w.look(ws.ID)
			if got.State != sessions.Running || got.Left < 110*time.Minute || got.Left > 111*time.Minute || got.Code != ws.Code || got.Taken != 1 {
				t.Errorf("%+v", got)
			}
			if again := w.get(s.ID); again.Left != got.Left {
				t.Errorf("the workshop has %v, who is in it %v", got.Left, again.Left)
			}
			if g := w.kernel.Grants(); len(g) != 1 || g[0].Floor != 2e6 {
				t.Errorf("%+v", g)
			}
		})
	}
}

func TestWorkshopsReserveHalfOfTheLineAtMost(t *testing.T) {
	w := room(t)
	hour := w.clock.Wall().Time.Add(time.Hour)
	first := w.workshop(sessions.WorkshopRequest{Reserve: 36e6, Start: hour})
	ask := sessions.WorkshopRequest{Profile: visitor.Name, Places: 10, Length: time.Hour, Reserve: 20e6}
	if _, err := w.MakeWorkshop(t.Context(), ask); !errors.Is(err, sessions.ErrReserve) {
		t.Errorf("56 of 50 Mbit/s: %v", err)
	}
	ask.Start = hour.Add(2 * time.Hour)
	if _, err := w.MakeWorkshop(t.Context(), ask); err != nil {
		t.Errorf("after the other's end: %v", err)
	}
	ask.Reserve, ask.Start = 51e6, time.Time{}
	if _, err := w.MakeWorkshop(t.Context(), ask); !errors.Is(err, sessions.ErrReserve) {
		t.Errorf("more than half alone: %v", err)
	}
	w.begin(first.ID)
	s := w.redeem(phone, first.Code)
	if g := w.kernel.Grants(); len(g) != 1 || g[0].Floor != 3e6 {
		t.Errorf("%+v", g)
	}
	if _, err := w.EndWorkshop(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if w.open(phone, visitor); w.get(s.ID).State != sessions.Ended || w.kernel.Grants()[0].Floor != 0 {
		t.Errorf("it keeps its floor: %+v", w.kernel.Grants())
	}
}

func TestAWorkshopAgain(t *testing.T) {
	w := room(t)
	ws := w.workshop(sessions.WorkshopRequest{Title: "Tableur", Places: 8, Length: 90 * time.Minute, Reserve: 8e6})
	again, err := w.MakeWorkshop(t.Context(), sessions.WorkshopRequest{Again: ws.ID, Places: 9})
	if err != nil || again.ID == ws.ID || again.Code == ws.Code || again.Title != "Tableur" || again.Places != 9 ||
		again.Length != 90*time.Minute || again.Profile != visitor.Name || again.State != sessions.Planned {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestWhatTheDiskRefusesIsNotSo(t *testing.T) {
	w := room(t)
	ws := w.workshop(sessions.WorkshopRequest{})
	w.store.FailAfter(sessionstest.Save, errors.New("no"))
	if _, err := w.StartWorkshop(t.Context(), ws.ID); !errors.Is(err, sessions.ErrStore) {
		t.Fatal(err)
	}
	if got := w.look(ws.ID); got.State != sessions.Planned {
		t.Errorf("%+v", got)
	}
	w.heal()
	w.pass(time.Minute)
	w.restart()
	if got := w.look(ws.ID); got.State != sessions.Planned {
		t.Errorf("after a restart: %+v", got)
	}
}

func TestAWorkshopsTitleGoesAndItsCountsStay(t *testing.T) {
	w := room(t)
	w.clock.SetWall(clock.Wall{Time: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), Quality: clock.Synchronised})
	ws := w.workshop(sessions.WorkshopRequest{Title: "Premiers pas"})
	w.begin(ws.ID)
	w.redeem(phone, ws.Code)
	if _, err := w.CountHeads(t.Context(), ws.ID, 3); err != nil {
		t.Fatal(err)
	}
	w.pass(31*24*time.Hour + 4*time.Hour)
	if got := w.look(ws.ID); got.Title != "" || got.Devices != 1 || *got.Heads != 3 {
		t.Errorf("after a month: %+v", got)
	}
	w.pass(371 * 24 * time.Hour)
	if _, err := w.Workshop(ws.ID); !errors.Is(err, sessions.ErrNotFound) || len(w.store.Papers().Workshops) != 0 {
		t.Errorf("after a year: %v, %+v", err, w.store.Papers())
	}
}

func TestTakingASessionBackKeepsItsPlace(t *testing.T) {
	w := room(t)
	ws := w.workshop(sessions.WorkshopRequest{Places: 2, Reserve: 4e6})
	w.begin(ws.ID)
	s := w.redeem(phone, ws.Code)
	w.redeem(laptop, ws.Code)
	moved := device(9)
	if _, err := w.tryCode(moved, ws.Code); !errors.Is(err, sessions.ErrWorkshopFull) {
		t.Fatalf("as somebody new: %v", err)
	}
	again, err := w.TakeBack(t.Context(), sessions.TakeBack{Device: moved, Code: s.Code, By: sessions.FromResident})
	if err != nil || again.ID != s.ID || again.Workshop != ws.ID || again.End != s.End {
		t.Fatalf("%+v, %v", again, err)
	}
	if got := w.look(ws.ID); got.Taken != 2 || got.Devices != 2 {
		t.Errorf("%+v", got)
	}
	for _, g := range w.kernel.Grants() {
		if g.MAC == phone.MAC || g.Floor != 2e6 || g.End != s.End {
			t.Errorf("%+v", g)
		}
	}
}
