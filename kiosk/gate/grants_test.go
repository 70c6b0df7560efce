package gate_test

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"parvis/internal/mac"
	"parvis/kiosk/gate"
	"parvis/kiosk/names"
)

// open reports what a fresh CONNECT of the post to www.caf.fr says.
func (w *world) open() bool {
	w.t.Helper()
	status, c, _ := w.ask(postIP, "CONNECT www.caf.fr:443 HTTP/1.1\r\nHost: www.caf.fr:443\r\n\r\n")
	c.Close()
	return status == http.StatusOK
}

// live is a tunnel of the post that carries bytes both ways.
func (w *world) live() io.Reader {
	w.t.Helper()
	c, err := w.tunnel("www.caf.fr", "www.caf.fr")
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// changes are what may end the right to a name, with what makes it begin.
var changes = map[string]func(*world){
	"dropped":            func(w *world) { w.gate.Drop(16) },
	"synchronised away":  func(w *world) { w.gate.Sync(nil) },
	"suspended":          func(w *world) { g := w.grant(); g.Suspended = true; w.put(g) },
	"at another address": func(w *world) { g := w.grant(); g.IPv4 = netip.MustParseAddr("127.0.0.9"); w.put(g) },
	"shortened to now":   func(w *world) { g := w.grant(); g.End = w.clock.Boot(); w.put(g) },
	"ended":              func(w *world) { w.clock.Advance(time.Hour) },
	"ended after a change": func(w *world) {
		g := w.grant()
		g.End = w.clock.Boot().Add(time.Minute)
		w.put(g)
		w.clock.Advance(time.Minute)
	},
	"the name withdrawn":         func(w *world) { w.gate.Allow(post, names.List{"other.caf.fr"}) },
	"every name withdrawn":       func(w *world) { w.gate.Allow(post, nil) },
	"given to another device":    func(w *world) { g := w.grant(); g.MAC = mac.Addr{2, 9}; w.gate.Sync([]gate.Grant{g}) },
	"synchronised and suspended": func(w *world) { g := w.grant(); g.Suspended = true; w.gate.Sync([]gate.Grant{g}) },
}

func TestWhatEndsARightCutsItsTunnelsAndOpensNoMore(t *testing.T) {
	for what, change := range changes {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, nil)
			c := w.live()
			change(w)
			w.wantCut(c)
			w.until("no flow is left", func() bool { return w.gate.Flows() == 0 })
			if w.open() {
				t.Error("and opens anew")
			}
		})
	}
}

func TestDropHasCutBeforeItReturns(t *testing.T) {
	w := newWorld(t, nil)
	w.live()
	w.gate.Drop(16)
	if n := w.gate.Flows(); n != 0 {
		t.Errorf("%d flows are left", n)
	}
}

func TestATunnelIsLeftAloneByWhatDoesNotConcernIt(t *testing.T) {
	w := newWorld(t, nil)
	w.live()
	g := w.grant()
	g.End = g.End.Add(time.Hour)
	for what, change := range map[string]func(){
		"extended":                 func() { w.put(g) },
		"synchronised as it is":    func() { w.gate.Sync([]gate.Grant{g}) },
		"another rule that allows": func() { w.gate.Allow(post, names.List{"www.caf.fr", "other.caf.fr"}) },
		"another device's":         func() { w.gate.Allow(other, nil); w.gate.Window(other, nil) },
		"half of the time":         func() { w.clock.Advance(5 * time.Minute) },
		"a new grant beside": func() {
			w.put(gate.Grant{Slot: 17, MAC: other, IPv4: otherIP, End: w.clock.Boot().Add(time.Hour)})
		},
		"its end": func() { w.gate.Drop(17) },
	} {
		change()
		if w.gate.Flows() != 1 {
			t.Fatalf("%s cuts it", what)
		}
	}
}

func TestADownloadOfPlainHTTPIsCutToo(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := rw.Write(make([]byte, 1<<10)); err != nil {
				return
			}
			rw.(http.Flusher).Flush()
		}
	})
	resp, err := w.browser(postIP).Get("http://www.caf.fr/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(io.Discard, resp.Body, 1<<20); err != nil {
		t.Fatal(err)
	}
	w.gate.Drop(16)
	w.wantCut(resp.Body)
	if status, _ := w.get(postIP, "http://www.caf.fr/"); status != http.StatusForbidden {
		t.Errorf("asked again: %d", status)
	}
}

func TestAHostThatIsBeingDialledIsCutToo(t *testing.T) {
	w := newWorld(t, nil)
	waiting, goOn := make(chan struct{}), make(chan struct{})
	w.slow(func() { close(waiting); <-goOn })
	done := make(chan bool, 1)
	go func() { done <- w.open() }()
	<-waiting
	w.gate.Drop(16)
	close(goOn)
	// Its connection was reset before there was an answer, or there is one that refuses.
	select {
	case ok := <-done:
		if ok {
			t.Error("a grant that was dropped meanwhile has opened a tunnel")
		}
	case <-time.After(soon):
		t.Fatal("no end")
	}
	w.until("no flow is left", func() bool { return w.gate.Flows() == 0 })
}

