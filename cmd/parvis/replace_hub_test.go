package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/intake"
	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/store"
	"parvis/internal/lab"
	"parvis/internal/lab/postgres"
)

// trueHub is a hub on a real PostgreSQL, behind the lab's internet.
type trueHub struct {
	t     *testing.T
	store *store.Hub
	site  string
}

func (p *place) trueHub() *trueHub {
	p.t.Helper()
	must := func(err error) {
		p.t.Helper()
		if err != nil {
			p.t.Fatal(err)
		}
	}
	db, err := postgres.Start("", "fsync=off", "full_page_writes=off")
	must(err)
	p.t.Cleanup(func() { db.Close() })
	must(db.Run("postgres", "CREATE DATABASE centre OWNER "+postgres.Owner))
	must(store.Migrate(p.t.Context(), db.Connect(postgres.Owner, "centre")))
	h := &trueHub{t: p.t}
	h.store, err = store.Open(p.t.Context(), db.Connect(postgres.Program, "centre"))
	must(err)
	p.t.Cleanup(h.store.Close)
	must(h.store.AddTenant(p.t.Context(), "ville", "Ville"))
	h.in(func(t *store.Tenant) error {
		s, err := t.AddSite(p.t.Context(), "La Maison des habitants", "Europe/Paris")
		h.site = s.ID
		return err
	})
	_, sign, err := ed25519.GenerateKey(nil)
	must(err)
	system, err := clock.NewSystem()
	must(err)
	cert, key, err := p.CA.Issue(lab.Trials)
	must(err)
	pair, err := tls.X509KeyPair(cert, key)
	must(err)
	ln, err := p.Internet.Listen(":8440")
	must(err)
	server := &http.Server{
		Handler:   intake.New(intake.Options{Hub: h.store, Sign: sign, Clock: system, Log: slog.New(slog.DiscardHandler)}),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}, ErrorLog: stdlog.New(io.Discard, "", 0),
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.ServeTLS(ln, "", "") }()
	p.t.Cleanup(func() { server.Close(); <-done })
	return h
}

func (h *trueHub) in(do func(*store.Tenant) error) {
	h.t.Helper()
	if err := h.store.Tenant(context.Background(), "ville", do); err != nil {
		h.t.Fatal(err)
	}
}

func (h *trueHub) code() (code string) {
	h.t.Helper()
	h.in(func(t *store.Tenant) (err error) {
		code, _, err = t.Code(context.Background(), h.site, time.Hour)
		return err
	})
	return code
}

// heard is when the site last spoke, and how often profiles were opened.
func (h *trueHub) heard() (at time.Time, sessions uint64) {
	h.t.Helper()
	h.in(func(t *store.Tenant) error {
		s, err := t.Site(context.Background(), h.site)
		if err != nil {
			return err
		}
		if s.Contact != nil {
			at = s.Contact.At
		}
		months, err := t.Months(context.Background(), h.site, 202001, 209912)
		for _, m := range months {
			sessions += m.Use.Sum("sessions")
		}
		return err
	})
	return at, sessions
}

