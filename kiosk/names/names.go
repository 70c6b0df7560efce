// Package names decides whether a host's name is one that is allowed. It has one spelling of a name — ASCII, lower case, no
// final dot — and everything else is made into that or refused: two spellings of one host would be two answers.
package names

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Rule allows a host: "www.caf.fr" this one alone, ".caf.fr" it and every name below it, by whole labels.
type Rule string

// Why a text is no rule or no host.
var (
	// ErrAddress: it is an IP address, in whatever notation. Names are allowed here, never addresses.
	ErrAddress = errors.New("an address, not a name")
	// ErrName: it is no full name of a host (RFC 1123 §2.1, RFC 5891).
	ErrName = errors.New("not the full name of a host")
	// ErrWide: a rule that would let anybody's sites in, such as ".fr" or ".github.io".
	ErrWide = errors.New("everybody can have a name below it")
)

// closed are public suffixes below which one body alone gives names out, to the State's own services.
var closed = []string{"gouv.fr"}

// most a name may have: RFC 1035 §2.3.4, without the final dot.
const (
	longestName  = 253
	longestLabel = 63
)

// Parse reads a rule as a person writes it: a name of a host, with a dot before it when the names below it are meant too.
// A scheme, port, path or "*" is refused, and so is a public suffix with a dot before it (https://publicsuffix.org), but for
// the closed zones of the State.
func Parse(s string) (Rule, error) {
	text := strings.TrimSpace(s)
	name, below := strings.CutPrefix(text, ".")
	host, err := Host(name)
	if err == nil && strings.HasSuffix(name, ".") {
		err = ErrName // a rule has one spelling
	}
	if err != nil {
		return "", fmt.Errorf("names: parse rule %q: %w", s, err)
	}
	if !below {
		return Rule(host), nil
	}
	if suffix, _ := publicsuffix.PublicSuffix(host); suffix == host && !slices.Contains(closed, host) {
		return "", fmt.Errorf("names: parse rule %q: %w", s, ErrWide)
	}
	return Rule("." + host), nil
}

// Host returns the one spelling of a host's name as a client sent it: IDNA 2008 lookup form (RFC 5891 §5), lower case, without
// the one dot that may end it. Errors are ErrAddress and ErrName, and do not hold what was sent.
func Host(s string) (string, error) {
	// A name in other letters is longer in UTF-8 than on the wire; nothing is that long.
	if len(s) > 4*longestName || !utf8.ValidString(s) {
		return "", fmt.Errorf("names: host: %w", ErrName)
	}
	if strings.ContainsAny(s, ":[]%") { // IPv6, and whatever has a port or an escape
		if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
			return "", fmt.Errorf("names: host: %w", ErrAddress)
		}
		return "", fmt.Errorf("names: host: %w", ErrName)
	}
	host, err := idna.Lookup.ToASCII(s)
	if err != nil {
		return "", fmt.Errorf("names: host: %w", ErrName)
	}
	// After the mapping: full-width digits and dots have become what they look like.
	host = strings.TrimSuffix(host, ".")
	labels := strings.Split(host, ".")
	if numeric(labels[len(labels)-1]) {
		return "", fmt.Errorf("names: host: %w", ErrAddress)
	}
	if again, err := idna.Lookup.ToASCII(host); err != nil || again != host { // some texts map to what is no name
		return "", fmt.Errorf("names: host: %w", ErrName)
	}
	if len(labels) < 2 || len(host) > longestName || slices.ContainsFunc(labels, wrong) {
		return "", fmt.Errorf("names: host: %w", ErrName)
	}
	return host, nil
}

// numeric reports whether a name that ends so is an IPv4 address to some resolver: inet_aton(3) takes one to four parts, each
// decimal, octal or hexadecimal, and so do browsers (URL Standard, "ends in a number").
func numeric(label string) bool {
	if rest, hex := strings.CutPrefix(label, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}

// wrong reports whether a label is none of RFC 1123: idna has no limits of length, and looks at nothing where all is ASCII
// but for case.
func wrong(label string) bool {
	return label == "" || len(label) > longestLabel || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" ||
		label[0] == '-' || label[len(label)-1] == '-'
}

// Allows reports whether the rule allows a host, spelt as Host returns it.
func (r Rule) Allows(host string) bool {
	below, wide := strings.CutPrefix(string(r), ".")
	if !wide {
		return host != "" && string(r) == host
	}
	return host == below || strings.HasSuffix(host, string(r))
}

// List is what is allowed. The zero value allows nothing.
type List []Rule

// Allows reports whether one of its rules allows a host, spelt as Host returns it.
func (l List) Allows(host string) bool {
	return slices.ContainsFunc(l, func(r Rule) bool { return r.Allows(host) })
}