func TestOnlyTheGrantsOwnDeviceAtItsOwnAddress(t *testing.T) {
	w := newWorld(t, nil)
	if status, _, _ := w.ask(otherIP, "CONNECT www.caf.fr:443 HTTP/1.1\r\nHost: www.caf.fr:443\r\n\r\n"); status != http.StatusForbidden {
		t.Errorf("another device: %d", status)
	}
	if status, _, _ := w.ask(netip.MustParseAddr("127.0.0.3"), "CONNECT www.caf.fr:443 HTTP/1.1\r\nHost: www.caf.fr:443\r\n\r\n"); status != http.StatusForbidden {
		t.Errorf("a device that nobody knows: %d", status)
	}
	if got := w.whys(); !slices.Equal(got, []gate.Why{gate.NoGrant}) { // of a device that nobody knows nothing is told
		t.Errorf("refused: %v", got)
	}
}

func TestAWindowOpensWithoutAGrantForOneDevice(t *testing.T) {
	w := newWorld(t, nil)
	w.gate.Drop(16)
	w.gate.Window(post, names.List{"evil.example"})
	if status, _ := w.get(postIP, "https://evil.example/"); status != http.StatusOK {
		t.Errorf("in the window: %d", status)
	}
	if status, _, _ := w.ask(otherIP, "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n"); status != http.StatusForbidden {
		t.Errorf("another device: %d", status)
	}
	w.gate.Window(post, nil)
	if status, _, _ := w.ask(postIP, "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n"); status != http.StatusForbidden {
		t.Errorf("after it: %d", status)
	}
}

func TestAlwaysIsForEveryKnownDevice(t *testing.T) {
	w := newWorld(t, nil)
	w.gate.Always(names.List{"evil.example"})
	for _, from := range []netip.Addr{postIP, otherIP} {
		if status, _ := w.get(from, "http://evil.example/"); status != http.StatusOK {
			t.Errorf("%v: %d", from, status)
		}
	}
	if status, _, _ := w.ask(netip.MustParseAddr("127.0.0.3"), "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n"); status != http.StatusForbidden {
		t.Errorf("a device that nobody knows: %d", status)
	}
}

// usage is what the gate counts now.
func (w *world) usage() []gate.Usage {
	w.t.Helper()
	u, err := w.gate.Usage()
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

func TestBytesAreCountedOnceWhateverCarriesThem(t *testing.T) {
	const down, up = 300_000, 200_000
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		rw.Write(make([]byte, down))
	})
	about := func(u gate.Usage, n uint64) bool { // headers and TLS come on top
		return u.Down >= n*down && u.Down < n*down+20_000*n && u.Up >= n*up && u.Up < n*up+20_000*n
	}
	b := w.browser(postIP)
	for i, address := range []string{"http://www.caf.fr/", "https://www.caf.fr/", "https://www.caf.fr/"} {
		resp, err := b.Post(address, "text/plain", io.LimitReader(zeros{}, up))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if u := w.usage(); len(u) != 1 || !about(u[0], uint64(i)+1) || u[0].Final {
			t.Errorf("after %d requests, the last of them %s: %+v", i+1, address, u)
		}
	}
	before := w.usage()[0]
	w.gate.Drop(16)
	after := w.usage()
	before.Final = true
	if len(after) != 1 || after[0].Slot != 16 || !after[0].Final || after[0].Down < before.Down || !about(after[0], 3) {
		t.Errorf("the last count is %+v after %+v", after, before)
	}
	if again := w.usage(); len(again) != 0 {
		t.Errorf("reported twice: %+v", again)
	}
	w.put(w.grant())
	if u := w.usage(); !reflect.DeepEqual(u, []gate.Usage{{Slot: 16}}) {
		t.Errorf("a new grant begins with %+v", u)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestWhatPassesWithoutAGrantIsOnNobodysAccount(t *testing.T) {
	w := newWorld(t, nil)
	w.gate.Window(other, names.List{"www.caf.fr"})
	if status, _ := w.get(otherIP, "http://www.caf.fr/"); status != http.StatusOK {
		t.Fatal(status)
	}
	if u := w.usage(); !reflect.DeepEqual(u, []gate.Usage{{Slot: 16}}) {
		t.Errorf("%+v", u)
	}
}

func TestWhatIsNoGrant(t *testing.T) {
	w := newWorld(t, nil)
	for what, change := range map[string]func(*gate.Grant){
		"no slot":           func(g *gate.Grant) { g.Slot = 0 },
		"no MAC":            func(g *gate.Grant) { g.MAC = mac.Addr{} },
		"no address":        func(g *gate.Grant) { g.IPv4 = netip.Addr{} },
		"an IPv6 address":   func(g *gate.Grant) { g.IPv4 = netip.MustParseAddr("2001:db8::1") },
		"another's slot":    func(g *gate.Grant) { g.MAC, g.IPv4 = other, otherIP },
		"another's MAC":     func(g *gate.Grant) { g.Slot, g.IPv4 = 17, otherIP },
		"another's address": func(g *gate.Grant) { g.Slot, g.MAC = 17, other },
	} {
		g := w.grant()
		change(&g)
		if err := w.gate.Put(g); !errors.Is(err, gate.ErrGrant) {
			t.Errorf("Put, %s: %v", what, err)
		}
		if err := w.gate.Sync([]gate.Grant{w.grant(), g}); !errors.Is(err, gate.ErrGrant) {
			t.Errorf("Sync, %s: %v", what, err)
		}
	}
	if !w.open() {
		t.Error("what was refused has changed something")
	}
	if err := w.gate.Drop(99); err != nil {
		t.Errorf("Drop of what is not there: %v", err)
	}
}
