package journal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hpke"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/sessions/register/keys"
	"parvis/sessions/register/segment"
)

var (
	box    = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	opens  = map[string]hpke.PrivateKey{} // by the key's name
	ring   = made("2026-12", "2027-01", "2027-02", "2027-03")
	first  = time.Date(2026, 12, 20, 8, 0, 0, 0, time.UTC)
	errAny = errors.New("no space left on device")
)

func made(months ...string) keys.Ring {
	all := map[keys.ID]hpke.PublicKey{}
	for _, m := range months {
		id, err := keys.NewID("sessions", m)
		if err != nil {
			panic(err)
		}
		k, err := segment.KEM().DeriveKeyPair(bytes.Repeat([]byte(m), 10))
		if err != nil {
			panic(err)
		}
		all[id], opens[string(id)] = k.PublicKey(), k
	}
	return keys.NewRing(all)
}

// machine is a router with one journal: its clock, its disk and what it has acknowledged.
type machine struct {
	dir   string
	now   segment.Moment
	boot  uint32
	ring  keys.Ring
	full  bool
	j     *Journal
	acked []string
}

func (m *machine) options() Options {
	return Options{
		Dir: m.dir, Site: "mdh", Store: "sessions", Device: box, Boot: m.boot, Ring: func() keys.Ring { return m.ring }, Now: func() segment.Moment { return m.now },
		Create: func(dir string, o segment.Opening) (*segment.Writer, error) {
			if m.full {
				return nil, errAny
			}
			f, err := os.OpenFile(filepath.Join(dir, segment.Name(o.Store, o.First)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return nil, err
			}
			return segment.Begin(&faulty{File: f, m: m}, o)
		},
	}
}

// faulty is a file on a disk that may be full.
type faulty struct {
	*os.File
	m *machine
}

func (f *faulty) Write(b []byte) (int, error) {
	if f.m.full {
		n, err := f.File.Write(b[:len(b)/2])
		return n, errors.Join(err, errAny)
	}
	return f.File.Write(b)
}

// pass lets time go on by both clocks.
func (m *machine) pass(d time.Duration) { m.now.At, m.now.Up = m.now.At.Add(d), m.now.Up+d }

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func (m *machine) start(t fataler, replaced bool) {
	t.Helper()
	var err error
	if m.j, err = Open(m.options(), time.Time{}, replaced); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) append(t fataler) error {
	t.Helper()
	text := fmt.Sprintf("record %d", len(m.acked))
	n, err := m.j.Append([]byte(text))
	if err != nil {
		return err
	}
	if n < 1 {
		t.Fatal("number", n)
	}
	m.acked = append(m.acked, text)
	return nil
}

// verify reads everything back.
func (m *machine) verify(t fataler) segment.Store {
	t.Helper()
	stores, err := segment.Verify(os.DirFS(m.dir), func(h segment.Header) hpke.PrivateKey { return opens[h.Key] }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(stores) == 0 {
		if len(m.acked) > 0 {
			t.Fatal("everything is gone")
		}
		return segment.Store{}
	}
	if len(stores[0].Faults) > 0 {
		t.Fatalf("%+v", stores[0].Faults)
	}
	return stores[0]
}

func (m *machine) records(t fataler) (all []string) {
	t.Helper()
	names, err := filepath.Glob(m.dir + "/*.seg")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		h, err := segment.Read(bytes.NewReader(b), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := segment.Read(bytes.NewReader(b), opens[h.Header.Key], func(e segment.Entry) error {
			if e.Gap == nil {
				all = append(all, string(e.Record))
			}
			return nil
		}); err != nil {
			t.Fatal(n, err)
		}
	}
	return all
}

// crash leaves the last segment as a power cut may: everything that was acknowledged, and any part of one more record.
func (m *machine) crash(t *rapid.T) {
	names, err := filepath.Glob(m.dir + "/*.seg")
	if err != nil {
		t.Fatal(err)
	}
	before := map[string]int64{}
	for _, n := range names {
		info, err := os.Stat(n)
		if err != nil {
			t.Fatal(err)
		}
		before[n] = info.Size()
	}
	if rapid.Bool().Draw(t, "while it writes") && !m.full {
		m.j.Append([]byte("never acknowledged"))
	}
	if names, err = filepath.Glob(m.dir + "/*.seg"); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if len(names) > 0 {
		last := names[len(names)-1]
		info, err := os.Stat(last)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(last, rapid.Int64Range(before[last], info.Size()).Draw(t, "what the disk has")); err != nil {
			t.Fatal(err)
		}
	}
	m.j.mu.Lock() // the program is gone: nobody closes anything
	m.j.closed = true
	m.j.mu.Unlock()
}

func TestWhateverHappensWhatWasAcknowledgedIsThereAndEveryGapIsTold(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			t.Fatal(err)
		}
		m := &machine{dir: dir, now: segment.Moment{At: first, Sure: true}, boot: 1, ring: ring}
		m.start(t, false)
		t.Repeat(map[string]func(*rapid.T){
			"record": func(t *rapid.T) {
				if err := m.append(t); err != nil && !m.full {
					t.Fatal(err)
				}
			},
			"time goes on": func(t *rapid.T) {
				m.pass(time.Duration(rapid.Int64Range(0, int64(40*time.Hour)).Draw(t, "d")))
			},
			"the clock jumps": func(t *rapid.T) {
				m.now.At = m.now.At.Add(time.Duration(rapid.Int64Range(-int64(48*time.Hour), int64(48*time.Hour)).Draw(t, "d")))
				if m.now.At.Before(first) {
					m.now.At = first
				}
				m.now.Sure = rapid.Bool().Draw(t, "sure")
			},
			"turn": func(t *rapid.T) {
				if err := m.j.Turn(); err != nil && !m.full {
					t.Fatal(err)
				}
			},
			"the disk is full or not": func(t *rapid.T) { m.full = !m.full },
			"power cut": func(t *rapid.T) {
				m.crash(t)
				m.boot++
				m.now.Up = 0
				m.start(t, false)
			},
			"crash": func(t *rapid.T) {
				m.crash(t)
				m.start(t, false)
			},
			"stop and start": func(t *rapid.T) {
				if err := m.j.Close(); err != nil && !m.full {
					t.Fatal(err)
				}
				m.start(t, false)
			},
			"": func(t *rapid.T) {},
		})
		m.full = false
		if err := m.append(t); err != nil {
			t.Fatal(err)
		}
		if err := m.j.Close(); err != nil {
			t.Fatal(err)
		}
		s := m.verify(t)
		if s.Open {
			t.Fatal("ended in order, and it looks open")
		}
		got := slices.DeleteFunc(m.records(t), func(r string) bool { return r == "never acknowledged" })
		// What failed at the disk may be there all the same: it was not acknowledged, and it is doubled by the next try's number alone.
		seen := 0
		for _, r := range got {
			if seen < len(m.acked) && r == m.acked[seen] {
				seen++
			}
		}
		if seen != len(m.acked) {
			t.Fatalf("%d of %d acknowledged records are there, in their order: %q", seen, len(m.acked), got)
		}
	})
}

