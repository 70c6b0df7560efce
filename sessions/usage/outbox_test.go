package usage_test

import (
	"database/sql"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/internal/hublink/wire"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/usage"
)

// hub keeps of each hour and of each day what has the highest number, as the true one does.
type hub struct {
	epoch string
	seq   int64
	hours map[int64]wire.Hour
	days  map[[2]int]map[string]wire.Day
}

// takes takes one batch in, which must be one that the hub would accept, and returns how many hours are left.
func (h *hub) takes(t testing.TB, u *usage.Usage) (left int) {
	t.Helper()
	b, err := u.Outbox(t.Context(), h.epoch, h.seq)
	if err != nil {
		t.Fatal(err)
	}
	b.Now = wire.Now{Clock: "synchronised", Place: "open"}
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	if h.hours == nil {
		h.hours, h.days = map[int64]wire.Hour{}, map[[2]int]map[string]wire.Day{}
	}
	for _, x := range b.Hours {
		if x.Seq > h.hours[x.At].Seq {
			h.hours[x.At] = x
		}
	}
	for _, d := range b.Days {
		k := [2]int{d.Day, d.Part}
		if h.days[k] == nil {
			h.days[k] = map[string]wire.Day{}
		}
		if d.Seq > h.days[k][d.Run].Seq {
			h.days[k][d.Run] = d
		}
	}
	h.epoch, h.seq = b.Epoch, b.Seq
	return b.Left
}

// sum is what the hub has of a counter: "sessions visite".
func (h *hub) sum(counter string) (n uint64) {
	what, word, _ := strings.Cut(counter, " ")
	for _, x := range h.hours {
		for _, c := range x.Counts {
			if c.What == what && c.Word == word {
				n += c.N
			}
		}
	}
	return n
}

func (h *hub) sums(t *testing.T, want map[string]uint64) {
	t.Helper()
	for counter, n := range want {
		if got := h.sum(counter); got != n {
			t.Errorf("%s: %d, want %d", counter, got, n)
		}
	}
}

func TestTheOutboxIsWhatChangedSinceItWasAcknowledged(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	h := &hub{}
	p.visits(1, 3, "visite", 30*time.Minute)
	p.write()
	if left := h.takes(t, p.Usage); left != 0 || len(h.hours) != 2 {
		t.Fatalf("%d hours, %d left", len(h.hours), left)
	}
	p.write() // nothing has happened
	if b, err := p.Outbox(t.Context(), h.epoch, h.seq); err != nil || len(b.Days) != 0 {
		t.Errorf("days that nothing was added to: %+v, %v", b.Days, err)
	}
	p.visits(4, 1, "visite", 10*time.Minute)
	p.write()
	b, err := p.Outbox(t.Context(), h.epoch, h.seq)
	if err != nil || len(b.Hours) != 1 || b.Hours[0].At != slices.Max(slices.Collect(maps.Keys(h.hours))) || len(b.Days) != 2 {
		t.Fatalf("the running hour and the day alone have changed: %+v, %v", b, err)
	}
	h.takes(t, p.Usage)
	h.sums(t, map[string]uint64{"sessions visite": 4, "time visite": 6000_000, "opener resident": 4})
	if n := h.days[[2]int{20261124, 0}]; len(n) != 1 || slices.Collect(maps.Values(n))[0].N != 4 {
		t.Errorf("devices of the day: %v", n)
	}
}

func TestAnotherFileIsAnotherEpochAndBeginsAnew(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	h := &hub{}
	p.visits(1, 1, "visite", time.Minute)
	p.write()
	h.takes(t, p.Usage)
	b, err := p.Outbox(t.Context(), "0123456789abcdef", h.seq+100)
	if err != nil || b.Epoch != h.epoch || len(b.Hours) != 1 {
		t.Errorf("of an epoch that is not this file's nothing is acknowledged: %+v, %v", b, err)
	}
	if q := at(t, "2026-11-24 09:00"); q != nil {
		if b, _ := q.Outbox(t.Context(), "", 0); b.Epoch == h.epoch || len(b.Epoch) != 16 {
			t.Errorf("epoch %q of two files", b.Epoch)
		}
	}
}

