package releases_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/clock"
	"parvis/internal/hublink"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/hubtest"
	"parvis/internal/hublink/releases"
	"parvis/internal/hublink/wire"
	"parvis/internal/upgrade"
)

// world is a site that is enrolled at a strict hub, over HTTP as it is.
type world struct {
	*testing.T
	hub   *hubtest.Hub
	link  *hublink.Link
	state string
	o     releases.Options
	free  uint64
	*releases.Keeper
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, hub: &hubtest.Hub{}, state: t.TempDir(), free: 1 << 30}
	server := httptest.NewUnstartedServer(w.hub)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if errs := w.hub.Errors(); len(errs) > 0 {
			t.Errorf("the hub was sent what no site sends: %q", errs)
		}
	})
	var err error
	w.link, err = hublink.Open(hublink.Options{URL: server.URL, Path: filepath.Join(w.state, "hub.json"), Version: "1.0", Clock: clock.NewFake()})
	if err == nil {
		err = w.link.Enrol(t.Context(), hubtest.Code)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.o = releases.Options{State: w.state, Site: "site-1", Arch: "amd64", Running: "1.0", Free: func(string) (uint64, error) { return w.free, nil }}
	w.restart()
	return w
}

// restart is what a crash and a start of the daemon are.
func (w *world) restart() {
	w.Helper()
	var err error
	if w.Keeper, err = releases.Open(w.o); err != nil {
		w.Fatal(err)
	}
}

func (w *world) take(version string) {
	w.Helper()
	if err := w.Take(w.Context(), w.link, version); err != nil {
		w.Fatal(err)
	}
}

func (w *world) wants(number int64, version string, files map[string][]byte) {
	w.Helper()
	if err := w.hub.Wants(number, version, false, files); err != nil {
		w.Fatal(err)
	}
}

// says expects what the hub is told.
func (w *world) says(want *wire.Upgrade) {
	w.Helper()
	if d := cmp.Diff(want, w.Says()); d != "" {
		w.Error(d)
	}
}

// asked is what internal/upgrade was asked for.
func (w *world) asked() (a upgrade.Wanted, ok bool) {
	w.Helper()
	b, err := os.ReadFile(filepath.Join(w.state, "upgrade", "wanted.json"))
	if os.IsNotExist(err) {
		return a, false
	}
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err != nil {
		w.Fatal(err)
	}
	return a, true
}

