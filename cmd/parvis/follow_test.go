package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"parvis/internal/control"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/hubtest"
	"parvis/internal/hublink/wire"
	"parvis/internal/lab"
)

// followed is a place that is enrolled at a hub.
func followed(t *testing.T, change ...func(*lab.Site)) (*place, *hubtest.Hub) {
	t.Helper()
	p := town(t, lab.Options{}, lab.Site{})
	h := p.centre(change...)
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if out, err := p.parvis.Output(ctx(t), "hub", "enrol", hubtest.Code); err != nil {
		t.Fatal(err, out)
	}
	return p, h
}

// passing lets minutes pass until something is so: the link's pauses are nobody's to wait for. The daemon may be beginning anew meanwhile.
func (p *place) passing(what string, ok func() bool) {
	p.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(2 * time.Minute); !ok(); {
		select {
		case <-deadline:
			p.t.Fatalf("not within two minutes: %s", what)
		case <-tick.C:
			_ = p.client.Shift(ctx(p.t), time.Minute)
		}
	}
}

func TestASiteTriesWhatItsHubPublishes(t *testing.T) {
	p, h := followed(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	contact := func() string {
		b, err := os.ReadFile(filepath.Join(p.parvis.State, inForce))
		if err != nil {
			return ""
		}
		_, after, _ := strings.Cut(string(b), "desk = ")
		line, _, _ := strings.Cut(after, "\n")
		return line
	}
	must(h.Publish(3, "[site]\ndesk = \"le comptoir\"\n"))
	p.passing("the new configuration is in force and proved", func() bool {
		n := h.Now()
		return n.Bundle == "3" && !n.Trial && n.Refused == nil
	})
	if contact() != `"le comptoir"` {
		t.Errorf("in force: %s", contact())
	}
	// One that no site can run is gone back from, and told.
	must(h.Publish(4, "[site]\ntimezone = \"Nowhere/Town\"\n"))
	p.passing("what cannot be used is gone back from", func() bool {
		n := h.Now()
		return n.Bundle == "3" && !n.Trial && n.Refused != nil && *n.Refused == wire.Refused{Bundle: "4", Why: "check"}
	})
	// So is one that writes what is one machine's.
	must(h.Publish(5, "[wan]\ninterface = \"lo\"\n"))
	p.passing("what is not the centre's is gone back from", func() bool {
		n := h.Now()
		return n.Bundle == "3" && n.Refused != nil && *n.Refused == wire.Refused{Bundle: "5", Why: "check"}
	})
	if contact() != `"le comptoir"` {
		t.Errorf("in force: %s", contact())
	}
	if s, err := p.client.Status(ctx(t)); err != nil || !s.Ready {
		t.Errorf("%+v, %v", s, err)
	}
	// Who leaves the hub has the place's own configuration again.
	if out, err := p.parvis.Output(ctx(t), "hub", "leave"); err != nil {
		t.Fatal(err, out)
	}
	p.passing("the place lives alone", func() bool {
		s, err := p.client.Status(ctx(t))
		return err == nil && s.Ready && contact() == ""
	})
}

// Whatever a publication breaks between the site and its hub: nobody could take it back from the centre, so the site does.
// smallest is a configuration with what every place must say, and no more.
const smallest = `[site]
name = "Maison du Lac"
contact = "l'accueil"
[wan]
interface = "wan0"
[guests]
interface = "guest0"
address = "10.20.0.1/24"
[portal]
name = "portail.example"
[[profile]]
name = "visite"
label = "Visite"
duration = "1h"
`

// The file of what is in force is for people to read. Where it cannot be written, what the hub published runs all the same; what no site can
// run is gone back from.
func TestADiskThatTakesNothingIsNoFaultOfTheConfiguration(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, piece, desk string
		refused           *bundle.Refused
	}{
		{"a configuration that can be used", "[site]\ndesk = \"le comptoir\"\n", "le comptoir", nil},
		{"one that cannot", "[site]\ntimezone = \"Nowhere/Town\"\n", "", &bundle.Refused{Version: 3, Why: "check"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			a := &app{cli: &CLI{Config: filepath.Join(dir, "parvis.toml"), State: filepath.Join(dir, "state")}}
			blocked := filepath.Join(a.cli.State, inForce, "in-the-way") // no file takes the place of a directory with something in it
			if err := errors.Join(os.WriteFile(a.cli.Config, []byte(smallest), 0o600), os.MkdirAll(blocked, 0o700)); err != nil {
				t.Fatal(err)
			}
			keeper, err := bundle.Keep(filepath.Join(a.cli.State, "bundle.json"), "site-1", public)
			if err != nil {
				t.Fatal(err)
			}
			b, err := bundle.Sign(private, bundle.Payload{Site: "site-1", Version: 3, Made: 1, Config: tc.piece})
			if err != nil {
				t.Fatal(err)
			}
			if news, err := keeper.Offer(b); !news || err != nil {
				t.Fatal(news, err)
			}
			var log bytes.Buffer
			cfg := (&follow{keeper: keeper}).merged(a, slog.New(slog.NewTextHandler(&log, nil)))
			if got := cfg != nil; got != (tc.desk != "") || got && cfg.Site.Desk != tc.desk {
				t.Errorf("%+v\n%s", cfg, &log)
			}
			if _, refused := keeper.Says(); !reflect.DeepEqual(refused, tc.refused) {
				t.Errorf("refused %+v\n%s", refused, &log)
			}
			if tc.desk != "" && !strings.Contains(log.String(), "is not written down") {
				t.Errorf("nobody is told:\n%s", &log)
			}
		})
	}
}

