package catalogue

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Outcome is what became of one host's trial.
type Outcome string

// The outcomes.
const (
	Reached     Outcome = "reached"           // a TLS connection, with a certificate that is this host's
	NoName      Outcome = "no-name"           // no such name, or no resolver that answers
	Inside      Outcome = "inside"            // its address is private: the gate refuses it
	NoAnswer    Outcome = "no-answer"         // nothing answers on port 443, or not with TLS
	Certificate Outcome = "other-certificate" // a certificate of another host or of nobody we know
)

// Trial is one host, tried once.
type Trial struct {
	Host    string        `json:"host"`
	For     []string      `json:"for"` // services
	Outcome Outcome       `json:"outcome"`
	Took    time.Duration `json:"took_ns"`
}

// Bounds of a trial.
const (
	triesAtOnce = 8
	tryFor      = 10 * time.Second // one host
	triedMost   = 4                // addresses of one host
)

// Line is the way to the internet that a trial goes.
type Line struct {
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Roots  *x509.CertPool // nil: the machine's
}

// Machine is the machine's own resolver and line.
func Machine() Line {
	return Line{
		Lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		Dial: new(net.Dialer).DialContext,
	}
}

// Try resolves every host of the services and opens TLS to it, eight at a time and ten seconds each at most. Nothing is asked of
// the host beyond that. A rule for all names below one stands for no host that could be tried. The order is that of the services.
func Try(ctx context.Context, services []Service, l Line) []Trial {
	var all []Trial
	add := func(host, id string) {
		if i := slices.IndexFunc(all, func(t Trial) bool { return t.Host == host }); i >= 0 {
			if !slices.Contains(all[i].For, id) {
				all[i].For = append(all[i].For, id)
			}
			return
		}
		all = append(all, Trial{Host: host, For: []string{id}})
	}
	for _, s := range services {
		if host, ok := addressHost(s.Address); ok {
			add(host, s.ID)
		}
		for _, h := range s.Hosts {
			if !strings.HasPrefix(string(h.Rule), ".") {
				add(string(h.Rule), s.ID)
			}
		}
	}
	var wait sync.WaitGroup
	places := make(chan struct{}, triesAtOnce)
	for i := range all {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			began := time.Now()
			all[i].Outcome = l.try(ctx, all[i].Host)
			all[i].Took = time.Since(began)
		})
	}
	wait.Wait()
	return all
}

func (l Line) try(ctx context.Context, host string) Outcome {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	addrs, err := l.Lookup(ctx, host)
	if err != nil || len(addrs) == 0 {
		return NoName
	}
	outcome := Inside
	for _, a := range addrs[:min(len(addrs), triedMost)] {
		if a = a.Unmap(); a.IsPrivate() || !a.IsGlobalUnicast() {
			continue
		}
		if outcome = l.hello(ctx, host, netip.AddrPortFrom(a, 443)); outcome == Reached {
			break
		}
	}
	return outcome
}

func (l Line) hello(ctx context.Context, host string, at netip.AddrPort) Outcome {
	conn, err := l.Dial(ctx, "tcp", at.String())
	if err != nil {
		return NoAnswer
	}
	defer conn.Close()
	client := tls.Client(conn, &tls.Config{ServerName: host, RootCAs: l.Roots, MinVersion: tls.VersionTLS12})
	err = client.HandshakeContext(ctx)
	if wrong := (*tls.CertificateVerificationError)(nil); errors.As(err, &wrong) {
		return Certificate
	}
	if err != nil {
		return NoAnswer
	}
	return Reached
}
