package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"parvis/internal/hub/intake"
	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
)

// copied is what the hub takes for a copy: it has no key to it.
func copied(text string) []byte { return []byte("age-encryption.org/v1\n" + text) }

func (h *hub) sendCopy(b *intaketest.Box, body []byte) int {
	h.Helper()
	sum := sha256.Sum256(body)
	a, err := b.Do(h.Context(), http.MethodPut, wire.PathCopy, http.Header{"Content-Digest": {intake.Digest(sum[:])}}, body)
	if err != nil {
		h.Fatal(err)
	}
	return a.Status
}

func (h *hub) ask(path string, n wire.Newcomer) intaketest.Answer {
	h.Helper()
	body, err := json.Marshal(n)
	if err != nil {
		h.Fatal(err)
	}
	a, err := h.box().Do(h.Context(), http.MethodPost, path, nil, body)
	if err != nil {
		h.Fatal(err)
	}
	return a
}

func (h *hub) enrol(code string, key []byte) (e wire.Enrolled, status int) {
	h.Helper()
	body, err := json.Marshal(wire.Enrolment{Code: code, Version: "1.0", Model: "other", SealKey: key, Replaces: true})
	if err != nil {
		h.Fatal(err)
	}
	a, err := h.box().Do(h.Context(), http.MethodPost, wire.PathEnrol, nil, body)
	if err != nil {
		h.Fatal(err)
	}
	if a.Status == http.StatusOK {
		if err := json.Unmarshal(a.Body, &e); err != nil {
			h.Fatal(err)
		}
	}
	return e, a.Status
}

func TestACopyIsKeptWholeOrNotAtAll(t *testing.T) {
	h := newHub(t)
	b, site := h.enrolled("Maison")
	good := copied("good")
	digest := func(of []byte) string { s := sha256.Sum256(of); return intake.Digest(s[:]) }
	for name, tt := range map[string]struct {
		digest string
		body   []byte
		want   int
	}{
		"no digest":       {"", good, http.StatusBadRequest},
		"another's":       {digest(copied("bad")), good, http.StatusBadRequest},
		"cut off":         {digest(good), good[:len(good)-1], http.StatusBadRequest},
		"not encrypted":   {digest([]byte("x")), []byte("x"), http.StatusBadRequest},
		"whole":           {digest(good), good, http.StatusOK},
		"longer than may": {"", make([]byte, wire.MaxCopy+1), http.StatusRequestEntityTooLarge},
	} {
		a, err := b.Do(t.Context(), http.MethodPut, wire.PathCopy, http.Header{"Content-Digest": {tt.digest}}, tt.body)
		if err != nil || a.Status != tt.want {
			t.Errorf("%s: %d, %v; want %d", name, a.Status, err, tt.want)
		}
	}
	if status := h.sendCopy(h.box(), good); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	err := h.Tenant(t.Context(), "a", func(tn *store.Tenant) error {
		all, err := tn.Copies(t.Context(), site)
		if err != nil || len(all) != 1 || all[0].Size != len(good) {
			t.Errorf("%+v, %v; want the one that is whole", all, err)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestACopyOfTheSameDayTakesTheOthersPlace(t *testing.T) {
	h := newHub(t)
	b, site := h.enrolled("Maison")
	for _, text := range []string{"1", "2", "3", "4"} {
		if status := h.sendCopy(b, copied(text)); status != http.StatusOK {
			t.Fatal(status)
		}
	}
	err := h.Tenant(t.Context(), "a", func(tn *store.Tenant) error {
		all, err := tn.Copies(t.Context(), site)
		if err != nil || len(all) == 0 || len(all) > 2 { // 2 where midnight passed meanwhile
			t.Errorf("%+v, %v", all, err)
			return err
		}
		body, err := tn.CopyBody(t.Context(), site, all[0].Sum)
		if string(body) != string(copied("4")) {
			t.Errorf("%q", body)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestABoxTakesThePlaceOfAnother(t *testing.T) {
	h := newHub(t)
	old, site := h.enrolled("Maison")
	if status := h.sendCopy(old, copied("of the house")); status != http.StatusOK {
		t.Fatal(status)
	}
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	code := h.code(site)
	var r wire.Replacement
	for range 2 { // asking uses nothing up
		a := h.ask(wire.PathReplacement, wire.Newcomer{Code: code, SealKey: key})
		if err := json.Unmarshal(a.Body, &r); err != nil || r.Site != site || r.Name != "Maison" || len(r.Copies) != 1 {
			t.Fatalf("%d %s, %v", a.Status, a.Body, err)
		}
	}
	a := h.ask(wire.PathReplacementCopy, wire.Newcomer{Code: code, SealKey: key, Copy: r.Copies[0].Sum})
	if a.Status != http.StatusOK || string(a.Body) != string(copied("of the house")) {
		t.Errorf("%d %q", a.Status, a.Body)
	}
	if a := h.ask(wire.PathReplacementCopy, wire.Newcomer{Code: code, SealKey: key, Copy: make([]byte, 32)}); a.Status != http.StatusNotFound {
		t.Errorf("a copy that there is not: %d", a.Status)
	}
	if status := h.sendCopy(old, copied("later")); status != http.StatusOK {
		t.Errorf("before the new box has come the old one is refused: %d", status)
	}
	first, status := h.enrol(code, key)
	if status != http.StatusOK || first.Site != site {
		t.Fatalf("%d %+v", status, first)
	}
	if status := h.sendCopy(old, copied("after")); status != http.StatusUnauthorized {
		t.Errorf("the old box is answered %d", status)
	}
	if !strings.Contains(h.log.String(), "box is replaced") || !strings.Contains(h.log.String(), "was replaced has spoken") {
		t.Errorf("the log says\n%s", h.log)
	}
	// The answer was lost: the same box redeems the code again, another one does not.
	second, status := h.enrol(code, key)
	if status != http.StatusOK || second.Token == first.Token {
		t.Errorf("the same box again: %d", status)
	}
	for _, path := range []string{wire.PathReplacement, wire.PathReplacementCopy} {
		if a := h.ask(path, wire.Newcomer{Code: code, SealKey: other}); a.Status != http.StatusForbidden {
			t.Errorf("%s of another box with a used code: %d", path, a.Status)
		}
	}
	if _, status := h.enrol(code, other); status != http.StatusForbidden {
		t.Errorf("another box redeems a used code: %d", status)
	}
	err := h.Tenant(t.Context(), "a", func(tn *store.Tenant) error {
		b, err := tn.Boxes(t.Context(), site)
		if b.Replaced.IsZero() || b.Refused.IsZero() {
			t.Errorf("%+v", b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnotherCommunesCopyIsNobodysHere(t *testing.T) {
	h := newHub(t)
	b, site := h.enrolled("Maison")
	if status := h.sendCopy(b, copied("x")); status != http.StatusOK {
		t.Fatal(status)
	}
	if err := h.AddTenant(t.Context(), "b", "B"); err != nil {
		t.Fatal(err)
	}
	err := h.Tenant(t.Context(), "b", func(tn *store.Tenant) error {
		all, err := tn.Copies(context.Background(), site)
		newest, err2 := tn.NewestCopies(t.Context())
		if err != nil || err2 != nil || len(all) != 0 || len(newest) != 0 {
			t.Errorf("%+v %v, %v %v", all, newest, err, err2)
		}
		if _, err := tn.Boxes(t.Context(), site); err == nil {
			t.Error("its boxes are told")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
