package button

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parvis/hw"
	"parvis/internal/clock"
)

const key, other = Key(0x211), Key(2)

func at(d time.Duration, code Key, value int32) event {
	return event{at: time.Hour + d, typ: evKey, code: uint16(code), value: value}
}

func TestAPressIsToldByHowLongTheKernelSawItDown(t *testing.T) {
	ms := time.Millisecond
	dropped := event{typ: evSyn, code: synDropped}
	for about, tc := range map[string]struct {
		events []event
		want   []Press
	}{
		"short":                            {[]event{at(0, key, pressed), at(300*ms, key, released)}, []Press{{key, false}}},
		"just not long":                    {[]event{at(0, key, pressed), at(1999*ms, key, released)}, []Press{{key, false}}},
		"long":                             {[]event{at(0, key, pressed), at(2000*ms, key, released)}, []Press{{key, true}}},
		"repetition is not a press":        {[]event{at(0, key, pressed), at(500*ms, key, 2), at(540*ms, key, 2), at(600*ms, key, released)}, []Press{{key, false}}},
		"something lies on it":             {[]event{at(0, key, pressed), at(20*time.Second, key, released)}, nil},
		"a contact that bounces":           {[]event{at(0, key, pressed), at(3*ms, key, released), at(5*ms, key, pressed), at(200*ms, key, released)}, []Press{{key, false}}},
		"two keys at once":                 {[]event{at(0, key, pressed), at(100*ms, other, pressed), at(300*ms, other, released), at(2500*ms, key, released)}, []Press{{other, false}, {key, true}}},
		"released without a press":         {[]event{at(0, key, released)}, nil},
		"the kernel's buffer has run over": {[]event{at(0, key, pressed), dropped, at(300*ms, key, released), at(400*ms, key, pressed), at(500*ms, key, released)}, []Press{{key, false}}},
		"a mouse moves":                    {[]event{{typ: 2, code: uint16(key), value: 1}, {typ: 2, code: uint16(key)}}, nil},
		"time that goes back":              {[]event{at(0, key, pressed), at(-time.Minute, key, released)}, nil},
	} {
		t.Run(about, func(t *testing.T) {
			w := watch{down: map[Key]time.Duration{}}
			var got []Press
			for _, e := range tc.events {
				if p, ok := w.event(e); ok {
					got = append(got, p)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestThereAreNeverMorePressesThanKeysWentDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, downs, ups := watch{down: map[Key]time.Duration{}}, 0, 0
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			e := event{
				at:  time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "at")),
				typ: rapid.SampledFrom([]uint16{evSyn, evKey, 2}).Draw(t, "type"), code: rapid.Uint16Range(0, 4).Draw(t, "code"), value: rapid.Int32Range(-1, 3).Draw(t, "value"),
			}
			if e.typ == evKey && e.value == pressed {
				downs++
			}
			if _, ok := w.event(e); ok {
				ups++
			}
		}
		if ups > downs {
			t.Errorf("%d presses of %d", ups, downs)
		}
	})
}

// wire is events as the kernel writes them, for a long of so many bytes.
func wire(size int, all ...event) []byte {
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.NativeEndian, v) }
	for _, e := range all {
		sec, usec := e.at/time.Second, e.at%time.Second/time.Microsecond
		if size == 24 {
			put(int64(sec))
			put(int64(usec))
		} else {
			put(int32(sec))
			put(int32(usec))
		}
		put(e.typ)
		put(e.code)
		put(e.value)
	}
	return b.Bytes()
}

func TestEventsAreReadOnMachinesOf32And64Bits(t *testing.T) {
	want := []event{at(1234567*time.Microsecond, key, pressed), {at: time.Second, typ: 2, code: 1, value: -5}}
	for _, size := range []int{16, 24} {
		got := decode(append(wire(size, want...), 1, 2, 3), size)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(event{})); diff != "" {
			t.Errorf("%d: %s", size, diff)
		}
	}
}

func FuzzEvents(f *testing.F) {
	f.Add(wire(24, at(0, key, pressed), at(time.Second, key, released)))
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, size := range []int{16, 24} {
			w := watch{down: map[Key]time.Duration{}}
			all := decode(b, size)
			if len(all) != len(b)/size {
				t.Errorf("%d events of %d bytes", len(all), len(b))
			}
			for _, e := range all {
				w.event(e)
			}
			if len(w.down) > len(all) {
				t.Error("more keys down than events")
			}
		}
	})
}

