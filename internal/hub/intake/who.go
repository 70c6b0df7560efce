package intake

import (
	"net"
	"net/http"
	"strings"
)

// Peer is the connection's other end, without its port. Of IPv6 it is the /64: one subscriber has all of it.
func Peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return subscriber(host)
}

// Forwarded is whom the reverse proxy on this machine serves: the last of X-Forwarded-For, which that proxy has added itself. What stands
// before it comes from outside.
func Forwarded(r *http.Request) string {
	all := r.Header.Values("X-Forwarded-For")
	if len(all) == 0 {
		return Peer(r)
	}
	last := all[len(all)-1]
	return subscriber(strings.TrimSpace(last[strings.LastIndex(last, ",")+1:]))
}

func subscriber(host string) string {
	ip := net.ParseIP(host)
	switch {
	case ip == nil:
		return "?"
	case ip.To4() == nil:
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return ip.String()
}
