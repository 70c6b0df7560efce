package lab_test

import (
	"net/http"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"parvis/internal/lab"
	"parvis/portal/probes"
)

func TestProbeHostsAnswerAsTheRealOnesDo(t *testing.T) {
	town := raise(t, lab.Options{})
	g := join(t, town)
	for _, p := range probes.All {
		t.Run(p.OS, func(t *testing.T) {
			req, err := http.NewRequest(http.MethodGet, p.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("User-Agent", p.UserAgent)
			resp, err := g.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if v := p.Decide(resp); v != probes.Online || resp.StatusCode != p.OnlineStatus {
				t.Errorf("%s: %s is read as %s", p.URL, resp.Status, v)
			}
		})
	}
}

func TestProbesOverHTTPS(t *testing.T) {
	town := raise(t, lab.Options{})
	g := join(t, town)
	if resp, _ := get(t, g.Client(), "https://www.google.com/generate_204"); resp.StatusCode != http.StatusNoContent {
		t.Errorf("%s, want 204", resp.Status)
	}
}

func TestWindowsFindsTheAddressesThatItCompares(t *testing.T) {
	town := raise(t, lab.Options{})
	g := join(t, town)
	for typ, want := range map[dnsmessage.Type]string{dnsmessage.TypeA: "131.107.255.255", dnsmessage.TypeAAAA: "fd3e:4f5a:5b81::1"} {
		a, err := g.Ask(t.Context(), "dns.msftncsi.com", typ)
		if err != nil || !slices.Equal(a.Addrs, []netip.Addr{netip.MustParseAddr(want)}) {
			t.Errorf("%s: %v, %v; want %s", typ, a.Addrs, err, want)
		}
	}
	// The IPv6 probe's name has no IPv4 address, and answers.
	if _, body := get(t, g.Client(), "http://ipv6.msftconnecttest.com/connecttest.txt"); body != "Microsoft Connect Test" {
		t.Errorf("ipv6.msftconnecttest.com says %q", body)
	}
	if a, err := g.Ask(t.Context(), "ipv6.msftconnecttest.com", dnsmessage.TypeA); err != nil || len(a.Addrs) != 0 {
		t.Errorf("ipv6.msftconnecttest.com has IPv4 %v, %v", a.Addrs, err)
	}
}

func TestEveryNamedHostHasAddressesOfItsOwn(t *testing.T) {
	town := raise(t, lab.Options{})
	seen := map[netip.Addr]string{}
	for _, h := range town.Hosts() {
		for _, a := range []netip.Addr{h.V4, h.V6} {
			if other := seen[a]; a.IsValid() && other != "" {
				t.Errorf("%s and %s share %s", h.Name, other, a)
			}
			seen[a] = h.Name
		}
	}
}
