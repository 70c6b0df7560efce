package certificates

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mholt/acmez/v3/acme"
	"github.com/miekg/dns"
)

// DNS writes the records by which an authority sees that a name is the commune's (RFC 8555 §8.4), by dynamic update (RFC 2136), each
// message signed with a shared key (TSIG, RFC 8945). The town's name server needs nothing else, and its key may be for these records alone.
type DNS struct {
	Server    string // host:port of the zone's primary
	Key       string // name of the TSIG key
	Algorithm string // hmac-sha256, hmac-sha512; "" is the first
	Secret    string // base64
	// Zone is the zone that is updated; "" it is asked for at the server (SOA).
	Zone string
	// Settle is how long to wait for the zone's secondaries after an update.
	Settle time.Duration
}

// ErrDNS is wrapped by every error of the name server.
var ErrDNS = errors.New("certificates: name server")

// ReadKey reads a key as tsig-keygen(8) writes it, from a file that nobody else should read.
func (d *DNS) ReadKey(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	fields := strings.FieldsFunc(string(b), func(r rune) bool { return strings.ContainsRune(" \t\r\n{};\"", r) })
	for i := 0; i+1 < len(fields); i++ {
		switch fields[i] {
		case "key":
			d.Key = fields[i+1]
		case "algorithm":
			d.Algorithm = fields[i+1]
		case "secret":
			d.Secret = fields[i+1]
		}
	}
	if d.Key == "" || d.Secret == "" {
		return fmt.Errorf("certificates: %s: no TSIG key; expected the output of: tsig-keygen parvis-hub", path)
	}
	return nil
}

// Present implements acmez.Solver.
func (d *DNS) Present(ctx context.Context, c acme.Challenge) error {
	return d.update(ctx, c, func(m *dns.Msg, rr dns.RR) { m.Insert([]dns.RR{rr}) })
}

// Wait implements acmez.Waiter.
func (d *DNS) Wait(ctx context.Context, _ acme.Challenge) error {
	select {
	case <-time.After(d.Settle):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// CleanUp implements acmez.Solver.
func (d *DNS) CleanUp(ctx context.Context, c acme.Challenge) error {
	return d.update(ctx, c, func(m *dns.Msg, rr dns.RR) { m.Remove([]dns.RR{rr}) })
}

func (d *DNS) update(ctx context.Context, c acme.Challenge, how func(*dns.Msg, dns.RR)) error {
	name := dns.Fqdn(c.DNS01TXTRecordName())
	zone, err := d.zone(ctx, name)
	if err != nil {
		return err
	}
	rr := &dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{c.DNS01KeyAuthorization()}}
	m := new(dns.Msg).SetUpdate(zone)
	how(m, rr)
	answer, err := d.ask(ctx, m)
	if err != nil {
		return err
	}
	if answer.Rcode != dns.RcodeSuccess {
		return fmt.Errorf("%w %s: update of %s: %s; expected that key %s may write TXT records there", ErrDNS, d.Server, name, dns.RcodeToString[answer.Rcode], d.Key)
	}
	return nil
}

// zone is the zone that a name is in, as the server itself says.
func (d *DNS) zone(ctx context.Context, name string) (string, error) {
	if d.Zone != "" {
		return dns.Fqdn(d.Zone), nil
	}
	for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
		answer, err := d.ask(ctx, new(dns.Msg).SetQuestion(name[off:], dns.TypeSOA))
		if err != nil {
			return "", err
		}
		for _, rr := range answer.Answer {
			if soa, ok := rr.(*dns.SOA); ok {
				return soa.Hdr.Name, nil
			}
		}
	}
	return "", fmt.Errorf("%w %s: it has no zone for %s; expected the primary of that name's zone", ErrDNS, d.Server, name)
}

func (d *DNS) ask(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	algorithm := d.Algorithm
	if algorithm == "" {
		algorithm = "hmac-sha256"
	}
	key := dns.Fqdn(d.Key)
	m.SetTsig(key, dns.Fqdn(algorithm), 300, time.Now().Unix())
	c := dns.Client{Net: "tcp", Timeout: 10 * time.Second, TsigSecret: map[string]string{key: d.Secret}}
	answer, _, err := c.ExchangeContext(ctx, m, d.Server)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrDNS, d.Server, err)
	}
	return answer, nil
}
