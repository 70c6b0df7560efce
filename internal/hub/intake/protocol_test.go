package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/rollout"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

// recorded is a request of a site as it was recorded: its method and path, its head and its body, uncompressed.
type recorded struct {
	method, path string
	head         http.Header
	body         []byte
}

func records(t *testing.T, protocol int, name string) (r recorded) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "hublink", "wire", "testdata", fmt.Sprint("protocol-", protocol), name+".request"))
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := bytes.Cut(b, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	r.method, r.path, _ = strings.Cut(lines[0], " ")
	r.head, r.body = http.Header{}, body
	for _, l := range lines[1:] {
		key, value, _ := strings.Cut(l, ": ")
		r.head.Set(key, value)
	}
	return r
}

// play sends a recorded request, with the token of now.
func (r recorded) play(t *testing.T, box *intaketest.Box) intaketest.Answer {
	t.Helper()
	head := r.head.Clone()
	head.Del("Authorization") // the box has its own
	body := r.body
	if head.Get("Content-Encoding") == "gzip" {
		body = intaketest.Packed(body)
	}
	a, err := box.Do(t.Context(), r.method, r.path, head, body)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Every version that the hub says it speaks is played as it was recorded, and what a site of that version does not know is not needed.
func TestSitesOfTheVersionsBeforeAreServed(t *testing.T) {
	if newest := slices.Max(wire.Spoken); newest != wire.Version || len(wire.Spoken) != min(newest, 3) || wire.Spoken[0] != max(1, newest-2) {
		t.Fatalf("a hub of version %d speaks %v; expected its own and the two before", wire.Version, wire.Spoken)
	}
	for _, protocol := range wire.Spoken {
		t.Run(strconv.Itoa(protocol), func(t *testing.T) {
			h := newHub(t)
			s := storetest.Site(t, h.Hub, "a", "Médiathèque")
			box := h.box()
			enrol := records(t, protocol, "enrol")
			var said wire.Enrolment
			if err := json.Unmarshal(enrol.body, &said); err != nil {
				t.Fatal(err)
			}
			enrol.body = bytes.Replace(enrol.body, []byte(said.Code), []byte(h.code(s.ID)), 1)
			var e wire.Enrolled
			if a := enrol.play(t, box); a.Status != http.StatusOK || json.Unmarshal(a.Body, &e) != nil || e.Token == "" {
				t.Fatalf("enrolment: %d %s", a.Status, a.Body)
			}
			box.Token = e.Token
			answer := func(name string, status int) intaketest.Answer {
				t.Helper()
				a := records(t, protocol, name).play(t, box)
				if a.Status != status {
					t.Fatalf("%s: %d %s", name, a.Status, a.Body)
				}
				return a
			}
			receipt := func(name string) (r wire.Receipt) {
				t.Helper()
				if err := json.Unmarshal(answer(name, http.StatusOK).Body, &r); err != nil {
					t.Fatal(err)
				}
				return r
			}
			if r := receipt("batch"); r.Seq == 0 || r.Every == 0 || r.Bundle != "" {
				t.Errorf("%+v", r)
			}
			storetest.In(t, h.Hub, "a", func(ctx context.Context, tt *store.Tenant) error {
				c, err := tt.AddColleague(ctx, store.Colleague{Login: "mediation", Name: "Médiation", Role: "mediator"})
				if err == nil {
					err = tt.SendColleague(ctx, c.ID, []string{s.ID})
				}
				if err == nil {
					err = tt.SetNames(ctx, s.ID, []string{"wifi.ville.example"})
				}
				if err == nil {
					err = tt.WriteLayer(ctx, s.ID, "[site]\ndesk = \"le comptoir\"\n", "dsi")
				}
				if err == nil {
					_, err = rollout.Publish(ctx, tt, "dsi")
				}
				if err == nil {
					err = rollout.Advance(ctx, tt, h.clock.Wall().Time)
				}
				return err
			})
			answer("bundle", http.StatusOK)
			answer("bundle-same", http.StatusNotModified)
			answer("staff", http.StatusOK)
			answer("certificate", http.StatusOK)
			if r := receipt("batch-trial"); r.Bundle != "1" || r.Staff != "1" || r.Release != "" {
				t.Errorf("%+v", r)
			}
			// It says nothing of an architecture: an upgrade leaves it out, and says so.
			storetest.In(t, h.Hub, "a", func(ctx context.Context, tt *store.Tenant) error {
				sites, err := tt.Sites(ctx)
				offers, left := rollout.Candidates(sites, store.Release{Version: "9", Files: map[string]wire.File{"amd64": {SHA256: "x"}}})
				if len(offers) != 0 || len(left) != 1 || left[0].Why != rollout.Unread {
					t.Errorf("%+v, %+v", offers, left)
				}
				return err
			})
			if month, _, _ := h.sessions(s.ID); month != 4 {
				t.Errorf("%d sessions; expected the 4 that were recorded", month)
			}
		})
	}
}

// What a site of a later version says more is left out, whatever it is, wherever it stands.
func TestWhatALaterSiteSaysMoreIsLeftOut(t *testing.T) {
	h := newHub(t)
	box, site := h.enrolled("Médiathèque")
	more := records(t, 1, "batch")
	var body map[string]any
	if err := json.Unmarshal(more.body, &body); err != nil {
		t.Fatal(err)
	}
	body["later"] = map[string]any{"a": []int{1}}
	body["now"].(map[string]any)["later"] = "x"
	hour := body["hours"].([]any)[0].(map[string]any)
	hour["later"] = 7
	hour["counts"] = append(hour["counts"].([]any), map[string]any{"what": "later", "word": "x", "n": 3})
	body["now"].(map[string]any)["problems"] = []any{map[string]any{"code": "later", "what": ""}, map[string]any{"code": "clock", "what": ""}}
	var err error
	if more.body, err = json.Marshal(body); err != nil {
		t.Fatal(err)
	}
	if a := more.play(t, box); a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	storetest.In(t, h.Hub, "a", func(ctx context.Context, tt *store.Tenant) error {
		s, err := tt.Site(ctx, site)
		if p := s.Contact.Now.Problems; len(p) != 1 || p[0].Code != "clock" {
			t.Errorf("the problems that are kept: %+v", p)
		}
		return err
	})
	if month, _, _ := h.sessions(site); month != 3 {
		t.Errorf("%d sessions", month)
	}
	// A word that is none is refused as ever: it could be anybody's name.
	body["now"].(map[string]any)["problems"] = []any{map[string]any{"code": "Camille Martin", "what": ""}}
	if more.body, err = json.Marshal(body); err != nil {
		t.Fatal(err)
	}
	if a := more.play(t, box); a.Status != http.StatusBadRequest {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestAProtocolThatIsNotSpokenIsSaid(t *testing.T) {
	h := newHub(t)
	box, _ := h.enrolled("Médiathèque")
	for _, said := range []string{strconv.Itoa(wire.Version + 1), "0", "no"} {
		for _, path := range []string{wire.PathBundle, wire.PathStaff, wire.PathRelease, wire.PathReleaseFile + strings.Repeat("0", 64)} {
			box.Protocol = said
			a, err := box.Do(t.Context(), http.MethodGet, path, nil, nil)
			if err != nil || a.Status != http.StatusUpgradeRequired || a.Header.Get(wire.VersionHeader) != strconv.Itoa(wire.Version) || !bytes.Contains(a.Body, []byte("speaks the protocols 1")) {
				t.Errorf("%s in %q: %d %s, %v", path, said, a.Status, a.Body, err)
			}
		}
	}
}
