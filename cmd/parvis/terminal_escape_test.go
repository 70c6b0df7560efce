package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/kiosk"
)

const (
	proxy  = "10.30.0.1:3128"
	kioskP = "http://10.30.0.1/kiosk/"
)

// escape is one way out that somebody at a terminal tries. It returns an error when it did not get out.
type escape struct {
	name string
	try  func(context.Context, *lab.Guest) error
}

// direct ways go past the gate: a router that only forwards lets every one of them through.
func direct(p *place) []escape {
	video, echo4, echo6 := p.Host(lab.Video), netip.AddrPort{}, netip.AddrPort{}
	echo4, echo6 = lab.Echo()
	at := func(a netip.AddrPort, port uint16) netip.AddrPort { return netip.AddrPortFrom(a.Addr(), port) }
	return []escape{
		{"a page by its address", fetchAt(netip.AddrPortFrom(video.V4, 80), lab.Video)},
		{"a page over TLS by its address", greetAt(netip.AddrPortFrom(video.V4, 443), lab.Video)},
		{"an authorised page, past the gate", greetAt(netip.AddrPortFrom(p.Host(lab.CAF).V4, 443), lab.CAF)},
		{"names over HTTPS by the resolver's address", greetAt(netip.AddrPortFrom(p.Host(lab.Resolver).V4, 443), lab.Resolver)},
		{"another TCP port", answersTCP(echo4)},
		{"another UDP port", answersUDP(echo4)},
		{"QUIC", answersUDP(at(echo4, 443))},
		{"IPv6 over TCP", answersTCP(echo6)},
		{"IPv6 over UDP", answersUDP(echo6)},
		{"QUIC over IPv6", answersUDP(at(echo6, 443))},
		{"direct DNS", func(ctx context.Context, g *lab.Guest) error {
			return resolved(ctx, g, netip.MustParseAddrPort("198.51.100.53:53"), "udp")
		}},
		{"direct DNS over TCP", func(ctx context.Context, g *lab.Guest) error {
			return resolved(ctx, g, netip.MustParseAddrPort("198.51.100.53:53"), "tcp")
		}},
		{"an inner network of the town", fetchAt(netip.AddrPortFrom(lab.InnerHosts[0], 80), "")},
	}
}

// throughGate are requests of the gate that it must refuse whatever is open.
func throughGate(p *place) []escape {
	video := p.Host(lab.Video)
	all := []escape{
		{"another name", connects(lab.Video+":443", lab.Video)},
		{"names over HTTPS", connects(lab.Resolver+":443", lab.Resolver)},
		{"a name that only ends like an authorised one", connects("faux"+lab.CAF+":443", "faux"+lab.CAF)},
		{"another page over HTTP", fetches("http://"+lab.Video+"/", "")},
		{"an authorised page with another Host", fetchesOther(lab.CAF, lab.Video)},
		{"an authorised name, and TLS for another", connects(lab.CAF+":443", lab.Video)},
		{"an authorised name, and TLS for none", connects(lab.CAF+":443", "")},
		{"an authorised name, and no TLS", plainConnect(lab.CAF + ":443")},
		{"another port of an authorised name", connects(lab.CAF+":8443", lab.CAF)},
		{"the mail port of an authorised name", plainConnect(lab.CAF + ":25")},
		{"a name of an inner network", connects(lab.NamesInner+":443", lab.NamesInner)},
		{"a name of an inner network over HTTP", fetches("http://"+lab.NamesInner+"/", lab.InnerPage)},
		{"a name of the router", plainConnect(lab.NamesRouter + ":80")},
		{"a name of the loopback", plainConnect(lab.NamesLoop + ":80")},
		{"the router itself", plainConnect("10.30.0.1:8443")},
		{"the guests' portal", plainConnect("10.77.0.1:80")},
		{"the console", connects(lab.ConsoleName+":443", lab.ConsoleName)},
	}
	a4 := video.V4.As4()
	n := uint32(a4[0])<<24 | uint32(a4[1])<<16 | uint32(a4[2])<<8 | uint32(a4[3])
	for _, literal := range []string{
		video.V4.String(), fmt.Sprint(n), fmt.Sprintf("%#x", n), fmt.Sprintf("0%o.%d.%d.%d", a4[0], a4[1], a4[2], a4[3]),
		fmt.Sprintf("[::ffff:%s]", video.V4), fmt.Sprintf("%d.%d.%d", a4[0], a4[1], uint32(a4[2])<<8|uint32(a4[3])),
	} {
		all = append(all, escape{"the address " + literal, connects(literal+":443", lab.Video)})
	}
	return all
}

