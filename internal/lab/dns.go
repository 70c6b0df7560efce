package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	typeA    = dnsmessage.TypeA
	typeAAAA = dnsmessage.TypeAAAA
)

// ErrNoSuchName is returned for a name that the resolver says does not exist (NXDOMAIN).
var ErrNoSuchName = errors.New("lab: no such name")

// Answer is what a resolver said of one name.
type Answer struct {
	RCode dnsmessage.RCode
	Addrs []netip.Addr
	TTL   time.Duration // of the first record
}

// ask sends one plain question over UDP from the machine, and again each second until ctx ends or 5 s have passed.
func ask(ctx context.Context, ns *NS, server netip.AddrPort, name string, typ dnsmessage.Type) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, Patient(5*time.Second))
	defer cancel()
	fail := func(err error) (Answer, error) {
		return Answer{}, fmt.Errorf("lab: %s: ask %s for %s: %w", ns.Name, server, name, err)
	}
	fqdn, err := dnsmessage.NewName(name + ".")
	if err != nil {
		return fail(err)
	}
	id := uint16(rand.Uint32())
	query := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: fqdn, Type: typ, Class: dnsmessage.ClassINET}},
	}
	packet, err := query.Pack()
	if err != nil {
		return fail(err)
	}
	conn, err := ns.Dial(ctx, "udp", server.String())
	if err != nil {
		return fail(err)
	}
	defer conn.Close()
	buf := make([]byte, 4096)
	for {
		if _, err := conn.Write(packet); err != nil {
			return fail(err)
		}
		conn.SetReadDeadline(time.Now().Add(time.Second)) // a deadline can be set on every UDP socket
		n, err := conn.Read(buf)
		switch {
		case ctx.Err() != nil:
			return fail(ctx.Err())
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			return fail(err)
		}
		var reply dnsmessage.Message
		if err := reply.Unpack(buf[:n]); err != nil || reply.ID != id {
			continue // not ours
		}
		return read(reply), nil
	}
}

func read(m dnsmessage.Message) Answer {
	a := Answer{RCode: m.RCode}
	for _, r := range m.Answers {
		switch body := r.Body.(type) {
		case *dnsmessage.AResource:
			a.Addrs = append(a.Addrs, netip.AddrFrom4(body.A))
		case *dnsmessage.AAAAResource:
			a.Addrs = append(a.Addrs, netip.AddrFrom16(body.AAAA))
		default:
			continue // CNAME
		}
		if len(a.Addrs) == 1 {
			a.TTL = time.Duration(r.Header.TTL) * time.Second
		}
	}
	return a
}

// spawnDnsmasq runs the real dnsmasq on a configuration of the lab.
func spawnDnsmasq(ns *NS, file, conf string) (*Process, error) {
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		return nil, fmt.Errorf("lab: write %s: %w", file, err)
	}
	// Its own user would not be let into the lab's folders.
	return ns.Spawn(exec.Command("dnsmasq", "--keep-in-foreground", "--log-facility=-", "--user=root", "--pid-file=", "--conf-file="+file))
}
