package intake_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"

	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/rollout"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

// program is a file of a release: as many bytes as it is said, always the same.
func program(size int) []byte {
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func (h *hub) releases(version string, files map[string][]byte) {
	h.Helper()
	from := map[string]io.ReadSeeker{}
	for arch, b := range files {
		from[arch] = bytes.NewReader(b)
	}
	if _, err := h.AddRelease(h.Context(), version, from); err != nil {
		h.Fatal(err)
	}
}

// upgrades begins to bring a version to all sites, and tells the first.
func (h *hub) upgrades(version string, force bool) {
	h.Helper()
	storetest.In(h, h.Hub, "a", func(ctx context.Context, t *store.Tenant) error {
		if _, err := rollout.Upgrade(ctx, t, "dsi", version, force); err != nil {
			return err
		}
		return rollout.Advance(ctx, t, h.clock.Wall().Time)
	})
}

func TestASiteIsToldOfAReleaseAndReadsItInPieces(t *testing.T) {
	h := newHub(t)
	box, site := h.enrolled("Médiathèque")
	binary := program(3*wire.MaxPiece + 17)
	h.releases("1.1", map[string][]byte{"amd64": binary, "arm64": program(10)})
	batch := intaketest.Batch(epoch, 1)
	batch.Now.Arch = "amd64"
	send := func() wire.Receipt {
		t.Helper()
		r, err := box.Send(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := send(); r.Release != "" {
		t.Errorf("told of %q before anybody has decided", r.Release)
	}
	if a, err := box.Do(t.Context(), http.MethodGet, wire.PathRelease, nil, nil); err != nil || a.Status != http.StatusNotFound {
		t.Errorf("%d, %v", a.Status, err)
	}
	h.upgrades("1.1", true)
	if r := send(); r.Release != "1.1" {
		t.Fatalf("told of %q", r.Release)
	}
	a, err := box.Do(t.Context(), http.MethodGet, wire.PathRelease, nil, nil)
	if err != nil || a.Status != http.StatusOK {
		t.Fatalf("%d, %v", a.Status, err)
	}
	p, err := bundle.Releases.Open(a.Body, h.key.Public().(ed25519.PublicKey), site)
	if err != nil || p.Release == nil || p.Release.Check() != nil || p.Release.Version != "1.1" || !p.Release.Force || len(p.Release.Files) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := bundle.Open(a.Body, h.key.Public().(ed25519.PublicKey), site); err == nil {
		t.Error("a release passes for a configuration")
	}
	tag := a.Header.Get("ETag")
	if a, err := box.Do(t.Context(), http.MethodGet, wire.PathRelease, http.Header{"If-None-Match": {tag}}, nil); err != nil || a.Status != http.StatusNotModified {
		t.Errorf("%d, %v", a.Status, err)
	}
	f := p.Release.Files["amd64"]
	sum := sha256.Sum256(binary)
	if f.SHA256 != hex.EncodeToString(sum[:]) || f.Size != int64(len(binary)) {
		t.Fatalf("%+v", f)
	}
	for _, part := range [][2]int64{{0, wire.MaxPiece - 1}, {wire.MaxPiece - 5, wire.MaxPiece + 5}, {3 * wire.MaxPiece, 3*wire.MaxPiece + 500}, {0, f.Size - 1}} {
		a, err := box.Do(t.Context(), http.MethodGet, wire.PathReleaseFile+f.SHA256, http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", part[0], part[1])}}, nil)
		if err != nil || a.Status != http.StatusPartialContent || !bytes.Equal(a.Body, binary[part[0]:min(part[1]+1, f.Size)]) {
			t.Errorf("%v: %d, %d bytes, %v", part, a.Status, len(a.Body), err)
		}
	}
	if a, err := box.Do(t.Context(), http.MethodGet, wire.PathReleaseFile+f.SHA256, http.Header{"Range": {fmt.Sprintf("bytes=%d-", f.Size)}}, nil); err != nil || a.Status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("behind its end: %d, %v", a.Status, err)
	}
	for _, name := range []string{"x", hex.EncodeToString(make([]byte, 32))} {
		if a, err := box.Do(t.Context(), http.MethodGet, wire.PathReleaseFile+name, nil, nil); err != nil || a.Status != http.StatusNotFound {
			t.Errorf("%q: %d, %v", name, a.Status, err)
		}
	}
	stranger := h.box()
	for _, path := range []string{wire.PathRelease, wire.PathReleaseFile + f.SHA256} {
		if a, err := stranger.Do(t.Context(), http.MethodGet, path, nil, nil); err != nil || a.Status != http.StatusUnauthorized {
			t.Errorf("without a token: %d, %v", a.Status, err)
		}
	}
	// What is withdrawn is told nobody, and cannot be read.
	if err := h.WithdrawRelease(t.Context(), "1.1"); err != nil {
		t.Fatal(err)
	}
	if r := send(); r.Release != "" {
		t.Errorf("told of %q after it was withdrawn", r.Release)
	}
	if a, err := box.Do(t.Context(), http.MethodGet, wire.PathReleaseFile+f.SHA256, nil, nil); err != nil || a.Status != http.StatusNotFound {
		t.Errorf("%d, %v", a.Status, err)
	}
}

// Who says that it went back is told of the release no more, until somebody brings it once more: under another number.
func TestAReleaseThatASiteWentBackFromIsWantedNoMore(t *testing.T) {
	h := newHub(t)
	box, site := h.enrolled("Médiathèque")
	h.releases("1.1", map[string][]byte{"amd64": program(10)})
	batch := intaketest.Batch(epoch, 1)
	batch.Now.Arch = "amd64"
	send := func() string {
		t.Helper()
		r, err := box.Send(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		storetest.In(t, h.Hub, "a", func(ctx context.Context, tt *store.Tenant) error {
			return rollout.Advance(ctx, tt, h.clock.Wall().Time)
		})
		return r.Release
	}
	number := func() (n int64) {
		storetest.In(t, h.Hub, "a", func(ctx context.Context, tt *store.Tenant) error {
			o, err := tt.Told(ctx, store.Upgrades, site)
			n = o.Version
			return err
		})
		return n
	}
	send()
	h.upgrades("1.1", false)
	first := number()
	batch.Now.Upgrade = &wire.Upgrade{Number: first, Version: "1.1", State: "back", Why: "console"}
	send()
	if got := send(); got != "" {
		t.Errorf("wanted %q of who went back from it", got)
	}
	h.upgrades("1.1", false)
	send() // it still says what became of the first time
	if got := send(); got != "1.1" || number() == first {
		t.Errorf("the second time: wanted %q, number %d after %d", got, number(), first)
	}
}