// TestNothingGetsOutOfATerminal tries every way while it is locked, while a session is open and after its end; and each kind of try
// works where it should.
func TestNothingGetsOutOfATerminal(t *testing.T) {
	p := openPosts(t, lab.Site{Names: []string{lab.NamesInner, lab.NamesRouter, lab.NamesLoop, lab.Rebound}})
	g := p.adopt("poste1", "Poste 1")
	authorised := []escape{
		{"an authorised name", connects(lab.CAF+":443", lab.CAF)},
		{"an authorised page over HTTP", fetches("http://"+lab.CAF+"/", "Les allocations familiales")},
		{"a name that the service needs", connects(lab.Connect+":443", lab.Connect)},
	}
	always := slices.Concat(direct(p), throughGate(p))

	t.Run("locked", func(t *testing.T) { p.nothingOf(t, g, slices.Concat(always, authorised)) })
	p.do(control.TerminalRequest{Do: control.TerminalOpen, Which: "Poste 1", For: 30 * time.Minute})
	t.Run("open", func(t *testing.T) {
		for _, e := range authorised {
			if err := try(t, g, e); err != nil {
				t.Errorf("%s is refused: %v", e.name, err)
			}
		}
		p.nothingOf(t, g, append(always, escape{"a mailbox, which was not asked for", connects(lab.Mailbox+":443", lab.Mailbox)}))
	})
	t.Run("a name whose address changes from one question to the next", func(t *testing.T) {
		p.ForgetFlows()
		for range 6 {
			_ = try(t, g, escape{try: connects(lab.Rebound+":443", lab.Rebound)})
			_ = try(t, g, escape{try: fetches("http://"+lab.Rebound+"/", "")})
		}
		if n := p.Rebounds(); n < 2 {
			t.Errorf("its address was asked for %d times: this shows nothing", n)
		}
		outside := false
		for _, f := range p.Flows() {
			outside = outside || f.Local.Addr() == p.Host(lab.Trials).V4
			if f.Local.Addr() == lab.InnerHosts[0] {
				t.Errorf("the inner network has seen %v", f)
			}
		}
		if !outside {
			t.Error("nobody came to its public address either: this shows nothing")
		}
	})
	p.do(control.TerminalRequest{Do: control.TerminalEnd, Which: "Poste 1"})
	t.Run("ended", func(t *testing.T) { p.nothingOf(t, g, slices.Concat(always, authorised)) })
}

// Each direct way leads out where a router only forwards: if one did not, its refusal would show nothing.
func TestADirectWayLeadsOutOfAPlainRouter(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	if err := p.PlainRouter(ctx(t), ""); err != nil {
		t.Fatal(err)
	}
	g := p.plug("poste1")
	for _, e := range direct(p) {
		if err := try(t, g, e); err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
	}
}

