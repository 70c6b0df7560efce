package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/sessions/register/segment"
)

// life is 800 days, made from a seed, of a router, a leap day among them: when it was off, when its clock was wrong, and what it wrote.
type life struct {
	now    time.Time // as it truly is
	boot   uint32
	up     time.Time // when this run began
	sure   bool
	wrong  time.Duration // how far the clock is off while nobody has set it
	known  map[uint32]bool
	kept   []Kept
	truth  []time.Time // when the last thing in each segment truly happened
	oldest []time.Time // and the first
}

func (l *life) moment() segment.Moment {
	m := segment.Moment{At: l.now, Sure: l.sure, Up: l.now.Sub(l.up)}
	if !l.sure {
		m.At = m.At.Add(l.wrong)
	}
	return m
}

func (l *life) stamp() stamp {
	m := l.moment()
	if m.Sure {
		l.known[l.boot] = true
	}
	return stamp{l.boot, m.Up, m.At, m.Sure}
}

func TestAPurgeIsExactOnBothSides(t *testing.T) {
	const step = 6 * time.Hour
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 800))
		upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
		l := &life{now: time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC), boot: 1, sure: true, known: map[uint32]bool{}}
		l.up = l.now
		setAt := l.now
		for end := l.now.AddDate(0, 0, 800); l.now.Before(end); { // over 29 February 2028
			// A segment of at most 12 hours, ended in order or not.
			k := Kept{began: l.stamp()}
			from := l.now
			l.now = l.now.Add(upTo(Rotation))
			l.sure = l.sure || !l.now.Before(setAt)
			if k.whole = random.IntN(5) > 0; k.whole {
				k.ended = l.stamp()
			}
			l.kept, l.truth, l.oldest = append(l.kept, k), append(l.truth, l.now), append(l.oldest, from)
			// The machine may be off for a time, and then does not know how late it is; a clock that nobody has set may say anything.
			if random.IntN(10) == 0 {
				l.now = l.now.Add(upTo(5 * 24 * time.Hour))
				l.boot++
				l.up, l.sure = l.now, false
				l.wrong = upTo(1400*24*time.Hour) - 700*24*time.Hour
				setAt = l.now.Add(upTo(36 * time.Hour))
			}
			for range 2 {
				if err := l.purge(); err != nil {
					t.Fatalf("life %d: %v", seed, err)
				}
				l.now = l.now.Add(upTo(step / 2))
			}
		}
	}
}

// purge removes what is due, and judges it by the truth.
func (l *life) purge() error {
	n := due(l.kept, l.moment())
	for i := range n {
		if age := l.now.Sub(l.truth[i]); age < Retention-time.Second {
			return fmt.Errorf("purged after %v", age)
		}
	}
	l.kept, l.truth, l.oldest = l.kept[n:], l.truth[n:], l.oldest[n:]
	if len(l.kept) == 0 || !l.sure {
		return nil
	}
	// What is left has its term before it, but for segments whose end nobody could know.
	if end := l.kept[0].ended; !l.kept[0].whole || !end.sure && !l.known[end.boot] {
		return nil
	}
	if age := l.now.Sub(l.oldest[0]); age > Retention+Grace {
		return fmt.Errorf("still there after %v", age)
	}
	return nil
}

func TestNothingIsPurgedWhileTheTimeIsNotSure(t *testing.T) {
	k := []Kept{{whole: true, ended: stamp{at: first, sure: true}}}
	late := first.Add(2 * Retention)
	if due(k, segment.Moment{At: late}) != 0 || due(k, segment.Moment{At: late, Sure: true}) != 1 {
		t.Error("the quality of the clock")
	}
}

func TestTheEndOfASegmentIsFoundByTheClockThatNeverJumps(t *testing.T) {
	in1970 := time.Unix(1000, 0)
	tests := []struct {
		name string
		all  []Kept
		want time.Time
	}{
		{"the clock was set later in the same run", []Kept{
			{whole: true, ended: stamp{3, time.Hour, in1970, false}},
			{whole: true, began: stamp{3, 2 * time.Hour, in1970, false}, ended: stamp{3, 5 * time.Hour, first, true}},
		}, first.Add(-4 * time.Hour)},
		{"it was set only in the next run", []Kept{
			{whole: true, ended: stamp{3, time.Hour, in1970, false}},
			{began: stamp{4, 30 * time.Minute, first, true}},
		}, first.Add(-30 * time.Minute)},
		{"it was cut, and the next one began so much later", []Kept{
			{began: stamp{3, time.Hour, first.Add(-24 * time.Hour), true}},
			{began: stamp{4, time.Minute, first, true}},
		}, first},
		{"nobody knows", []Kept{{whole: true, ended: stamp{3, time.Hour, in1970, false}}, {began: stamp{3, 2 * time.Hour, in1970, false}}}, time.Time{}},
		{"it is being written", []Kept{{began: stamp{3, time.Hour, first, true}}}, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, known := latest(tt.all, 0)
			if known == tt.want.IsZero() || !got.Equal(tt.want) {
				t.Errorf("%v %v, want %v", got, known, tt.want)
			}
		})
	}
}

func TestAPurgeLeavesAReportAndAWholeRest(t *testing.T) {
	m := &machine{dir: t.TempDir(), now: segment.Moment{At: first, Sure: true}, boot: 1, ring: ring}
	m.start(t, false)
	for range 4 {
		if err := m.append(t); err != nil {
			t.Fatal(err)
		}
		m.pass(Rotation)
	}
	if r, err := m.j.Purge(); err != nil || r != nil {
		t.Fatal("something was due:", r, err)
	}
	m.pass(Retention - 2*Rotation)
	r, err := m.j.Purge()
	if err != nil || r == nil {
		t.Fatal(r, err)
	}
	p, err := r.Read()
	if err != nil || p.Site != "mdh" || p.First != 1 || p.Last != 2 || len(p.Segments) != 2 {
		t.Errorf("%+v %v", p, err)
	}
	names, err := filepath.Glob(m.dir + "/sessions-purge-*.json")
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	var stored Report
	if err := json.Unmarshal(b, &stored); err != nil {
		t.Fatal(err)
	}
	if _, err := stored.Read(); err != nil {
		t.Error(err)
	}
	stored.Purged = json.RawMessage(strings.Replace(string(stored.Purged), `"last":2`, `"last":1`, 1))
	if _, err := stored.Read(); !errors.Is(err, ErrReport) {
		t.Error("a report that was changed:", err)
	}
	if s := m.verify(t); s.First != 3 || s.Segments != 2 {
		t.Errorf("%+v", s)
	}
	if err := m.append(t); err != nil {
		t.Fatal(err)
	}
	m.verify(t)
}
