package hublink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"parvis/internal/hublink"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

// elder is a hub of an earlier version of the protocol, as it was recorded: what it does not know is not there (404).
type elder struct {
	t   *testing.T
	dir string
}

// says answers with what was recorded under a name: a status, a head, a body.
func (e elder) says(w http.ResponseWriter, name string) {
	b, err := os.ReadFile(filepath.Join(e.dir, name+".answer"))
	if err != nil {
		e.t.Error(err)
	}
	head, body, _ := bytes.Cut(b, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	for _, l := range lines[1:] {
		key, value, _ := strings.Cut(l, ": ")
		w.Header().Set(key, value)
	}
	status, err := strconv.Atoi(lines[0])
	if err != nil {
		e.t.Error(err)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (e elder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == wire.PathBundle && r.Header.Get("If-None-Match") == `"1"`:
		e.says(w, "bundle-same")
	case r.URL.Path == wire.PathBundle, r.URL.Path == wire.PathStaff, r.URL.Path == wire.PathCertificate:
		e.says(w, strings.TrimPrefix(r.URL.Path, "/v1/"))
	case r.URL.Path == wire.PathBatch:
		e.says(w, "batch-trial")
	case r.URL.Path == wire.PathEnrol:
		e.says(w, "enrol")
	default:
		http.NotFound(w, r)
	}
}

// A site goes on with hubs of the versions before, and asks them for nothing that they do not have.
func TestHubsOfTheVersionsBeforeAreUnderstood(t *testing.T) {
	for _, protocol := range wire.Spoken {
		t.Run(strconv.Itoa(protocol), func(t *testing.T) {
			e := elder{t, filepath.Join("wire", "testdata", fmt.Sprint("protocol-", protocol))}
			w := begin(t, t.TempDir())
			defer w.end()
			w.hub.Instead(e)
			if err := w.Enrol(t.Context(), "any"); err != nil || w.Status().Site == "" {
				t.Fatal(err)
			}
			// The keys of the enrolment that was recorded open what that hub signed and sealed.
			state, err := os.ReadFile(filepath.Join(e.dir, "hub.json"))
			if err == nil {
				err = os.WriteFile(w.o.Path, state, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			var told wire.Receipt
			w.o.Told = func(_ context.Context, r wire.Receipt, _ wire.Now) { told = r }
			w.restart()
			w.outbox.epoch, w.outbox.seq = "00000000000000aa", 10
			if pause := w.Send(t.Context()); pause != time.Minute || told.Seq != 10 || told.Bundle != "1" || told.Staff != "1" || told.Release != "" {
				t.Errorf("%v, %+v, %v", pause, told, w.Status().Err)
			}
			k, err := w.Keys()
			if err != nil {
				t.Fatal(err)
			}
			b, tag, err := w.Fetch(t.Context(), wire.PathBundle, "")
			if err != nil || tag != `"1"` {
				t.Fatal(tag, err)
			}
			if p, err := bundle.Open(b, k.Sign, k.Site); err != nil || !strings.Contains(p.Config, "le comptoir") {
				t.Errorf("%+v, %v", p, err)
			}
			if b, _, err := w.Fetch(t.Context(), wire.PathBundle, tag); b != nil || err != nil {
				t.Errorf("the same: %d bytes, %v", len(b), err)
			}
			if all, version, err := w.Colleagues(t.Context(), ""); err != nil || version != "1" || len(all) != 1 || all[0].Login != "mediation" {
				t.Errorf("%+v, %q, %v", all, version, err)
			}
			if c, err := w.Certificate(t.Context(), wire.CertificateRequest{CSR: []byte("x")}); err != nil || c != (wire.Certificate{}) {
				t.Errorf("%+v, %v", c, err)
			}
			if p, _, err := w.Release(t.Context(), ""); p != nil || err != nil {
				t.Errorf("a release: %+v, %v", p, err)
			}
		})
	}
}

// What a later hub says more is left out, also in what it signs.
func TestWhatALaterHubSaysMoreIsLeftOut(t *testing.T) {
	w := enrolled(t)
	w.hub.Instead(answers(200, `{"seq": 0, "every": 60, "later": {"a": [1]}, "bundle": "7"}`))
	if pause := w.Send(t.Context()); pause != time.Minute || w.Status().Err != nil {
		t.Errorf("%v, %v", pause, w.Status().Err)
	}
	var r wire.Release
	if err := json.Unmarshal([]byte(`{"version": "2.0", "later": 1, "files": {"riscv64": {"sha256": "`+strings.Repeat("0", 64)+`", "size": 1, "later": "x"}}}`), &r); err != nil || r.Check() != nil {
		t.Errorf("%v, %v", err, r.Check())
	}
}

// A hub that does not speak this site's protocol loses nothing of it: what was counted waits, and the reason is said.
func TestAProtocolThatIsNotSpokenWaits(t *testing.T) {
	w := enrolled(t)
	w.outbox.counts(1, 5)
	w.hub.Instead(answers(http.StatusUpgradeRequired, `{"error": "this hub speaks the protocols 4, 5, 6"}`))
	w.Send(t.Context())
	if s := w.Status(); s.Err == nil || !strings.Contains(s.Err.Error(), "426") || errors.Is(s.Err, hublink.ErrToken) || !s.Enrolled() {
		t.Errorf("%+v", s)
	}
	w.hub.Instead(nil)
	w.Send(t.Context())
	if n := w.hub.Sum("sessions", ""); n != 5 {
		t.Errorf("%d sessions", n)
	}
}