func TestASegmentIsEndedAfterTwelveHoursAndWithTheMonth(t *testing.T) {
	m := &machine{dir: t.TempDir(), now: segment.Moment{At: time.Date(2026, 12, 31, 10, 0, 0, 0, time.UTC), Sure: true}, boot: 1, ring: ring}
	m.start(t, false)
	for _, step := range []struct {
		on   time.Duration
		want int // segments
	}{{0, 1}, {11 * time.Hour, 1}, {2 * time.Hour, 2}, {2 * time.Hour, 3}} { // 10:00, 21:00, 23:00, 01:00 of the next month
		m.pass(step.on)
		if err := m.append(t); err != nil {
			t.Fatal(err)
		}
		if names, _ := filepath.Glob(m.dir + "/*.seg"); len(names) != step.want {
			t.Errorf("%s: %d segments, want %d", m.now.At, len(names), step.want)
		}
	}
	m.pass(13 * time.Hour)
	if err := m.j.Turn(); err != nil {
		t.Fatal(err)
	}
	if s := m.verify(t); s.Open || s.Segments != 3 {
		t.Errorf("nobody came for 13 hours, and it is not ended: %+v", s)
	}
}

func TestGapsSayWhyNothingWasRecorded(t *testing.T) {
	tests := []struct {
		name string
		do   func(*testing.T, *machine)
		want []segment.GapKind
	}{
		{"an orderly restart", func(t *testing.T, m *machine) {
			if err := m.j.Close(); err != nil {
				t.Fatal(err)
			}
			m.start(t, false)
		}, []segment.GapKind{segment.Restart}},
		{"a crash", func(t *testing.T, m *machine) { m.start(t, false) }, []segment.GapKind{segment.Restart}},
		{"a power cut", func(t *testing.T, m *machine) { m.boot++; m.start(t, false) }, []segment.GapKind{segment.Power}},
		{"another box", func(t *testing.T, m *machine) { m.start(t, true) }, []segment.GapKind{segment.Replaced}},
		{"a full disk", func(t *testing.T, m *machine) {
			m.full = true
			for range 3 {
				if m.append(t) == nil {
					t.Error("acknowledged on a full disk")
				}
			}
			m.full = false
		}, []segment.GapKind{segment.Storage}},
		{"no key", func(t *testing.T, m *machine) {
			m.ring = made("2027-03")
			if err := m.append(t); !errors.Is(err, ErrNoKey) {
				t.Error(err)
			}
			m.ring = ring
		}, []segment.GapKind{segment.NoKey}},
		{"the clock was set", func(t *testing.T, m *machine) {
			if err := m.j.Tell(segment.Gap{Kind: segment.Clock, From: m.now.At, To: m.now.At.Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}, []segment.GapKind{segment.Clock}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &machine{dir: t.TempDir(), now: segment.Moment{At: first, Sure: true}, boot: 1, ring: ring}
			m.start(t, false)
			if err := m.append(t); err != nil {
				t.Fatal(err)
			}
			tt.do(t, m)
			if err := m.append(t); err != nil {
				t.Fatal(err)
			}
			var got []segment.GapKind
			for _, g := range m.verify(t).Gaps {
				got = append(got, g.Gap.Kind)
				if g.Gap.Kind == segment.Storage && g.Gap.Lost != 3 {
					t.Errorf("%d lost, want 3", g.Gap.Lost)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestACheckpointIsWhatVerifyExpects(t *testing.T) {
	m := &machine{dir: t.TempDir(), now: segment.Moment{At: first, Sure: true}, boot: 1, ring: ring}
	m.start(t, false)
	if _, ok := m.j.Checkpoint(); ok {
		t.Error("nothing was written")
	}
	if err := m.append(t); err != nil {
		t.Fatal(err)
	}
	c, ok := m.j.Checkpoint()
	if !ok {
		t.Fatal("none")
	}
	stores, err := segment.Verify(m.j.Folder(), nil, []segment.Checkpoint{c})
	if err != nil || len(stores[0].Faults) != 0 || c.Next != 2 {
		t.Errorf("%+v %+v %v", c, stores, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	m := &machine{dir: b.TempDir(), now: segment.Moment{At: first, Sure: true}, boot: 1, ring: ring}
	m.start(b, false)
	record := make([]byte, 160)
	for b.Loop() {
		if _, err := m.j.Append(record); err != nil {
			b.Fatal(err)
		}
	}
}
