package alerts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/golden"
	"parvis/internal/hub/alerts"
	"parvis/internal/mail/mailtest"
)

// other is the server at the end of a way. It answers by method and path as its script says, and writes down what it was asked.
type other struct {
	*httptest.Server
	mu     sync.Mutex
	answer map[string][]string // "METHOD /path" → answers in their order, each "STATUS body"; the last one stays
	log    strings.Builder
	asked  int
}

func newOther(t *testing.T, answer map[string][]string) *other {
	t.Helper()
	o := &other{answer: answer}
	o.Server = httptest.NewServer(http.HandlerFunc(o.serve))
	t.Cleanup(o.Close)
	return o
}

func (o *other) serve(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(&o.log, "> %s %s\n", r.Method, r.URL.RequestURI())
	for _, h := range []string{"Authorization", "Content-Type", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		if v := r.Header.Get(h); v != "" {
			fmt.Fprintf(&o.log, "> %s: %s\n", h, v)
		}
	}
	var pretty bytes.Buffer
	if len(body) > 0 {
		if err := json.Indent(&pretty, body, "", "  "); err != nil {
			panic(err)
		}
	}
	key := r.Method + " " + r.URL.EscapedPath()
	answers := o.answer[key]
	if len(answers) == 0 {
		answers = []string{"404 {}"}
	}
	if len(answers) > 1 {
		o.answer[key] = answers[1:]
	}
	var status int
	fmt.Sscan(answers[0], &status)
	_, text, _ := strings.Cut(answers[0], " ")
	fmt.Fprintf(&o.log, "%s\n< %d\n< %s\n\n", pretty.String(), status, text)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, text)
}

func (o *other) said() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.String()
}

