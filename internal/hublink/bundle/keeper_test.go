package bundle_test

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"parvis/internal/hublink/bundle"
)

// A site against its model: bundles come in any order, the daemon falls at any moment, and what runs is always what has proved itself
// or is on one of its three trials.
func TestWhatASiteRuns(t *testing.T) {
	pub, key := signer(t)
	_, stranger := signer(t)
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(dir, strconv.Itoa(n))
		var k *bundle.Keeper
		load := func() {
			var err error
			if k, err = bundle.Keep(path, "site-1", pub); err != nil {
				t.Fatal(err)
			}
		}
		load()
		var highest, good, trial, tried int64
		sign := func(v int64) []byte {
			b, err := bundle.Sign(key, bundle.Payload{Site: "site-1", Version: v})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		t.Repeat(map[string]func(*rapid.T){
			"offer": func(t *rapid.T) {
				v := rapid.Int64Range(1, 30).Draw(t, "version")
				news, err := k.Offer(sign(v))
				if news != (v > highest) || errors.Is(err, bundle.ErrVersion) != (v < highest) {
					t.Fatalf("version %d after %d: %v, %v", v, highest, news, err)
				}
				if v > highest {
					highest, trial, tried = v, v, 0
				}
			},
			"a stranger offers": func(t *rapid.T) {
				b, err := bundle.Sign(stranger, bundle.Payload{Site: "site-1", Version: highest + 1})
				if err != nil {
					t.Fatal(err)
				}
				if news, err := k.Offer(b); news || !errors.Is(err, bundle.ErrSignature) {
					t.Fatalf("%v, %v", news, err)
				}
			},
			"begin": func(t *rapid.T) {
				if trial != 0 {
					if tried++; tried > 3 {
						trial = 0
					}
				}
				want := max(trial, 0)
				if want == 0 {
					want = good
				}
				p, ok, err := k.Begin()
				if err != nil || ok != (want != 0) || p.Version != want {
					t.Fatalf("it begins with %d, %v, %v; expected %d", p.Version, ok, err, want)
				}
			},
			"confirm": func(t *rapid.T) {
				if err := k.Confirm(); err != nil {
					t.Fatal(err)
				}
				if trial != 0 {
					good, trial = trial, 0
				}
			},
			"back": func(t *rapid.T) {
				if err := k.Back("line"); err != nil {
					t.Fatal(err)
				}
				trial = 0
			},
			"the power is cut": func(*rapid.T) { load() },
			"": func(t *rapid.T) {
				want := trial
				if want == 0 {
					want = good
				}
				said, _ := k.Says()
				if k.Trying() != (trial != 0) || want != 0 && said != strconv.FormatInt(want, 10) || want == 0 && said != "" {
					t.Fatalf("trying %v, says %q; expected %d of %d", k.Trying(), said, want, trial)
				}
			},
		})
	})
}

func TestWhatWasNotTakenIsTold(t *testing.T) {
	pub, key := signer(t)
	_, stranger := signer(t)
	made := func(v int64) []byte { return signed(t, key, bundle.Payload{Site: "site-1", Version: v}) }
	for _, tc := range []struct {
		name string
		do   func(*bundle.Keeper) error
		want bundle.Refused
	}{
		{"gone back from", func(k *bundle.Keeper) error { _, err := k.Offer(made(6)); return errors.Join(err, k.Back("line")) }, bundle.Refused{6, "line"}},
		{"older", func(k *bundle.Keeper) error { _, err := k.Offer(made(4)); return ignore(err, bundle.ErrVersion) }, bundle.Refused{4, "version"}},
		{"a stranger's", func(k *bundle.Keeper) error {
			_, err := k.Offer(signed(t, stranger, bundle.Payload{Site: "site-1", Version: 9}))
			return ignore(err, bundle.ErrSignature)
		}, bundle.Refused{0, "signature"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k, err := bundle.Keep(filepath.Join(t.TempDir(), "b"), "site-1", pub)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := k.Offer(made(5)); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(k.Confirm(), tc.do(k)); err != nil {
				t.Fatal(err)
			}
			version, refused := k.Says()
			if version != "5" || refused == nil || *refused != tc.want {
				t.Errorf("runs %s, refused %v; expected %v", version, refused, tc.want)
			}
		})
	}
}

func ignore(err, known error) error {
	if errors.Is(err, known) {
		return nil
	}
	return err
}

// A place that goes to another hub begins there with nothing: that hub counts its versions from one.
func TestAnotherHubBeginsAnew(t *testing.T) {
	pub, key := signer(t)
	other, otherKey := signer(t)
	path := filepath.Join(t.TempDir(), "b")
	k, err := bundle.Keep(path, "site-1", pub)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Offer(signed(t, key, bundle.Payload{Site: "site-1", Version: 9})); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		site string
		key  ed25519.PublicKey
		want string
	}{{"site-1", pub, "9"}, {"site-2", pub, ""}, {"site-1", other, ""}} {
		k, err := bundle.Keep(path, tc.site, tc.key)
		if err != nil {
			t.Fatal(err)
		}
		if version, _ := k.Says(); version != tc.want {
			t.Errorf("%s runs %q; expected %q", tc.site, version, tc.want)
		}
	}
	k, err = bundle.Keep(path, "site-1", other)
	if err != nil {
		t.Fatal(err)
	}
	if news, err := k.Offer(signed(t, otherKey, bundle.Payload{Site: "site-1", Version: 1})); !news || err != nil {
		t.Errorf("%v, %v", news, err)
	}
}

// A disk that takes nothing: the site goes on with what it runs, and says so.
func TestABundleThatCannotBeKeptIsNotTaken(t *testing.T) {
	pub, key := signer(t)
	dir := filepath.Join(t.TempDir(), "gone")
	k, err := bundle.Keep(filepath.Join(dir, "b"), "site-1", pub)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Offer(signed(t, key, bundle.Payload{Site: "site-1", Version: 1})); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if k.Trying() {
		t.Error("it is on trial")
	}
}

func TestAFileThatIsNoneIsToldAndKept(t *testing.T) {
	pub, _ := signer(t)
	path := filepath.Join(t.TempDir(), "b")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Keep(path, "site-1", pub); err == nil {
		t.Error("taken")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "{" {
		t.Error("the file is gone")
	}
}
