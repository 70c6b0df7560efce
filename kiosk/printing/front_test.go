package printing

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parvis/internal/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// printer is one that does as it is told, and writes down what it was asked.
type printer struct {
	*httptest.Server
	mu       sync.Mutex
	requests []message
	jobs     map[int32]*fakeJob
	last     int32
	silent   bool // it does not answer
}

type fakeJob struct {
	user  string
	state int32
	pages int32
	bytes int
}

func newPrinter() *printer {
	p := &printer{jobs: map[int32]*fakeJob{}}
	p.Server = httptest.NewServer(p)
	return p
}

func (p *printer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := bufio.NewReader(r.Body)
	m, err := readMessage(body, maxRequest)
	if err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	op := m.operation()
	id, _ := op.number("job-id")
	p.mu.Lock()
	p.requests = append(p.requests, m)
	silent := p.silent
	if m.code == printJob || m.code == createJob {
		p.last++
		id = p.last
		p.jobs[id] = &fakeJob{user: op.text("requesting-user-name"), state: 3}
	}
	p.mu.Unlock()
	if silent {
		http.Error(w, "no", 500)
		return
	}
	n, _ := io.Copy(io.Discard, body) // a cut sender ends it early, and the job stays
	p.mu.Lock()
	defer p.mu.Unlock()
	answer := refusal(m, 0)
	for of, j := range p.jobs {
		switch {
		case m.code == getJobs && j.state < canceled, of == id:
			if m.code == cancelJob {
				j.state = canceled
			}
			j.bytes += int(n)
			answer.groups = append(answer.groups, group{tagJob, []attribute{
				{"job-id", []value{integer(of)}},
				{"job-uri", []value{text(tagURI, "ipp://printer/jobs/1")}},
				{"job-state", []value{integer(j.state)}},
				{"job-impressions-completed", []value{integer(j.pages)}},
				{"job-originating-user-name", []value{text(tagName, j.user)}},
			}})
		}
	}
	w.Header().Set("Content-Type", "application/ipp")
	w.Write(answer.bytes())
}

func (p *printer) set(id, state, pages int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.jobs[id].state, p.jobs[id].pages = state, pages
}

// job is a copy of one.
func (p *printer) job(id int32) fakeJob {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.jobs[id] == nil {
		return fakeJob{}
	}
	return *p.jobs[id]
}

// asked is every request so far.
func (p *printer) asked() []message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

func (p *printer) state(id int32) int32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.jobs[id] == nil {
		return 0
	}
	return p.jobs[id].state
}

// notebook is what outlives a front.
type notebook struct {
	mu    sync.Mutex
	users map[string]string
	fail  error
}

func (n *notebook) Printing(context.Context) (map[string]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.users), n.fail
}

func (n *notebook) Prints(_ context.Context, session, user string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail == nil {
		n.users[session] = user
	}
	return n.fail
}

func (n *notebook) HasPrinted(_ context.Context, session string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.users, session)
	return n.fail
}

func (n *notebook) has(session string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.users[session] != ""
}

func (n *notebook) breaks(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fail = err
}

// room is a front, its printer, and terminals: 127.0.0.1 has the session that is set.
type room struct {
	*Front
	printer *printer
	front   *httptest.Server
	clock   *clock.Fake

	mu       sync.Mutex
	session  string
	open     map[string]bool
	terminal bool
	counted  []int
	changed  chan struct{}
	memory   *notebook
}

func newRoom(t *testing.T) *room {
	p := newPrinter()
	t.Cleanup(p.Close)
	return roomOf(t, p, &notebook{users: map[string]string{}})
}

// roomOf is a room whose printer and memory are there already.
func roomOf(t *testing.T, p *printer, n *notebook) *room {
	r := &room{printer: p, memory: n, clock: clock.NewFake(), session: "one", open: map[string]bool{"one": true, "two": true}, terminal: true, changed: make(chan struct{}, 1)}
	u, err := url.Parse(strings.Replace(r.printer.URL, "http://", "ipp://", 1))
	if err != nil {
		t.Fatal(err)
	}
	r.Front, err = New(Options{
		Printer: u, Clock: r.clock, Log: slog.New(slog.DiscardHandler),
		Who: func(netip.Addr) (string, bool) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.session, r.terminal
		},
		Open: func(id string) bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.open[id]
		},
		Counted: func(_ string, pages int) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.counted = append(r.counted, pages)
		},
		Memory: n,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Front.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.front = httptest.NewServer(r.Front)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Front.Run(ctx, r.changed)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		r.front.Close()
		r.Front.client.CloseIdleConnections()
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

func (r *room) be(session string, terminal bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.session, r.terminal = session, terminal
}

func (r *room) end(session string) {
	r.mu.Lock()
	r.open[session] = false
	if r.session == session {
		r.session = ""
	}
	r.mu.Unlock()
	r.changed <- struct{}{}
}

func (r *room) pages() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int(nil), r.counted...)
}

// until passes time until something is so.
func (r *room) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if is() {
			return
		}
		r.clock.Advance(every)
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("not within 20 s: %s", what)
}