// Whoever borrows what an open terminal is known by gets nothing of its session.
func TestAnOpenTerminalsSessionIsNobodyElses(t *testing.T) {
	p := openPosts(t, lab.Site{})
	first, second := p.adopt("poste1", "Poste 1"), p.adopt("poste2", "Poste 2")
	p.do(control.TerminalRequest{Do: control.TerminalOpen, Which: "Poste 1", For: 30 * time.Minute})
	authorised := escape{"an authorised name", connects(lab.CAF+":443", lab.CAF)}
	if err := try(t, first, authorised); err != nil {
		t.Fatalf("the open terminal: %v", err)
	}

	t.Run("a terminal beside it", func(t *testing.T) { p.nothingOf(t, second, []escape{authorised}) })
	t.Run("a terminal that calls itself by the other's name", func(t *testing.T) {
		p.homepage(second, "PCID-poste1")
		p.nothingOf(t, second, []escape{authorised})
		if got := p.terminal("Poste 2"); !got.Mismatch || got.State == kiosk.Open {
			t.Errorf("%+v", got.Terminal)
		}
	})
	t.Run("a terminal with the other's address", func(t *testing.T) {
		if out, err := second.NS.Output(ctx(t), "ip", "addr", "add", first.Lease().Address.String(), "dev", "eth0"); err != nil {
			t.Fatal(err, out)
		}
		if out, err := second.NS.Output(ctx(t), "ip", "route", "replace", "default", "via", "10.30.0.1", "src", first.Lease().Address.Addr().String()); err != nil {
			t.Fatal(err, out)
		}
		p.nothingOf(t, second, []escape{{"an authorised name", func(ctx context.Context, g *lab.Guest) error {
			return dialFrom(ctx, g, first.Lease().Address.Addr())
		}}})
	})
	t.Run("a resident's laptop on the Wi-Fi with its MAC", func(t *testing.T) {
		laptop, err := p.AddGuest(lab.GuestOptions{Name: "portable", MAC: first.MAC})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := laptop.DHCP(ctx(t)); err != nil {
			t.Fatal(err)
		}
		if out, err := p.parvis.Output(ctx(t), "session", "open", laptop.Lease().Address.Addr().String()); err == nil {
			t.Errorf("it was opened: %s", out)
		}
		ways := slices.DeleteFunc(direct(p), func(e escape) bool { return strings.Contains(e.name, "DNS") }) // guests have a resolver: ours
		p.nothingOf(t, laptop, append(ways, authorised))
	})
	t.Run("another machine on the terminals' network with its MAC, while nothing is open", func(t *testing.T) {
		p.do(control.TerminalRequest{Do: control.TerminalEnd, Which: "Poste 1"})
		if err := first.Unplug(true); err != nil {
			t.Fatal(err)
		}
		clone, err := p.AddGuest(lab.GuestOptions{Name: "clone", MAC: first.MAC, Post: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clone.DHCP(ctx(t)); err != nil {
			t.Fatal(err)
		}
		p.nothingOf(t, clone, append(direct(p), authorised))
	})
}

// openPosts is a place with terminals whose Parvis serves.
func openPosts(t *testing.T, s lab.Site) *place {
	t.Helper()
	s.Posts = true
	p := open(t, lab.Options{}, s)
	if _, err := p.parvis.DnsmasqTerminals(ctx(t)); err != nil {
		t.Fatal(err)
	}
	return p
}

// adopt plugs a terminal in that shows its homepage in a clean browser, and makes it one of the place's.
func (p *place) adopt(machine, name string) *lab.Guest {
	p.t.Helper()
	g := p.plug(machine)
	p.homepage(g, "PCID-"+machine)
	p.do(control.TerminalRequest{Do: control.TerminalAdopt, Which: g.MAC.String(), Name: &name})
	p.homepage(g, "PCID-"+machine)
	return g
}

// homepage is opened by a browser that has nothing of anybody's.
func (p *place) homepage(g *lab.Guest, label string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(ctx(p.t), http.MethodGet, kioskP+"?kiosk="+url.QueryEscape(label), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	resp, err := g.Client().Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("homepage: %s", resp.Status)
	}
}

func (p *place) do(r control.TerminalRequest) {
	p.t.Helper()
	if _, err := p.client.Terminal(ctx(p.t), r); err != nil {
		p.t.Fatalf("%s %s: %v", r.Do, r.Which, err)
	}
}

func (p *place) terminal(name string) control.TerminalAnswer {
	p.t.Helper()
	all, err := p.client.Terminals(ctx(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, a := range all {
		if a.Name == name {
			return a
		}
	}
	p.t.Fatalf("no terminal %s in %+v", name, all)
	return control.TerminalAnswer{}
}

func try(t *testing.T, g *lab.Guest, e escape) error {
	c, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return e.try(c, g)
}

// nothingOf fails for every escape that succeeds, and for every conversation that a host beyond has seen meanwhile.
func (p *place) nothingOf(t *testing.T, g *lab.Guest, all []escape) {
	t.Helper()
	p.ForgetFlows()
	var wg sync.WaitGroup
	limit := make(chan struct{}, 8)
	for _, e := range all {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			c, cancel := context.WithTimeout(t.Context(), 3*time.Second) // what is dropped without a word takes it all
			defer cancel()
			if e.try(c, g) == nil {
				t.Errorf("%s gets out", e.name)
			}
		})
	}
	wg.Wait()
	beyond := map[netip.Addr]bool{p.Host(lab.Video).V4: true, p.Host(lab.Resolver).V4: true}
	echo4, echo6 := lab.Echo()
	beyond[echo4.Addr()], beyond[echo6.Addr()] = true, true
	for _, a := range lab.InnerHosts {
		beyond[a] = true
	}
	for _, f := range p.Flows() {
		if beyond[f.Local.Addr()] {
			t.Errorf("%s has seen %s from %s", f.Local, f.Proto, f.Source)
		}
	}
}

var errRefused = errors.New("refused")

// connects asks the gate for a tunnel and greets in it by a server name; "" greets without one.
func connects(target, server string) func(context.Context, *lab.Guest) error {
	return func(ctx context.Context, g *lab.Guest) error {
		c, err := tunnel(ctx, g, proxy, target)
		if err != nil {
			return err
		}
		defer c.Close()
		return greet(ctx, c, server)
	}
}

// plainConnect asks for a tunnel and speaks HTTP in it.
func plainConnect(target string) func(context.Context, *lab.Guest) error {
	return func(ctx context.Context, g *lab.Guest) error {
		c, err := tunnel(ctx, g, proxy, target)
		if err != nil {
			return err
		}
		defer c.Close()
		host, _, _ := net.SplitHostPort(target)
		return answered(ctx, c, "GET / HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
	}
}

func tunnel(ctx context.Context, g *lab.Guest, gate, target string) (net.Conn, error) {
	c, err := g.Dial(ctx, "tcp", gate)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		c.SetDeadline(deadline)
	}
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", target); err != nil {
		c.Close()
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect})
	if err != nil || resp.StatusCode != http.StatusOK {
		c.Close()
		return nil, errors.Join(errRefused, err)
	}
	return c, nil
}

