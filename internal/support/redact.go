// Package support makes a file for a ticket: what a developer needs to understand a router, and nothing of a person. Everything that
// goes in passes a Redactor.
package support

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"parvis/internal/order"
)

// Redactor takes out of a text what could be about a person or open something: hardware and network addresses, tokens and codes, e-mail
// addresses and telephone numbers, passwords within addresses, and names that it was told. The same thing has the same stand-in
// throughout, so that one can still be followed through a log.
type Redactor struct {
	keep  []netip.Prefix // the router's own addresses, which a configuration cannot be read without
	names *regexp.Regexp // nil: none
	known map[string]string
	count map[string]int
}

// NewRedactor returns one that lets the router's own addresses stand. names are of people and of what they have called their things.
func NewRedactor(own []netip.Prefix, names []string) *Redactor {
	r := &Redactor{keep: own, known: map[string]string{}, count: map[string]int{}}
	var parts []string
	for _, n := range names {
		if n = strings.TrimSpace(n); len(n) > 1 {
			parts = append(parts, regexp.QuoteMeta(n))
		}
	}
	if len(parts) > 0 {
		order.Func(parts, func(a, b string) int { return len(b) - len(a) }) // the longest first: a name may begin with another
		r.names = regexp.MustCompile("(?i)" + strings.Join(parts, "|"))
	}
	return r
}

// What is looked for. A candidate for an IPv6 address is judged by netip: hours and MACs look alike.
var (
	userinfo = regexp.MustCompile(`://[^/@\s"']+@`)
	mailbox  = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`)
	hardware = regexp.MustCompile(`(?i)(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}`)
	v6       = regexp.MustCompile(`(?i)[0-9a-f:]*:[0-9a-f:.]*:[0-9a-f:.]*(?:/\d{1,3})?`)
	v4       = regexp.MustCompile(`\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}\b)?`)
	token    = regexp.MustCompile(`\b[a-z2-7]{26,}\b|\b(?:[0-9a-fA-F]{32,})\b|\b[A-Za-z0-9_-]{43,}={0,2}`)
	said     = regexp.MustCompile(`\b[HJKRTUWXY][2-9]-[2-6][2-9]\b`)                                                // the code said at the desk
	ticket   = regexp.MustCompile(`\b[0-9ACEFHJKMNPRTVWXY]{4}-[0-9ACEFHJKMNPRTVWXY]{4}-[0-9ACEFHJKMNPRTVWXY]{4}\b`) // and a printed one
	phone    = regexp.MustCompile(`(?:\+33[ .]?|\b0)[1-9](?:[ .-]?\d\d){4}\b`)
)

// Text returns a text without all of that.
func (r *Redactor) Text(s string) string {
	s = userinfo.ReplaceAllString(s, "://<secret>@")
	s = mailbox.ReplaceAllStringFunc(s, r.stand("mail"))
	s = hardware.ReplaceAllStringFunc(s, r.stand("mac"))
	s = v6.ReplaceAllStringFunc(s, r.address)
	s = v4.ReplaceAllStringFunc(s, r.address)
	for _, of := range []struct {
		what *regexp.Regexp
		name string
	}{{token, "token"}, {ticket, "code"}, {said, "code"}, {phone, "phone"}, {r.names, "name"}} {
		if of.what != nil {
			s = of.what.ReplaceAllStringFunc(s, r.stand(of.name))
		}
	}
	return s
}

// stand gives each thing of a kind its stand-in.
func (r *Redactor) stand(kind string) func(string) string {
	return func(s string) string {
		key := kind + " " + strings.ToLower(s)
		if r.known[key] == "" {
			r.count[kind]++
			r.known[key] = fmt.Sprintf("<%s-%d>", kind, r.count[kind])
		}
		return r.known[key]
	}
}

// address stands for what is an address and not the router's own, or nobody's.
func (r *Redactor) address(s string) string {
	bare, length, net := strings.Cut(s, "/")
	a, err := netip.ParseAddr(bare)
	if err != nil {
		if trimmed := strings.TrimRight(bare, ":."); trimmed != bare && !net { // 2001:db8::1: at the end of a phrase
			if _, err := netip.ParseAddr(trimmed); err == nil {
				return r.address(trimmed) + bare[len(trimmed):]
			}
		}
		return s
	}
	own := func(p netip.Prefix) bool { return p.Addr() == a || p.Masked().Addr() == a }
	if a.IsUnspecified() || a.IsLoopback() || slices.ContainsFunc(r.keep, own) {
		return s
	}
	if !net {
		return r.stand("ip")(a.String())
	}
	return r.stand("ip")(a.String()) + "/" + length
}

// Counts is how many different things of each kind were taken out so far.
func (r *Redactor) Counts() map[string]int { return r.count }
