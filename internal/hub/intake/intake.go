// Package intake is the hub's interface for sites over HTTP: enrolment, batches, bundles and certificates, as internal/hublink/wire has them.
//
// A receipt is written after PostgreSQL has committed, and never before: a site sends again what it has no receipt for, and the store counts
// that once. A handler keeps nothing that another hub would have to know; its bounds are each hub's own.
package intake

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/rollout"
	"parvis/internal/hub/roster"
	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
)

// Every is how many seconds a site waits between two signs of life.
const Every = 60

// Bounds of what is under way.
const (
	together  = 16               // batches that are unpacked and kept at once: fewer than the store has connections, so that pages have some
	patience  = 20 * time.Second // for one request, from its body's end
	enrolment = 4 << 10          // bytes of an Enrolment
	request   = 16 << 10         // bytes of a CertificateRequest
	tries     = 4                // of a transaction that another one stood in the way of
)

// Options of a handler. All but Log and Watch are required.
type Options struct {
	Hub   *store.Hub
	Sign  ed25519.PrivateKey // by which bundles are signed
	Clock clock.Clock
	// From is who asks, for the bound on enrolments; nil: the connection's other end.
	From  func(*http.Request) string
	Log   *slog.Logger
	Watch func(Event) // is told of each request's end; it waits for nothing
}

// Event is what became of one request.
type Event struct {
	What    string // enrol, batch, bundle, staff, certificate, release, file
	Status  int
	Took    time.Duration
	Hours   int // of a batch: that were news
	LeftOut int // of a batch: too old or yet to come
}

type intake struct {
	Options
	codes *limiter
	sites *limiter
	slots chan struct{}
}

// New is a handler of wire's paths.
func New(o Options) http.Handler {
	if o.From == nil {
		o.From = Peer
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Watch == nil {
		o.Watch = func(Event) {}
	}
	in := &intake{
		Options: o,
		// A code has 80 random bits, so that nobody guesses one; this keeps who tries from keeping the database busy.
		codes: newLimiter(o.Clock, 10, time.Minute),
		// Four batches a second catch a year up in less than a minute.
		sites: newLimiter(o.Clock, 240, time.Second/4),
		slots: make(chan struct{}, together),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+wire.PathEnrol, in.serve("enrol", in.enrol))
	mux.HandleFunc("POST "+wire.PathBatch, in.serve("batch", in.batch))
	mux.HandleFunc("GET "+wire.PathBundle, in.serve("bundle", in.signed(rollout.Bundle)))
	mux.HandleFunc("GET "+wire.PathStaff, in.serve("staff", in.signed(roster.Bundle)))
	mux.HandleFunc("POST "+wire.PathCertificate, in.serve("certificate", in.certificate))
	mux.HandleFunc("GET "+wire.PathRelease, in.serve("release", in.signed(rollout.ReleaseBundle)))
	mux.HandleFunc("GET "+wire.PathReleaseFile+"{sha256}", in.serve("file", in.file))
	return mux
}

// refusal ends a request. Its text is one of ours: nothing that a site has sent comes back or is logged.
type refusal struct {
	status int
	text   string
	after  time.Duration // when to come again; 0 is not said
}

func (r *refusal) Error() string { return r.text }

func (in *intake) public() ed25519.PublicKey { return in.Sign.Public().(ed25519.PublicKey) }

func refuse(status int, text string) error { return &refusal{status: status, text: text} }

var (
	errToken = refuse(http.StatusUnauthorized, "this hub knows no site with this token")
	errCode  = refuse(http.StatusForbidden, "this hub has no such code, or it was used, or it is too old")
	errForm  = refuse(http.StatusBadRequest, "not what a site of this protocol sends")
	errLong  = refuse(http.StatusRequestEntityTooLarge, "longer than a site of this protocol sends")
)

func tooOften(after time.Duration) error {
	return &refusal{http.StatusTooManyRequests, "too often", after}
}

// serve does what every request needs around it. do returns what is answered: bytes of JSON as they are, a value that becomes JSON, or written.
func (in *intake) serve(what string, do func(http.ResponseWriter, *http.Request, *Event) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun := in.Clock.Boot()
		e := Event{What: what, Status: http.StatusOK}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set(wire.VersionHeader, strconv.Itoa(wire.Version))
		var answer any
		err := speaks(r.Header.Get(wire.VersionHeader), wire.Spoken)
		if err == nil {
			answer, err = do(w, r, &e)
		}
		no := (*refusal)(nil)
		if err != nil && !errors.As(err, &no) {
			if r.Context().Err() == nil { // a site that has hung up is nothing that an operator could mend
				in.Log.Error("a request of a site was not served; it comes again", "what", what, "error", err)
			}
			no = &refusal{http.StatusServiceUnavailable, "not now", Every * time.Second}
		}
		if no != nil {
			e.Status, answer = no.status, map[string]string{"error": no.text}
			if no.after > 0 {
				h.Set("Retry-After", strconv.Itoa(int((no.after+time.Second-1)/time.Second)))
			}
		}
		if answer != written {
			write(w, e.Status, answer)
		}
		e.Took = in.Clock.Boot().Sub(begun)
		in.Watch(e)
	}
}

func write(w http.ResponseWriter, status int, answer any) {
	if status == http.StatusNotModified {
		w.WriteHeader(status)
		return
	}
	body, raw := answer.([]byte)
	if !raw {
		var err error
		if body, err = json.Marshal(answer); err != nil {
			panic("intake: an answer that is no JSON: " + err.Error()) // the types of wire are
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body) // who has gone asks again
}

// speaks refuses a protocol that is none of those that this hub speaks.
func speaks(said string, spoken []int) error {
	if v, err := strconv.Atoi(said); err == nil && slices.Contains(spoken, v) && strconv.Itoa(v) == said {
		return nil
	}
	all := make([]string, len(spoken))
	for i, v := range spoken {
		all[i] = strconv.Itoa(v)
	}
	return refuse(http.StatusUpgradeRequired, "this hub speaks the protocols "+strings.Join(all, ", ")+", named in the header "+wire.VersionHeader)
}
