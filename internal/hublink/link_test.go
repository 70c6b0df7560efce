package hublink_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/internal/hublink"
	"parvis/internal/hublink/hubtest"
	"parvis/internal/hublink/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outbox is what usage's is, in memory, five hours a batch.
type outbox struct {
	mu    sync.Mutex
	epoch string
	seq   int64
	hours map[int64]wire.Hour
}

func newOutbox() *outbox {
	return &outbox{epoch: "0123456789abcdef", hours: map[int64]wire.Hour{}}
}

// counts counts sessions of an hour.
func (o *outbox) counts(at int64, n uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seq++
	h := o.hours[at]
	if h.Counts == nil {
		h.At, h.Counts = at, []wire.Count{{What: "sessions", Word: "visite"}}
	}
	h.Seq, h.Counts = o.seq, []wire.Count{{What: "sessions", Word: "visite", N: h.Counts[0].N + n}}
	o.hours[at] = h
}

func (o *outbox) sum() (n uint64) {
	for _, h := range o.hours {
		n += h.Counts[0].N
	}
	return n
}

func (o *outbox) Outbox(_ context.Context, epoch string, after int64) (wire.Batch, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if epoch != o.epoch {
		after = 0
	}
	b := wire.Batch{Epoch: o.epoch, Seq: o.seq}
	for _, h := range slices.SortedFunc(maps.Values(o.hours), func(a, b wire.Hour) int { return int(a.Seq - b.Seq) }) {
		switch {
		case h.Seq <= after:
		case len(b.Hours) < 5:
			b.Hours = append(b.Hours, h)
		default:
			b.Left++
		}
	}
	if b.Left > 0 {
		b.Seq = b.Hours[4].Seq
	}
	return b, nil
}

// world is a site and its hub.
type world struct {
	t      testing.TB
	hub    *hubtest.Hub
	server *httptest.Server
	clock  *clock.Fake
	outbox *outbox
	log    bytes.Buffer
	o      hublink.Options
	*hublink.Link
}

func begin(t testing.TB, dir string) *world { return start(t, dir, (*httptest.Server).StartTLS) }

