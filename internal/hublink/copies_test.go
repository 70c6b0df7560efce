package hublink_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/hublink"
	"parvis/internal/hublink/hubtest"
	"parvis/internal/hublink/wire"
)

func TestACopyReachesTheHubWhole(t *testing.T) {
	w := begin(t, t.TempDir())
	t.Cleanup(w.end)
	if err := w.SendCopy(t.Context(), []byte("x")); !errors.Is(err, hublink.ErrNone) {
		t.Errorf("without an enrolment: %v", err)
	}
	if err := w.Enrol(t.Context(), hubtest.Code); err != nil {
		t.Fatal(err)
	}
	if err := w.SendCopy(t.Context(), make([]byte, wire.MaxCopy+1)); !errors.Is(err, hublink.ErrLong) {
		t.Errorf("a copy that is too long: %v", err)
	}
	long := []byte(strings.Repeat("0123456789abcdef", 200_000)) // longer than any other answer may be
	if err := w.SendCopy(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	if all := w.hub.Copies(); len(all) != 1 || string(all[0]) != string(long) {
		t.Errorf("%d copies", len(all))
	}
	w.hub.Forget()
	if err := w.SendCopy(t.Context(), long); !errors.Is(err, hublink.ErrToken) {
		t.Errorf("of a box that was replaced: %v", err)
	}
}

func TestANewcomerTakesTheCopyAndThenThePlace(t *testing.T) {
	w := begin(t, t.TempDir())
	t.Cleanup(w.end)
	if err := w.Enrol(t.Context(), hubtest.Code); err != nil {
		t.Fatal(err)
	}
	long := []byte(strings.Repeat("0123456789abcdef", 200_000))
	if err := w.SendCopy(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	w.hub.Forget() // which makes the code good again
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := hublink.NewNewcomer(w.o, " "+hubtest.Code+"\n", key)
	defer n.Close()
	r, err := n.Ask(t.Context())
	if err != nil || r.Name != "Maison du Lac" || len(r.Copies) != 1 || r.Copies[0].Size != len(long) {
		t.Fatalf("%+v, %v", r, err)
	}
	if b, err := n.Copy(t.Context(), r.Copies[0].Sum); err != nil || string(b) != string(long) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	path := filepath.Join(t.TempDir(), "hub.json")
	for range 2 { // the power went after the first time
		if err := n.Enrol(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
	if site, _, err := hublink.Signer(path); err != nil || site != r.Site {
		t.Errorf("%q, %v", site, err)
	}
	other, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	late := hublink.NewNewcomer(w.o, hubtest.Code, other)
	defer late.Close()
	_, err = late.Ask(t.Context())
	_, err2 := late.Copy(t.Context(), r.Copies[0].Sum)
	if err3 := late.Enrol(t.Context(), path+"2"); !errors.Is(err, hublink.ErrCode) || !errors.Is(err2, hublink.ErrCode) || !errors.Is(err3, hublink.ErrCode) {
		t.Errorf("another box with the same code: %v, %v, %v", err, err2, err3)
	}
	if _, err := os.Stat(path + "2"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a refused box has an enrolment: %v", err)
	}
}

func TestAHubThatGivesAnotherCopyIsNotBelieved(t *testing.T) {
	w := begin(t, t.TempDir())
	t.Cleanup(w.end)
	w.hub.Instead(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body := "{}"
		if r.URL.Path == wire.PathReplacementCopy {
			body = "another"
		}
		_, _ = rw.Write([]byte(body))
	}))
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := hublink.NewNewcomer(w.o, hubtest.Code, key)
	defer n.Close()
	sum := sha256.Sum256([]byte("the one"))
	if _, err := n.Copy(t.Context(), sum[:]); !errors.Is(err, hublink.ErrAnswer) {
		t.Errorf("%v", err)
	}
	if _, err := n.Ask(t.Context()); !errors.Is(err, hublink.ErrAnswer) {
		t.Errorf("a place that is nobody's: %v", err)
	}
}