func secret(t *testing.T, s string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(s+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

var quiet = slog.New(slog.DiscardHandler)

// setup is a manager over a store in memory, with one site that the returned function lets speak for a minute.
func setup(t *testing.T, ways ...alerts.Way) (*alerts.Manager, *memory, func(disk bool)) {
	t.Helper()
	fake, store := clock.NewFake(), newMemory()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	m, err := alerts.New(alerts.Options{Store: store, Ways: ways, Clock: fake, Zone: zone, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	store.sites = []alerts.Seen{{Tenant: "commune", Site: "s-1", Name: "Médiathèque", Every: time.Minute}}
	return m, store, func(full bool) {
		fake.Advance(time.Minute)
		store.speak(fake.Wall().Time, full)
		if err := m.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// play is a disk that fills up for 15 minutes and is then emptied.
func play(minute func(bool)) {
	for range 15 {
		minute(true)
	}
	for range 65 {
		minute(false)
	}
}

const (
	made   = `201 {"id":19,"group_id":2,"priority_id":2,"state_id":1,"number":"22019","title":"…","article_ids":[30]}`
	closed = `200 {"id":19,"group_id":2,"priority_id":2,"state_id":4,"number":"22019","title":"…","article_ids":[31,30]}`
)

func TestATicketIsOpenedAndClosed(t *testing.T) {
	z := newOther(t, map[string][]string{"POST /api/v1/tickets": {made}, "PUT /api/v1/tickets/19": {closed}})
	m, store, minute := setup(t, alerts.Way{Name: "tickets", Kind: "zammad", URL: z.URL, Secret: secret(t, "abc"), Group: "Réseau", Customer: "parvis@commune.example"})
	play(minute)
	golden.Check(t, "zammad.golden", z.said())
	if n := store.waiting(); n != 0 {
		t.Errorf("%d messages wait", n)
	}
	if err := m.Try(t.Context(), "tickets"); err != nil {
		t.Error(err)
	}
	if !strings.Contains(z.said(), `"state": "closed"`) {
		t.Error("a test leaves an open ticket")
	}
}

// The hub did not hear whether its ticket was made. It looks before it makes another one, and finds it among what is like it.
func TestATicketIsNotOpenedTwice(t *testing.T) {
	for name, found := range map[string]string{
		"a list": `200 [{"id":7,"title":"other [parvis-11-1795531920]"},{"id":19,"title":"Médiathèque [parvis-1-1795531380]"}]`,
		"assets": `200 {"tickets":[7,19],"tickets_count":2,"assets":{"Ticket":{"7":{"id":7,"title":"other"},"19":{"id":19,"title":"M [parvis-1-1795531380]"}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			z := newOther(t, map[string][]string{
				"POST /api/v1/tickets": {"502 {}"}, "GET /api/v1/tickets/search": {found}, "PUT /api/v1/tickets/19": {closed},
			})
			_, store, minute := setup(t, alerts.Way{Name: "tickets", Kind: "zammad", URL: z.URL, Secret: secret(t, "abc"), Group: "Réseau", Customer: "parvis@commune.example"})
			play(minute)
			if n := strings.Count(z.said(), "> POST"); n != 1 {
				t.Errorf("%d tickets were made:\n%s", n, z.said())
			}
			if !strings.Contains(z.said(), "> PUT /api/v1/tickets/19") || store.waiting() != 0 {
				t.Errorf("the one that was there is not closed, %d wait:\n%s", store.waiting(), z.said())
			}
		})
	}
}

func TestATicketThatSomebodyDeletedIsNoFault(t *testing.T) {
	z := newOther(t, map[string][]string{"POST /api/v1/tickets": {made}})
	_, store, minute := setup(t, alerts.Way{Name: "tickets", Kind: "zammad", URL: z.URL, Secret: secret(t, "abc"), Group: "Réseau", Customer: "parvis@commune.example"})
	play(minute)
	if n := store.waiting(); n != 0 {
		t.Errorf("%d messages wait", n)
	}
}

func TestAMatrixRoomIsToldUnderTheSameTransactionUntilItHears(t *testing.T) {
	path := "PUT /_matrix/client/v3/rooms/%21abc:matrix.example/send/m.room.message/"
	id := "parvis-salon-1-1795531380"
	x := newOther(t, map[string][]string{
		path + id: {`429 {"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests","retry_after_ms":150000}`, `500 {}`, `200 {"event_id":"$YUwRidLecu:example.com"}`},
		path + strings.Replace(id, "-1-", "-2-", 1): {`200 {"event_id":"$YUwRidLecv:example.com"}`},
	})
	_, store, minute := setup(t, alerts.Way{Name: "salon", Kind: "matrix", URL: x.URL, Secret: secret(t, "syt_token"), Room: "!abc:matrix.example"})
	play(minute)
	golden.Check(t, "matrix.golden", x.said())
	if n := store.waiting(); n != 0 {
		t.Errorf("%d messages wait", n)
	}
}

func TestAWebhookIsSigned(t *testing.T) {
	h := newOther(t, map[string][]string{"POST /parvis": {"204 "}})
	_, _, minute := setup(t, alerts.Way{Name: "autre", Kind: "webhook", URL: h.URL + "/parvis", Secret: secret(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")})
	play(minute)
	golden.Check(t, "webhook.golden", h.said())
}

func TestMailsOfOneIncidentAreOneThread(t *testing.T) {
	server, taken := mailtest.Server(t, true)
	fake, store := clock.NewFake(), newMemory()
	m, err := alerts.New(alerts.Options{
		Store: store, Mail: server, Clock: fake, Zone: time.UTC, Log: quiet,
		Ways: []alerts.Way{{Name: "astreinte", Kind: "mail", To: []string{"astreinte@commune.example"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	store.sites = []alerts.Seen{{Tenant: "commune", Site: "s-1", Name: "Mairie", Every: time.Minute}}
	play(func(full bool) {
		fake.Advance(time.Minute)
		store.speak(fake.Wall().Time, full)
		if err := m.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	for i, want := range []string{"Message-ID: <parvis-astreinte-1-1795531380@commune.example>", "References: <parvis-astreinte-1-1795531380@commune.example>"} {
		if got := (<-taken).Text; !strings.Contains(got, want+"\r\n") {
			t.Errorf("message %d has no %s:\n%s", i+1, want, got)
		}
	}
}

func TestWaysThatAreNotRight(t *testing.T) {
	good := alerts.Way{Name: "a", Kind: "webhook", URL: "https://x.example/y", Secret: "/s"}
	for want, change := range map[string]func(*alerts.Way){
		"name":            func(w *alerts.Way) { w.Name = "A b" },
		"kind":            func(w *alerts.Way) { w.Kind = "fax" },
		"problems: rain":  func(w *alerts.Way) { w.Problems = []string{"rain"} },
		"expected https":  func(w *alerts.Way) { w.URL = "http://x.example/" },
		"without a user":  func(w *alerts.Way) { w.URL = "https://u:p@x.example/" },
		"without a query": func(w *alerts.Way) { w.URL += "?token=abc" },
		"secret-file":     func(w *alerts.Way) { w.Secret = "" },
		"group, customer": func(w *alerts.Way) { w.Kind = "zammad" },
		"room":            func(w *alerts.Way) { w.Kind, w.Room = "matrix", "#alias:x.example" },
		"to":              func(w *alerts.Way) { w.Kind = "mail" },
	} {
		w := good
		change(&w)
		if err := w.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
	if _, err := alerts.New(alerts.Options{Ways: []alerts.Way{good, good}}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("two of one name: %v", err)
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}

func TestNoErrorSaysASecretOrAWholeAddress(t *testing.T) {
	m, store, minute := setup(t, alerts.Way{Name: "autre", Kind: "webhook", URL: "http://127.0.0.1:1/few-know-this", Secret: secret(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")})
	for range 15 {
		minute(true)
	}
	why := store.why()
	if why == "" || strings.Contains(why, "few-know") || strings.Contains(why, "MfKQ9") {
		t.Errorf("%q", why)
	}
	if err := m.Try(t.Context(), "autre"); err == nil || strings.Contains(err.Error(), "few-know") {
		t.Errorf("%v", err)
	}
}
