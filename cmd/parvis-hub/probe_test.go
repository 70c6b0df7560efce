package main

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/plugin"
)

// free is an address at which nobody listens.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// at writes where the hub listens into the configuration.
func (c *centre) at(listen string) {
	c.Helper()
	source, err := os.ReadFile(c.file)
	if err != nil {
		c.Fatal(err)
	}
	c.write(strings.Replace(string(source), `listen = "127.0.0.1:0"`, `listen = "`+listen+`"`, 1))
}

func TestTheProbeJudgesTheHub(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	says := func(state plugin.State, want string, args ...string) {
		t.Helper()
		out := c.verb(int(state), append([]string{"probe", "--timeout", "60s"}, args...)...)
		if !strings.HasPrefix(out, "PARVIS-HUB "+state.String()+" - ") || !strings.Contains(out, want) || strings.Count(out, "\n") != 1 {
			t.Errorf("probe %q says\n%s, want %v and %q", args, out, state, want)
		}
	}
	p := c.serve()
	c.at(strings.TrimPrefix(p.url, "http://"))
	says(plugin.Warning, "there never was a backup")
	says(plugin.OK, "0 sites, 0 of them heard | silent_sites=0;1;;0;0 oldest_message=0s;900;7200;0", "--warn", "backup=0")
	if err := c.store.AddBackup(t.Context(), store.Backup{At: time.Now().Add(-27 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	says(plugin.Warning, "the last backup is 27h0m0s old")
	says(plugin.Critical, "27h0m0s old", "--crit", "backup=27")
	says(plugin.OK, ";108000;266400;0", "--warn", "backup=30")

	// A site that was heard an hour ago, and an alert about it that nobody takes.
	storetest.Commune(t, c.store, "saint-pern")
	site := storetest.Site(t, c.store, "saint-pern", "Médiathèque")
	storetest.In(t, c.store, "saint-pern", func(ctx context.Context, tt *store.Tenant) error {
		id, err := tt.BeginIncident(ctx, site.ID, "silent", nil, time.Now())
		if err != nil {
			return err
		}
		return tt.AddMessage(ctx, id, "astreinte", "begin", nil)
	})
	owner, err := pgx.Connect(t.Context(), c.db.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.WithoutCancel(t.Context()))
	for _, sql := range []string{
		"UPDATE message SET made = now() - interval '20 minutes'",
		"INSERT INTO contact (site, tenant, at, epoch, seq, sent, waiting, now) SELECT id, tenant, now() - interval '1 hour', '', 1, 1, 0, '{}' FROM site",
	} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	says(plugin.Warning, "1 sites are silent, 1 alerts wait to be sent, the oldest for 20m", "--warn", "backup=0")
	says(plugin.Critical, "1 sites are silent", "--crit", "silent=1")
	says(plugin.Unknown, "--warn lost=1", "--warn", "lost=1")
	says(plugin.Unknown, "unknown flag", "--lost")

	if _, err := owner.Exec(t.Context(), "DELETE FROM goose_db_version WHERE version_id = 72"); err != nil {
		t.Fatal(err)
	}
	says(plugin.Critical, "parvis-hub migrate")
	p.Process.Kill()
	<-p.ended
	says(plugin.Critical, "the hub does not answer")
}

// A hub with a certificate of its own is asked over TLS, under its public name.
func TestTheProbeAsksAHubWithACertificate(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	dir := t.TempDir()
	writeCertificate(t, dir, "centre.example", 1)
	source, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	c.write("certificate = \"" + dir + "/centre.pem\"\nkey = \"" + dir + "/centre.key\"\n" + string(source))
	p := c.serve()
	c.at(strings.TrimPrefix(p.url, "http://"))
	out := c.verb(int(plugin.OK), "probe", "--timeout", "60s", "--warn", "backup=0")
	if !strings.Contains(out, "PARVIS-HUB OK") {
		t.Error(out)
	}
}

// Without a database and a hub there is nothing to judge by, and that is said; nothing of how to reach it is repeated.
func TestTheProbeOfNothingIsCritical(t *testing.T) {
	c := newCentre(t)
	c.write("url = \"https://centre.example\"\nlisten = \"" + free(t) + "\"\n[database]\nprogram = \"host=127.0.0.1 port=1 user=parvis_hub password=geheim dbname=d\"\n")
	out := c.verb(int(plugin.Critical), "probe")
	if !strings.Contains(out, "the hub does not answer") || !strings.Contains(out, "the database does not answer") || strings.Contains(out, "geheim") {
		t.Error(out)
	}
	c.write("nonsense = 1\n")
	c.verb(int(plugin.Unknown), "probe")
}