func TestAnOlderCopyOfTheFileIsSentAnew(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	h := &hub{}
	p.visits(1, 2, "visite", time.Minute)
	p.write()
	h.takes(t, p.Usage)
	h.seq += 1000 // what the file has had later, and has not any more
	for at, x := range h.hours {
		x.Seq += 900
		x.Counts = nil
		h.hours[at] = x
	}
	p.visits(3, 1, "visite", time.Minute)
	p.write()
	for range 2 { // the second time nothing is left
		h.takes(t, p.Usage)
	}
	h.sums(t, map[string]uint64{"sessions visite": 3})
	if b, err := p.Outbox(t.Context(), h.epoch, h.seq); err != nil || len(b.Hours)+len(b.Days) != 0 {
		t.Errorf("still there: %+v, %v", b, err)
	}
}

func TestManyHoursGoInBatches(t *testing.T) {
	p := at(t, "2026-01-01 00:00")
	for range 40 * 24 {
		p.Note(sessions.Notice{Kind: sessions.NoticeRefused, Why: "day"})
		p.clock.Advance(time.Hour)
		p.Note(sessions.Notice{Kind: sessions.NoticeOpened, Session: sessions.Session{ID: "x", Device: device(1), OpenedBy: "resident", Profile: "visite"}})
		p.Note(sessions.Notice{Kind: sessions.NoticeEnded, Session: sessions.Session{ID: "x", Device: device(1), OpenedBy: "resident", Profile: "visite"}})
		if err := p.Write(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h := &hub{}
	batches := 1
	for left := h.takes(t, p.Usage); left > 0; batches++ {
		now := h.takes(t, p.Usage)
		if now >= left {
			t.Fatalf("%d hours are left after %d", now, left)
		}
		left = now
	}
	h.sums(t, map[string]uint64{"refused day": 960, "sessions visite": 960})
	if batches != 14 || len(h.days) != 122 {
		t.Errorf("%d batches, %d parts of days; want 961 hours by 72, and 3 parts of 40 days and 2 of the last", batches, len(h.days))
	}
}

// However the hub acknowledges, and whatever happens meanwhile, in the end it has what the file has.
func TestWhatTheHubHasIsWhatWasCounted(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := &place{t: t, clock: clock.NewFake(), paris: time.UTC, path: filepath.Join(t.TempDir(), "usage.db")}
		p.restart()
		defer func() { p.Close() }()
		h, n := &hub{}, uint64(0)
		r.Repeat(map[string]func(*rapid.T){
			"a session": func(r *rapid.T) {
				n++
				p.visits(int(n), 1, "visite", time.Duration(rapid.IntRange(1, 20).Draw(r, "minutes"))*time.Minute)
			},
			"a write":     func(*rapid.T) { p.write() },
			"a restart":   func(*rapid.T) { p.restart() },
			"some days":   func(r *rapid.T) { p.off(time.Duration(rapid.IntRange(1, 100).Draw(r, "hours")) * time.Hour) },
			"a batch":     func(*rapid.T) { h.takes(t, p.Usage) },
			"a lost word": func(r *rapid.T) { h.seq = rapid.Int64Range(0, h.seq).Draw(r, "acknowledged") },
		})
		p.write()
		for h.takes(t, p.Usage) > 0 {
		}
		if got := h.sum("sessions visite"); got != n {
			r.Errorf("the hub has %d sessions of %d", got, n)
		}
	})
}

