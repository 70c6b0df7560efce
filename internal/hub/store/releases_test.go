package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

func adds(t *testing.T, h *store.Hub, version string, files map[string][]byte) error {
	t.Helper()
	from := map[string]io.ReadSeeker{}
	for arch, b := range files {
		from[arch] = bytes.NewReader(b)
	}
	_, err := h.AddRelease(t.Context(), version, from)
	return err
}

func TestAFileOfAReleaseIsReadAnywhere(t *testing.T) {
	h, _ := storetest.New(t)
	b := slices.Repeat([]byte("a program, "), wire.MaxPiece/5) // two pieces and a part of one
	if err := adds(t, h, "1.1", map[string][]byte{"amd64": b}); err != nil {
		t.Fatal(err)
	}
	all, err := h.Releases(t.Context())
	if err != nil || len(all) != 1 || all[0].Files["amd64"].Size != int64(len(b)) {
		t.Fatal(all, err)
	}
	f, err := h.ReleaseFile(t.Context(), all[0].Files["amd64"].SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, b) {
		t.Errorf("%d bytes of %d, %v", len(got), len(b), err)
	}
	for _, at := range []int64{0, 1, wire.MaxPiece - 1, wire.MaxPiece, 2*wire.MaxPiece + 3} {
		got := make([]byte, 10)
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(f, got); err != nil || !bytes.Equal(got, b[at:at+10]) {
			t.Errorf("at %d: %q, %v", at, got, err)
		}
	}
	if end, err := f.Seek(0, io.SeekEnd); err != nil || end != int64(len(b)) {
		t.Error(end, err)
	}
	if n, err := f.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Error(n, err)
	}
}

func TestAVersionIsNeverAnotherFile(t *testing.T) {
	h, _ := storetest.New(t)
	for _, tc := range []struct {
		name    string
		version string
		files   map[string][]byte
		want    error
	}{
		{"a new one", "1.1", map[string][]byte{"amd64": []byte("a")}, nil},
		{"another architecture of it", "1.1", map[string][]byte{"arm64": []byte("b")}, nil},
		{"another file", "1.1", map[string][]byte{"amd64": []byte("c")}, store.ErrTaken},
		{"the same bytes under another name", "1.2", map[string][]byte{"amd64": []byte("a")}, nil},
	} {
		if err := adds(t, h, tc.version, tc.files); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v; expected %v", tc.name, err, tc.want)
		}
	}
	if err := adds(t, h, "1.3", map[string][]byte{"amd64": nil}); err == nil {
		t.Error("an empty file is kept")
	}
	all, err := h.Releases(t.Context())
	if err != nil || len(all) != 2 || len(all[1].Files) != 2 {
		t.Fatal(all, err)
	}
	shared, own := all[1].Files["amd64"].SHA256, all[1].Files["arm64"].SHA256
	if err := h.WithdrawRelease(t.Context(), "1.1"); err != nil {
		t.Fatal(err)
	}
	if err := adds(t, h, "1.1", map[string][]byte{"armv7": []byte("d")}); !errors.Is(err, store.ErrWithdrawn) {
		t.Errorf("to what is withdrawn: %v", err)
	}
	if f, err := h.ReleaseFile(t.Context(), shared); err != nil {
		t.Error("what another release has is gone", err)
	} else if got, err := io.ReadAll(f); err != nil || string(got) != "a" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := h.ReleaseFile(t.Context(), own); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("what is withdrawn can be read: %v", err)
	}
}

// A hub of the version before takes every publication for one of a configuration: it must not see those of releases.
func TestAnOlderHubSeesNoRolloutOfARelease(t *testing.T) {
	h, db := storetest.New(t)
	a := storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, a, "Médiathèque")
	if err := adds(t, h, "1.1", map[string][]byte{"amd64": []byte("a")}); err != nil {
		t.Fatal(err)
	}
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		for _, release := range []string{"", "1.1"} {
			if _, err := tt.Publish(ctx, store.Publication{By: "dsi", Release: release}, []store.Offer{{Site: s.ID, Told: time.Now()}}); err != nil {
				return err
			}
		}
		return nil
	})
	c, err := pgx.Connect(t.Context(), db.Program)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), "SELECT set_config('parvis.tenant', 'a', false)"); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"publication", "offer"} {
		var n int
		if err := c.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil || n != 1 {
			t.Errorf("an older hub sees %d rows of %s, %v; expected that of the configuration", n, table, err)
		}
	}
	if tag, err := c.Exec(t.Context(), "UPDATE publication SET state = 'ended' WHERE state = 'going'"); err != nil || tag.RowsAffected() != 1 {
		t.Errorf("an older hub ends %v, %v", tag, err)
	}
}
