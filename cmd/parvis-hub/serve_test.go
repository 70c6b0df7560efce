package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/rollout"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

const epoch = "00000000000000aa"

// hoursAgo is a whole hour so long ago, as a site writes it.
func hoursAgo(n int) int64 { return time.Now().Unix()/3600 - int64(n) }

// A hub falls with a batch half written: nothing of it is there, and the same batch counts once when another hub stands in.
func TestAHubKilledInMidBatchCountsItOnce(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	p := c.serve()
	box, site := c.adds(p, "saint-pern", "Médiathèque")
	if _, err := box.Send(t.Context(), intaketest.Batch(epoch, 1, intaketest.Hour(hoursAgo(5), 1, 3))); err != nil {
		t.Fatal(err)
	}

	// The batch's hours and sums are written, and its last row waits for this lock.
	ctx := context.Background()
	owner, err := pgx.Connect(ctx, c.db.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(ctx)
	tx, err := owner.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "LOCK TABLE contact IN SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	batch := intaketest.Batch(epoch, 3, intaketest.Hour(hoursAgo(5), 2, 4), intaketest.Hour(hoursAgo(4), 3, 7))
	failed := make(chan error)
	go func() {
		_, err := box.Send(ctx, batch)
		failed <- err
	}()
	c.until("the batch waits", func() bool {
		var waiting bool
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'contact'::regclass AND NOT granted)").Scan(&waiting)
		return err == nil && waiting
	})
	if err := p.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Error("a hub that was killed has given a receipt")
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	c.until("the killed hub's transaction has ended", func() bool {
		var going bool
		err := owner.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = 'parvis_hub' AND backend_xid IS NOT NULL)").Scan(&going)
		return err == nil && !going
	})
	if n := c.sessions("saint-pern", site); n != 3 {
		t.Errorf("half a batch is kept: %d sessions, expected 3", n)
	}
	box.URL = c.serve().url
	for range 2 {
		if r, err := box.Send(ctx, batch); err != nil || r.Seq != 3 {
			t.Fatal(r, err)
		}
	}
	if n := c.sessions("saint-pern", site); n != 11 {
		t.Errorf("%d sessions, expected 11", n)
	}
}

// until asks until it is so; only a failure takes a minute.
func (c *centre) until(what string, so func() bool) {
	c.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("not after a minute: %s", what)
		}
	}
}

// A living site joins with five months of history, through two hubs that work on one database, and keeps counting meanwhile.
func TestALivingSiteIsAdoptedThroughTwoHubs(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	hubs := []*process{c.serve(), c.serve()}
	box, site := c.adds(hubs[0], "saint-pern", "Médiathèque")
	var (
		all  []wire.Batch
		want uint64
		seq  int64
	)
	for from := 150 * 24; from > 0; from -= wire.MaxHours {
		b := intaketest.Batch(epoch, 0)
		for h := from; h > from-wire.MaxHours; h-- {
			seq++
			want += uint64(h % 5)
			b.Hours = append(b.Hours, intaketest.Hour(hoursAgo(h), seq, uint64(h%5)))
		}
		b.Seq = seq
		all = append(all, b)
	}
	var both sync.WaitGroup
	for i, hub := range hubs {
		sender := *box
		sender.URL = hub.url
		both.Go(func() {
			for _, j := range rand.New(rand.NewPCG(uint64(i), 1)).Perm(len(all)) {
				if r, err := sender.Send(t.Context(), all[j]); err != nil || r.Seq != all[j].Seq {
					t.Error(r, err)
				}
			}
		})
	}
	both.Wait()
	if n := c.sessions("saint-pern", site); n != want {
		t.Errorf("%d sessions, expected %d", n, want)
	}
}

// A hub that is told to end lets go what is under way, and says nothing wrong.
func TestAHubEndsInOrder(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	p := c.serve()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if code := p.ProcessState.ExitCode(); code != 0 || !strings.Contains(p.said(), "the hub has ended") || strings.Contains(p.said(), "level=ERROR") {
		t.Errorf("exit code %d:\n%s", code, p.said())
	}
}

// What a commune has published reaches its site by a hub that runs: the receipt tells of it, and the bundle is there.
func TestARunningHubTellsWhatWasPublished(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	first := c.serve()
	box, site := c.adds(first, "saint-pern", "Médiathèque")
	if _, err := box.Send(t.Context(), intaketest.Batch(epoch, 1)); err != nil {
		t.Fatal(err)
	}
	storetest.In(t, c.store, "saint-pern", func(ctx context.Context, tt *store.Tenant) error {
		if err := tt.WriteLayer(ctx, site, "[site]\ndesk = \"le comptoir\"", "dsi"); err != nil {
			return err
		}
		_, err := rollout.Publish(ctx, tt, "dsi")
		return err
	})
	box.URL = c.serve().url // its first turn comes at once
	var version string
	c.until("the site is told of a bundle", func() bool {
		r, err := box.Send(t.Context(), intaketest.Batch(epoch, 1))
		if err != nil {
			t.Fatal(err)
		}
		version = r.Bundle
		return version != ""
	})
	if a, err := box.Do(t.Context(), http.MethodGet, wire.PathBundle, nil, nil); err != nil || a.Status != http.StatusOK || a.Header.Get("ETag") != `"`+version+`"` {
		t.Errorf("%d, %v, %v", a.Status, a.Header, err)
	}
}

// writeCertificate makes centre.pem and centre.key in a directory.
func writeCertificate(t *testing.T, dir, name string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"centre.pem": {Type: "CERTIFICATE", Bytes: cert}, "centre.key": {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A hub with a certificate of its own takes another one without a restart, and keeps the one that it has when the new one is none.
func TestACertificateIsRenewedInPlace(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	dir := filepath.Dir(c.file)
	write := func(serial int64) { writeCertificate(t, dir, "centre.example", serial) }
	source, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	c.write(fmt.Sprintf("certificate = %q\nkey = %q\n%s", filepath.Join(dir, "centre.pem"), filepath.Join(dir, "centre.key"), source))
	write(1)
	p := c.serve()
	serial := func() int64 {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "http://"), &tls.Config{InsecureSkipVerify: true}) // whose it is, is not asked here
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Fatalf("certificate %d, expected 1", n)
	}
	write(2)
	p.Process.Signal(syscall.SIGHUP)
	c.until("the new certificate is served", func() bool { return serial() == 2 })
	if err := os.WriteFile(filepath.Join(dir, "centre.pem"), []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Process.Signal(syscall.SIGHUP)
	c.until("the log tells of it", func() bool { return strings.Contains(p.said(), "the former one stays") })
	if n := serial(); n != 2 {
		t.Errorf("certificate %d, expected 2", n)
	}
}
