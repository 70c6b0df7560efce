package segment

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hpke"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// device signs, and month opens: both are the tests'.
var (
	device = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	month  = derived("december")
	noon   = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
)

func derived(from string) hpke.PrivateKey {
	k, err := KEM().DeriveKeyPair(bytes.Repeat([]byte(from), 8))
	if err != nil {
		panic(err)
	}
	return k
}

// disk is a file in memory. It takes room bytes and then fails, as a full disk does.
type disk struct {
	bytes.Buffer
	room   int
	closed bool
	synced int
}

var errFull = errors.New("no space left on device")

func (d *disk) Write(b []byte) (int, error) {
	if d.Len()+len(b) > d.room {
		n, _ := d.Buffer.Write(b[:max(0, d.room-d.Len())])
		return n, errFull
	}
	return d.Buffer.Write(b)
}
func (d *disk) Sync() error  { d.synced = d.Len(); return nil }
func (d *disk) Close() error { d.closed = true; return nil }

func opening(first int64, before *Sum) Opening {
	return Opening{
		Site: "mdh", Store: "sessions", KeyID: "2026-12", Public: month.PublicKey(), Device: device, First: first, Before: before,
		Now: Moment{At: noon, Sure: true}, Boot: 3,
	}
}

func text(n int) []byte { return []byte(fmt.Sprintf("record %03d, as long as every other", n)) }

// written is a segment of n records with a gap behind the second, ended in order or not.
func written(t testing.TB, n int, ended bool) []byte {
	t.Helper()
	d := &disk{room: 1 << 20}
	w, err := Begin(d, opening(41, nil))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := w.Append(text(i)); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			if _, err := w.Tell(Gap{Kind: Power, From: noon, To: noon.Add(time.Hour), Sure: true}); err != nil {
				t.Fatal(err)
			}
		}
		if d.synced != d.Len() {
			t.Fatal("an entry was acknowledged before it was durable")
		}
	}
	if ended {
		if err := w.Close(Moment{At: noon.Add(2 * time.Hour), Sure: true}); err != nil {
			t.Fatal(err)
		}
	}
	return d.Bytes()
}

// opened reads everything.
func opened(b []byte, key hpke.PrivateKey) (records []string, f Found, err error) {
	f, err = Read(bytes.NewReader(b), key, func(e Entry) error {
		if e.Gap == nil {
			records = append(records, string(e.Record))
		}
		return nil
	})
	return records, f, err
}

func TestASegmentIsReadAsItWasWritten(t *testing.T) {
	records, f, err := opened(written(t, 5, true), month)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if r != string(text(i)) {
			t.Errorf("%d: %q", i, r)
		}
	}
	if len(records) != 5 || f.Entries != 6 || f.End == nil || f.End.Entries != 6 || f.Torn != 0 || !f.Header.Began.Equal(noon) {
		t.Errorf("%d records, %+v", len(records), f)
	}
	if len(f.Gaps) != 1 || f.Gaps[0].Number != 43 || f.Gaps[0].Gap.Kind != Power || !f.Gaps[0].Gap.To.Equal(noon.Add(time.Hour)) {
		t.Errorf("%+v", f.Gaps)
	}
}

func TestWithoutAKeyTheChainIsCheckedAndNothingIsRead(t *testing.T) {
	b := written(t, 3, true)
	records, f, err := opened(b, nil)
	if err != nil || f.Entries != 4 || f.End == nil {
		t.Fatal(f, err)
	}
	for _, r := range records {
		if r != "" {
			t.Errorf("%q", r)
		}
	}
	if bytes.Contains(b, []byte("record 0")) {
		t.Error("a record stands there in the clear")
	}
}

func TestAnotherMonthsKeyOpensNothing(t *testing.T) {
	records, _, err := opened(written(t, 3, true), derived("january"))
	if !errors.Is(err, ErrKey) || len(records) != 0 {
		t.Error(records, err)
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	b := written(t, 2, true)
	for at := range b {
		for _, bit := range []byte{1, 0x80} {
			c := bytes.Clone(b)
			c[at] ^= bit
			_, f, err := opened(c, month)
			// A longer length makes what follows a torn frame: then the end is missing, and what was lost is told.
			if err == nil && (f.End != nil || f.Torn == 0) {
				t.Fatalf("byte %d of %d: nothing was found", at, len(b))
			}
		}
	}
}

// frames cuts a segment.
func frames(b []byte) (all [][]byte) {
	b = b[len(magic):]
	for len(b) > 0 {
		n := headSize - 1 + int(binary.BigEndian.Uint32(b)) + sumSize
		all = append(all, b[:n])
		b = b[n:]
	}
	return all
}

func joined(all ...[]byte) []byte { return append([]byte(magic), bytes.Join(all, nil)...) }

func TestWhatIsTakenOutDoubledOrSwappedIsFound(t *testing.T) {
	f := frames(written(t, 4, true)) // header, secret, record, record, gap, record, record, end
	other := frames(written(t, 4, true))
	tests := []struct {
		name string
		b    []byte
		at   string
	}{
		{"a record is taken out", joined(f[0], f[1], f[2], f[4], f[5], f[6], f[7]), "entry 42"},
		{"the gap is taken out", joined(f[0], f[1], f[2], f[3], f[5], f[6], f[7]), "entry 43"},
		{"a record is doubled", joined(f[0], f[1], f[2], f[2], f[3], f[4], f[5], f[6], f[7]), "entry 42"},
		{"two are swapped", joined(f[0], f[1], f[3], f[2], f[4], f[5], f[6], f[7]), "entry 41"},
		{"one is of another segment", joined(f[0], f[1], f[2], other[3], f[4], f[5], f[6], f[7]), "entry 42"},
		{"the header is taken out", joined(f[1], f[2]), "entry 0"},
		{"the sealed beginning is taken out", joined(f[0], f[2]), "entry 41"},
		{"something stands behind the end", append(bytes.Clone(joined(f...)), f[7]...), "entry 46"},
		{"no segment", []byte("a file of somebody else's, as long as one"), "entry 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, key := range []hpke.PrivateKey{nil, month} {
				if _, _, err := opened(tt.b, key); !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), tt.at) {
					t.Errorf("key %v: %v, want it at %s", key != nil, err, tt.at)
				}
			}
		})
	}
}

