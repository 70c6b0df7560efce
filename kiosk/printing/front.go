// Package printing is the router's front of a printer: terminals print through it, and through it alone.
//
// A terminal speaks IPP (RFC 8010, RFC 8011) to us over HTTP. What is not printing is refused; names of people and documents are
// replaced before anything leaves for the printer; a terminal sees its own jobs. A document goes through and is kept nowhere.
// When a session ends, what is being sent is cut and what waits in the printer is dropped; a sheet that is being printed comes
// out. Pages are counted, and the count is all that is told.
package printing

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"parvis/internal/clock"
)

// Options is what a Front is made of. All are required.
type Options struct {
	Printer *url.URL // ipp:// or ipps://; without a path, /ipp/print
	Clock   clock.Clock
	Log     *slog.Logger
	// Who says whether a terminal is behind an address, and which session is open on it, "" none. A terminal without a session may
	// ask what the printer can do, because it makes its queue when it starts, and nothing else.
	Who func(netip.Addr) (session string, terminal bool)
	// Open says whether a session still is.
	Open func(session string) bool
	// Counted is told how many pages a job has printed, once it is over: more than 0. It must not block.
	Counted func(session string, pages int)
	// Memory outlives the program: what a session has in the printer when it dies is found again, and dropped at that session's end.
	Memory Memory
}

// Bounds.
const (
	maxDocument = 256 << 20 // bytes of one document
	maxLive     = 50        // jobs of one session that are not over
	maxJobs     = 500       // and in all
	maxRequests = 8         // of one session at once
	maxInAll    = 64        // requests of everybody at once
	stalled     = 60 * time.Second
)

// ErrPrinter is returned for an address that is no printer's.
var ErrPrinter = errors.New("expected an address such as ipp://192.168.1.40/ipp/print")

// errStatus is an answer of HTTP, and not of IPP.
var errStatus = errors.New("the printer answers")

// Front is the router's front of one printer. Its methods may be called from several goroutines.
type Front struct {
	o      Options
	http   string // the printer's address over HTTP
	uri    string // and as IPP has it
	client *http.Client

	mu       sync.Mutex
	sessions map[string]*session
	kick     chan struct{}
	places   chan struct{} // of requests
}

// session is what one session prints.
type session struct {
	id, user string          // user is who it is to the printer: says nothing of anybody
	ctx      context.Context // ends with the session
	cut      context.CancelFunc
	requests int
	jobs     map[int32]*job
	ended    clock.Boot // 0 not yet
	dropped  bool       // what waited in the printer is gone
	unknown  bool       // it has printed before this program began: its jobs are to be asked for

	memory     sync.Mutex // over the write
	remembered bool
}

// New makes a Front. Nothing is asked of the printer yet. Errors wrap ErrPrinter.
func New(o Options) (*Front, error) {
	scheme := map[string]string{"ipp": "http", "ipps": "https"}[o.Printer.Scheme]
	if scheme == "" || o.Printer.Hostname() == "" || o.Printer.User != nil || o.Printer.RawQuery != "" {
		return nil, fmt.Errorf("printing: %q: %w", o.Printer.Redacted(), ErrPrinter)
	}
	port, path := o.Printer.Port(), o.Printer.EscapedPath()
	if port == "" {
		port = "631" // for both (RFC 8010, section 4; RFC 7472)
	}
	if path == "" || path == "/" {
		path = "/ipp/print"
	}
	f := &Front{
		o: o, sessions: map[string]*session{}, kick: make(chan struct{}, 1), places: make(chan struct{}, maxInAll),
		http: scheme + "://" + net.JoinHostPort(o.Printer.Hostname(), port) + path,
		uri:  target(o.Printer.Scheme, o.Printer.Host, path),
		client: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
				TLSHandshakeTimeout:   5 * time.Second,
				ResponseHeaderTimeout: 2 * time.Minute, // a printer answers once it has the whole document
				MaxIdleConns:          4, IdleConnTimeout: 30 * time.Second,
				MaxConnsPerHost: 16,
			},
		},
	}
	return f, nil
}

// Serve answers terminals on ln until ctx ends.
func (f *Front) Serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler: f, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // it would name addresses
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	defer f.client.CloseIdleConnections()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("printing: serve: %w", err)
	}
	return nil
}

