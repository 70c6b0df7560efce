package certs_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/hublink/certs"
	"parvis/internal/hublink/wire"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// hub issues what is asked for once ready, and remembers what it saw.
type hub struct {
	t     *testing.T
	ready bool
	why   string
	name  string // in the certificate, where it is not the one asked for
	other bool   // the certificate is of another key
	from  time.Time
	saw   map[string]bool // requests
	err   error
}

func (h *hub) ask(_ context.Context, r wire.CertificateRequest) (wire.Certificate, error) {
	if h.err != nil {
		return wire.Certificate{}, h.err
	}
	csr, err := x509.ParseCertificateRequest(r.CSR)
	if err != nil || csr.CheckSignature() != nil {
		h.t.Fatalf("not a request: %v", err)
	}
	h.saw[string(r.CSR)] = true
	if !h.ready {
		return wire.Certificate{Why: h.why}, nil
	}
	ca, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	public := csr.PublicKey
	if h.other {
		public = &ca.PublicKey
	}
	name := csr.DNSNames[0]
	if h.name != "" {
		name = h.name
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: h.from, NotAfter: h.from.Add(90 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, public, ca)
	if err != nil {
		h.t.Fatal(err)
	}
	return wire.Certificate{Chain: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}, nil
}

func site(t *testing.T) (*certs.Keeper, *hub) {
	h := &hub{t: t, from: now, saw: map[string]bool{}}
	return &certs.Keeper{Dir: filepath.Join(t.TempDir(), "names"), Ask: h.ask}, h
}

const portal = "portail.commune.test"

func look(t *testing.T, k *certs.Keeper, at time.Time) certs.Renewed {
	t.Helper()
	r, err := k.Look(context.Background(), portal, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestACertificateIsAskedForUntilItComes(t *testing.T) {
	k, h := site(t)
	h.why = "dns"
	for range 3 {
		if r := look(t, k, now); r != (certs.Renewed{Waiting: true, Why: "dns"}) {
			t.Errorf("%+v", r)
		}
		k = &certs.Keeper{Dir: k.Dir, Ask: h.ask} // the daemon begins anew
	}
	if len(h.saw) != 1 {
		t.Errorf("%d different requests were made; expected one, asked about again", len(h.saw))
	}
	h.ready = true
	if r := look(t, k, now); r != (certs.Renewed{New: true}) {
		t.Errorf("%+v", r)
	}
	c, err := k.Load(portal)
	if err != nil || c.Leaf.VerifyHostname(portal) != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(k.Dir)
	if err != nil || len(files) != 1 {
		t.Errorf("%v, %v; expected one file", files, err)
	}
	info, err := os.Stat(k.File(portal))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info.Mode(), err)
	}
}

func TestACertificateIsRenewedInItsLastThird(t *testing.T) {
	k, h := site(t)
	h.ready = true
	look(t, k, now)
	day := 24 * time.Hour
	for _, tc := range []struct {
		name string
		at   time.Time
		asks bool
	}{
		{"at once", now, false},
		{"after two months less a day", now.Add(59 * day), false},
		{"while nobody knows the time", time.Time{}, false},
		{"after two months", now.Add(60 * day), true},
	} {
		asked := len(h.saw)
		h.from = tc.at
		look(t, k, tc.at)
		if (len(h.saw) > asked) != tc.asks {
			t.Errorf("%s: asked %v; expected %v", tc.name, !tc.asks, tc.asks)
		}
	}
}

func TestTheOldCertificateStaysUntilAGoodOneComes(t *testing.T) {
	k, h := site(t)
	h.ready = true
	look(t, k, now)
	old, err := os.ReadFile(k.File(portal))
	if err != nil {
		t.Fatal(err)
	}
	late := now.Add(80 * 24 * time.Hour)
	for name, change := range map[string]func(*hub){
		"of another name": func(h *hub) { h.name = "www.elsewhere.test" },
		"of another key":  func(h *hub) { h.other = true },
		"that has ended":  func(h *hub) { h.from = now.Add(-100 * 24 * time.Hour) },
	} {
		bad := *h
		bad.from = late
		change(&bad)
		kk := &certs.Keeper{Dir: k.Dir, Ask: bad.ask}
		if r, err := kk.Look(context.Background(), portal, late); !errors.Is(err, certs.ErrChain) || r.New {
			t.Errorf("a certificate %s: %+v, %v", name, r, err)
		}
		if is, err := os.ReadFile(k.File(portal)); err != nil || string(is) != string(old) {
			t.Errorf("a certificate %s has taken the old one's place", name)
		}
	}
	h.err = errors.New("the line is down")
	if _, err := k.Look(context.Background(), portal, late); !errors.Is(err, h.err) {
		t.Error(err)
	}
	if _, err := k.Load(portal); err != nil {
		t.Error(err)
	}
}

func TestAFileThatIsBrokenIsMadeAnew(t *testing.T) {
	k, h := site(t)
	look(t, k, now)
	for _, f := range []string{portal + ".asked.pem", portal + ".pem"} {
		if err := os.WriteFile(filepath.Join(k.Dir, f), []byte("-----BEGIN"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.ready = true
	if r := look(t, k, now); !r.New {
		t.Errorf("%+v", r)
	}
	b, err := os.ReadFile(k.File(portal))
	if err != nil || strings.Count(string(b), "-----BEGIN") != 2 {
		t.Errorf("%s, %v", b, err)
	}
}

// Another box has had this key: the certificate serves until another one of another key is there.
func TestACertificateIsRenewedWhenItIsSaid(t *testing.T) {
	k, h := site(t)
	h.ready = true
	look(t, k, now)
	was, err := k.Load(portal)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Renew(portal); err != nil {
		t.Fatal(err)
	}
	h.ready = false
	if r := look(t, k, now); !r.Waiting {
		t.Errorf("%+v", r)
	}
	if c, err := k.Load(portal); err != nil || c.Leaf.SerialNumber.Cmp(was.Leaf.SerialNumber) != 0 {
		t.Errorf("until then it serves: %v", err)
	}
	h.ready = true
	if r := look(t, k, now); !r.New {
		t.Errorf("%+v", r)
	}
	c, err := k.Load(portal)
	if err != nil || c.PrivateKey.(*ecdsa.PrivateKey).Equal(was.PrivateKey) {
		t.Errorf("it has the old key: %v", err)
	}
	if r := look(t, k, now); r != (certs.Renewed{}) {
		t.Errorf("it is renewed once more: %+v", r)
	}
}
