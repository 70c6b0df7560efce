package intake_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/intake"
	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/pgtest"
	"parvis/internal/hub/rollout"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

const epoch = "00000000000000aa"

// at is an hour of 24 November 2026 in Paris, on which the fake clock stands too.
func at(hour int) int64 { return time.Date(2026, 11, 24, hour-1, 0, 0, 0, time.UTC).Unix() / 3600 }

// hub is one on a real database, behind a real HTTP server.
type hub struct {
	*testing.T
	*store.Hub
	url   string
	clock *clock.Fake
	key   ed25519.PrivateKey
	log   *bytes.Buffer

	mu     sync.Mutex
	events []intake.Event
}

func newHub(t *testing.T) *hub {
	h := &hub{T: t, clock: clock.NewFake(), log: new(bytes.Buffer)}
	h.Hub, _ = storetest.New(t)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	h.key = key
	srv := httptest.NewServer(intake.New(intake.Options{
		Hub: h.Hub, Sign: key, Clock: h.clock, From: intake.Forwarded, Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Watch: func(e intake.Event) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.events = append(h.events, e)
		},
	}))
	t.Cleanup(srv.Close)
	h.url = srv.URL
	storetest.Commune(t, h.Hub, "a")
	return h
}

func (h *hub) box() *intaketest.Box {
	return &intaketest.Box{URL: h.url, Client: http.DefaultClient}
}

func (h *hub) code(site string) (code string) {
	h.Helper()
	storetest.In(h, h.Hub, "a", func(ctx context.Context, t *store.Tenant) (err error) {
		code, _, err = t.Code(ctx, site, time.Hour)
		return err
	})
	return code
}

// enrolled is a site with its box.
func (h *hub) enrolled(name string) (*intaketest.Box, string) {
	h.Helper()
	s := storetest.Site(h, h.Hub, "a", name)
	b := h.box()
	e, a, err := b.Enrol(h.Context(), h.code(s.ID))
	if err != nil || a.Status != http.StatusOK || e.Site != s.ID || e.Name != name || !bytes.Equal(e.SignKey, h.key.Public().(ed25519.PublicKey)) {
		h.Fatalf("enrolment: %+v, %d %s, %v", e, a.Status, a.Body, err)
	}
	return b, s.ID
}

// sessions are what the store has of November, as its months, days and hours say.
func (h *hub) sessions(site string) (month, days, hours uint64) {
	h.Helper()
	storetest.In(h, h.Hub, "a", func(ctx context.Context, t *store.Tenant) error {
		ms, err := t.Months(ctx, site, 202601, 202612)
		for _, m := range ms {
			month += m.Use.Sum("sessions")
		}
		if err != nil {
			return err
		}
		ds, err := t.Days(ctx, site, 20260101, 20261231)
		for _, d := range ds {
			days += d.Use.Sum("sessions")
		}
		if err != nil {
			return err
		}
		hs, err := t.Hours(ctx, site, 20260101, 20261231)
		for _, hour := range hs {
			hours += hour.Use.Sum("sessions")
		}
		return err
	})
	return month, days, hours
}

func (h *hub) expect(site string, want uint64) {
	h.Helper()
	if m, d, hs := h.sessions(site); m != want || d != want || hs != want {
		h.Errorf("the months have %d, the days %d, the hours %d; expected %d", m, d, hs, want)
	}
}