func start(t testing.TB, dir string, serve func(*httptest.Server)) *world {
	t.Helper()
	w := &world{t: t, hub: &hubtest.Hub{}, clock: clock.NewFake(), outbox: newOutbox()}
	w.server = httptest.NewUnstartedServer(w.hub)
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	serve(w.server)
	w.o = hublink.Options{
		URL: w.server.URL, Path: filepath.Join(dir, "hub.json"), Version: "1.2.3", Model: "test", Outbox: w.outbox, Clock: w.clock,
		Random: func() float64 { return 1 },
		Now:    func() wire.Now { return wire.Now{Version: "1.2.3", Clock: "synchronised", Place: "open", Open: 3} },
		Log:    slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	if c := w.server.Client().Transport.(*http.Transport).TLSClientConfig; c != nil {
		w.o.CA = c.RootCAs
	}
	w.restart()
	return w
}

func (w *world) end() {
	w.server.Close()
	if errs := w.hub.Errors(); len(errs) > 0 {
		w.t.Errorf("the hub was sent what no site sends: %q", errs)
	}
}

// restart is what a crash and a start of the daemon are.
func (w *world) restart() {
	w.t.Helper()
	var err error
	if w.Link, err = hublink.Open(w.o); err != nil {
		w.t.Fatal(err)
	}
}

func enrolled(t *testing.T) *world {
	t.Helper()
	w := begin(t, t.TempDir())
	t.Cleanup(w.end)
	if err := w.Enrol(t.Context(), hubtest.Code); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestACodeWorksOnce(t *testing.T) {
	w := enrolled(t)
	if s := w.Status(); s.Site != "site-1" || s.Name != "Maison du Lac" {
		t.Fatalf("%+v", s)
	}
	if err := w.Enrol(t.Context(), hubtest.Code); !errors.Is(err, hublink.ErrEnrolled) {
		t.Errorf("a second time: %v", err)
	}
	if err := w.Leave(); err != nil || w.Status().Enrolled() {
		t.Fatalf("leave: %v, %+v", err, w.Status())
	}
	for _, code := range []string{hubtest.Code, "WRONG", ""} {
		if err := w.Enrol(t.Context(), code); !errors.Is(err, hublink.ErrCode) || w.Status().Enrolled() {
			t.Errorf("%q: %v", code, err)
		}
	}
	if err := w.Leave(); !errors.Is(err, hublink.ErrNone) {
		t.Errorf("leave what one is not in: %v", err)
	}
	if _, err := os.Stat(w.o.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}

func TestTheEnrolmentIsInOneFileForItsOwner(t *testing.T) {
	w := enrolled(t)
	info, err := os.Stat(w.o.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	b, err := os.ReadFile(w.o.Path)
	var s struct {
		SealKey []byte `json:"seal_key"`
	}
	if err = errors.Join(err, json.Unmarshal(b, &s)); err != nil {
		t.Fatal(err)
	}
	key, err := ecdh.X25519().NewPrivateKey(s.SealKey)
	if err != nil || !bytes.Equal(key.PublicKey().Bytes(), w.hub.SealKey()) {
		t.Errorf("the hub seals to another key: %v", err)
	}
	w.restart()
	if s := w.Status(); s.Site != "site-1" {
		t.Errorf("after a restart: %+v", s)
	}
	for _, damaged := range []string{"", "{", "{}"} {
		if err := os.WriteFile(w.o.Path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := hublink.Open(w.o); err == nil || !strings.Contains(err.Error(), w.o.Path) {
			t.Errorf("%q passes for an enrolment: %v", damaged, err)
		}
	}
}

func TestABatchTellsHowTheSiteIsAndWhatWaits(t *testing.T) {
	w := enrolled(t)
	for at := range int64(12) {
		w.outbox.counts(500_000+at, 2)
	}
	for i, want := range []time.Duration{0, 0, time.Minute, time.Minute} {
		if got := w.Send(t.Context()); got != want {
			t.Errorf("batch %d: the next one after %v, want %v", i, got, want)
		}
	}
	if n, now := w.hub.Sum("sessions", "visite"), w.hub.Now(); n != 24 || now.Open != 3 {
		t.Errorf("%d sessions, %+v", n, now)
	}
	if s := w.Status(); s.Err != nil || s.Left != 0 || !s.Heard.Equal(w.clock.Wall().Time) {
		t.Errorf("%+v", s)
	}
}

func TestWithoutAnEnrolmentNothingIsSent(t *testing.T) {
	w := begin(t, t.TempDir())
	defer w.end()
	if pause := w.Send(t.Context()); pause != time.Hour || w.hub.Batches() != 0 {
		t.Errorf("%v, %d batches", pause, w.hub.Batches())
	}
}

func TestAfterFailuresItWaitsLonger(t *testing.T) {
	w := enrolled(t)
	w.hub.Fails(func() hubtest.Fault { return hubtest.Away })
	for i, want := range []time.Duration{10, 20, 40, 80, 160, 300, 300} {
		if got := w.Send(t.Context()); got != want*time.Second {
			t.Errorf("failure %d: %v, want %v at most", i+1, got, want*time.Second)
		}
	}
	if n := strings.Count(w.log.String(), "acknowledges nothing"); n != 1 {
		t.Errorf("said %d times:\n%s", n, w.log.String())
	}
	w.clock.Advance(time.Hour)
	if s := w.Status(); s.Err == nil || s.Silent != time.Hour {
		t.Errorf("%+v", s)
	}
	w.hub.Fails(nil)
	if got := w.Send(t.Context()); got != time.Minute || w.Status().Err != nil || w.Status().Silent != 0 {
		t.Errorf("%v, %+v", got, w.Status())
	}
}

func TestAHubThatDoesNotKnowTheSiteIsNotBelieved(t *testing.T) {
	w := enrolled(t)
	w.outbox.counts(1, 1)
	w.hub.Forget()
	w.Send(t.Context())
	if s := w.Status(); !errors.Is(s.Err, hublink.ErrToken) || !s.Enrolled() {
		t.Errorf("%+v", s)
	}
}

// answers is a hub that says always the same.
func answers(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://elsewhere.example/")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func TestAnAnswerOfSomebodyElseAcknowledgesNothing(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"a page in between":          answers(200, "<html>Bienvenue</html>"),
		"a redirection":              answers(302, ""),
		"more than was sent":         answers(200, `{"seq": 99, "every": 60}`),
		"what it had before":         answers(200, `{"seq": 0, "every": 60}`),
		"a number that is none":      answers(200, `{"seq": -1, "every": 60}`),
		"an answer without an end":   answers(200, strings.Repeat(" ", 1<<20)+`{"seq": 1, "every": 60}`),
		"an error of a proxy":        answers(407, ""),
		"a hub that is out of order": answers(500, ""),
	} {
		t.Run(name, func(t *testing.T) {
			w := enrolled(t)
			w.outbox.counts(1, 1)
			w.hub.Instead(h)
			if pause := w.Send(t.Context()); pause != 10*time.Second || w.Status().Err == nil {
				t.Errorf("%v, %+v", pause, w.Status())
			}
			w.hub.Instead(nil)
			w.Send(t.Context())
			if n := w.hub.Sum("sessions", ""); n != 1 {
				t.Errorf("%d sessions in the end", n)
			}
		})
	}
}

func TestAHubThatWasPutBackIsSentAnew(t *testing.T) {
	w := enrolled(t)
	for at := range int64(3) {
		w.outbox.counts(at, 1)
	}
	w.Send(t.Context())
	w.hub.Drop()
	w.hub.Forget()
	w.hub.Instead(answers(200, `{"seq": 1, "every": 60}`))
	w.outbox.counts(9, 1)
	w.Send(t.Context())
	if err := w.Leave(); err != nil { // its token is of before, too
		t.Fatal(err)
	}
	w.hub.Instead(nil)
	if err := w.Enrol(t.Context(), hubtest.Code); err != nil {
		t.Fatal(err)
	}
	w.Send(t.Context())
	if n := w.hub.Sum("sessions", ""); n != 4 {
		t.Errorf("%d sessions of 4", n)
	}
}

func TestTheTokenIsSaidToTheHubAlone(t *testing.T) {
	w := enrolled(t)
	b, err := os.ReadFile(w.o.Path)
	var s struct{ Token string }
	if err = errors.Join(err, json.Unmarshal(b, &s)); err != nil || s.Token == "" {
		t.Fatal(err)
	}
	for _, h := range []http.Handler{answers(302, ""), answers(500, ""), nil} {
		w.hub.Instead(h)
		for range 4 {
			w.Send(t.Context())
			if e := w.Status().Err; e != nil && strings.Contains(e.Error(), s.Token) {
				t.Errorf("in an error: %v", e)
			}
		}
	}
	w.server.Close()
	for range 4 {
		w.Send(t.Context())
	}
	if w.log.Len() == 0 || strings.Contains(w.log.String(), s.Token) {
		t.Errorf("the log:\n%s", w.log.String())
	}
}

func TestAcknowledgementsReachTheDiskOnceAnHour(t *testing.T) {
	w := enrolled(t)
	written := 0
	before, _ := os.Stat(w.o.Path)
	for range 4 * 60 {
		w.clock.Advance(time.Minute)
		w.outbox.counts(1, 1)
		w.Send(t.Context())
		if now, err := os.Stat(w.o.Path); err != nil {
			t.Fatal(err)
		} else if !os.SameFile(before, now) {
			before = now
			written++
		}
	}
	if written != 4 {
		t.Errorf("written %d times in 4 hours", written)
	}
}

// Whatever happens on the way, in the end the hub has what the site has counted, and has never been sent what no site sends.
func TestInTheEndTheHubHasTheTruth(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		w := start(t, dir, (*httptest.Server).Start) // a hundred times, without the time that TLS takes
		defer w.end()
		faults := rapid.SampledFrom([]hubtest.Fault{hubtest.None, hubtest.Away, hubtest.Cut, hubtest.Mute, hubtest.Again, hubtest.Older})
		if err := w.Enrol(t.Context(), hubtest.Code); err != nil {
			t.Fatal(err)
		}
		epochs := 0
		r.Repeat(map[string]func(*rapid.T){
			"counts": func(r *rapid.T) {
				w.outbox.counts(rapid.Int64Range(0, 20).Draw(r, "hour"), rapid.Uint64Range(1, 9).Draw(r, "sessions"))
			},
			"sends": func(r *rapid.T) {
				fault := faults.Draw(r, "fault")
				w.hub.Fails(func() hubtest.Fault { return fault })
				w.clock.Advance(w.Send(t.Context()))
			},
			"falls": func(*rapid.T) { w.restart() },
			"another file begins": func(*rapid.T) {
				epochs++
				w.outbox.epoch, w.outbox.seq, w.outbox.hours = fmt.Sprintf("%016x", epochs), 0, map[int64]wire.Hour{}
				w.hub.Drop() // what the one before had counted is not what this is about
			},
		})
		w.hub.Fails(nil)
		for i := 0; w.Send(t.Context()) == 0; i++ {
			if i > 100 {
				r.Fatal("it does not come to an end")
			}
		}
		if got, want := w.hub.Sum("sessions", ""), w.outbox.sum(); got != want {
			r.Errorf("the hub has %d sessions, the site has counted %d", got, want)
		}
	})
}

// proxy is a real one: HTTP CONNECT to a server, whatever name it is asked for.
type proxy struct {
	to     string
	mu     sync.Mutex
	asked  []string
	header []http.Header
	all    sync.WaitGroup
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked, p.header = append(p.asked, r.Method+" "+r.Host), append(p.header, r.Header)
	p.mu.Unlock()
	if r.Method != http.MethodConnect {
		http.Error(w, "CONNECT alone", http.StatusMethodNotAllowed)
		return
	}
	far, err := net.Dial("tcp", p.to)
	if err != nil {
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	near, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		far.Close()
		return
	}
	_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range [][2]net.Conn{{near, far}, {far, near}} {
		p.all.Go(func() {
			_, _ = io.Copy(c[0], c[1])
			c[0].Close()
		})
	}
}

func TestTheHubIsReachedThroughAProxy(t *testing.T) {
	w := begin(t, t.TempDir())
	defer w.end()
	p := &proxy{to: w.server.Listener.Addr().String()}
	ps := httptest.NewServer(p)
	defer p.all.Wait()
	defer ps.Close()
	var err error
	if w.o.Proxy, err = url.Parse(ps.URL); err != nil {
		t.Fatal(err)
	}
	w.o.URL = "https://example.com" // of the server's certificate: nothing here can reach it but by the proxy
	w.restart()
	if err := w.Enrol(t.Context(), hubtest.Code); err != nil {
		t.Fatal(err)
	}
	w.outbox.counts(1, 5)
	w.Send(t.Context())
	if n := w.hub.Sum("sessions", ""); n != 5 {
		t.Errorf("%d sessions", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Run(ctx); err != nil { // closes what it has opened
		t.Error(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.asked) != 1 || p.asked[0] != "CONNECT example.com:443" || p.header[0].Get("Authorization") != "" {
		t.Errorf("the proxy was asked %q, with %v", p.asked, p.header)
	}
}

func TestAHubWithAnotherCertificateIsToldNothing(t *testing.T) {
	w := begin(t, t.TempDir())
	defer w.end()
	w.o.CA = nil
	w.restart()
	if err := w.Enrol(t.Context(), hubtest.Code); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
}

func TestRunSendsEachMinuteAndWritesAtItsEnd(t *testing.T) {
	w := begin(t, t.TempDir())
	defer w.end()
	taken := make(chan struct{})
	w.hub.Fails(func() hubtest.Fault { taken <- struct{}{}; return hubtest.None })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	w.outbox.counts(1, 1)
	if err := w.Enrol(t.Context(), hubtest.Code); err != nil { // wakes it
		t.Fatal(err)
	}
	for range 3 {
		for sent := false; !sent; {
			select {
			case <-taken:
				sent = true
			case <-time.After(time.Millisecond): // it may not wait yet
				w.clock.Advance(time.Minute)
			}
		}
	}
	// One at a time: the first two are acknowledged.
	go func() {
		for range taken { // one more may be on its way
		}
	}()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.server.Close()
	close(taken)
	b, err := os.ReadFile(w.o.Path)
	if err != nil || !strings.Contains(string(b), `"acked": 1`) {
		t.Errorf("%v\n%s", err, b)
	}
}