// greet shakes hands for a server name. Whose certificate it is does not matter: somebody has answered.
func greet(ctx context.Context, c net.Conn, server string) error {
	return tls.Client(c, &tls.Config{ServerName: server, InsecureSkipVerify: true}).HandshakeContext(ctx)
}

// answered reports by an error that nobody answers with a page of 2xx or 4xx of a lab's host.
func answered(ctx context.Context, c net.Conn, request string) error {
	if deadline, ok := ctx.Deadline(); ok {
		c.SetDeadline(deadline)
	}
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	return nil
}

// fetches asks the gate for a page over HTTP. It is had when it says what is wanted; "" takes any page of 200.
func fetches(address, want string) func(context.Context, *lab.Guest) error {
	return func(ctx context.Context, g *lab.Guest) error {
		at, err := url.Parse(address)
		if err != nil {
			return err
		}
		return fetchBy(ctx, g, proxy, "GET "+address+" HTTP/1.1\r\nHost: "+at.Host+"\r\nConnection: close\r\n\r\n", want)
	}
}

// fetchesOther asks for a page of one host with the Host of another: it is had when the other's comes.
func fetchesOther(host, other string) func(context.Context, *lab.Guest) error {
	return func(ctx context.Context, g *lab.Guest) error {
		return fetchBy(ctx, g, proxy, "GET http://"+host+"/ HTTP/1.1\r\nHost: "+other+"\r\nConnection: close\r\n\r\n", "Des vidéos")
	}
}

// fetchAt asks an address for a page.
func fetchAt(a netip.AddrPort, host string) func(context.Context, *lab.Guest) error {
	return func(ctx context.Context, g *lab.Guest) error {
		if host == "" {
			return fetchBy(ctx, g, a.String(), "GET / HTTP/1.1\r\nHost: "+a.Addr().String()+"\r\nConnection: close\r\n\r\n", lab.InnerPage)
		}
		return fetchBy(ctx, g, a.String(), "GET / HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n", "")
	}
}

func fetchBy(ctx context.Context, g *lab.Guest, at, request, want string) error {
	c, err := g.Dial(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		c.SetDeadline(deadline)
	}
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(page), want) {
		return errors.Join(errRefused, err)
	}
	return nil
}

func greetAt(a netip.AddrPort, server string) func(context.Context, *lab.Guest) error {
	return func(ctx context.Context, g *lab.Guest) error {
		c, err := g.Dial(ctx, "tcp", a.String())
		if err != nil {
			return err
		}
		defer c.Close()
		return greet(ctx, c, server)
	}
}

func answersTCP(a netip.AddrPort) func(context.Context, *lab.Guest) error {
	return func(ctx context.Context, g *lab.Guest) error { return echoes(ctx, g, "tcp", a) }
}

func answersUDP(a netip.AddrPort) func(context.Context, *lab.Guest) error {
	return func(ctx context.Context, g *lab.Guest) error { return echoes(ctx, g, "udp", a) }
}

func echoes(ctx context.Context, g *lab.Guest, network string, a netip.AddrPort) error {
	c, err := g.Dial(ctx, network, a.String())
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		c.SetDeadline(deadline)
	}
	if _, err := c.Write([]byte("?")); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

// resolved asks a resolver beyond the line.
func resolved(ctx context.Context, g *lab.Guest, server netip.AddrPort, network string) error {
	q := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName(lab.Video + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
	}}
	packed, err := q.Pack()
	if err != nil {
		return err
	}
	if network == "tcp" {
		packed = append([]byte{byte(len(packed) >> 8), byte(len(packed))}, packed...)
	}
	c, err := g.Dial(ctx, network, server.String())
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		c.SetDeadline(deadline)
	}
	if _, err := c.Write(packed); err != nil {
		return err
	}
	n, err := c.Read(make([]byte, 4096))
	if err == nil && n < 12 {
		err = errRefused
	}
	return err
}

// dialFrom asks the gate for an authorised name from an address that the machine has taken.
func dialFrom(ctx context.Context, g *lab.Guest, from netip.Addr) error {
	var c net.Conn
	err := g.NS.Do(func() (err error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}}
		c, err = d.DialContext(ctx, "tcp", proxy)
		return err
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		c.SetDeadline(deadline)
	}
	if _, err := fmt.Fprintf(c, "CONNECT %s:443 HTTP/1.1\r\nHost: %[1]s\r\n\r\n", lab.CAF); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect})
	if err != nil || resp.StatusCode != http.StatusOK {
		return errors.Join(errRefused, err)
	}
	return greet(ctx, c, lab.CAF)
}