func (r *room) ask(t *testing.T, m message, document io.Reader) message {
	t.Helper()
	a, err := r.try(m, document)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// try is ask where no answer may come.
func (r *room) try(m message, document io.Reader) (message, error) {
	var body io.Reader = bytes.NewReader(m.bytes())
	if document != nil {
		body = io.MultiReader(body, document)
	}
	resp, err := http.Post(r.front.URL+"/ipp/print", "application/ipp", body)
	if err != nil {
		return message{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return message{}, fmt.Errorf("HTTP status %s", resp.Status)
	}
	a, err := readMessage(bufio.NewReader(resp.Body), maxResponse)
	if err == nil && a.id != m.id {
		err = fmt.Errorf("answers request %d, not %d", a.id, m.id)
	}
	return a, err
}

func about(id int32) attribute { return attribute{"job-id", []value{integer(id)}} }

func TestAPageIsPrintedAndCountedOnce(t *testing.T) {
	r := newRoom(t)
	a := r.ask(t, request(printJob, attribute{"job-name", []value{text(tagName, "lettre CAF")}}), strings.NewReader("%PDF-1.7"))
	if id, ok := madeJob(a); !ok || id != 1 || r.printer.job(1).bytes != 8 {
		t.Fatalf("printed: %+v, %+v", a, r.printer.job(1))
	}
	r.printer.set(1, 9, 3)
	r.until(t, "it is counted", func() bool { return len(r.pages()) == 1 })
	r.ask(t, request(printJob), strings.NewReader("%PDF"))
	r.printer.set(2, 9, 2)
	r.until(t, "the next is too", func() bool { return len(r.pages()) == 2 })
	if got := r.pages(); got[0] != 3 || got[1] != 2 {
		t.Errorf("counted %v", got)
	}
	for _, m := range r.printer.asked() {
		if strings.Contains(string(m.bytes()), "lettre") {
			t.Error("the printer knows what the document is called")
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	r := newRoom(t)
	for op := uint16(0); op < 0x60; op++ {
		want := uint16(notSupported)
		switch op {
		case printJob, validateJob, createJob, getJobs, printerStatus:
			want = 0
		case sendDocument, cancelJob, jobAttributes:
			want = notFound
		}
		if a := r.ask(t, request(op, about(99)), nil); a.code != want {
			t.Errorf("operation %#x: status %#x, want %#x", op, a.code, want)
		}
	}
	r.be("", true)
	for _, op := range allowed {
		want := uint16(notAuthorised)
		if op == printerStatus {
			want = 0
		}
		if a := r.ask(t, request(op, about(1)), nil); a.code != want {
			t.Errorf("without a session operation %#x: status %#x, want %#x", op, a.code, want)
		}
	}
	r.be("", false)
	resp, err := http.Post(r.front.URL+"/", "application/ipp", bytes.NewReader(request(printerStatus).bytes()))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("who is no terminal gets %s", resp.Status)
	}
}

func TestOnlyIPP(t *testing.T) {
	r := newRoom(t)
	tests := []struct {
		name, method, kind, body string
		want                     int
	}{
		{"the printer's own pages", "GET", "", "", http.StatusMethodNotAllowed},
		{"a form", "POST", "application/x-www-form-urlencoded", "a=b", http.StatusUnsupportedMediaType},
		{"something else under that name", "POST", "application/ipp", "GET / HTTP/1.1", http.StatusBadRequest},
		{"a head without an end", "POST", "application/ipp", string(request(printJob).bytes()[:8]) + "\x01" + strings.Repeat("\x44\x00\x01a\x00\x00", 20000), http.StatusBadRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, _ := http.NewRequest(tt.method, r.front.URL, strings.NewReader(tt.body))
			req.Header.Set("Content-Type", tt.kind)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.want {
				t.Errorf("got %s", resp.Status)
			}
		})
	}
}

func TestOneSessionDoesNotSeeAnothersJobs(t *testing.T) {
	r := newRoom(t)
	r.ask(t, request(printJob), strings.NewReader("mine"))
	r.be("two", true)
	r.ask(t, request(printJob), strings.NewReader("yours"))
	for _, op := range []uint16{cancelJob, jobAttributes, sendDocument} {
		if a := r.ask(t, request(op, about(1)), nil); a.code != notFound {
			t.Errorf("operation %#x about another's job: %#x", op, a.code)
		}
	}
	a := r.ask(t, request(getJobs), nil)
	for _, g := range a.groups[1:] {
		if id, _ := g.number("job-id"); id != 2 {
			t.Errorf("sees job %d", id)
		}
	}
	if len(a.groups) != 2 {
		t.Errorf("sees %d jobs", len(a.groups)-1)
	}
	if r.printer.job(1).user == r.printer.job(2).user {
		t.Error("the printer takes both for one")
	}
}

func TestWhatWaitsIsDroppedAtTheEnd(t *testing.T) {
	r := newRoom(t)
	for range 3 {
		r.ask(t, request(printJob), strings.NewReader("page"))
	}
	r.be("two", true)
	r.ask(t, request(printJob), strings.NewReader("another's"))
	r.printer.set(2, processing, 1)
	r.end("one")
	r.until(t, "the waiting ones are gone", func() bool { return r.printer.state(1) == canceled && r.printer.state(3) == canceled })
	if r.printer.state(2) != processing || r.printer.state(4) != 3 {
		t.Errorf("the one that is being printed is in state %d, another's in %d", r.printer.state(2), r.printer.state(4))
	}
	r.printer.set(2, 9, 1)
	r.until(t, "the sheet that came out is counted", func() bool { return len(r.pages()) == 1 })
	r.be("one", true)
	if a := r.ask(t, request(printJob), strings.NewReader("late")); a.code != 0 && a.code != notAuthorised {
		t.Errorf("after the end: %#x", a.code)
	}
}

func TestAnUploadIsCutAtTheEnd(t *testing.T) {
	r := newRoom(t)
	pr, pw := io.Pipe()
	answered := make(chan error, 1)
	go func() {
		a, err := r.try(request(printJob), pr)
		if err == nil && a.code != unavailable {
			err = fmt.Errorf("status %#x", a.code)
		} else {
			err = nil // an answer that says so, or a connection that is reset under what the terminal still sends
		}
		answered <- err
	}()
	if _, err := pw.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
		t.Fatal(err)
	}
	r.until(t, "the printer has its beginning", func() bool { return r.printer.state(1) != 0 })
	r.printer.set(1, processing, 0)
	r.end("one")
	select {
	case err := <-answered:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the upload goes on")
	}
	pw.Close()
	r.until(t, "what came of it is cancelled", func() bool { return r.printer.state(1) == canceled })
}

func TestAPrinterThatComesBackIsAskedAgain(t *testing.T) {
	r := newRoom(t)
	r.ask(t, request(printJob), strings.NewReader("page"))
	r.printer.mu.Lock()
	r.printer.silent = true
	r.printer.mu.Unlock()
	if a := r.ask(t, request(printerStatus), nil); a.code != unavailable {
		t.Errorf("a printer that is off: %#x", a.code)
	}
	r.end("one")
	asked := func() int { return len(r.printer.asked()) }
	before := asked()
	r.until(t, "it is asked in vain", func() bool { return asked() > before+1 })
	r.printer.mu.Lock()
	r.printer.silent = false
	r.printer.mu.Unlock()
	r.until(t, "the job is cancelled", func() bool { return r.printer.state(1) == canceled })
	r.until(t, "the session is forgotten", func() bool {
		r.Front.mu.Lock()
		defer r.Front.mu.Unlock()
		return len(r.Front.sessions) == 0
	})
}

func TestAPrinterThatNeverAnswersIsForgotten(t *testing.T) {
	r := newRoom(t)
	r.ask(t, request(printJob), strings.NewReader("page"))
	r.printer.set(1, processing, 2)
	r.Front.look(context.Background())
	r.printer.mu.Lock()
	r.printer.silent = true
	r.printer.mu.Unlock()
	r.end("one")
	r.until(t, "it ends", func() bool { return r.Front.ended(r.known("one")) })
	r.clock.Advance(patience)
	r.until(t, "what was last seen is counted", func() bool { return len(r.pages()) == 1 && r.pages()[0] == 2 })
}

func (r *room) known(id string) *session {
	r.Front.mu.Lock()
	defer r.Front.mu.Unlock()
	if s := r.Front.sessions[id]; s != nil {
		return s
	}
	return &session{}
}

func TestBounds(t *testing.T) {
	r := newRoom(t)
	for range maxLive {
		if a := r.ask(t, request(createJob), nil); a.code != 0 {
			t.Fatalf("status %#x", a.code)
		}
	}
	if a := r.ask(t, request(createJob), nil); a.code != busy {
		t.Errorf("one job more: %#x", a.code)
	}
	if a := r.ask(t, request(sendDocument, about(1)), io.LimitReader(zeros{}, maxDocument)); a.code != tooLarge {
		t.Errorf("a document that is too large: %#x", a.code)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestAddressesOfPrinters(t *testing.T) {
	tests := []struct{ in, http, ipp string }{
		{"ipp://192.168.1.40", "http://192.168.1.40:631/ipp/print", "ipp://192.168.1.40/ipp/print"},
		{"ipp://192.168.1.40:8631/printers/a", "http://192.168.1.40:8631/printers/a", "ipp://192.168.1.40:8631/printers/a"},
		{"ipps://copieur.commune.fr/", "https://copieur.commune.fr:631/ipp/print", "ipps://copieur.commune.fr/ipp/print"},
		{"http://192.168.1.40", "", ""},
		{"ipp:///ipp", "", ""},
		{"ipp://a:b@192.168.1.40", "", ""},
		{"ipp://192.168.1.40/?waitjob=false", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			u, err := url.Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			f, err := New(Options{Printer: u})
			if (err != nil) != (tt.http == "") {
				t.Fatalf("error %v", err)
			}
			if err == nil && (f.http != tt.http || f.uri != tt.ipp) {
				t.Errorf("%s, %s", f.http, f.uri)
			}
		})
	}
}
