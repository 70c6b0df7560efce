package catalogue_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/kiosk/catalogue"
	"parvis/kiosk/names"
)

// world is an internet of one TLS server, with the certificate of example.com, and of names.
func world(t *testing.T, addrs map[string]string) catalogue.Line {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and is not TLS
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := mute.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { mute.Close() })
	at := map[string]string{"203.0.113.1:443": server.Listener.Addr().String(), "203.0.113.2:443": mute.Addr().String()}
	return catalogue.Line{
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			a, ok := addrs[host]
			if !ok {
				return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
			return []netip.Addr{netip.MustParseAddr(a)}, nil
		},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			real, ok := at[address]
			if !ok {
				return nil, errors.New("connection refused")
			}
			return new(net.Dialer).DialContext(ctx, network, real)
		},
		Roots: roots,
	}
}

func service(id, address string, hosts ...names.Rule) catalogue.Service {
	s := catalogue.Service{ID: id, Address: address}
	for _, h := range hosts {
		s.Hosts = append(s.Hosts, catalogue.Host{Rule: h})
	}
	return s
}

func TestTrySaysWhatBecameOfEveryHost(t *testing.T) {
	line := world(t, map[string]string{
		"example.com": "203.0.113.1", "www.other.test": "203.0.113.1", "mute.test": "203.0.113.2", "away.test": "203.0.113.9",
		"inside.test": "10.0.0.1", "mapped.test": "::ffff:127.0.0.1",
	})
	got := catalogue.Try(t.Context(), []catalogue.Service{
		service("a", "https://example.com/", "example.com", ".example.com", "www.other.test", "gone.test"),
		service("b", "https://example.com/b", ".example.com", "mute.test", "away.test", "inside.test", "mapped.test", "gone.test"),
	}, line)
	for i := range got {
		got[i].Took = 0
	}
	want := []catalogue.Trial{
		{Host: "example.com", For: []string{"a", "b"}, Outcome: catalogue.Reached},
		{Host: "www.other.test", For: []string{"a"}, Outcome: catalogue.Certificate},
		{Host: "gone.test", For: []string{"a", "b"}, Outcome: catalogue.NoName},
		{Host: "mute.test", For: []string{"b"}, Outcome: catalogue.NoAnswer},
		{Host: "away.test", For: []string{"b"}, Outcome: catalogue.NoAnswer},
		{Host: "inside.test", For: []string{"b"}, Outcome: catalogue.Inside},
		{Host: "mapped.test", For: []string{"b"}, Outcome: catalogue.Inside},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestACertificateOfNobodyWeKnowIsAnother(t *testing.T) {
	line := world(t, map[string]string{"example.com": "203.0.113.1"})
	line.Roots = x509.NewCertPool()
	if got := catalogue.Try(t.Context(), []catalogue.Service{service("a", "https://example.com/")}, line); got[0].Outcome != catalogue.Certificate {
		t.Error(got)
	}
}

func TestATrialEndsWithItsContext(t *testing.T) {
	line := world(t, map[string]string{"example.com": "203.0.113.1"})
	stuck := make(chan struct{})
	line.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(stuck)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-stuck; cancel() }()
	if got := catalogue.Try(ctx, []catalogue.Service{service("a", "https://example.com/")}, line); got[0].Outcome != catalogue.NoAnswer {
		t.Error(got)
	}
}

func TestTheTrialIsRememberedAndShown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trials.json")
	day := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	none, err := catalogue.ReadTrials(path)
	if err != nil || len(none) != 0 {
		t.Fatal(none, err)
	}
	none.Note(day.AddDate(0, 0, -1), []catalogue.Trial{{Host: "www.ameli.fr", For: []string{"ameli"}, Outcome: catalogue.Reached}})
	none.Note(day, []catalogue.Trial{
		{Host: "www.caf.fr", For: []string{"caf"}, Outcome: catalogue.Reached}, {Host: "wwwd.caf.fr", For: []string{"caf"}, Outcome: catalogue.NoName},
	})
	if err := none.Write(path); err != nil {
		t.Fatal(err)
	}
	all, err := catalogue.ReadTrials(path)
	if err != nil {
		t.Fatal(err)
	}
	before := ours(t)
	c := before.With(all)
	for id, want := range map[string]catalogue.Tried{
		"caf": {Date: "2026-11-24", Failed: []string{"wwwd.caf.fr"}}, "ameli": {Date: "2026-11-23"}, "msa": {},
	} {
		s, _ := c.Service(id)
		if diff := cmp.Diff(want, catalogue.Tried{Date: s.Tried, Failed: s.Failed}); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
	if s, _ := before.Service("caf"); s.Tried != "" {
		t.Error("the catalogue that was there has changed")
	}
	if err := os.WriteFile(path, []byte("null"), 0o600); err != nil {
		t.Fatal(err)
	}
	if ts, err := catalogue.ReadTrials(path); err == nil || ts == nil {
		t.Error("a file of nothing is a list of trials", ts)
	}
}
