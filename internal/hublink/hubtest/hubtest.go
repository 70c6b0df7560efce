// Package hubtest is a hub for tests of the site's side. It is strict: whatever no site may send is an error of the test. It keeps what the
// true hub keeps, of each (epoch, hour) the row with the highest number, and can lose, repeat and cut what it is sent.
package hubtest

import (
	"compress/gzip"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

// Fault is what happens to one batch.
type Fault int

// The faults.
const (
	None  Fault = iota
	Away        // 503, nothing of it is taken
	Cut         // the connection ends in the middle of the body
	Mute        // it is taken, and the answer is lost
	Again       // it is taken twice
	Older       // every batch of before is taken once more after it, the newest first
)

// Code is one that can be used once.
const Code = "ABCD-EFGH-JKLM"

type hourKey struct {
	epoch string
	at    int64
}

type dayKey struct {
	epoch     string
	day, part int
	run       string
}

// Hub is an http.Handler. Its zero value is one without a site.
type Hub struct {
	// Far says that connections can die without a word: a batch that its site has given up may still be read then, beside the next one.
	Far bool

	mu     sync.Mutex
	fault  func() Fault
	other  http.Handler
	token  string
	used   bool
	hours  map[hourKey]wire.Hour
	days   map[dayKey]wire.Day
	past   []wire.Batch
	now    wire.Now
	errs   []string
	active int
	seal   []byte

	published, staff string            // versions
	signed           map[string][]byte // by path
	tags             map[string]string // ETag of it
	fetched          map[string]int    // how often, by path
	issue            func(wire.CertificateRequest) wire.Certificate
	release          string            // version that the site should run; "" none
	files            map[string][]byte // of releases, by SHA-256
	pieces           func() bool       // whether a piece is given out; nil: it is
}

// signer signs everything of this hub.
var signer = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

const siteID = "site-1"

// Publish offers a configuration to the site from now on.
func (h *Hub) Publish(version int64, config string) error {
	return h.sign(wire.PathBundle, bundle.Payload{Version: version, Config: config})
}

// Colleagues makes the town's staff of the site what is given, from now on. The site is enrolled.
func (h *Hub) Colleagues(version int64, all ...wire.Colleague) error {
	plain, err := json.Marshal(all)
	if err != nil {
		return err
	}
	sealed, err := bundle.Seal(h.SealKey(), siteID, version, plain)
	if err != nil {
		return err
	}
	return h.sign(wire.PathStaff, bundle.Payload{Version: version, Sealed: sealed})
}

func (h *Hub) sign(path string, p bundle.Payload) error {
	p.Site = siteID
	kind := bundle.Decided
	if path == wire.PathRelease {
		kind = bundle.Releases
	}
	b, err := kind.Sign(signer, p)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.signed == nil {
		h.signed = map[string][]byte{}
	}
	h.signed[path] = b
	if h.tags == nil {
		h.tags = map[string]string{}
	}
	h.tags[path] = strconv.Quote(strconv.FormatInt(p.Version, 10))
	switch path {
	case wire.PathBundle:
		h.published = strconv.FormatInt(p.Version, 10)
	case wire.PathStaff:
		h.staff = strconv.FormatInt(p.Version, 10)
	default:
		h.release = p.Release.Version
	}
	return nil
}

// Fetched is how often what is signed at a path was given out.
func (h *Hub) Fetched(path string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fetched[path]
}

// Issues sets who answers requests for certificates.
func (h *Hub) Issues(issue func(wire.CertificateRequest) wire.Certificate) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.issue = issue
}

// own is what needs the site's token, beside batches.
func (h *Hub) own(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	b, tag, token, issue := h.signed[r.URL.Path], h.tags[r.URL.Path], h.token, h.issue
	h.mu.Unlock()
	switch {
	case token == "" || r.Header.Get("Authorization") != "Bearer "+token:
		http.Error(w, "who are you?", http.StatusUnauthorized)
	case r.Method == http.MethodGet && b != nil && r.Header.Get("If-None-Match") == tag:
		w.Header().Set("ETag", tag)
		w.WriteHeader(http.StatusNotModified)
	case r.Method == http.MethodGet && b != nil:
		w.Header().Set("ETag", tag)
		h.mu.Lock()
		h.fetched = counted(h.fetched, r.URL.Path)
		h.mu.Unlock()
		_, _ = w.Write(b)
	case r.Method == http.MethodGet:
		http.NotFound(w, r)
	default:
		var request wire.CertificateRequest
		if err := decode(r.Body, &request); err != nil || issue == nil {
			h.wrong(w, http.StatusBadRequest, "certificate request: %v", err)
			return
		}
		_ = json.NewEncoder(w).Encode(issue(request))
	}
}

// Fails sets what is asked for the fault of each batch; nil: there is none.
func (h *Hub) Fails(fault func() Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = fault
}

// Instead lets somebody else answer; nil: the hub does.
func (h *Hub) Instead(other http.Handler) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.other = other
}

// Errors are what was wrong with what it was sent.
func (h *Hub) Errors() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.errs
}

// Batches is how many were taken.
func (h *Hub) Batches() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.past)
}

// Now is how the site was at its last batch.
func (h *Hub) Now() wire.Now {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// Said is everything that the site has said in its batches, as it came.
func (h *Hub) Said() ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return json.Marshal(h.past)
}

// SealKey is the site's.
func (h *Hub) SealKey() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seal
}

// Forget makes the token worthless, and the code good again.
func (h *Hub) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.token, h.used = "", false
}

// Drop forgets what it was told, not the site.
func (h *Hub) Drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hours, h.days, h.past = nil, nil, nil
}

// SignKey is the hub's.
func SignKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