func TestKeysAreNamedAsTheKernelNamesThem(t *testing.T) {
	for s, want := range map[string]Key{"KEY_WPS_BUTTON": 0x211, "KEY_RESTART": 0x198, "BTN_0": 0x100, "KEY_F1": 59, "257": 257} {
		if k, err := ParseKey(s); err != nil || k != want {
			t.Errorf("%s: %v, %v", s, k, err)
		}
	}
	for _, s := range []string{"", "KEY_NOTHING", "0", "768", "-1", "wps"} {
		if k, err := ParseKey(s); err == nil {
			t.Errorf("%q is %v", s, k)
		}
	}
}

// plugged is a device in the memory; its bytes come through a pipe.
type plugged struct {
	io.ReadCloser
	name string
	keys []Key
}

func (p plugged) about() (string, func(Key) bool, error) {
	return p.name, func(k Key) bool {
		for _, have := range p.keys {
			if k == have {
				return true
			}
		}
		return false
	}, nil
}

// box is a place with devices that are plugged in and pulled out.
type box struct {
	t       *testing.T
	root    string
	clock   *clock.Fake
	write   map[string]*io.PipeWriter
	opened  chan string
	presses chan Press
	names   map[string]plugged
}

func newBox(t *testing.T, named string) *box {
	b := &box{
		t: t, root: t.TempDir(), clock: clock.NewFake(), write: map[string]*io.PipeWriter{}, opened: make(chan string, 10), presses: make(chan Press, 10),
		names: map[string]plugged{},
	}
	if err := os.MkdirAll(filepath.Join(b.root, "dev/input"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.plug("event0", "Power Button", other)
	b.plug("event1", "gpio-keys", key)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	o := Options{
		Root: hw.Root(b.root), Device: named, Keys: []Key{key}, Clock: b.clock, Log: slog.New(slog.DiscardHandler),
		Pressed: func(_ context.Context, p Press) { b.presses <- p },
	}
	go func() {
		done <- run(ctx, o, func(path string) (device, error) {
			d := b.names[filepath.Base(path)]
			b.opened <- filepath.Base(path)
			return d, nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

// plug must be called before the look that finds the device.
func (b *box) plug(file, name string, keys ...Key) {
	r, w := io.Pipe()
	b.names[file], b.write[file] = plugged{r, name, keys}, w
	if err := os.WriteFile(filepath.Join(b.root, "dev/input", file), nil, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) press(file string, k Key) {
	b.t.Helper()
	if _, err := b.write[file].Write(wire(eventSize, at(0, k, pressed), event{}, at(time.Second, k, released), event{})); err != nil {
		b.t.Fatal(err)
	}
}

func TestAButtonIsHeardAndAgainAfterItWasPulledOut(t *testing.T) {
	b := newBox(t, "")
	for range 2 {
		<-b.opened
	}
	b.press("event1", key)
	if p := <-b.presses; p != (Press{Key: key}) {
		t.Error(p)
	}
	b.press("event1", other) // another key of it
	b.press("event1", key)
	if p := <-b.presses; p.Key != key {
		t.Error(p)
	}

	b.write["event1"].Close()
	if err := os.Rename(filepath.Join(b.root, "dev/input/event1"), filepath.Join(b.root, "dev/old")); err != nil { // its inode is not given again
		t.Fatal(err)
	}
	b.plug("event1", "gpio-keys", key)
	advance(b, 1)
	b.press("event1", key)
	if p := <-b.presses; p.Key != key {
		t.Error(p)
	}
}

// advance lets looks pass until n devices were opened.
func advance(b *box, n int) {
	for n > 0 {
		select {
		case <-b.opened:
			n--
		default:
			b.clock.Advance(lookEvery)
		}
	}
}

func TestAnotherDeviceThanTheNamedOneIsNotHeard(t *testing.T) {
	b := newBox(t, "gpio-keys")
	for range 2 {
		<-b.opened
	}
	b.plug("event2", "a stranger's keyboard", key)
	advance(b, 1)
	if _, err := b.write["event2"].Write(wire(eventSize, at(0, key, pressed))); err == nil {
		t.Error("it is read")
	}
	b.press("event1", key)
	if p := <-b.presses; p.Key != key {
		t.Error(p)
	}
}