func TestASiteEnrolsAndIsCountedOnce(t *testing.T) {
	h := newHub(t)
	box, site := h.enrolled("Médiathèque")
	batch := intaketest.Batch(epoch, 2, intaketest.Hour(at(10), 1, 5), intaketest.Hour(at(11), 2, 7))
	for range 2 {
		r, err := box.Send(t.Context(), batch)
		if err != nil || r != (wire.Receipt{Seq: 2, Every: intake.Every}) {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	h.expect(site, 12)
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.events); n != 3 || h.events[1].Hours != 2 || h.events[2].Hours != 0 || h.events[2].Status != http.StatusOK {
		t.Errorf("told: %+v", h.events)
	}
}

// What a hub cannot take has a status by which a site knows what to do. Nothing of it is kept.
func TestWhatIsRefused(t *testing.T) {
	h := newHub(t)
	box, site := h.enrolled("Médiathèque")
	gzipped := http.Header{"Content-Encoding": {"gzip"}}
	body := func(b wire.Batch) []byte {
		j, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		return intaketest.Packed(j)
	}
	good := body(intaketest.Batch(epoch, 1, intaketest.Hour(at(10), 1, 5)))
	mac := intaketest.Batch(epoch, 1)
	mac.Now.Terminals = []wire.Terminal{{ID: "02:00:00:AB:CD:EF", State: "open"}}
	large := intaketest.Batch(epoch, 1, intaketest.Hour(at(10), 1, 5))
	large.Hours[0].Peak = 1 << 40
	bomb := intaketest.Packed(bytes.Repeat([]byte(" "), 64<<20))
	for name, tc := range map[string]struct {
		method, path string
		token        string
		protocol     string
		header       http.Header
		body         []byte
		want         int
	}{
		"no token":             {token: "-", want: 401},
		"another token":        {token: "AAAA", want: 401},
		"a newer protocol":     {protocol: "2", want: 426},
		"no protocol":          {protocol: "none", want: 426},
		"not compressed":       {header: http.Header{}, body: []byte("{}"), want: 415},
		"compressed as br":     {header: http.Header{"Content-Encoding": {"br"}}, want: 415},
		"not gzip":             {body: []byte("{}"), want: 400},
		"a gzip cut off":       {body: good[:len(good)/2], want: 400},
		"a bomb":               {body: bomb, want: 413},
		"a long body":          {body: bytes.Repeat([]byte("x"), wire.MaxBatch+1), want: 413},
		"no JSON":              {body: intaketest.Packed([]byte("sessions=5")), want: 400},
		"a MAC address":        {body: body(mac), want: 400},
		"a number beyond all":  {body: body(large), want: 400},
		"two batches in one":   {body: intaketest.Packed([]byte(`{"epoch":"00000000000000aa"}{}`)), want: 400},
		"another method":       {method: http.MethodGet, want: 405},
		"no bundle yet":        {method: http.MethodGet, path: wire.PathBundle, want: 404},
		"a bundle, no token":   {method: http.MethodGet, path: wire.PathBundle, token: "-", want: 401},
		"a code that is wrong": {path: wire.PathEnrol, body: []byte(`{"code":"AAAA-AAAA-AAAA-AAAA","seal_key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`), want: 403},
		"no seal key":          {path: wire.PathEnrol, body: []byte(`{"code":"AAAA-AAAA-AAAA-AAAA"}`), want: 400},
		"a long enrolment":     {path: wire.PathEnrol, body: bytes.Repeat([]byte(" "), 5000), want: 413},
	} {
		t.Run(name, func(t *testing.T) {
			b := *box
			b.Protocol = tc.protocol
			switch tc.token {
			case "-":
				b.Token = ""
			case "":
			default:
				b.Token = tc.token
			}
			header := gzipped
			if tc.header != nil {
				header = tc.header
			}
			method, path, sent := tc.method, tc.path, tc.body
			if method == "" {
				method = http.MethodPost
			}
			if path == "" {
				path = wire.PathBatch
			}
			if sent == nil && method == http.MethodPost {
				sent = good
			}
			a, err := b.Do(t.Context(), method, path, header, sent)
			if err != nil || a.Status != tc.want {
				t.Errorf("%d %s, %v; expected %d", a.Status, a.Body, err, tc.want)
			}
		})
	}
	h.expect(site, 0)
}

func TestFieldsOfANewerSiteAreLeftOut(t *testing.T) {
	h := newHub(t)
	box, site := h.enrolled("Médiathèque")
	j, err := json.Marshal(intaketest.Batch(epoch, 1, intaketest.Hour(at(10), 1, 5)))
	if err != nil {
		t.Fatal(err)
	}
	more := strings.Replace(string(j), `"epoch"`, `"weather":{"rain":true},"epoch"`, 1)
	a, err := box.Do(t.Context(), http.MethodPost, wire.PathBatch, http.Header{"Content-Encoding": {"gzip"}}, intaketest.Packed([]byte(more)))
	if err != nil || a.Status != http.StatusOK {
		t.Fatalf("%d %s, %v", a.Status, a.Body, err)
	}
	h.expect(site, 5)
}

// Codes are tried a few times by an address, and a moment later again; whoever comes from elsewhere does not notice.
func TestCodesAreTriedAFewTimes(t *testing.T) {
	h := newHub(t)
	s := storetest.Site(t, h.Hub, "a", "Médiathèque")
	try := func(from, code string) intaketest.Answer {
		body, err := json.Marshal(wire.Enrolment{Code: code, SealKey: make([]byte, 32)})
		if err != nil {
			t.Fatal(err)
		}
		a, err := h.box().Do(t.Context(), http.MethodPost, wire.PathEnrol, http.Header{"X-Forwarded-For": {"198.51.100.1, " + from}}, body)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for i := range 10 {
		if a := try("2001:db8::"+strconv.Itoa(i+1), "AAAA-AAAA-AAAA-AAAA"); a.Status != http.StatusForbidden {
			t.Fatalf("try %d: %d", i, a.Status)
		}
	}
	code := h.code(s.ID)
	if a := try("2001:db8::ffff", code); a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "60" {
		t.Errorf("the eleventh: %d, after %q s", a.Status, a.Header.Get("Retry-After"))
	}
	if a := try("2001:db8:0:1::1", "AAAA-AAAA-AAAA-AAAA"); a.Status != http.StatusForbidden {
		t.Errorf("from elsewhere: %d", a.Status)
	}
	h.clock.Advance(time.Minute)
	if a := try("2001:db8::ffff", code); a.Status != http.StatusOK {
		t.Errorf("a minute later: %d %s", a.Status, a.Body)
	}
}

func TestASiteThatSendsTooOftenWaits(t *testing.T) {
	h := newHub(t)
	box, _ := h.enrolled("Médiathèque")
	other, _ := h.enrolled("Mairie")
	refused := 0
	for range 250 {
		if _, err := box.Send(t.Context(), intaketest.Batch(epoch, 1)); err != nil && strings.Contains(err.Error(), "429") {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("of 250 at once %d were refused; expected 10", refused)
	}
	if _, err := other.Send(t.Context(), intaketest.Batch(epoch, 1)); err != nil {
		t.Errorf("another site: %v", err)
	}
	h.clock.Advance(time.Second)
	if _, err := box.Send(t.Context(), intaketest.Batch(epoch, 1)); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

// A site without a line for 30 days sends 10,000 batches, of hours that grow; each comes once, some twice, and the newest does not come last.
func TestASiteThatWasCutOffFor30DaysIsCountedExactly(t *testing.T) {
	h := newHub(t)
	box, site := h.enrolled("Médiathèque")
	const batches = 10_000
	first := at(15) - 30*24
	var (
		all  []wire.Batch
		last = map[int64]uint64{}
		r    = rand.New(rand.NewPCG(1, 2))
	)
	for seq := int64(1); seq <= batches; seq++ {
		hour := first + (seq-1)*30*24/batches
		last[hour] += uint64(r.IntN(4))
		b := intaketest.Batch(epoch, seq, intaketest.Hour(hour, seq, last[hour]))
		b.Left = int(batches - seq)
		all = append(all, b)
	}
	// The line comes and goes while they are on their way.
	for i := 0; i+3 < len(all); i += 1 + r.IntN(7) {
		j := i + r.IntN(3)
		all[i], all[j] = all[j], all[i]
	}
	for i, b := range all {
		h.clock.Advance(time.Second / 4)
		again := 1
		if i%50 == 0 {
			again = 2
			h.clock.Advance(time.Second / 4)
		}
		for range again {
			if _, err := box.Send(t.Context(), b); err != nil {
				t.Fatal(i, err)
			}
		}
	}
	var want uint64
	for _, n := range last {
		want += n
	}
	if want < batches {
		t.Fatalf("only %d sessions were made", want)
	}
	h.expect(site, want)
	storetest.In(t, h.Hub, "a", func(ctx context.Context, tt *store.Tenant) error {
		s, err := tt.Site(ctx, site)
		if s.Contact == nil || s.Contact.Waiting != 0 {
			t.Errorf("after the last batch: %+v", s.Contact)
		}
		return err
	})
}

func TestABundleIsFetchedOnce(t *testing.T) {
	h := newHub(t)
	box, site := h.enrolled("Médiathèque")
	other, _ := h.enrolled("Mairie")
	storetest.In(t, h.Hub, "a", func(ctx context.Context, tt *store.Tenant) error {
		if err := tt.WriteLayer(ctx, site, "[site]\ndesk = \"le comptoir\"", "dsi"); err != nil {
			return err
		}
		if _, err := rollout.Publish(ctx, tt, "dsi"); err != nil {
			return err
		}
		return rollout.Advance(ctx, tt, h.clock.Wall().Time)
	})
	r, err := box.Send(t.Context(), intaketest.Batch(epoch, 1))
	if err != nil || r.Bundle == "" {
		t.Fatalf("%+v, %v; expected the version of a bundle", r, err)
	}
	a, err := box.Do(t.Context(), http.MethodGet, wire.PathBundle, nil, nil)
	if err != nil || a.Status != http.StatusOK || a.Header.Get("ETag") != `"`+r.Bundle+`"` {
		t.Fatalf("%d, %v, %v", a.Status, a.Header, err)
	}
	p, err := bundle.Open(a.Body, h.key.Public().(ed25519.PublicKey), site)
	if err != nil || !strings.Contains(p.Config, "le comptoir") {
		t.Errorf("%+v, %v", p, err)
	}
	for tag, want := range map[string]int{`"` + r.Bundle + `"`: 304, `"0"`: 200, `W/"0", W/"` + r.Bundle + `"`: 304} {
		if a, err := box.Do(t.Context(), http.MethodGet, wire.PathBundle, http.Header{"If-None-Match": {tag}}, nil); err != nil || a.Status != want {
			t.Errorf("If-None-Match %s: %d, %v; expected %d", tag, a.Status, err, want)
		}
	}
	if a, err := other.Do(t.Context(), http.MethodGet, wire.PathBundle, nil, nil); err != nil || a.Status != http.StatusNotFound {
		t.Errorf("another site: %d, %v", a.Status, err)
	}
}

// Who works at a site, and the certificate of its name, are asked for with the same token, and by nobody else.
func TestASitesStaffAndCertificateAreItsOwn(t *testing.T) {
	h := newHub(t)
	box, site := h.enrolled("Médiathèque")
	other, _ := h.enrolled("Mairie")
	storetest.In(t, h.Hub, "a", func(ctx context.Context, tt *store.Tenant) error {
		c, err := tt.AddColleague(ctx, store.Colleague{Login: "desk", Name: "Desk", Role: "mediator"})
		if err == nil {
			err = tt.SendColleague(ctx, c.ID, []string{site})
		}
		if err == nil {
			err = tt.SetNames(ctx, site, []string{"wifi.commune.example"})
		}
		return err
	})
	r, err := box.Send(t.Context(), intaketest.Batch(epoch, 1))
	if err != nil || r.Staff == "" {
		t.Fatalf("%+v, %v; expected a list of staff", r, err)
	}
	request := func(name string) []byte {
		key, err := ecdsa.GenerateKey(elliptic.P256(), nil)
		if err != nil {
			t.Fatal(err)
		}
		csr, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{DNSNames: []string{name}}, key)
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(wire.CertificateRequest{CSR: csr})
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	nobody := *box
	nobody.Token = ""
	mine := request("wifi.commune.example")
	for _, tc := range []struct {
		name         string
		box          *intaketest.Box
		method, path string
		tag          string
		body         []byte
		want         int
	}{
		{"its staff", box, http.MethodGet, wire.PathStaff, "", nil, 200},
		{"the same again", box, http.MethodGet, wire.PathStaff, `"` + r.Staff + `"`, nil, 304},
		{"a site without staff", other, http.MethodGet, wire.PathStaff, "", nil, 404},
		{"staff, without a token", &nobody, http.MethodGet, wire.PathStaff, "", nil, 401},
		{"its name", box, http.MethodPost, wire.PathCertificate, "", mine, 200},
		{"another site's name", other, http.MethodPost, wire.PathCertificate, "", mine, 403},
		{"a name that is nobody's", box, http.MethodPost, wire.PathCertificate, "", request("www.commune.example"), 403},
		{"no request", box, http.MethodPost, wire.PathCertificate, "", []byte(`{"csr":"AAAA"}`), 400},
		{"a long request", box, http.MethodPost, wire.PathCertificate, "", bytes.Repeat([]byte(" "), 20_000), 413},
		{"a name, without a token", &nobody, http.MethodPost, wire.PathCertificate, "", mine, 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := tc.box.Do(t.Context(), tc.method, tc.path, http.Header{"If-None-Match": {tc.tag}}, tc.body)
			if err != nil || a.Status != tc.want {
				t.Errorf("%d %s, %v; expected %d", a.Status, a.Body, err, tc.want)
			}
		})
	}
}

// A new box takes a site over: the old one's token is worth nothing, and both histories count.
func TestASitesNewBoxTakesOver(t *testing.T) {
	h := newHub(t)
	old, site := h.enrolled("Médiathèque")
	if _, err := old.Send(t.Context(), intaketest.Batch(epoch, 1, intaketest.Hour(at(10), 1, 5))); err != nil {
		t.Fatal(err)
	}
	box := h.box()
	if _, a, err := box.Enrol(t.Context(), h.code(site)); err != nil || a.Status != http.StatusOK {
		t.Fatal(a.Status, err)
	}
	if _, err := old.Send(t.Context(), intaketest.Batch(epoch, 2, intaketest.Hour(at(11), 2, 5))); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("the old box: %v; expected 401", err)
	}
	if _, err := box.Send(t.Context(), intaketest.Batch("00000000000000bb", 1, intaketest.Hour(at(10), 1, 6))); err != nil {
		t.Fatal(err)
	}
	h.expect(site, 11)
}

// A log is read by people who must not learn a token, a code, or what a site has sent.
func TestTheLogHasCountsAlone(t *testing.T) {
	h := newHub(t)
	s := storetest.Site(t, h.Hub, "a", "Secret-Place")
	code := h.code(s.ID)
	box := h.box()
	if _, _, err := box.Enrol(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Send(t.Context(), intaketest.Batch(epoch, 1, intaketest.Hour(at(10), 1, 5))); err != nil {
		t.Fatal(err)
	}
	bad := intaketest.Batch(epoch, 1)
	bad.Now.Problems = []wire.Problem{{Code: "clock", What: "Camille"}}
	if _, err := box.Send(t.Context(), bad); err == nil || strings.Contains(err.Error(), "Camille") {
		t.Errorf("%v", err)
	}
	log := h.log.String()
	if !strings.Contains(log, "hours=1") {
		t.Errorf("no counts in the log:\n%s", log)
	}
	for _, secret := range []string{box.Token, code, strings.ReplaceAll(code, "-", ""), "Secret-Place", "visite", "Camille", epoch, "127.0.0.1"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q:\n%s", secret, log)
		}
	}
}

func TestADatabaseThatIsAwayLosesNothing(t *testing.T) {
	h := newHub(t)
	box, _ := h.enrolled("Médiathèque")
	h.Hub.Close()
	a, err := box.Do(t.Context(), http.MethodPost, wire.PathBatch, http.Header{"Content-Encoding": {"gzip"}}, intaketest.Packed([]byte("{}")))
	if err != nil || a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d, %v, %v; expected 503 with Retry-After", a.Status, a.Header, err)
	}
}