// Sum is the sum of a counter over all hours; word "" is every word.
func (h *Hub) Sum(what, word string) (n uint64) {
	for _, x := range h.Hours() {
		for _, c := range x.Counts {
			if c.What == what && (word == "" || c.Word == word) {
				n += c.N
			}
		}
	}
	return n
}

// Hours are the rows as they count.
func (h *Hub) Hours() (all []wire.Hour) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, x := range h.hours {
		all = append(all, x)
	}
	return all
}

// Devices is how many devices came on a day, as the runs of the daemon have counted them together.
func (h *Hub) Devices(day int) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for k, d := range h.days {
		if k.day == day && k.part == 0 {
			n += d.N
		}
	}
	return n
}

func (h *Hub) wrong(w http.ResponseWriter, status int, format string, args ...any) {
	h.mu.Lock()
	h.errs = append(h.errs, fmt.Sprintf(format, args...))
	h.mu.Unlock()
	http.Error(w, http.StatusText(status), status)
}

// ServeHTTP implements http.Handler.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	other := h.other
	h.mu.Unlock()
	switch {
	case other != nil:
		other.ServeHTTP(w, r)
	case r.Method == http.MethodGet && (r.URL.Path == wire.PathBundle || r.URL.Path == wire.PathStaff || r.URL.Path == wire.PathRelease), r.URL.Path == wire.PathCertificate:
		h.own(w, r)
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, wire.PathReleaseFile):
		h.piece(w, r)
	case r.Method != http.MethodPost:
		h.wrong(w, http.StatusMethodNotAllowed, "%s %s", r.Method, r.URL)
	case r.URL.RawQuery != "":
		h.wrong(w, http.StatusBadRequest, "something in the address: %s", r.URL)
	case r.Header.Get(wire.VersionHeader) != strconv.Itoa(wire.Version):
		h.wrong(w, http.StatusUpgradeRequired, "version %q", r.Header.Get(wire.VersionHeader))
	case r.URL.Path == wire.PathEnrol:
		h.enrol(w, r)
	case r.URL.Path == wire.PathBatch:
		h.batch(w, r)
	default:
		h.wrong(w, http.StatusNotFound, "%s", r.URL)
	}
}

func (h *Hub) enrol(w http.ResponseWriter, r *http.Request) {
	var e wire.Enrolment
	if err := decode(r.Body, &e); err != nil || len(e.SealKey) != 32 || e.Version == "" {
		h.wrong(w, http.StatusBadRequest, "enrolment %+v: %v", e, err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.Code != Code || h.used {
		http.Error(w, "no such code", http.StatusForbidden)
		return
	}
	h.used, h.token, h.seal = true, "token-"+strings.Repeat("0123456789", 4), e.SealKey
	_ = json.NewEncoder(w).Encode(wire.Enrolled{Site: siteID, Name: "Maison du Lac", Token: h.token, SignKey: signer.Public().(ed25519.PublicKey)})
}

func (h *Hub) batch(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.active++
	many, token, fails := h.active, h.token, h.fault
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		h.active--
		h.mu.Unlock()
	}()
	if many > 1 && !h.Far {
		h.wrong(w, http.StatusBadRequest, "%d batches at once", many)
		return
	}
	if token == "" || r.Header.Get("Authorization") != "Bearer "+token {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	fault := None
	if fails != nil {
		fault = fails()
	}
	switch fault {
	case Away:
		http.Error(w, "later", http.StatusServiceUnavailable)
		return
	case Cut:
		_, _ = r.Body.Read(make([]byte, 10))
		panic(http.ErrAbortHandler)
	}
	b, err := read(r)
	if err != nil {
		h.wrong(w, http.StatusBadRequest, "batch: %v", err)
		return
	}
	h.take(b, fault)
	if fault == Mute {
		panic(http.ErrAbortHandler)
	}
	h.mu.Lock()
	receipt := wire.Receipt{Seq: b.Seq, Every: 60, Bundle: h.published, Staff: h.staff, Release: h.release}
	h.mu.Unlock()
	_ = json.NewEncoder(w).Encode(receipt)
}

func read(r *http.Request) (b wire.Batch, err error) {
	if e := r.Header.Get("Content-Encoding"); e != "gzip" {
		return b, fmt.Errorf("encoding %q", e)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return b, err
	}
	if err := decode(z, &b); err != nil {
		return b, err
	}
	return b, b.Check()
}

func decode(from io.Reader, into any) error {
	plain, err := io.ReadAll(io.LimitReader(from, wire.MaxBatch+1))
	if err != nil {
		return err
	}
	if len(plain) > wire.MaxBatch {
		return fmt.Errorf("longer than %d bytes", wire.MaxBatch)
	}
	d := json.NewDecoder(strings.NewReader(string(plain)))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func (h *Hub) take(b wire.Batch, fault Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hours == nil {
		h.hours, h.days = map[hourKey]wire.Hour{}, map[dayKey]wire.Day{}
	}
	h.past, h.now = append(h.past, b), b.Now
	h.keep(b)
	switch fault {
	case Again:
		h.keep(b)
	case Older:
		for i := len(h.past) - 1; i >= 0; i-- {
			h.keep(h.past[i])
		}
	}
}

func (h *Hub) keep(b wire.Batch) {
	for _, x := range b.Hours {
		if k := (hourKey{b.Epoch, x.At}); x.Seq > h.hours[k].Seq {
			h.hours[k] = x
		}
	}
	for _, d := range b.Days {
		if k := (dayKey{b.Epoch, d.Day, d.Part, d.Run}); d.Seq > h.days[k].Seq {
			h.days[k] = d
		}
	}
}
