package certificates_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/hub/certificates"
	"parvis/internal/hub/pgtest"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// port is one of loopback that was free a moment ago.
func port(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// program runs one until the test ends, and waits until it answers by TCP.
func program(t *testing.T, answers string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s: %s", name, out.String())
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", answers)
		if err == nil {
			c.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v: %s", name, err, out.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer at %s", name, answers)
		}
	}
}

// nameServer is a real BIND with a zone that one key may write ACME's records of.
func nameServer(t *testing.T) *certificates.DNS {
	t.Helper()
	named, err := exec.LookPath("/usr/sbin/named")
	if err != nil {
		t.Fatal("bind9 is not installed: apt-get install bind9")
	}
	dir, at := t.TempDir(), port(t)
	host, number, _ := net.SplitHostPort(at)
	secret := func() string { b := make([]byte, 32); rand.Read(b); return fmt.Sprintf("%x", b) }()
	key := `key "parvis-hub" { algorithm hmac-sha256; secret "` + secret + `"; };` // hexadecimal is base64 too
	for file, text := range map[string]string{
		"key":  key,
		"zone": "$TTL 60\n@ SOA ns.commune.test. dsi.commune.test. 1 3600 600 86400 60\n@ NS ns.commune.test.\nns A 127.0.0.1\n",
		"named.conf": key + `
options { directory "` + dir + `"; listen-on port ` + number + ` { ` + host + `; }; listen-on-v6 { none; }; recursion no; pid-file none; session-keyfile "` + dir + `/session.key"; dnssec-validation no; };
controls { };
zone "commune.test" { type primary; file "` + dir + `/zone"; update-policy { grant parvis-hub wildcard *.commune.test. TXT; }; };
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program(t, at, named, "-g", "-c", filepath.Join(dir, "named.conf"))
	d := &certificates.DNS{Server: at}
	if err := d.ReadKey(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	return d
}

// authority is Debian's Pebble, an ACME authority for tests that asks the name server.
func authority(t *testing.T, d *certificates.DNS) *certificates.Authority {
	t.Helper()
	pebble, err := exec.LookPath("pebble")
	if err != nil {
		t.Fatal("pebble is not installed: apt-get install pebble")
	}
	dir, at := t.TempDir(), port(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": at, "managementListenAddress": port(t), "certificate": filepath.Join(dir, "c.pem"), "privateKey": filepath.Join(dir, "k.pem"),
		"httpPort": 5002, "tlsPort": 5001, "ocspResponderURL": "", "externalAccountBindingRequired": false,
	}})
	if err != nil {
		t.Fatal(err)
	}
	for file, b := range map[string][]byte{
		"c.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), "k.pem": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: kder}), "cfg": cfg,
	} {
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program(t, at, pebble, "-config", filepath.Join(dir, "cfg"), "-dnsserver", d.Server)
	roots := x509.NewCertPool()
	own, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(own)
	return &certificates.Authority{
		Directory: (&url.URL{Scheme: "https", Host: at, Path: "/dir"}).String(), Email: "dsi@commune.test", Solver: d, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: 30 * time.Second},
	}
}

// request is a site's key and its CSR.
func request(t *testing.T, names ...string) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

// ask is a site's request as the hub answers it.
func ask(h *store.Hub, site string, csr []byte) (c wire.Certificate, err error) {
	ctx := context.Background()
	err = h.Tenant(ctx, "a", func(tt *store.Tenant) (err error) {
		c, err = certificates.Ask(ctx, tt, site, wire.CertificateRequest{CSR: csr})
		return err
	})
	return c, err
}

func place(t *testing.T, names ...string) (*store.Hub, string) {
	t.Helper()
	h, _ := storetest.New(t)
	storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, "a", "Médiathèque")
	storetest.In(t, h, "a", func(ctx context.Context, tt *store.Tenant) error { return tt.SetNames(ctx, s.ID, names) })
	return h, s.ID
}

// From a site's request to a certificate that its own key goes with: a real authority asks a real name server. Then once more, as a
// renewal with another key does.
func TestASiteGetsACertificateOfItsName(t *testing.T) {
	h, site := place(t, "portail.commune.test")
	a := authority(t, nameServer(t))
	ctx := context.Background()
	for range 2 {
		key, csr := request(t, "portail.commune.test")
		if c, err := ask(h, site, csr); err != nil || c != (wire.Certificate{}) {
			t.Fatalf("%+v, %v", c, err)
		}
		if err := a.Work(ctx, h, "a", time.Now()); err != nil {
			t.Fatal(err)
		}
		c, err := ask(h, site, csr)
		if err != nil || c.Why != "" {
			t.Fatalf("%+v, %v", c, err)
		}
		kder, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair([]byte(c.Chain), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: kder}))
		if err != nil {
			t.Fatal(err)
		}
		if err := pair.Leaf.VerifyHostname("portail.commune.test"); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatFailsIsToldAndTriedAgainLater(t *testing.T) {
	h, site := place(t, "portail.commune.test", "www.elsewhere.test")
	d := nameServer(t)
	a := authority(t, d)
	ctx := context.Background()
	_, csr := request(t, "www.elsewhere.test") // a zone that the name server does not have
	if _, err := ask(h, site, csr); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := a.Work(ctx, h, "a", now); !errors.Is(err, certificates.ErrDNS) || !strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("%v; expected what the name server says", err)
	}
	if c, err := ask(h, site, csr); err != nil || c.Chain != "" || c.Why != "dns" {
		t.Errorf("%+v, %v", c, err)
	}
	if err := a.Work(ctx, h, "a", now.Add(59*time.Minute)); err != nil {
		t.Errorf("tried again within the hour: %v", err)
	}
	if err := a.Work(ctx, h, "a", now.Add(61*time.Minute)); err == nil {
		t.Error("not tried again after an hour")
	}
	// A key that may not write there.
	d.Secret = strings.Repeat("A", 64)
	_, csr = request(t, "portail.commune.test")
	if _, err := ask(h, site, csr); err != nil {
		t.Fatal(err)
	}
	if err := a.Work(ctx, h, "a", now); !errors.Is(err, certificates.ErrDNS) || strings.Contains(fmt.Sprint(err), d.Secret) {
		t.Errorf("%v; expected an error of the name server, without the secret", err)
	}
}

func TestOnlyRequestsForOneNameOfTheSiteAreTaken(t *testing.T) {
	h, site := place(t, "portail.commune.test")
	_, other := request(t, "equipe.commune.test")
	_, two := request(t, "portail.commune.test", "equipe.commune.test")
	_, none := request(t)
	_, all := request(t, "*.commune.test")
	_, flipped := request(t, "portail.commune.test")
	flipped[len(flipped)-1] ^= 1
	for name, tc := range map[string]struct {
		csr  []byte
		want error
	}{
		"another name": {other, certificates.ErrName}, "two names": {two, certificates.ErrRequest}, "no name": {none, certificates.ErrRequest},
		"every name": {all, certificates.ErrRequest}, "another signature": {flipped, certificates.ErrRequest}, "nothing": {nil, certificates.ErrRequest},
	} {
		if _, err := ask(h, site, tc.csr); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v; expected %v", name, err, tc.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		if csr, name, err := certificates.Read(der); err == nil && (len(csr.DNSNames) != 1 || name == "") {
			t.Errorf("%v", csr.DNSNames)
		}
	})
}
