package echo

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service runs one on loopback and returns its address.
func service(t *testing.T, s Server) *url.URL {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	at := make(chan net.Addr, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(ctx, "127.0.0.1:0", func(a net.Addr) { at <- a }); err != nil {
			t.Error(err)
			close(at)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	a, ok := <-at
	if !ok {
		t.FailNow()
	}
	return &url.URL{Scheme: "http", Host: a.String()}
}

func TestTheServiceSaysFromWhereItWasReached(t *testing.T) {
	a := Asker{URL: service(t, Server{}), Timeout: time.Minute}
	var local []string
	a.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			local = append(local, c.LocalAddr().String())
		}
		return c, err
	}
	seen, err := a.Ask(t.Context(), 3)
	if err != nil || len(seen) != 6 {
		t.Fatal(seen, err)
	}
	for i, s := range seen {
		if want := map[bool]string{true: "tcp", false: "udp"}[i < 3]; s.Network != want || s.At.String() != local[i] {
			t.Errorf("%d: %+v, from %s", i, s, local[i])
		}
	}
}

func TestWhatIsNoEchoServiceIsToldAsSuch(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
	}{
		{"a page", 200, "<!doctype html><title>It works</title>"},
		{"nothing", 200, ""},
		{"an IPv6 address", 200, "[2001:db8::1]:80"},
		{"without a port", 200, "203.0.113.1:0"},
		{"a refusal", 404, "203.0.113.1:80"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer s.Close()
			u, err := url.Parse(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := (Asker{URL: u, Timeout: time.Minute}).Ask(t.Context(), 1); !errors.Is(err, ErrAnswer) {
				t.Error(err)
			}
		})
	}
}

func TestAnAnswerIsNeverLongerThanItsQuestion(t *testing.T) {
	q := append([]byte(greeting), make([]byte, questionSize-len(greeting))...)
	longest := "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%eth0123456789ab]:65535"
	if a := answer(q, longest); len(a) == 0 || len(a) > len(q) {
		t.Error(len(a), len(q))
	}
}

func FuzzAQuestion(f *testing.F) {
	f.Add([]byte(greeting))
	f.Add(append([]byte(greeting), make([]byte, questionSize-len(greeting))...))
	f.Fuzz(func(t *testing.T, q []byte) {
		if a := answer(q, "203.0.113.1:4096"); len(a) > len(q) || a != nil && !strings.HasSuffix(string(a), "203.0.113.1:4096") {
			t.Errorf("%q", a)
		}
	})
}

func TestALineIsMeasuredBothWays(t *testing.T) {
	r, err := Asker{URL: service(t, Server{Measure: true})}.Measure(t.Context(), 100*time.Millisecond)
	if err != nil || r.Down == 0 || r.Up == 0 {
		t.Error(r, err)
	}
}

func TestAServiceThatDoesNotMeasureSaysSo(t *testing.T) {
	if _, err := (Asker{URL: service(t, Server{})}).Measure(t.Context(), time.Second); !errors.Is(err, ErrAnswer) {
		t.Error(err)
	}
}

func TestJudge(t *testing.T) {
	var (
		wan   = netip.MustParseAddr("203.0.113.7")
		box   = netip.MustParseAddr("198.51.100.1")
		block = Block{8192, 8447}
		at    = func(a netip.Addr, ports ...uint16) (seen []Seen) {
			for _, p := range ports {
				seen = append(seen, Seen{"tcp", netip.AddrPortFrom(a, p)})
			}
			return seen
		}
	)
	tests := []struct {
		name               string
		seen               []Seen
		address            netip.Addr
		sameAddr, samePort bool
		strange            int
	}{
		{"as they left", at(wan, 8192, 8447), wan, true, true, 0},
		{"another address, the same ports", at(box, 8192, 8300), box, false, true, 0},
		{"other ports", at(wan, 8192, 40000), wan, true, false, 1},
		{"one below the block", at(wan, 8191), wan, true, false, 1},
		{"one above the block", at(wan, 8448), wan, true, false, 1},
		{"two addresses in turn", append(at(wan, 8192), at(box, 8192)...), netip.Addr{}, false, true, 0},
		{"nothing seen proves nothing", nil, netip.Addr{}, false, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := Judge(tt.seen, block, []netip.Addr{wan})
			if f.Address != tt.address || f.SameAddress != tt.sameAddr || f.SamePorts != tt.samePort || len(f.Strange) != tt.strange {
				t.Errorf("%+v", f)
			}
		})
	}
}
