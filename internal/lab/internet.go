package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Flow is one conversation as the lab's internet saw it: a TCP connection accepted, or the first datagram of a UDP source.
type Flow struct {
	Proto  string         // tcp or udp
	Source netip.AddrPort // after whatever translation the router made
	Local  netip.AddrPort // what was asked for
	When   time.Time
}

// maxFlows bounds what a long demonstration remembers.
const maxFlows = 50_000

// internet is every server beyond the line.
type internet struct {
	hosts map[netip.Addr]*Host
	names map[string]*Host
	web   [2]http.Server // HTTP and HTTPS: one server for both would offer HTTP/2 and not speak it
	wg    sync.WaitGroup

	demarche *demarche
	rebinds  atomic.Int64

	mu     sync.Mutex
	flows  []Flow
	closes []io.Closer // what ends with the internet
	closed bool
}

func newInternet(t *Town, all []Host) (*internet, error) {
	n := &internet{hosts: map[netip.Addr]*Host{}, names: map[string]*Host{}}
	for i := range all {
		h := &all[i]
		n.names[h.Name] = h
		for _, a := range []netip.Addr{h.V4, h.V6} {
			if a.IsValid() && h.pages != nil {
				n.hosts[a] = h
			}
		}
	}
	inner := &Host{Name: "", pages: text("text/plain; charset=utf-8", InnerPage+"\n")}
	for _, a := range InnerHosts {
		n.hosts[a] = inner
	}
	for i := range n.web {
		n.web[i].Handler = http.HandlerFunc(n.answer)
		n.web[i].ReadHeaderTimeout = 10 * time.Second
		n.web[i].ConnContext = withConn
		n.web[i].ErrorLog = log.New(io.Discard, "", 0) // clients that are cut are what the lab is for
	}
	n.web[1].TLSConfig = &tls.Config{
		GetCertificate: t.CA.serverCertificate(func(name string) bool { return n.names[name] != nil && n.names[name].pages != nil }),
	}
	if err := n.listen(t.Internet); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *internet) listen(ns *NS) error {
	plain, err := ns.Listen("[::]:80")
	if err != nil {
		return fmt.Errorf("lab: internet: %w", err)
	}
	secure, err := ns.Listen("[::]:443")
	if err != nil {
		return errors.Join(fmt.Errorf("lab: internet: %w", err), plain.Close())
	}
	// Both end with Close, with no other news.
	n.wg.Go(func() { n.web[0].Serve(&noted{Listener: plain, net: n}) })
	n.wg.Go(func() { n.web[1].ServeTLS(&noted{Listener: secure, net: n}, "", "") })
	ln, err := ns.Listen("[::]:7")
	if err != nil {
		return fmt.Errorf("lab: internet: %w", err)
	}
	n.keep(ln)
	n.wg.Go(func() { n.echoTCP(&noted{Listener: ln, net: n}) })
	v4, v6 := Echo()
	if err := n.rebind(ns); err != nil {
		return fmt.Errorf("lab: internet: %w", err)
	}
	quic := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr(), 443) }
	for _, a := range []netip.AddrPort{v4, v6, quic(v4), quic(v6)} { // bound to one address, so that answers leave from it
		pc, err := ns.ListenPacket(a.String())
		if err != nil {
			return fmt.Errorf("lab: internet: %w", err)
		}
		n.keep(pc)
		n.wg.Go(func() { n.echoUDP(pc, a) })
	}
	return nil
}

// answer finds the host by the address that was reached, and refuses what asks an address for another's name: a
// portal that sends clients to the wrong place must not go unnoticed.
func (n *internet) answer(w http.ResponseWriter, r *http.Request) {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	h := n.hosts[addrPort(local).Addr()]
	if h == nil || (h.Name != "" && hostOnly(r.Host) != h.Name && !isAddress(r.Host)) {
		http.Error(w, fmt.Sprintf("no %q at %s", r.Host, local), http.StatusMisdirectedRequest)
		return
	}
	h.pages.ServeHTTP(w, r)
}

func (n *internet) echoTCP(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		stop := n.keep(c)
		n.wg.Go(func() {
			defer stop()
			io.Copy(c, c) // ends with the client
		})
	}
}

func (n *internet) echoUDP(pc net.PacketConn, local netip.AddrPort) {
	seen := map[netip.AddrPort]bool{}
	buf := make([]byte, 64<<10)
	for {
		size, from, err := pc.ReadFrom(buf)
		if err != nil {
			return
		}
		if src := addrPort(from); !seen[src] && len(seen) < maxFlows {
			seen[src] = true
			n.note(Flow{Proto: "udp", Source: src, Local: local, When: time.Now()})
		}
		pc.WriteTo(buf[:size], from) // a client that has gone is no news
	}
}

// keep has c closed with the internet, at once when that is closed already, or earlier by the returned function.
func (n *internet) keep(c io.Closer) (stop func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		c.Close()
	}
	n.closes = append(n.closes, c)
	return func() {
		c.Close()
		n.mu.Lock()
		defer n.mu.Unlock()
		n.closes = slices.DeleteFunc(n.closes, func(o io.Closer) bool { return o == c })
	}
}

func (n *internet) note(f Flow) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.flows) == maxFlows {
		n.flows = append(n.flows[:0], n.flows[maxFlows/2:]...)
	}
	n.flows = append(n.flows, f)
}

func (n *internet) close() {
	for i := range n.web {
		n.web[i].Close()
	}
	n.mu.Lock()
	n.closed = true
	for _, c := range n.closes {
		c.Close()
	}
	n.mu.Unlock()
	n.wg.Wait()
}

// noted writes down every connection that it accepts.
type noted struct {
	net.Listener
	net *internet
}

func (l *noted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.net.note(Flow{Proto: "tcp", Source: addrPort(c.RemoteAddr()), Local: addrPort(c.LocalAddr()), When: time.Now()})
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		c = &arriving{TCPConn: tcp}
	}
	return c, err
}

// addrPort is the address of a socket; IPv4 on a socket of both families as IPv4.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		ap = a.AddrPort()
	case *net.UDPAddr:
		ap = a.AddrPort()
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

func hostOnly(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		return h
	}
	return hostport
}

func isAddress(hostport string) bool {
	h := hostOnly(hostport)
	_, err := netip.ParseAddr(h)
	return err == nil || (len(h) > 2 && h[0] == '[')
}

func discard(r io.Reader) (int64, error) { return io.Copy(io.Discard, r) }

// startUpstream runs the resolver of the lab's internet: it knows the named hosts and says of all other names that they
// do not exist.
func startUpstream(ctx context.Context, ns *NS, dir string, all []Host) (*Process, error) {
	conf := fmt.Sprintf("no-resolv\nno-hosts\nbind-interfaces\nlisten-address=%s\naddress=/#/\nlocal-ttl=60\nserver=/%s/%s\n", upstreamDNS, Rebound, reboundDNS)
	for _, h := range all {
		conf += "host-record=" + h.Name
		for _, a := range []netip.Addr{h.V4, h.V6} {
			if a.IsValid() {
				conf += "," + a.String()
			}
		}
		conf += "\n"
	}
	p, err := spawnDnsmasq(ns, dir+"/upstream.conf", conf)
	if err != nil {
		return nil, err
	}
	return p, p.until(ctx, "answer names", func(ctx context.Context) error {
		_, err := ask(ctx, ns, netip.AddrPortFrom(upstreamDNS, 53), ServicePublic, typeA)
		return err
	})
}
