package portal_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"parvis/portal/probes"
)

// Every system, by its own rule, sees a portal; and opens the portal's first page, not a place of the client's choosing.
func TestEverySystemFindsThePortal(t *testing.T) {
	p := newPlace(t)
	for _, probe := range probes.All {
		t.Run(probe.OS, func(t *testing.T) {
			u, err := url.Parse(probe.URL)
			if err != nil {
				t.Fatal(err)
			}
			r := request(http.MethodGet, u.RequestURI(), nil)
			r.Host = u.Host
			if probe.UserAgent != "" {
				r.Header.Set("User-Agent", probe.UserAgent)
			}
			answer := p.do(r).Result()
			defer answer.Body.Close()
			if got := probe.Decide(answer); got != probes.Portal {
				t.Errorf("%s decides %q, expected %q", probe.OS, got, probes.Portal)
			}
			if got := answer.Header.Get("Location"); got != "http://wifi.ville.example/" {
				t.Errorf("it is led to %q", got)
			}
		})
	}
}

// An admitted device's probe that still arrives here, over an old connection, must not be kept on it.
func TestForeignNamesGetOneAnswer(t *testing.T) {
	p := newPlace(t)
	var first string
	for _, tc := range []struct{ method, host, target string }{
		{http.MethodGet, "captive.apple.com", "/hotspot-detect.html"},
		{http.MethodGet, "", "/"},
		{http.MethodPost, "shop.example", "/ouvrir"},
		{http.MethodPut, "evil.example", "/?x=%22%3E%3Cscript%3E"},
		{http.MethodGet, "wifi.ville.example.evil.example", "/"},
		{http.MethodGet, "xwifi.ville.example", "/"},
		{http.MethodGet, "[2001:db8::1]:80", "/"},
		{http.MethodGet, "10.20.0.11", "/"},
		{http.MethodGet, ":80", "/"},
	} {
		r := request(tc.method, tc.target, nil)
		r.Host = tc.host
		w := p.do(r)
		got := fmt.Sprint(w.Code, w.Header(), w.Body)
		if first == "" {
			first = got
			body := w.Body.String()
			if w.Code != http.StatusFound || len(body) <= 4 || w.Header().Get("Content-Length") != strconv.Itoa(len(body)) ||
				w.Header().Get("Connection") != "close" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("the answer is %s", got)
			}
		}
		if got != first {
			t.Errorf("%s %s%s is answered by\n%s\nunlike the first one\n%s", tc.method, tc.host, tc.target, got, first)
		}
	}
}

func TestOurOwnNamesGetThePage(t *testing.T) {
	p := newPlace(t)
	for _, host := range []string{"wifi.ville.example", "WIFI.Ville.example", "wifi.ville.example.", "wifi.ville.example:80", "10.20.0.1", "10.20.0.1:8080"} {
		r := request(http.MethodGet, "/", nil)
		r.Host = host
		if w := p.do(r); w.Code != http.StatusOK {
			t.Errorf("%s: status %d", host, w.Code)
		}
	}
}

// sink is a ResponseWriter that costs nothing.
type sink struct{ header http.Header }

func (s sink) Header() http.Header         { return s.header }
func (s sink) WriteHeader(int)             {}
func (s sink) Write(b []byte) (int, error) { return len(b), nil }

// Windows asks many times a second while it is captive.
func TestForeignAnswerAllocatesNothing(t *testing.T) {
	h := newPlace(t).portal.Handler()
	r := request(http.MethodGet, "/connecttest.txt", nil)
	r.Host = "www.msftconnecttest.com"
	w := sink{http.Header{}}
	if n := testing.AllocsPerRun(1000, func() { h.ServeHTTP(w, r) }); n > 0 {
		t.Errorf("%v allocations for one answer", n)
	}
}

// BenchmarkForeign measures the answer over loopback, a connection each, beside a handler that writes the same bytes
// and does nothing else. The ratio of the two is what looking at the request costs.
func BenchmarkForeign(b *testing.B) {
	p := newPlace(b)
	r := request(http.MethodGet, "/generate_204", nil)
	r.Host = "connectivitycheck.gstatic.com"
	same := p.do(r)
	body := same.Body.Bytes()
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for k, v := range same.Header() {
			h[k] = v
		}
		w.WriteHeader(http.StatusFound)
		_, _ = w.Write(body)
	})
	for _, bc := range []struct {
		name string
		h    http.Handler
	}{{"bare", bare}, {"portal", p.portal.Handler()}} {
		b.Run(bc.name, func(b *testing.B) {
			srv := httptest.NewUnstartedServer(bc.h)
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			srv.Start()
			defer srv.Close()
			b.ReportAllocs()
			for b.Loop() {
				c, err := net.Dial("tcp", srv.Listener.Addr().String())
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.WriteString(c, "GET /generate_204 HTTP/1.1\r\nHost: connectivitycheck.gstatic.com\r\n\r\n"); err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, c); err != nil || n < 200 {
					b.Fatal(n, err)
				}
				c.Close()
			}
		})
	}
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"", "captive.apple.com", "wifi.ville.example", "WIFI.VILLE.EXAMPLE.:80", "10.20.0.1", "10.20.0.1:x", "[::1]:80", "::", ":", "wifi.ville.example:", "\x00", "wifi.ville.example/", "é.example"} {
		f.Add(s)
	}
	p := newPlace(f)
	f.Fuzz(func(t *testing.T, host string) {
		r := request(http.MethodGet, "/", nil)
		r.Host = host
		w := p.do(r)
		name, _, _ := strings.Cut(host, ":")
		name = strings.TrimSuffix(strings.ToLower(name), ".")
		ours := name == "wifi.ville.example" || name == "10.20.0.1"
		switch {
		case w.Code == http.StatusFound && w.Header().Get("Location") == "http://wifi.ville.example/":
			if ours && !strings.Contains(host, "::") && strings.Count(host, ":") <= 1 {
				t.Errorf("%q is ours and was answered as foreign", host)
			}
		case w.Code == http.StatusOK:
			if !ours {
				t.Errorf("%q is foreign and got a page", host)
			}
		default:
			t.Errorf("%q: status %d", host, w.Code)
		}
	})
}
