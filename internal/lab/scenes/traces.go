package scenes

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	_ "github.com/mattn/go-sqlite3" // the router's stores

	"parvis/internal/control"
	"parvis/internal/hublink/hubtest"
	"parvis/internal/hublink/wire"
	"parvis/internal/lab"
)

// kind is something by which a person of the day could be known again.
type kind string

// The kinds.
const (
	aMAC      kind = "a device's MAC"
	anAddress kind = "a device's address"
	aVisit    kind = "a name that was visited"
	aHostName kind = "a device's own name"
	aProgram  kind = "a browser's name of itself"
	aPerson   kind = "a person's name"
)

// mayHold is what each store of the router may hold of these, and until when. What is not named here may hold nothing: so does what waits for the
// hub, and what the hub was sent.
var mayHold = map[string][]kind{
	// dnsmasq gives a device the same address again until its lease ends; Parvis reads who has which of it.
	"leases":           {aMAC, anAddress},
	"leases-terminals": {aMAC, anAddress}, // the place's own machines
	// The town's own people, as long as their accounts are there.
	"staff.db": {aPerson},
	// The place's own machines, until they are removed; the services that are open on them are the town's. A name that the desk has opened for somebody is
	// in terminals.db while it is open, and in these two scenes none is.
	"terminals.db":          {aMAC, anAddress},
	"catalogue-trials.json": {aVisit},
	"porteus.json":          {aMAC, anAddress, aVisit},
	// The program's own settings.
	"dnsmasq.conf":           {anAddress},
	"dnsmasq-terminals.conf": {anAddress},
	"bundle.json":            {},
	"hub.json":               {},
}

// mediatorName is how the one at the desk is called.
const mediatorName = "salome"

var (
	macText     = regexp.MustCompile(`(?i)\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b`)
	addressText = regexp.MustCompile(`\b10\.(?:77\.\d{1,3}|30\.0)\.\d{1,3}\b|(?i)2001:db8:(?:77|30):[0-9a-f:]+`)
	visitText   = regexp.MustCompile(`(?i)\b[a-z0-9.-]+\.lab\.test\b`)
	programText = regexp.MustCompile(`Mozilla/|AppleWebKit|Gecko/|Chrome/|Firefox/|CaptiveNetworkSupport`)
)

// known are what finds each kind. Names of the place itself and of its hub are nobody's.
func (s *Stage) finds(what []byte) (found map[kind]string) {
	found = map[kind]string{}
	note := func(k kind, text string) {
		if found[k] == "" {
			found[k] = text
		}
	}
	own := []string{lab.PortalName, lab.ConsoleName, lab.Trials}
	mine := []string{s.Town.GuestAddress().String(), lab.PostAddress().String(), s.Town.GuestAddress6().String()}
	for _, m := range macText.FindAll(what, -1) {
		note(aMAC, string(m))
	}
	for _, m := range s.Town.Devices() { // as SQLite or JSON may have it too; six bytes are not met by chance
		if bytes.Contains(what, m) || bytes.Contains(bytes.ToLower(what), []byte(hex.EncodeToString(m))) {
			note(aMAC, m.String())
		}
	}
	for _, a := range addressText.FindAll(what, -1) {
		if !slices.Contains(mine, string(a)) && !bytes.HasSuffix(a, []byte(".0")) && !bytes.HasSuffix(a, []byte("::")) {
			note(anAddress, string(a))
		}
	}
	for _, v := range visitText.FindAll(what, -1) {
		if !slices.Contains(own, strings.ToLower(string(v))) {
			note(aVisit, string(v))
		}
	}
	for k, text := range map[kind]string{aHostName: lab.HostName, aPerson: mediatorName} {
		if bytes.Contains(bytes.ToLower(what), []byte(text)) {
			note(k, text)
		}
	}
	if p := programText.Find(what); p != nil {
		note(aProgram, string(p))
	}
	return found
}

