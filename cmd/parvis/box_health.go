package main

import (
	"context"
	"net"
	"net/http"
)

// answers reports whether the portal answers on its own listener. Its address is that of an interface which may be gone: nobody can ask
// then, and nothing hangs.
func answers(ctx context.Context, portal net.Addr, name string) bool {
	if !local(portal) {
		return true
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+portal.String()+"/regles", nil)
	if err != nil {
		return false
	}
	req.Host = name
	t := &http.Transport{DisableKeepAlives: true}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return ctx.Err() == nil // refused, or cut because too many ask: somebody has said so
	}
	return resp.Body.Close() == nil
}

func local(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	all, err := net.InterfaceAddrs()
	if !ok || err != nil {
		return false
	}
	for _, of := range all {
		if n, ok := of.(*net.IPNet); ok && n.IP.Equal(tcp.IP) {
			return true
		}
	}
	return false
}
