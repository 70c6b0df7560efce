package line

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// NamesTTL is how long an answer of LastResort may be kept, in seconds.
const NamesTTL = 3

// LastResort is a resolver that dnsmasq has beside the true ones (docs/adr/0013-line-down.md). It refuses every question, upon
// which dnsmasq asks the others; only while no true resolver answers it says of some names that they are this router. Nothing
// stays behind when it ends: there is no file to forget and no cache to empty.
type LastResort struct {
	names  map[string]bool // lower case, with the final dot
	answer [4]byte
	silent func() bool // no true resolver answers
}

// NewLastResort answers the names with an IPv4 address while silent says that nobody else does.
func NewLastResort(names []string, answer netip.Addr, silent func() bool) *LastResort {
	l := &LastResort{names: make(map[string]bool, len(names)), answer: answer.As4(), silent: silent}
	for _, n := range names {
		l.names[strings.ToLower(strings.TrimSuffix(n, "."))+"."] = true
	}
	return l
}

// Serve answers on pc until ctx ends, then closes it.
func (l *LastResort) Serve(ctx context.Context, pc net.PacketConn) error {
	stop := context.AfterFunc(ctx, func() { pc.Close() })
	defer stop()
	in := make([]byte, 1500)
	for {
		n, from, err := pc.ReadFrom(in)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("line: last resort: %w", err)
		case err != nil: // what the network says of an earlier answer
			continue
		}
		if out := l.reply(in[:n]); out != nil {
			_, _ = pc.WriteTo(out, from) // who asked may have gone
		}
	}
}

// reply returns the answer to one packet; nil: it is no question.
func (l *LastResort) reply(in []byte) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(in)
	if err != nil || h.Response {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	// RecursionAvailable: without it dnsmasq warns of a resolver that refuses.
	out := dnsmessage.NewBuilder(make([]byte, 0, 512), dnsmessage.Header{
		ID: h.ID, Response: true, OpCode: h.OpCode, RecursionDesired: h.RecursionDesired, RecursionAvailable: true, RCode: l.code(h, q),
	})
	out.EnableCompression()
	err = errors.Join(out.StartQuestions(), out.Question(q))
	if err == nil && q.Type == dnsmessage.TypeA && l.code(h, q) == dnsmessage.RCodeSuccess {
		err = errors.Join(out.StartAnswers(), out.AResource(
			dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: NamesTTL}, dnsmessage.AResource{A: l.answer},
		))
	}
	packet, finish := out.Finish()
	if err != nil || finish != nil {
		return nil
	}
	return packet
}

// code: other types of a name that is answered have no record (RFC 2308, section 2.2; without an SOA nobody keeps that).
func (l *LastResort) code(h dnsmessage.Header, q dnsmessage.Question) dnsmessage.RCode {
	if h.OpCode == 0 && q.Class == dnsmessage.ClassINET && l.names[strings.ToLower(q.Name.String())] && l.silent() {
		return dnsmessage.RCodeSuccess
	}
	return dnsmessage.RCodeRefused
}

// Prime makes dnsmasq find out at once who answers now: a question that is repeated goes to all that it knows, and the next ones
// to whoever has answered. Otherwise the first device that asks would wait until it repeats its own question.
func Prime(ctx context.Context, dnsmasq netip.AddrPort, name string) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", dnsmasq.String())
	if err != nil {
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	packet, err := question(1, strings.TrimSuffix(name, ".")+".")
	if err != nil {
		return
	}
	for in := make([]byte, 1500); ctx.Err() == nil; {
		if _, err := conn.Write(packet); err != nil {
			return
		}
		_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // every UDP socket has one
		if _, err := conn.Read(in); err == nil {
			return
		}
	}
}