// ends is what root writes of an end.
func (w *world) ends(r upgrade.Report) {
	w.Helper()
	dir := filepath.Join(w.state, "versions")
	b, err := json.Marshal(r)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "last.json"), b, 0o644)
	}
	if err == nil {
		err = upgrade.Forget(w.state)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// files are the names in the directory of requests, but for the Keeper's own and what is asked for.
func (w *world) files() (names []string) {
	w.Helper()
	all, err := os.ReadDir(filepath.Join(w.state, "upgrade"))
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range all {
		if !strings.HasSuffix(e.Name(), ".json") {
			names = append(names, e.Name())
		}
	}
	return names
}

func program(size int) []byte {
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(uint64(size), 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestAWantedReleaseIsFetchedAndAskedFor(t *testing.T) {
	w := newWorld(t)
	w.take("")
	w.says(nil)
	b := program(2*wire.MaxPiece + 100)
	w.wants(7, "1.1", map[string][]byte{"amd64": b, "arm64": program(5)})
	w.take("1.1")
	a, ok := w.asked()
	if !ok || a.Number != 7 || a.Version != "1.1" || a.Force || filepath.Base(a.File) != "parvis-1.1" {
		t.Fatalf("%+v", a)
	}
	got, err := os.ReadFile(a.File)
	if info, serr := os.Stat(a.File); err != nil || serr != nil || !bytes.Equal(got, b) || info.Mode().Perm() != 0o700 {
		t.Errorf("%d bytes of %d, %v, %v, %v", len(got), len(b), info.Mode(), err, serr)
	}
	w.says(&wire.Upgrade{Number: 7, Version: "1.1", State: "waiting"})
	w.take("1.1") // the next sign of life says the same
	w.restart()
	w.take("1.1")
	if n := w.hub.Fetched(wire.PathReleaseFile); n != 3 {
		t.Errorf("%d pieces were asked for; expected 3", n)
	}
	w.ends(upgrade.Report{Number: 7, Running: "1.0", Wanted: "1.1", State: upgrade.Back, Why: "console"})
	w.says(&wire.Upgrade{Number: 7, Version: "1.1", State: "back", Why: "console"})
	w.take("1.1") // until the hub has heard it
	if _, ok := w.asked(); ok || len(w.files()) != 0 {
		t.Errorf("what was gone back from is asked for again, or stays: %q", w.files())
	}
	w.take("")
	w.says(&wire.Upgrade{Number: 7, Version: "1.1", State: "back", Why: "console"})
	// Once more by another decision.
	w.wants(9, "1.1", map[string][]byte{"amd64": b})
	w.take("1.1")
	if a, ok := w.asked(); !ok || a.Number != 9 {
		t.Fatalf("%+v", a)
	}
	w.says(&wire.Upgrade{Number: 9, Version: "1.1", State: "waiting"})
	w.o.Running = "1.1"
	w.ends(upgrade.Report{Number: 9, Running: "1.1", Wanted: "1.1"})
	w.restart()
	w.take("1.1")
	w.says(nil)
	if len(w.files()) != 0 {
		t.Errorf("the file stays: %q", w.files())
	}
}

// A line that drops every few pieces, and a power cut between: each byte is read once.
func TestAFileIsGoneOnWithWhereItWasLeft(t *testing.T) {
	w := newWorld(t)
	b := program(7*wire.MaxPiece + 1)
	w.wants(7, "1.1", map[string][]byte{"amd64": b})
	n, given := 0, 0
	w.hub.Pieces(func() bool {
		if n++; n%3 == 0 {
			return false
		}
		given++
		return true
	})
	for i := 0; ; i++ {
		err := w.Take(t.Context(), w.link, "1.1")
		if err == nil {
			break
		}
		w.says(&wire.Upgrade{Number: 7, Version: "1.1", State: "waiting"})
		w.restart()
		if i > 10 {
			t.Fatal("it does not come to an end", err)
		}
	}
	if _, ok := w.asked(); !ok || given != 8 {
		t.Errorf("asked %v, %d pieces of 8 were given out", ok, given)
	}
}

func TestAPartThatAPowerCutHasSpoiledIsReadAnew(t *testing.T) {
	w := newWorld(t)
	b := program(2 * wire.MaxPiece)
	for i, tc := range []struct {
		name  string
		spoil func([]byte) []byte
	}{
		{"other-bytes", func(p []byte) []byte { p[0] ^= 1; return p }},
		{"too-long", func(p []byte) []byte { return append(p, program(3*wire.MaxPiece)...) }},
	} {
		w.wants(int64(i+1), tc.name, map[string][]byte{"amd64": b})
		first := true
		w.hub.Pieces(func() bool { is := first; first = false; return is })
		if err := w.Take(t.Context(), w.link, tc.name); err == nil {
			t.Fatal("whole at once")
		}
		all := w.files()
		at := slices.IndexFunc(all, func(name string) bool { return strings.HasSuffix(name, ".part") })
		if at < 0 {
			t.Fatalf("%q", all)
		}
		path := filepath.Join(w.state, "upgrade", all[at])
		p, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, tc.spoil(p), 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.hub.Pieces(nil)
		for range 2 {
			if err = w.Take(t.Context(), w.link, tc.name); err == nil {
				break
			}
		}
		if a, ok := w.asked(); err != nil || !ok || a.Version != tc.name {
			t.Errorf("%s: %v, %+v", tc.name, err, a)
		}
	}
}

func TestWhatCannotBeTakenIsSaidWithItsReason(t *testing.T) {
	b := program(1000)
	answers := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"7"`)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
	signed := func(kind bundle.Kind, p bundle.Payload) string {
		out, err := kind.Sign(hubtest.SignKey(), p)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	good := &wire.Release{Version: "1.1", Files: map[string]wire.File{"amd64": {SHA256: strings.Repeat("0", 64), Size: 1}}}
	for _, tc := range []struct {
		name string
		do   func(*world)
		want string
	}{
		{"for another architecture", func(w *world) { w.wants(7, "1.1", map[string][]byte{"arm64": b}) }, "arch"},
		{"no room", func(w *world) { w.free = 3 << 20; w.wants(7, "1.1", map[string][]byte{"amd64": b}) }, "space"},
		{"another file", func(w *world) {
			w.wants(7, "1.1", map[string][]byte{"amd64": b})
			w.hub.Spoils(b, program(1001)[:1000])
		}, "digest"},
		{"not a bundle", func(w *world) { w.hub.Instead(answers(200, "<html>")) }, "form"},
		{"a configuration", func(w *world) {
			w.hub.Instead(answers(200, signed(bundle.Decided, bundle.Payload{Site: "site-1", Version: 7, Release: good})))
		}, "signature"},
		{"another site's", func(w *world) {
			w.hub.Instead(answers(200, signed(bundle.Releases, bundle.Payload{Site: "site-2", Version: 7, Release: good})))
		}, "site"},
		{"another version", func(w *world) {
			other := *good
			other.Version = "1.2"
			w.hub.Instead(answers(200, signed(bundle.Releases, bundle.Payload{Site: "site-1", Version: 7, Release: &other})))
		}, "form"},
		{"a size that no file has", func(w *world) {
			w.hub.Instead(answers(200, signed(bundle.Releases, bundle.Payload{Site: "site-1", Version: 7, Release: &wire.Release{Version: "1.1", Files: map[string]wire.File{"amd64": {SHA256: strings.Repeat("0", 64), Size: wire.MaxFile + 1}}}})))
		}, "form"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			tc.do(w)
			for range 2 {
				w.take("1.1")
				w.says(&wire.Upgrade{Number: 7, Version: "1.1", State: "refused", Why: tc.want})
				w.restart()
			}
			if _, ok := w.asked(); ok || len(w.files()) != 0 {
				t.Errorf("it is asked for, or files stay: %q", w.files())
			}
		})
	}
}

// An old decision that somebody has kept and says again brings no old version back.
func TestAnOlderDecisionIsNotTaken(t *testing.T) {
	w := newWorld(t)
	b := program(1000)
	w.wants(9, "1.2", map[string][]byte{"amd64": b})
	w.take("1.2")
	w.wants(7, "1.1", map[string][]byte{"amd64": b})
	w.take("1.1")
	w.says(&wire.Upgrade{Number: 9, Version: "1.1", State: "refused", Why: "version"})
	if a, _ := w.asked(); a.Version != "1.2" {
		t.Errorf("%+v", a)
	}
}

func TestAHubThatIsAwayIsNoRefusal(t *testing.T) {
	w := newWorld(t)
	w.hub.Instead(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	if err := w.Take(t.Context(), w.link, "1.1"); err == nil {
		t.Error("no error")
	}
	w.says(nil)
}

// A rollout that is held takes back what only waits; what has begun goes on.
func TestWhatOnlyWaitsIsTakenBack(t *testing.T) {
	w := newWorld(t)
	b := program(1000)
	w.wants(7, "1.1", map[string][]byte{"amd64": b})
	w.take("1.1")
	w.hub.WantsNone()
	w.take("")
	if _, ok := w.asked(); ok || len(w.files()) != 0 {
		t.Errorf("it is still asked for, or files stay: %q", w.files())
	}
	w.says(nil)
	w.wants(8, "1.1", map[string][]byte{"amd64": b}) // a person lets it go on: under the same decision or another one
	w.take("1.1")
	if a, ok := w.asked(); !ok || a.Number != 8 {
		t.Errorf("%+v", a)
	}
	journal := filepath.Join(w.state, "versions", "journal.json")
	if err := os.MkdirAll(filepath.Dir(journal), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(journal, []byte(`{"step": "trial", "wanted": {"number": 8, "version": "1.1"}, "from": {"version": "1.0"}, "to": {"version": "1.1"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.take("")
	w.says(&wire.Upgrade{Number: 8, Version: "1.1", State: "trial"})
}

// The same decision, held and then gone on with, is taken once more.
func TestAHeldDecisionIsGoneOnWith(t *testing.T) {
	w := newWorld(t)
	b := program(1000)
	w.wants(7, "1.1", map[string][]byte{"amd64": b})
	w.take("1.1")
	w.take("")
	w.take("1.1")
	if a, ok := w.asked(); !ok || a.Number != 7 {
		t.Errorf("%+v", a)
	}
}

func TestAnotherHubsNumbersAreNotCompared(t *testing.T) {
	w := newWorld(t)
	b := program(1000)
	w.wants(900, "1.1", map[string][]byte{"amd64": b})
	w.take("1.1")
	w.o.Site = "site-0"
	w.restart()
	w.says(nil)
	w.o.Site = "site-1"
	if err := os.WriteFile(filepath.Join(w.state, "upgrade", "release.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.says(nil)
}
