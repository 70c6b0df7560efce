package main

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/internal/mac"
	"parvis/sessions"
)

// townServices are the lab's, as a town would write its own.
const townServices = `
[[service]]
id = "essais"
need = "commune"
title = "Des essais"
address = "https://` + lab.Trials + `/"
hosts = ["` + lab.Trials + `"]
drawing = "arch"

[[service]]
id = "jardin"
need = "commune"
title = "Les allocations"
address = "https://` + lab.CAF + `/"
hosts = ["` + lab.CAF + `"]
drawing = "arch"
`

const namedRate = 2000 // kbit/s, each way

// slowly expects that so many bytes have not come faster than their profile allows, but for what queues hold at once.
func slowly(t *testing.T, way string, bytes int, began time.Time) {
	t.Helper()
	const atOnce, more = 64 << 10, 1.1
	if took, least := time.Since(began).Seconds(), float64(bytes-atOnce)*8/(namedRate*1000*more); took < least {
		t.Errorf("%s: %d bytes in %.2f s; at %d kbit/s they take %.2f s or longer", way, bytes, took, namedRate, least)
	}
}

// A guest whose profile is of names reaches these and nothing else, from the ports of its slot and at its profile's rates, until its session ends; one without a
// session reaches what is in the garden.
func TestAGuestReachesByNameWhatItMay(t *testing.T) {
	own := t.TempDir()
	if err := os.WriteFile(filepath.Join(own, "commune.toml"), []byte(townServices), 0o600); err != nil {
		t.Fatal(err)
	}
	p := open(t, lab.Options{}, lab.Site{More: fmt.Sprintf(`
[[profile]]
name = "jeunesse"
label = "Jeunesse"
duration = "1h"
names = ["essais"]
down = "%[1]dkbit"
up = "%[1]dkbit"

[gate]
catalogue = %[2]q
garden = ["jardin"]
`, namedRate, own)})
	g := p.guest()
	reaches := func(name string) bool {
		t.Helper()
		resp, err := g.Client().Get("https://" + name + "/vu")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return true
	}
	if !reaches(lab.CAF) || reaches(lab.Trials) || reaches(lab.Impots) {
		t.Errorf("without a session: garden %t, others %t %t", reaches(lab.CAF), reaches(lab.Trials), reaches(lab.Impots))
	}

	m := mac.Addr(g.MAC)
	s, err := p.client.Open(ctx(t), control.OpenRequest{IPv4: g.Lease().Address.Addr(), MAC: &m, Profile: "jeunesse"})
	if err != nil {
		t.Fatal(err)
	}
	if !reaches(lab.Trials) || reaches(lab.Impots) {
		t.Errorf("in its session: its service %t, another one %t", reaches(lab.Trials), reaches(lab.Impots))
	}
	if status, body := p.get(g, "http://"+lab.Impots+"/"); status != http.StatusForbidden || !strings.Contains(body, "Ce site est fermé ici.") {
		t.Errorf("another one's plain HTTP: %d %q", status, body)
	}
	_, seen := p.get(g, "https://"+lab.Trials+"/vu")
	from, err := netip.ParseAddrPort(strings.TrimSpace(seen))
	if err != nil {
		t.Fatalf("the host saw %q", seen)
	}
	if got := from.Port() >> 8; got != s.Slot { // 256 ports each, where 240 sessions are expected
		t.Errorf("left by port %d, which is slot %#x's; its own is %#x", from.Port(), got, s.Slot)
	}

	began := time.Now()
	up, err := g.Client().Post("https://"+lab.Trials+"/depot", "application/octet-stream", strings.NewReader(strings.Repeat("x", 500_000)))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(up.Body); err != nil || strings.TrimSpace(string(b)) != "500000" {
		t.Errorf("of 500,000 bytes the host has got %q, %v", b, err)
	}
	up.Body.Close()
	slowly(t, "up", 500_000, began)

	began = time.Now()
	resp, err := g.Client().Get("https://" + lab.Trials + "/flux")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(io.Discard, resp.Body, 500_000); err != nil {
		t.Fatal(err)
	}
	slowly(t, "down", 500_000, began)
	if _, err := p.client.End(ctx(t), control.EndRequest{Which: s.ID, Reason: sessions.ByOperator}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the endless download has ended well")
	}
	if reaches(lab.Trials) {
		t.Error("its service is open after the end")
	}
}