func TestACutAtAnyByteKeepsEveryWholeEntry(t *testing.T) {
	whole := written(t, 3, true)
	all := frames(whole)
	ends := []int{len(magic)}
	for _, f := range all {
		ends = append(ends, ends[len(ends)-1]+len(f))
	}
	for cut := range whole {
		records, f, err := opened(whole[:cut], month)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		complete, last := 0, 0
		for i, e := range ends {
			if e <= cut {
				complete, last = i, e
			}
		}
		if f.End != nil || f.Torn != int64(cut-last) && cut >= len(magic) {
			t.Fatalf("cut at %d: torn %d, last whole frame ends at %d", cut, f.Torn, last)
		}
		want := max(0, complete-2) // header and secret
		if got := int(f.Entries); got != want {
			t.Fatalf("cut at %d: %d entries, want %d", cut, got, want)
		}
		if len(records) > 3 {
			t.Fatal(records)
		}
	}
}

// forge writes the gap of a segment anew, with the chain and the signature: what somebody can do who holds the device's key and the file.
func forge(t *testing.T, b []byte) []byte {
	t.Helper()
	sum, out := start(), []byte(magic)
	entries := int64(-2)
	for _, f := range frames(b) {
		f = bytes.Clone(f[:len(f)-sumSize])
		switch f[4] {
		case kindGap:
			var g Gap
			if err := json.Unmarshal(f[headSize:len(f)-codeSize], &g); err != nil {
				t.Fatal(err)
			}
			g.To = g.To.Add(24 * time.Hour)
			body, err := json.Marshal(g)
			if err != nil {
				t.Fatal(err)
			}
			f = frame(kindGap, append(body, f[len(f)-codeSize:]...))
		case kindEnd:
			body, err := json.Marshal(End{Entries: entries, Signature: ed25519.Sign(device, append([]byte(signedPrefix), sum[:]...))})
			if err != nil {
				t.Fatal(err)
			}
			f = frame(kindEnd, append(body, make([]byte, codeSize)...))
		}
		entries++
		sum = next(sum, f)
		out = append(append(out, f...), sum[:]...)
	}
	return out
}

func TestWhoTakesTheRouterOverCannotWriteThePastAnew(t *testing.T) {
	b := forge(t, written(t, 3, true))
	if _, _, err := opened(b, nil); err != nil {
		t.Fatal("the forgery is not a good one:", err)
	}
	if _, _, err := opened(b, month); !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "entry 43") {
		t.Error(err)
	}
}

func TestAFullDiskIsSaidAndNothingIsAcknowledged(t *testing.T) {
	whole := written(t, 3, true)
	for room := range len(whole) {
		d := &disk{room: room}
		w, err := Begin(d, opening(41, nil))
		acknowledged := 0
		for i := 0; err == nil && i < 3; i++ {
			if _, err = w.Append(text(i)); err == nil {
				acknowledged++
			}
		}
		if err != nil && !errors.Is(err, errFull) {
			t.Fatal(err)
		}
		if w != nil {
			if _, again := w.Append(text(9)); err != nil && again == nil {
				t.Fatalf("room for %d: it took another record after it had failed", room)
			}
			if end := w.Close(Moment{At: noon, Sure: true}); err != nil && !errors.Is(end, errFull) {
				t.Fatal(end)
			}
			if !d.closed {
				t.Fatal("not closed")
			}
		}
		_, f, err := opened(d.Bytes(), month)
		if err != nil || int(f.Entries) < acknowledged {
			t.Fatalf("room for %d: %d acknowledged, %d there, %v", room, acknowledged, f.Entries, err)
		}
	}
}

func TestAClosedWriterTakesNothing(t *testing.T) {
	w, err := Begin(&disk{room: 1 << 20}, opening(1, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(Moment{At: noon, Sure: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Append(text(0)); err == nil {
		t.Error("a record behind the end")
	}
}

func FuzzRead(f *testing.F) {
	whole := written(f, 3, true)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, key := range []hpke.PrivateKey{nil, month} {
			_, found, err := opened(b, key)
			if err != nil && !errors.Is(err, ErrBroken) && !errors.Is(err, ErrKey) {
				t.Error(err)
			}
			if key != nil && err == nil && found.Entries > 0 && !bytes.HasPrefix(whole, b) && !bytes.HasPrefix(b, whole[:len(whole)/2]) {
				t.Errorf("records that nobody has written: %+v", found)
			}
		}
	})
}