// rereads looks through every file that the router keeps, what its daemon has told its log, and what the hub was sent, for whatever the day's
// persons could be known again by.
func (s *Stage) rereads(_ context.Context) error {
	var errs []error
	files := 0
	judge := func(store, where string, what []byte) {
		for k, text := range s.finds(what) {
			if !slices.Contains(mayHold[store], k) {
				errs = append(errs, fmt.Errorf("scenes: %s holds %s, which it may not: %q", where, k, text))
			}
		}
	}
	for _, dir := range []string{s.Parvis.State, s.Town.RunDir()} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			if errors.Is(err, os.ErrNotExist) { // SQLite's own come and go
				return nil
			} else if err != nil {
				return err
			}
			files++
			store := strings.TrimSuffix(strings.TrimSuffix(e.Name(), "-wal"), "-shm")
			judge(store, path, b)
			return nil
		})
		errs = append(errs, err)
	}
	judge("", "the daemon's log", []byte(s.Daemon.Log()))
	said, err := s.ear.all()
	errs = append(errs, err)
	judge("", "what the hub was sent", said)
	if files < 6 || len(said) == 0 {
		errs = append(errs, fmt.Errorf("scenes: %d files were looked through, and %d bytes that the hub was sent", files, len(said)))
	}
	return errors.Join(errs...)
}

// traces is the month after: nobody's session, day or ticket is left, and nothing in any store says who was there.
func traces(ctx context.Context, s *Stage) error {
	// A place sends what it has counted once a minute, and looks for what is over as often.
	if err := s.until(ctx, 60*time.Second, "the hub has what the day has counted, and nobody's session is kept", func() bool {
		_ = s.Control.Shift(ctx, time.Minute)
		return s.ear.Sum("sessions", "") > 0 && s.kept() == ""
	}); err != nil {
		return fmt.Errorf("%w: kept %s, the hub has %d sessions", err, cmp.Or(s.kept(), "nothing"), s.ear.Sum("sessions", ""))
	}
	return s.rereads(ctx)
}

// kept says which rows about devices of people parvis.db has; "" none.
func (s *Stage) kept() string {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(s.Parvis.State, "parvis.db")+"?mode=ro")
	if err != nil {
		return err.Error()
	}
	defer db.Close()
	var all []string
	for _, table := range []string{"session", "day"} {
		var n int
		if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil || n > 0 {
			all = append(all, fmt.Sprintf("%s: %d rows, %v", table, n, err))
		}
	}
	return strings.Join(all, "; ")
}

// ear is a hub that remembers every byte which it was sent.
type ear struct {
	hubtest.Hub

	server *http.Server
	ended  chan error

	mu   sync.Mutex
	sent bytes.Buffer
}

// mostHeard bounds what is remembered of one request.
const mostHeard = 4 << 20

// hears starts a hub beyond the line and gives the place its address; the daemon must not run yet.
func (s *Stage) hears(site lab.Site) error {
	cert, key, err := s.Town.CA.Issue(lab.Trials)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("scenes: hub: %w", err)
	}
	ln, err := s.Town.Internet.Listen(fmt.Sprintf(":%d", centrePort))
	if err != nil {
		return err
	}
	e := &ear{ended: make(chan error, 1)}
	e.Far = true
	e.server = &http.Server{
		Handler: http.HandlerFunc(e.hear), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
	}
	go func() { e.ended <- e.server.ServeTLS(ln, "", "") }()
	s.ear = e
	site.More += fmt.Sprintf("\n[hub]\nurl = \"https://%s:%d\"\nca = %q\n", lab.Trials, centrePort, s.Town.CAFile())
	return s.Parvis.Configure(site)
}

// hear writes down a request and lets the hub answer it.
func (e *ear) hear(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, mostHeard))
	if err != nil { // the line is cut
		return
	}
	e.mu.Lock()
	fmt.Fprintf(&e.sent, "%s %s\n", r.Method, r.URL)
	_ = r.Header.Write(&e.sent) // into memory
	if r.Header.Get("Content-Encoding") != "gzip" {
		e.sent.Write(body)
	}
	e.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	e.ServeHTTP(w, r)
}

// all is what it was sent: heads and plain bodies as they came, batches as they read.
func (e *ear) all() ([]byte, error) {
	said, err := e.Said()
	e.mu.Lock()
	defer e.mu.Unlock()
	return append(bytes.Clone(e.sent.Bytes()), said...), err
}

// joins enrols the place at its hub.
func (s *Stage) joins(ctx context.Context) error {
	h, err := s.Control.Hub(ctx, control.HubRequest{Do: control.HubEnrol, Code: hubtest.Code})
	if err == nil && !h.Enrolled {
		err = errors.New("scenes: the place is not enrolled")
	}
	return err
}

// close ends it, and says what no site sends.
func (e *ear) close() error {
	err := e.server.Close()
	if end := <-e.ended; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	for _, wrong := range e.Errors() {
		err = errors.Join(err, fmt.Errorf("scenes: the hub was sent what no site sends (%s): %s", wire.PathBatch, wrong))
	}
	return err
}
