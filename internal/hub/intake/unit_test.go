package intake

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hublink/wire"
)

func TestOtherProtocolsAreRefused(t *testing.T) {
	for _, tc := range []struct {
		said   string
		spoken []int
		want   bool
	}{
		{"5", []int{3, 4, 5}, true},
		{"4", []int{3, 4, 5}, true},
		{"3", []int{3, 4, 5}, true},
		{"2", []int{3, 4, 5}, false},
		{"6", []int{3, 4, 5}, false},
		{"1", []int{1}, true},
		{"0", []int{1}, false},
		{"-1", []int{1}, false},
		{"+1", []int{1}, false},
		{"", []int{1}, false},
		{"five", []int{3, 4, 5}, false},
		{"5.0", []int{3, 4, 5}, false},
		{"99999999999999999999", []int{3, 4, 5}, false},
	} {
		if got := speaks(tc.said, tc.spoken) == nil; got != tc.want {
			t.Errorf("a hub of the protocols %v speaks %q: %v; expected %v", tc.spoken, tc.said, got, tc.want)
		}
	}
}

func TestWhoAsks(t *testing.T) {
	for _, tc := range []struct {
		name, peer      string
		forwarded       []string
		byPeer, byProxy string
	}{
		{"IPv4", "192.0.2.1:4000", nil, "192.0.2.1", "192.0.2.1"},
		{"IPv6 by its subscriber", "[2001:db8:1:2:3::4]:4000", nil, "2001:db8:1:2::", "2001:db8:1:2::"},
		{"the proxy's word, not the client's", "127.0.0.1:4000", []string{"192.0.2.66, 192.0.2.9"}, "127.0.0.1", "192.0.2.9"},
		{"in two lines", "127.0.0.1:4000", []string{"192.0.2.66", "192.0.2.9"}, "127.0.0.1", "192.0.2.9"},
		{"no address", "127.0.0.1:4000", []string{"192.0.2.66, _hidden"}, "127.0.0.1", "?"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:4000", nil, "192.0.2.1", "192.0.2.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tc.peer, Header: http.Header{}}
			for _, f := range tc.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			if got := Peer(r); got != tc.byPeer {
				t.Errorf("Peer: %q, expected %q", got, tc.byPeer)
			}
			if got := Forwarded(r); got != tc.byProxy {
				t.Errorf("Forwarded: %q, expected %q", got, tc.byProxy)
			}
		})
	}
}

func TestABudgetFillsUpAgain(t *testing.T) {
	c := clock.NewFake()
	l := newLimiter(c, 3, time.Minute)
	for i := range 3 {
		if _, ok := l.take("a"); !ok {
			t.Fatalf("the budget ended after %d", i)
		}
	}
	if after, ok := l.take("a"); ok || after != time.Minute {
		t.Errorf("the fourth: %v, after %v", ok, after)
	}
	c.Advance(time.Minute)
	if _, ok := l.take("a"); !ok {
		t.Error("a minute later there is nothing")
	}
	if _, ok := l.take("a"); ok {
		t.Error("a minute gives two")
	}
}

// Whoever makes up names neither fills the memory nor keeps out who was there before.
func TestABudgetsMemoryIsBounded(t *testing.T) {
	c := clock.NewFake()
	l := newLimiter(c, 3, time.Minute)
	l.take("first")
	for i := range most + 1000 {
		l.take(strconv.Itoa(i))
	}
	if len(l.full) > most+1 {
		t.Errorf("%d names are kept; expected %d at most", len(l.full), most+1)
	}
	if _, ok := l.take("first"); !ok {
		t.Error("who was there before is kept out")
	}
	if _, ok := l.take("one more"); ok {
		t.Error("the budget of all others does not end")
	}
	c.Advance(3 * time.Minute)
	if _, ok := l.take("one more"); !ok || len(l.full) > 10 {
		t.Errorf("three minutes later: %v, with %d names", ok, len(l.full))
	}
}

// Whatever comes is refused, or is a batch that Check and the database take; and it is never longer than a batch.
func FuzzDecode(f *testing.F) {
	pack := func(plain []byte) []byte {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		z.Write(plain)
		z.Close()
		return out.Bytes()
	}
	whole, err := json.Marshal(wire.Batch{
		Epoch: "00000000000000aa", Seq: 1, Now: wire.Now{Clock: "unknown", Place: "open"},
		Hours: []wire.Hour{{At: 497_000, Seq: 1, Counts: []wire.Count{{What: "sessions", Word: "visite", N: 3}}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, true)
	f.Add(pack(whole), false)
	f.Add(pack(whole)[:40], false)
	f.Add([]byte(`{"epoch":"00000000000000aa","now":{"expires":{"portal":-1}}}`), true)
	f.Add(bytes.Repeat([]byte("["), 20_000), true)
	f.Add(bytes.Repeat([]byte(" "), wire.MaxBatch+1), true)
	f.Fuzz(func(t *testing.T, data []byte, compress bool) {
		if compress {
			data = pack(data)
		}
		b, err := decode(data)
		if err != nil {
			return
		}
		if err := b.Check(); err != nil || !fits(b) {
			t.Errorf("decoded, and %v, fits %v", err, fits(b))
		}
		again, err := json.Marshal(b)
		if err != nil || len(again) > 8*wire.MaxBatch {
			t.Errorf("%d bytes, %v", len(again), err)
		}
	})
}
