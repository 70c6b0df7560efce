package main

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"parvis/internal/lab"
	"parvis/internal/line"
)

// minute waits for what the line's own pace decides: it is found out in half a minute that it is down.
func (p *place) minute(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); !ok(); {
		select {
		case <-deadline:
			t.Fatalf("it is not so within a minute that the router %s", what)
		case <-tick.C:
		}
	}
}

// Names are answered truly as long as any resolver on the internet answers, and only then; the lie lives for seconds.
func TestProbeNamesAreThisRouterOnlyWhileNoResolverAnswers(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	g := p.guest()
	ours := p.GuestAddress()
	says := func(name string, typ dnsmessage.Type) lab.Answer {
		t.Helper()
		a, err := g.Ask(ctx(t), name, typ)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return a
	}
	truly := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if a := says(name, dnsmessage.TypeA); len(a.Addrs) != 1 || a.Addrs[0] != p.Host(name).V4 {
				t.Errorf("%s is %v, want %v", name, a.Addrs, p.Host(name).V4)
			}
		}
		if a := says(lab.PortalName, dnsmessage.TypeA); !slices.Contains(a.Addrs, ours) {
			t.Errorf("the portal is %v", a.Addrs)
		}
	}
	truly("captive.apple.com", "www.google.com", lab.ServicePublic)
	for _, tt := range []struct {
		name  string
		cut   func(bool) error
		asked []string // not before: what was answered truly may be kept for a minute
	}{
		{"the line", p.CutLine, []string{"connectivitycheck.gstatic.com", "detectportal.firefox.com"}},
		{"the resolvers", p.StopUpstream, []string{"nmcheck.gnome.org", "www.msftconnecttest.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.cut(true); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			p.minute(t, "answers the names by itself", func() bool {
				a, err := g.Ask(t.Context(), tt.asked[0], dnsmessage.TypeA)
				return err == nil && slices.Contains(a.Addrs, ours)
			})
			t.Logf("answered after %v", time.Since(start).Round(100*time.Millisecond))
			for _, name := range append(tt.asked, lab.PortalName) {
				a := says(name, dnsmessage.TypeA)
				if !slices.Contains(a.Addrs, ours) {
					t.Errorf("%s is %v", name, a.Addrs)
				}
				if name != lab.PortalName && a.TTL > line.NamesTTL*time.Second {
					t.Errorf("%s may be kept for %v", name, a.TTL)
				}
				if a := says(name, dnsmessage.TypeAAAA); a.RCode != dnsmessage.RCodeSuccess || len(a.Addrs) > 0 {
					t.Errorf("%s in IPv6: %+v", name, a)
				}
			}
			if a, err := g.Ask(t.Context(), lab.ServicePublic, dnsmessage.TypeA); err == nil && slices.Contains(a.Addrs, ours) {
				t.Errorf("%s is this router", lab.ServicePublic)
			}
			if err := tt.cut(false); err != nil {
				t.Fatal(err)
			}
			start = time.Now()
			p.minute(t, "answers truly again", func() bool {
				a, err := g.Ask(t.Context(), tt.asked[0], dnsmessage.TypeA)
				return err == nil && slices.Contains(a.Addrs, p.Host(tt.asked[0]).V4)
			})
			t.Logf("truly again after %v", time.Since(start).Round(100*time.Millisecond))
			truly(tt.asked...)
		})
	}
}
