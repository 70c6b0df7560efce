package segment

import (
	"crypto/ed25519"
	"crypto/hpke"
	"slices"
	"testing"
	"testing/fstest"
	"time"
)

// folder is a store of three segments of two records each: the first ended in order, the second cut by a power failure, the third open.
func folder(t *testing.T) (files fstest.MapFS, sums []Sum) {
	t.Helper()
	files = fstest.MapFS{"notes.txt": {Data: []byte("of somebody else")}}
	var before *Sum
	first := int64(1)
	for i := range 3 {
		d := &disk{room: 1 << 20}
		w, err := Begin(d, opening(first, before))
		if err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			if _, err := w.Tell(Gap{Kind: Power, From: noon, To: noon.Add(time.Minute)}); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 2 {
			if _, err := w.Append(text(n)); err != nil {
				t.Fatal(err)
			}
		}
		next := w.Next()
		if i == 0 {
			if err := w.Close(Moment{At: noon, Sure: true}); err != nil {
				t.Fatal(err)
			}
		}
		sum := w.Sum()
		if i == 1 {
			d.Write([]byte{0, 0, 1}) // the frame that was being written
		}
		files[Name("sessions", first)] = &fstest.MapFile{Data: d.Bytes()}
		first, before = next, &sum
		sums = append(sums, sum)
	}
	return files, sums
}

func TestAWholeStoreHasNoFault(t *testing.T) {
	files, sums := folder(t)
	checkpoints := []Checkpoint{{Store: "sessions", Next: 3, Sum: sums[0][:]}, {Store: "sessions", Next: 8, Sum: sums[2][:]}}
	for _, keys := range []Finder{nil, func(Header) hpke.PrivateKey { return month }} {
		stores, err := Verify(files, keys, checkpoints)
		if err != nil || len(stores) != 1 {
			t.Fatal(stores, err)
		}
		s := stores[0]
		if len(s.Faults) != 0 || s.Segments != 3 || s.First != 1 || s.Next != 8 || !s.Open || len(s.Gaps) != 1 || s.Gaps[0].Number != 5 {
			t.Errorf("%+v", s)
		}
	}
}

func TestACheckpointOfAnyMomentIsFound(t *testing.T) {
	d := &disk{room: 1 << 20}
	w, err := Begin(d, opening(1, nil))
	if err != nil {
		t.Fatal(err)
	}
	var all []Checkpoint
	remember := func() {
		sum := w.Sum()
		all = append(all, Checkpoint{Store: "sessions", Next: w.Next(), Sum: sum[:]})
	}
	for n := range 3 {
		if _, err := w.Append(text(n)); err != nil {
			t.Fatal(err)
		}
		remember()
	}
	if err := w.Close(Moment{At: noon, Sure: true}); err != nil {
		t.Fatal(err)
	}
	remember()
	files := fstest.MapFS{Name("sessions", 1): {Data: d.Bytes()}}
	for i, c := range all {
		for name, want := range map[string]int{"as it was": 0, "of another chain": 1} {
			c := c
			if want > 0 {
				c.Sum = make([]byte, sumSize)
			}
			if stores, err := Verify(files, nil, []Checkpoint{c}); err != nil || len(stores[0].Faults) != want {
				t.Errorf("checkpoint %d, %s: %+v, %v", i, name, stores, err)
			}
		}
	}
}

func TestAPurgedBeginningIsNoFault(t *testing.T) {
	files, _ := folder(t)
	delete(files, Name("sessions", 1))
	stores, err := Verify(files, nil, []Checkpoint{{Store: "sessions", Next: 2}})
	if err != nil || len(stores[0].Faults) != 0 || stores[0].First != 3 {
		t.Errorf("%+v, %v", stores, err)
	}
}

func TestWhatIsWrongWithAStore(t *testing.T) {
	second, third := Name("sessions", 3), Name("sessions", 5)
	stranger := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	tests := []struct {
		name        string
		change      func(fstest.MapFS, []Sum)
		checkpoints []Checkpoint
		want        []FaultKind
	}{
		{"a flipped bit", func(f fstest.MapFS, _ []Sum) { f[second].Data[len(f[second].Data)-50] ^= 1 }, nil, []FaultKind{Broken, Missing}},
		{"a segment is taken out of the middle", func(f fstest.MapFS, _ []Sum) { delete(f, second) }, nil, []FaultKind{Missing}},
		{"the last entries are cut off", func(f fstest.MapFS, _ []Sum) {
			all := frames(f[third].Data)
			f[third].Data = joined(all[:len(all)-1]...)
		}, []Checkpoint{{Store: "sessions", Next: 8}}, []FaultKind{Behind}},
		{"the last segment is taken away", func(f fstest.MapFS, _ []Sum) { delete(f, third) }, []Checkpoint{{Store: "sessions", Next: 8}}, []FaultKind{Behind}},
		{"everything is taken away", func(f fstest.MapFS, _ []Sum) { clear(f) }, []Checkpoint{{Store: "sessions", Next: 8}}, []FaultKind{Behind}},
		{"another chain than the one that was remembered", func(fstest.MapFS, []Sum) {}, []Checkpoint{{Store: "sessions", Next: 3, Sum: make([]byte, sumSize)}}, []FaultKind{Behind}},
		{"the end of a segment is cut off", func(f fstest.MapFS, _ []Sum) {
			one := Name("sessions", 1)
			all := frames(f[one].Data)
			f[one].Data = joined(all[:len(all)-1]...)
		}, nil, []FaultKind{Unlinked, Unended}},
		{"a segment by another name", func(f fstest.MapFS, _ []Sum) {
			f[Name("sessions", 4)] = f[third]
			delete(f, third)
		}, nil, []FaultKind{Unlinked}},
		{"a segment of a strange device", func(f fstest.MapFS, sums []Sum) {
			d := &disk{room: 1 << 20}
			o := opening(8, &sums[2])
			o.Device = stranger
			w, err := Begin(d, o)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Tell(Gap{Kind: Restart}); err != nil {
				t.Fatal(err)
			}
			f[Name("sessions", 8)] = &fstest.MapFile{Data: d.Bytes()}
		}, nil, []FaultKind{Stranger}},
		{"a segment that does not say why the one before was not ended", func(f fstest.MapFS, sums []Sum) {
			d := &disk{room: 1 << 20}
			if _, err := Begin(d, opening(8, &sums[2])); err != nil {
				t.Fatal(err)
			}
			f[Name("sessions", 8)] = &fstest.MapFile{Data: d.Bytes()}
		}, nil, []FaultKind{Unended}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files, sums := folder(t)
			tt.change(files, sums)
			stores, err := Verify(files, nil, tt.checkpoints)
			if err != nil || len(stores) != 1 {
				t.Fatal(stores, err)
			}
			var got []FaultKind
			for _, f := range stores[0].Faults {
				got = append(got, f.Kind)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%+v, want %v", stores[0].Faults, tt.want)
			}
		})
	}
}

func TestABoxThatWasReplacedIsNoStranger(t *testing.T) {
	files, sums := folder(t)
	d := &disk{room: 1 << 20}
	o := opening(8, &sums[2])
	o.Device = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	w, err := Begin(d, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Tell(Gap{Kind: Replaced, From: noon, To: noon.Add(72 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	files[Name("sessions", 8)] = &fstest.MapFile{Data: d.Bytes()}
	stores, err := Verify(files, nil, nil)
	if err != nil || len(stores[0].Faults) != 0 {
		t.Errorf("%+v, %v", stores, err)
	}
}