// ServeHTTP takes one request of a terminal.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		http.Error(w, "who?", http.StatusBadRequest)
		return
	}
	id, terminal := f.o.Who(from.Addr().Unmap())
	switch kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); {
	case !terminal:
		http.Error(w, "not for you", http.StatusForbidden)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only IPP", http.StatusMethodNotAllowed)
		return
	case strings.TrimSpace(strings.ToLower(kind)) != "application/ipp":
		http.Error(w, "only IPP", http.StatusUnsupportedMediaType)
		return
	}
	select {
	case f.places <- struct{}{}:
		defer func() { <-f.places }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "later", http.StatusServiceUnavailable)
		return
	}
	control := http.NewResponseController(w)
	sender := &patient{Reader: http.MaxBytesReader(w, r.Body, maxDocument), control: control}
	body := bufio.NewReader(sender)
	m, err := readMessage(body, maxRequest)
	if err != nil {
		w.Header().Set("Connection", "close")
		http.Error(w, "not IPP", http.StatusBadRequest)
		return
	}
	answer := f.take(r, id, m, document{body, sender}, "ipp://"+r.Host+"/ipp/print")
	b := answer.bytes()
	w.Header().Set("Content-Type", "application/ipp")
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	control.SetWriteDeadline(time.Now().Add(stalled)) // an error here: the connection is gone, and so Write says
	w.Write(b)
}

// take does what a request asks, as far as it may be done.
func (f *Front) take(r *http.Request, id string, m message, doc document, self string) message {
	switch {
	case !slices.Contains(allowed, m.code):
		return refusal(m, notSupported)
	case id == "" && m.code != printerStatus:
		return refusal(m, notAuthorised)
	}
	s, status := f.enter(id)
	if status != 0 {
		return refusal(m, status)
	}
	defer f.leave(s)
	job, status := prepare(&m, f.uri, s.user)
	if status != 0 {
		return refusal(m, status)
	}
	if job != 0 && !f.owns(s, job) {
		return refusal(m, notFound)
	}
	sends := m.code == printJob || m.code == sendDocument
	if m.code == printJob || m.code == createJob {
		if f.full(s) {
			return refusal(m, busy)
		}
		if err := f.remember(r.Context(), s); err != nil { // else nobody could drop it after a crash
			f.o.Log.Warn("nothing is printed: who prints cannot be remembered", "err", err)
			return refusal(m, unavailable)
		}
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	defer context.AfterFunc(s.ctx, func() {
		stop()
		doc.sender.cut()
	})()
	var body io.Reader
	if sends {
		body = doc
	}
	f.sending(s, job, sends)
	answer, err := f.send(ctx, m, body)
	f.sending(s, job, false)
	if err != nil {
		f.o.Log.Warn("the printer could not be asked", "err", plain(err))
		return refusal(m, statusOf(err))
	}
	if id, ok := madeJob(answer); ok && (m.code == printJob || m.code == createJob) {
		f.made(s, id)
	}
	present(&answer, m.code, self, func(job int32) bool { return f.owns(s, job) })
	answer.id = m.id
	return answer
}

// plain is an error without the address that http.Client puts before it.
func plain(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

func statusOf(err error) uint16 {
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return tooLarge
	}
	return unavailable
}

// madeJob is the job that an answer says was made.
func madeJob(m message) (int32, bool) {
	if m.code >= firstError {
		return 0, false
	}
	for _, g := range m.groups {
		if id, ok := g.number("job-id"); ok && g.tag == tagJob && id > 0 {
			return id, true
		}
	}
	return 0, false
}

// send asks the printer. document, when there is one, follows the message.
func (f *Front) send(ctx context.Context, m message, document io.Reader) (message, error) {
	var body io.Reader = bytes.NewReader(m.bytes())
	if document != nil {
		body = io.MultiReader(body, document)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.http, body)
	if err != nil {
		return message{}, err
	}
	req.Header.Set("Content-Type", "application/ipp")
	req.Header.Set("User-Agent", "parvis")
	if document == nil {
		req.ContentLength = int64(len(m.bytes()))
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return message{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return message{}, fmt.Errorf("printing: %w %s", errStatus, resp.Status)
	}
	return readMessage(bufio.NewReader(resp.Body), maxResponse)
}

// newUser is a name by which the printer knows one session's jobs from the others'.
func newUser() string {
	var b [6]byte
	rand.Read(b[:]) // it never fails (crypto/rand)
	return "poste-" + hex.EncodeToString(b[:])
}