func TestASiteThatNoLongerReachesItsHubGoesBack(t *testing.T) {
	p, h := followed(t)
	h.Fails(func() hubtest.Fault {
		if h.Fetched(wire.PathBundle) > 0 {
			return hubtest.Away
		}
		return hubtest.None
	})
	if err := h.Publish(3, "[site]\ndesk = \"le comptoir\"\n"); err != nil {
		t.Fatal(err)
	}
	p.passing("it is being tried", func() bool { return h.Fetched(wire.PathBundle) > 0 })
	// The trial is over when the daemon runs without it: what is in force is then its own file again, and the hub hears of it.
	p.passing("it is gone back from", func() bool {
		b, err := os.ReadFile(filepath.Join(p.parvis.State, "bundle.json"))
		return err == nil && strings.Contains(string(b), `"why":"hub"`)
	})
	h.Fails(nil)
	p.passing("the hub is told", func() bool {
		n := h.Now()
		return n.Bundle == "" && n.Refused != nil && *n.Refused == wire.Refused{Bundle: "3", Why: "hub"}
	})
	if n := h.Fetched(wire.PathBundle); n != 1 {
		t.Errorf("what was gone back from was fetched %d times", n)
	}
}

func TestSessionsLastWhileAPublicationIsTried(t *testing.T) {
	p, h := followed(t)
	guest := p.guest()
	// Nothing is counted while nobody knows what time it is.
	if err := p.client.SetClock(ctx(t), time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	s, err := p.client.Open(ctx(t), control.OpenRequest{IPv4: guest.Lease().Address.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Publish(3, "[site]\ndesk = \"le comptoir\"\n"); err != nil {
		t.Fatal(err)
	}
	p.passes(guest, true)
	p.passing("it is in force and proved", func() bool { n := h.Now(); return n.Bundle == "3" && !n.Trial })
	all, err := p.client.Sessions(ctx(t))
	if err != nil || len(all) != 1 || all[0].ID != s.ID || all[0].State != "open" {
		t.Errorf("%+v, %v", all, err)
	}
	p.passing("the hub has heard of the session", func() bool { return h.Sum("sessions", all[0].Profile) == 1 })
	said, err := h.Said()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.client.Shift(ctx(t), 6*time.Minute); err != nil { // what was counted is written every five
		t.Fatal(err)
	}
	stores := map[string][]byte{"what the hub was sent": said}
	for _, f := range []string{"usage.db", "usage.db-wal", "hub.json", "bundle.json", inForce} {
		b, err := os.ReadFile(filepath.Join(p.parvis.State, f))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		stores[f] = b
	}
	device := guest.MAC.String()
	for name, b := range stores {
		for _, person := range []string{device, strings.ReplaceAll(device, ":", ""), guest.Lease().Address.Addr().String(), s.ID, lab.ServicePublic, guest.Name} {
			if bytes.Contains(bytes.ToLower(b), []byte(strings.ToLower(person))) {
				t.Errorf("%s has %q, which is somebody's", name, person)
			}
		}
	}
	if len(stores["usage.db"])+len(stores["usage.db-wal"]) == 0 || len(said) < 100 {
		t.Error("there was nothing to look at")
	}
}

func TestAColleagueWhomTheTownHasClosedIsOut(t *testing.T) {
	p, h := followed(t, func(s *lab.Site) { s.Staff = true })
	c := wire.Colleague{ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Login: "mediatrice", Name: "Médiatrice", Role: "mediator", Password: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
	people := func() string {
		out, err := p.parvis.Output(ctx(t), "staff", "list", "--json")
		if err != nil {
			return err.Error()
		}
		return out
	}
	if err := h.Colleagues(1, c); err != nil {
		t.Fatal(err)
	}
	p.passing("she has her account", func() bool { return strings.Contains(people(), "mediatrice") && h.Now().Staff == "1" })
	c.Closed = true
	if err := h.Colleagues(2, c); err != nil {
		t.Fatal(err)
	}
	p.passing("it is closed", func() bool { return h.Now().Staff == "2" })
	if out := people(); strings.Contains(out, "mediatrice") && !strings.Contains(out, "closed") {
		t.Error(out)
	}
}

// authority issues what is asked for.
func authority(t *testing.T) (*x509.CertPool, func(wire.CertificateRequest) wire.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return pool, func(r wire.CertificateRequest) wire.Certificate {
		csr, err := x509.ParseCertificateRequest(r.CSR)
		if err != nil {
			t.Error(err)
			return wire.Certificate{Why: "authority"}
		}
		leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: csr.DNSNames, NotBefore: root.NotBefore, NotAfter: root.NotAfter, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		der, err := x509.CreateCertificate(rand.Reader, leaf, root, csr.PublicKey, key)
		if err != nil {
			t.Error(err)
		}
		return wire.Certificate{Chain: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
	}
}

func TestThePortalHasACertificateByItsHub(t *testing.T) {
	p, h := followed(t, func(s *lab.Site) { s.NoTLS = true })
	pool, issue := authority(t)
	h.Issues(issue)
	guest := p.guest()
	p.passing("the portal is there over TLS", func() bool {
		short, cancel := context.WithTimeout(ctx(t), 5*time.Second)
		defer cancel()
		c, err := guest.NS.Dial(short, "tcp", net.JoinHostPort(guest.Lease().Router.String(), "443"))
		if err != nil {
			return false
		}
		defer c.Close()
		return tls.Client(c, &tls.Config{RootCAs: pool, ServerName: lab.PortalName}).HandshakeContext(short) == nil
	})
	if s, err := p.client.Status(ctx(t)); err != nil || s.API == "" {
		t.Errorf("%+v, %v", s, err)
	}
}
