package bundle_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/hublink/bundle"
)

func signer(t testing.TB) (ed25519.PublicKey, ed25519.PrivateKey) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pub, key
}

func sealer(t testing.TB) *ecdh.PrivateKey {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signed(t testing.TB, key ed25519.PrivateKey, p bundle.Payload) []byte {
	b, err := bundle.Sign(key, p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestASiteReadsWhatItsHubHasSigned(t *testing.T) {
	pub, key := signer(t)
	box := sealer(t)
	secrets := []byte("a secret")
	sealed, err := bundle.Seal(box.PublicKey().Bytes(), "site-1", 7, secrets)
	if err != nil {
		t.Fatal(err)
	}
	want := bundle.Payload{Site: "site-1", Version: 7, Made: 1, Config: "[site]\ndesk = \"a\"\n", Sealed: sealed}
	b := signed(t, key, want)
	if bytes.Contains(b, []byte("a secret")) {
		t.Error("a secret is readable")
	}
	got, err := bundle.Open(b, pub, "site-1")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	back, err := got.Unseal(box)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(secrets, back); d != "" {
		t.Error(d)
	}
}

func TestWhatIsNotForThisSiteIsRefused(t *testing.T) {
	pub, key := signer(t)
	_, other := signer(t)
	good := bundle.Payload{Site: "site-1", Version: 7}
	for _, tc := range []struct {
		name string
		b    []byte
		want error
		why  string
	}{
		{"another hub's key", signed(t, other, good), bundle.ErrSignature, "signature"},
		{"another site's", signed(t, key, bundle.Payload{Site: "site-2", Version: 7}), bundle.ErrSite, "site"},
		{"nothing", nil, bundle.ErrForm, "form"},
		{"something behind it", append(signed(t, key, good), '{', '}'), bundle.ErrForm, "form"},
		{"no signature", []byte(`{"payload":"e30="}`), bundle.ErrSignature, "signature"},
		{"too long", bytes.Repeat([]byte(" "), bundle.Max+1), bundle.ErrForm, "form"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := bundle.Open(tc.b, pub, "site-1")
			if !errors.Is(err, tc.want) || bundle.Why(err) != tc.why {
				t.Errorf("%v, %q; expected %v, %q", err, bundle.Why(err), tc.want, tc.why)
			}
		})
	}
}

func TestAFlippedBitIsFound(t *testing.T) {
	pub, key := signer(t)
	b := signed(t, key, bundle.Payload{Site: "site-1", Version: 7, Config: "[site]\n"})
	var e struct{ Payload, Signature []byte }
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]byte{e.Payload, e.Signature} {
		for i := range part {
			part[i] ^= 1
			flipped, err := json.Marshal(map[string][]byte{"payload": e.Payload, "signature": e.Signature})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bundle.Open(flipped, pub, "site-1"); !errors.Is(err, bundle.ErrSignature) {
				t.Fatalf("byte %d: %v", i, err)
			}
			part[i] ^= 1
		}
	}
}

// A plain Ed25519 signature of the same bytes is not one of a bundle.
func TestASignatureOfSomethingElseIsNone(t *testing.T) {
	pub, key := signer(t)
	payload := []byte(`{"site":"site-1","version":7}`)
	b, err := json.Marshal(map[string][]byte{"payload": payload, "signature": ed25519.Sign(key, payload)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Open(b, pub, "site-1"); !errors.Is(err, bundle.ErrSignature) {
		t.Error(err)
	}
}

func TestSecretsAreBoundToTheirBundleAndBox(t *testing.T) {
	box := sealer(t)
	sealed, err := bundle.Seal(box.PublicKey().Bytes(), "site-1", 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() error{
		"another box": func() error {
			_, err := bundle.Payload{Site: "site-1", Version: 7, Sealed: sealed}.Unseal(sealer(t))
			return err
		},
		"another version": func() error {
			_, err := bundle.Payload{Site: "site-1", Version: 8, Sealed: sealed}.Unseal(box)
			return err
		},
		"another site": func() error {
			_, err := bundle.Payload{Site: "site-2", Version: 7, Sealed: sealed}.Unseal(box)
			return err
		},
	} {
		if err := open(); !errors.Is(err, bundle.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s, err := (bundle.Payload{}).Unseal(box); err != nil || s != nil {
		t.Errorf("nothing sealed: %v, %v", s, err)
	}
}

func TestABundleThatCannotBeCarriedIsNotMade(t *testing.T) {
	_, key := signer(t)
	if _, err := bundle.Sign(key, bundle.Payload{Config: string(make([]byte, bundle.Max))}); !errors.Is(err, bundle.ErrForm) {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	pub, key := signer(f)
	f.Add(signed(f, key, bundle.Payload{Site: "site-1", Version: 7}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := bundle.Open(b, pub, "site-1"); err == nil && p.Site != "site-1" {
			t.Errorf("%+v", p)
		}
	})
}