func TestABoxOfAnotherModelBecomesThePlaceByItsHub(t *testing.T) {
	var hub *trueHub
	p := live(t, func(p *place) string {
		hub = p.trueHub()
		return fmt.Sprintf("\n[hub]\nurl = %q\nca = %q\n", hubURL, p.CAFile())
	})
	p.says("hub", "enrol", hub.code())
	p.passing("the hub has heard of the first ticket", func() bool { _, n := hub.heard(); return n == 1 })
	if out := p.says("copy", "now"); strings.Count(out, "kB") != 2 {
		t.Fatal(out)
	}
	if s, err := p.client.Status(ctx(t)); err != nil || s.Copies == nil || s.Copies.Made == nil || s.Copies.Old || s.Condition.Copied == nil {
		t.Fatalf("%+v, %v", s.Copies, err)
	}
	late := p.guest() // what is done after the copy is not in it
	if to, _ := p.types(late, "/code", p.tickets[1]); !strings.HasPrefix(to, "/ouvert") {
		t.Fatal(to)
	}
	code := hub.code()
	old := p.dies()

	by := []string{"replace", code, "--hub", hubURL, "--ca", p.CAFile()}
	ports := []string{"--guests", lab.OtherPorts.Guests, "--terminals", lab.OtherPorts.Posts, "--yes"}
	with := func(more ...string) []string {
		return append(append(append([]string(nil), by...), "--key", p.key), more...)
	}
	for _, no := range []struct {
		args []string
		says string
	}{
		{[]string{"replace"}, "expected a code"},
		{[]string{"replace", code, "--key", p.key}, "address of the hub"},
		{by, "recovery key"},
		{append([]string{"replace", "AAAA-BBBB-CCCC-DDDD", "--key", p.key}, by[2:]...), "ask for a new code"},
		{append(append([]string(nil), by...), append([]string{"--key", p.wrong}, ports...)...), "not encrypted to this key"},
		{with("--yes"), "--guests INTERFACE"},
		{with("--yes", "--guests", lab.OtherPorts.WAN, "--terminals", lab.OtherPorts.Posts), "is the line"},
		{with("--yes", "--guests", "nowhere", "--terminals", lab.OtherPorts.Posts), "no interface nowhere"},
	} {
		if said := p.refuses(no.args...); !strings.Contains(said, no.says) {
			t.Errorf("%v says %q, not %q", no.args, said, no.says)
		}
	}
	if out := p.says(with(append(ports, "--dry-run")...)...); !strings.Contains(out, "nothing was changed") || !strings.Contains(out, lab.OtherPorts.Guests) {
		t.Error(out)
	}
	if _, err := os.Stat(p.parvis.Config); !os.IsNotExist(err) {
		t.Errorf("a trial has written a configuration: %v", err)
	}
	if out := p.says(with(ports...)...); !strings.Contains(out, "La Maison des habitants now") {
		t.Fatal(out)
	}
	if said := p.refuses(with(ports...)...); !strings.Contains(said, "is a site already") {
		t.Error(said)
	}
	p.serve()
	p.resolvers()
	if err := p.client.SetClock(ctx(t), time.Now()); err != nil {
		t.Fatal(err)
	}
	p.same()

	before, _ := hub.heard()
	p.passing("the hub hears the new box, and counts nothing twice", func() bool {
		at, n := hub.heard()
		// Four tickets were used on the two boxes. Of the hour of both the hub keeps the newer box's part, which has not seen one of them.
		return at.After(before) && (n == 3 || n == 4)
	})
	var was struct{ Token string }
	if err := json.Unmarshal(read(t, filepath.Join(old.State, "hub.json")), &was); err != nil {
		t.Fatal(err)
	}
	body := []byte("age-encryption.org/v1\n")
	sum := sha256.Sum256(body)
	elsewhere := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return p.Internet.Dial(ctx, network, net.JoinHostPort(p.Host(lab.Trials).V4.String(), "8440"))
		},
		TLSClientConfig: &tls.Config{RootCAs: p.CA.Pool()},
	}}
	defer elsewhere.CloseIdleConnections()
	ghost := &intaketest.Box{URL: hubURL, Client: elsewhere, Token: was.Token}
	a, err := ghost.Do(ctx(t), http.MethodPut, "/v1/copy", http.Header{"Content-Digest": {"sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"}}, body)
	if err != nil || a.Status != http.StatusUnauthorized {
		t.Errorf("the old box is answered %d, %v", a.Status, err)
	}
	hub.in(func(tn *store.Tenant) error {
		b, err := tn.Boxes(context.Background(), hub.site)
		if b.Replaced.IsZero() || b.Refused.IsZero() {
			t.Errorf("%+v", b)
		}
		return err
	})
	if out := p.says("copy", "now"); strings.Count(out, "kB") != 2 {
		t.Error("the new box makes no copies: ", out)
	}
}