func TestADatabaseFromBeforeTheHubGoesThereWhole(t *testing.T) {
	dump, err := os.ReadFile("testdata/version-1.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "usage.db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(dump)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	clk := clock.NewFake()
	u, err := usage.Open(t.Context(), path, usage.Options{Clock: clk, Location: time.UTC, Sessions: func() []sessions.Session { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	h := &hub{}
	if left := h.takes(t, u); left != 0 || len(h.hours) != 5 || h.seq != 9 {
		t.Fatalf("%d hours, %d left, number %d", len(h.hours), left, h.seq)
	}
	h.sums(t, map[string]uint64{"sessions visite": 4, "sessions atelier": 2, "time visite": 9_060_000, "bytes visite": 1000, "refused day": 1, "pages printed": 9})
	want := wire.Hour{At: 498730, Seq: 3, Measured: 1_860_000, Peak: 1, Counts: []wire.Count{{What: "time", Word: "visite", N: 1_860_000}, {What: "refused", Word: "day", N: 1}}}
	if diff := cmp.Diff(want, h.hours[498730]); diff != "" {
		t.Error(diff)
	}
	for k, n := range map[[2]int]int{{20261123, 0}: 4, {20261123, 1}: 4, {20261124, 0}: 2, {20261124, 2}: 2} {
		if d := slices.Collect(maps.Values(h.days[k])); len(d) != 1 || d[0].N != n {
			t.Errorf("devices of %v: %v", k, d)
		}
	}
}

func TestWaitingIsFromTheFirstPageToTheOpening(t *testing.T) {
	for _, tt := range []struct {
		name  string
		comes func(p *place)
		want  uint64
	}{
		{"who is let in waits from the first page on", func(p *place) {
			p.Visited(device(1).MAC, "phone", "fr")
			p.pass(4 * time.Minute)
			p.Visited(device(1).MAC, "", "")
			p.pass(3 * time.Minute)
			p.opens(1, "visite")
		}, 420_000},
		{"who was away for ten minutes begins anew", func(p *place) {
			p.Visited(device(1).MAC, "phone", "fr")
			p.pass(10 * time.Minute)
			p.Visited(device(1).MAC, "phone", "fr")
			p.pass(time.Minute)
			p.opens(1, "visite")
		}, 60_000},
		{"who has left does not wait", func(p *place) {
			p.Visited(device(1).MAC, "phone", "fr")
			p.pass(time.Hour)
			p.opens(1, "visite")
		}, 0},
		{"nobody waits twice for one page", func(p *place) {
			p.Visited(device(1).MAC, "phone", "fr")
			p.pass(time.Minute)
			p.ends(p.opens(1, "visite").ID)
			p.pass(time.Minute)
			p.opens(1, "visite")
		}, 60_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := at(t, "2026-11-24 09:00")
			tt.comes(p)
			p.write()
			h := &hub{}
			h.takes(t, p.Usage)
			h.sums(t, map[string]uint64{"waited visite": tt.want})
		})
	}
}

func TestTerminalsAreCountedByTheirNames(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	p.posts = map[mac.Addr]string{device(3).MAC: "poste-3"}
	p.restart()
	for _, n := range []int{3, 4} {
		s := sessions.Session{ID: "t", Device: device(n), Profile: "poste", Terminal: n == 3, State: sessions.Open, OpenedBy: sessions.FromDesk}
		p.all = []sessions.Session{s}
		p.Note(sessions.Notice{Kind: sessions.NoticeOpened, Session: s})
		p.pass(20 * time.Minute)
		p.ends("t")
	}
	p.write()
	h := &hub{}
	h.takes(t, p.Usage)
	h.sums(t, map[string]uint64{
		"sessions poste": 2, "time poste": 2400_000, "terminal-sessions poste-3": 1, "terminal-time poste-3": 1200_000,
	})
}

func TestTheLineIsAddedUpByHour(t *testing.T) {
	p := at(t, "2026-11-24 09:58")
	for range 4 {
		p.pass(time.Minute)
		p.Looked(wire.Quality{Asked: 6, Down: 1, Questions: 4, Lost: 1, Latency: 90, Full: 2})
		p.write()
	}
	h := &hub{}
	h.takes(t, p.Usage)
	first, second := h.hours[498752], h.hours[498753]
	if first.Line != (wire.Quality{Asked: 6, Down: 1, Questions: 4, Lost: 1, Latency: 90, Full: 2}) ||
		second.Line != (wire.Quality{Asked: 18, Down: 3, Questions: 12, Lost: 3, Latency: 270, Full: 6}) {
		t.Errorf("%+v, then %+v", first.Line, second.Line)
	}
}

func TestWhatAHandWroteIntoTheFileStopsNothing(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	p.visits(1, 1, "Jean Dupont", time.Minute)
	p.visits(2, 2, "10.77.0.9", time.Minute)
	for i := range 1000 {
		p.visits(10+i, 1, "p-"+strings.Repeat("a", i%30)+string(rune('a'+i%26)), 0)
	}
	p.write()
	h := &hub{}
	h.takes(t, p.Usage) // checks it
	h.sums(t, map[string]uint64{"sessions other": 3, "time other": 180_000})
}
