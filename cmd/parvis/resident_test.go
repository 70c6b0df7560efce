package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/portal/probes"
	"parvis/sessions"
)

const portalURL = "http://" + lab.PortalName

// accept is the resident's tap.
func (p *place) accept(g *lab.Guest) {
	p.t.Helper()
	resp, err := g.Client().PostForm(portalURL+"/ouvrir", url.Values{"l": {"fr"}})
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), "/ouvert") {
		p.t.Fatalf("the tap was answered by %s to %q", resp.Status, resp.Header.Get("Location"))
	}
}

// get returns status and body of a page, as the guest's own program sees it.
func (p *place) get(g *lab.Guest, page string) (int, string) {
	p.t.Helper()
	resp, err := g.Client().Get(page)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// captured waits until the web leads to the portal. For the 0.2 s in which an ended session's last count is read it is refused.
func (p *place) captured(g *lab.Guest) {
	p.t.Helper()
	p.until("lead an ended guest to the portal", func() bool {
		resp, err := g.Client().Get("http://" + lab.ServicePublic + "/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusFound {
			p.t.Fatalf("ended, and the web answers %s", resp.Status)
		}
		return true
	})
}

// captive asks the RFC 8908 API over TLS, at the address that DHCP gave.
func (p *place) captive(g *lab.Guest) map[string]any {
	p.t.Helper()
	req, err := http.NewRequestWithContext(ctx(p.t), http.MethodGet, g.Lease().CaptiveURI, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/captive+json")
	resp, err := g.Client().Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		p.t.Fatal(err)
	}
	return answer
}

// Every operating system is told the truth before and after, by its own rule.
func TestEverySystemSeesThePortalThenTheInternet(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	g := p.guest()
	ask := func(pr probes.Probe) (probes.Verdict, error) {
		req, err := http.NewRequestWithContext(ctx(t), http.MethodGet, pr.URL, nil)
		if err != nil {
			return "", err
		}
		if pr.UserAgent != "" {
			req.Header.Set("User-Agent", pr.UserAgent)
		}
		resp, err := g.Client().Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		return pr.Decide(resp), nil
	}
	check := func(t *testing.T, want probes.Verdict) {
		for _, pr := range probes.All {
			t.Run(pr.OS, func(t *testing.T) {
				got, err := ask(pr)
				if err != nil {
					t.Fatal(err)
				}
				if got != want {
					t.Errorf("%s concludes %q, want %q", pr.URL, got, want)
				}
			})
		}
	}
	t.Run("captive", func(t *testing.T) { check(t, probes.Portal) })
	p.accept(g)
	t.Run("online", func(t *testing.T) { check(t, probes.Online) })
}

// The same way on both iptables, with both DHCP clients.
func TestResidentGetsOnlineAndIsCutOnTime(t *testing.T) {
	for _, backend := range []string{"legacy", "nft"} {
		t.Run(backend, func(t *testing.T) {
			p := open(t, lab.Options{Iptables: backend}, lab.Site{})
			if s, err := p.client.Status(ctx(t)); err != nil || s.Backend != backend || !s.Ready {
				t.Fatalf("status %+v, %v", s, err)
			}
			g, err := p.AddGuest(lab.GuestOptions{})
			if err != nil {
				t.Fatal(err)
			}
			lease, err := g.DHCPDhclient(ctx(t))
			if err != nil {
				t.Fatal(err)
			}
			if want := apiURI(lab.PortalName); lease.CaptiveURI != want {
				t.Errorf("option 114 is %q, want %q", lease.CaptiveURI, want)
			}
			if a := p.captive(g); a["captive"] != true || a["seconds-remaining"] != nil || a["user-portal-url"] != "https://"+lab.PortalName+"/" {
				t.Errorf("before: %v", a)
			}
			if status, _ := p.get(g, "http://"+lab.ServicePublic+"/"); status != http.StatusFound {
				t.Errorf("before: the web answers %d", status)
			}
			p.accept(g)
			if status, body := p.get(g, "http://"+lab.ServicePublic+"/"); status != http.StatusOK || !strings.Contains(body, "<h1>") {
				t.Errorf("after: the web answers %d: %s", status, body)
			}
			if status, _ := p.get(g, "https://"+lab.ServicePublic+"/"); status != http.StatusOK {
				t.Errorf("after: the secure web answers %d", status)
			}
			a := p.captive(g)
			left, _ := a["seconds-remaining"].(float64)
			if a["captive"] != false || left < 3500 || left > 3600 {
				t.Errorf("after: %v", a)
			}
			flow := p.download(g)
			flow.flows(t)
			if err := p.client.Shift(ctx(t), time.Hour); err != nil {
				t.Fatal(err)
			}
			ended := time.Now()
			if stopped := flow.stopped(t); stopped.Sub(ended) > time.Second {
				t.Errorf("the download went on for %v after the end", stopped.Sub(ended))
			}
			if _, body := p.get(g, portalURL+"/"); !strings.Contains(body, "Votre temps est fini") {
				t.Errorf("the page after the end says: %s", body)
			}
			if a := p.captive(g); a["captive"] != true {
				t.Errorf("at the end: %v", a)
			}
		})
	}
}

// What is left is kept, and coming back is one tap.
func TestStoppingKeepsTheTime(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	g := p.guest()
	p.accept(g)
	if err := p.client.Shift(ctx(t), 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	if status, _ := p.get(g, "http://"+lab.ServicePublic+"/"); status != http.StatusOK {
		t.Errorf("open, and the web answers %d", status)
	}
	resp, err := g.Client().PostForm(portalURL+"/arreter", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("stopping was answered by %s", resp.Status)
	}
	p.captured(g)
	if err := p.client.Shift(ctx(t), 2*time.Hour); err != nil { // she has lunch
		t.Fatal(err)
	}
	if _, body := p.get(g, portalURL+"/"); !strings.Contains(body, "50 minutes") {
		t.Errorf("the page does not offer the time that is left: %s", body)
	}
	p.accept(g)
	list, err := p.client.Sessions(ctx(t))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	if s := list[0]; s.State != sessions.Open || s.Left > 50*time.Minute || s.Left < 49*time.Minute {
		t.Errorf("after coming back: %+v", s)
	}
}

// What the operator does, a resident sees.
func TestOperatorOpensAndEnds(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	g := p.guest()
	s, err := p.client.Open(ctx(t), control.OpenRequest{IPv4: g.Lease().Address.Addr(), For: 30 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if s.Left > 30*time.Minute || s.Left < 29*time.Minute {
		t.Errorf("left %v", s.Left)
	}
	if status, _ := p.get(g, "http://"+lab.ServicePublic+"/"); status != http.StatusOK {
		t.Errorf("opened, and the web answers %d", status)
	}
	if _, err := p.client.End(ctx(t), control.EndRequest{Which: g.Lease().Address.Addr().String(), Reason: sessions.ByClosing}); err != nil {
		t.Fatal(err)
	}
	if _, body := p.get(g, portalURL+"/"); !strings.Contains(body, "Le lieu ferme") {
		t.Errorf("the page says: %s", body)
	}
	_, err = p.client.End(ctx(t), control.EndRequest{Which: "10.77.200.200", Reason: sessions.ByOperator})
	if err == nil {
		t.Error("a session that is not there was ended")
	}
}

// flow is a download that somebody watches.
type flow struct {
	seen    chan struct{} // a signal for every chunk
	last    chan time.Time
	cancel  context.CancelFunc
	started time.Time
	conn    *stamped
}

// download starts an endless one.
func (p *place) download(g *lab.Guest) *flow { return p.downloadAt(g, 100_000) }

func (p *place) downloadAt(g *lab.Guest, bytesPerSecond int) *flow {
	p.t.Helper()
	c, cancel := context.WithCancel(p.t.Context())
	req, err := http.NewRequestWithContext(c, http.MethodGet, fmt.Sprintf("http://%s/flux?rate=%d", lab.Trials, bytesPerSecond), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	f := &flow{seen: make(chan struct{}, 1), last: make(chan time.Time, 1), cancel: cancel, started: time.Now()}
	client := stampedClient(g.Client(), func(s *stamped) { f.conn = s })
	client.Timeout = 0
	resp, err := client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { cancel() })
	go func() {
		defer resp.Body.Close()
		for buf := make([]byte, 4096); ; {
			n, err := resp.Body.Read(buf)
			if n > 0 {
				select {
				case f.seen <- struct{}{}:
				default:
				}
			}
			if err != nil {
				f.last <- f.conn.at()
				return
			}
		}
	}()
	return f
}

// flows waits for more bytes.
func (f *flow) flows(t *testing.T) {
	t.Helper()
	for range 3 {
		select {
		case <-f.seen:
		case <-time.After(lab.Patient(10 * time.Second)):
			t.Fatal("the download does not flow")
		}
	}
}

// stopped waits until nothing has come for two seconds, or the connection has ended, and returns when the last byte came.
func (f *flow) stopped(t *testing.T) time.Time {
	t.Helper()
	for {
		select {
		case <-f.seen:
		case at := <-f.last:
			return at
		case <-time.After(2 * time.Second):
			f.cancel()
			return f.conn.at()
		}
		if time.Since(f.started) > time.Minute {
			t.Fatal("the download does not stop")
		}
	}
}
