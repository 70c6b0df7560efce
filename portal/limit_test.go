package portal

import (
	"net"
	"net/http"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// Whatever comes and goes, the limiter counts what is there, and remembers no address that has gone.
func TestTheLimiterCountsWhatIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &limiter{perAddress: 3, all: 7, count: map[netip.Addr]int{}}
		open := map[netip.Addr]int{}
		total := 0
		t.Repeat(map[string]func(*rapid.T){
			"come": func(t *rapid.T) {
				a := address(t)
				want := open[a] < 3 && total < 7
				if got := l.take(a); got != want {
					t.Fatalf("%v with %d of its own and %d in all: %v", a, open[a], total, got)
				}
				if want {
					open[a]++
					total++
				}
			},
			"go": func(t *rapid.T) {
				a := address(t)
				if open[a] == 0 {
					t.Skip("it has none")
				}
				how := rapid.SampledFrom([]http.ConnState{http.StateClosed, http.StateHijacked}).Draw(t, "how")
				l.state(tcp{addr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 1))}, how)
				if open[a]--; open[a] == 0 {
					delete(open, a)
				}
				total--
			},
			"ask": func(t *rapid.T) {
				l.state(tcp{addr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(address(t), 1))}, http.StateActive)
			},
			"": func(t *rapid.T) {
				if l.total != total || len(l.count) != len(open) {
					t.Fatalf("%d connections of %d addresses, expected %d of %d", l.total, len(l.count), total, len(open))
				}
			},
		})
	})
}

func address(t *rapid.T) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 20, 0, rapid.ByteRange(1, 4).Draw(t, "address")})
}

type tcp struct {
	net.Conn
	addr net.Addr
}

func (c tcp) RemoteAddr() net.Addr { return c.addr }
