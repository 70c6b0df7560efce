package config

import (
	"maps"
	"net"
	"net/mail"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Monitor is how the place is watched: by who fetches its figures, and by e-mail.
type Monitor struct {
	Listen netip.AddrPort // of /metrics; not valid: none
	Disk   int            // percent of the state's disk: fuller is a problem. 50 to 99

	SMTP             string   // host:port of the relay; "": no e-mail
	SMTPUser         string   // "": without a login
	SMTPPasswordFile string   // absolute path; with SMTPUser
	MailFrom         string   // bare address
	MailTo           []string // bare addresses, 1 to 10 with SMTP
}

// ImplicitTLS is the port on which TLS begins at once (RFC 8314, section 7.3); on any other one STARTTLS is asked for, and nothing is
// sent without it.
const ImplicitTLS = "465"

const (
	minDisk, defDisk, maxDisk = 50, 90, 99 // percent
	maxMailTo                 = 10
)

func (t *table) monitor(cfg *Config) (m Monitor) {
	m.Listen = t.listener("listen", cfg)
	m.Disk = t.percent("disk", defDisk, minDisk, maxDisk)
	m.MailFrom = t.mailbox("mail-from")
	m.MailTo = t.mailboxes("mail-to")
	m.SMTP = t.server("smtp")
	m.SMTPUser, _ = t.text("smtp-user", false)
	m.SMTPPasswordFile = t.absolute("smtp-password-file")
	t.together("monitor.smtp, monitor.mail-from and monitor.mail-to, or none of them", "monitor.smtp, monitor.mail-from et monitor.mail-to, ou aucun des trois",
		"smtp", "mail-from", "mail-to")
	t.together("monitor.smtp-user and monitor.smtp-password-file, or neither of them", "monitor.smtp-user et monitor.smtp-password-file, ou aucun des deux",
		"smtp-user", "smtp-password-file")
	if _, user := t.vals["smtp-user"]; user && t.vals["smtp"] == nil {
		t.bad("smtp-user", Say("monitor.smtp-user is given without monitor.smtp", "monitor.smtp-user est donné sans monitor.smtp"), Message{}, t.example("smtp"))
	}
	return m
}

// together tells the keys that are missing beside others.
func (t *table) together(en, fr string, keys ...string) {
	var here, missing []string
	for _, k := range keys {
		if _, there := t.vals[k]; there {
			here = append(here, k)
		} else if !t.r.broken[join(t.path, k)] {
			missing = append(missing, k)
		}
	}
	if len(here) > 0 && len(missing) > 0 {
		t.bad(here[0], Say("%s is given without %s", "%s est donné sans %s", t.label(here[0]), t.label(missing[0])), Say(en, fr), t.example(missing[0]))
	}
}

// listener reads an address of ours that neither guests nor terminals are on. The wildcard is on their networks too.
func (t *table) listener(key string, cfg *Config) netip.AddrPort {
	s, ok := t.text(key, false)
	if !ok {
		return netip.AddrPort{}
	}
	expected := Say("an address of this machine and a port, such as \"192.168.1.1:9100\"", "une adresse de cette machine et un port, comme \"192.168.1.1:9100\"")
	bad := func(what Message, do Message) netip.AddrPort {
		t.bad(key, what, expected, do)
		return netip.AddrPort{}
	}
	a, err := netip.ParseAddrPort(s)
	if err != nil || a.Port() == 0 || a.Addr().Zone() != "" {
		return bad(Say("%s: %q is not an address with a port", "%s : %q n'est pas une adresse avec un port", t.label(key), s), Message{})
	}
	elsewhere := Say("write the address that this machine has on the network of your monitoring", "écrivez l'adresse de cette machine sur le réseau de votre supervision")
	at := a.Addr().Unmap()
	for _, of := range []struct {
		network netip.Prefix
		name    Message
	}{
		{cfg.Guests.Address, Say("the guests' network", "le réseau des visiteurs")},
		{cfg.Terminals.Address, Say("the terminals' network", "le réseau des postes")},
	} {
		if of.network.IsValid() && of.network.Masked().Contains(at) {
			return bad(Say("%s: %s is on %s", "%s : %s est sur %s", t.label(key), at, of.name), elsewhere)
		}
	}
	if at.IsUnspecified() {
		return bad(Say("%s: %s is every address, that on the guests' network too", "%s : %s désigne toutes les adresses, aussi celle du réseau des visiteurs", t.label(key), at), elsewhere)
	}
	return netip.AddrPortFrom(at, a.Port())
}

func (t *table) percent(key string, def, least, most int) int {
	v, ok := t.get(key, false)
	if !ok {
		return def
	}
	expected := Say("a number of percent from %d to %d", "un nombre de pour cent de %d à %d", least, most)
	n, isInt := v.(int64)
	switch {
	case !isInt:
		t.wrongType(key, v, expected)
	case n < int64(least) || n > int64(most):
		t.bad(key, Say("%s: %d is out of range", "%s : %d est hors limites", t.label(key), n), expected, Message{})
	default:
		return int(n)
	}
	return def
}

// bareAddress reports whether s is an e-mail address and nothing more: no name, no line that a header could end at.
func bareAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

var mailExpected = Say("an e-mail address, such as \"informatique@ville.example\"", "une adresse de courriel, comme \"informatique@ville.example\"")

func (t *table) mailbox(key string) string {
	s, ok := t.text(key, false)
	if !ok {
		return ""
	}
	if !bareAddress(s) {
		t.bad(key, Say("%s: %q is not an e-mail address", "%s : %q n'est pas une adresse de courriel", t.label(key), s), mailExpected, Message{})
		return ""
	}
	return s
}

func (t *table) mailboxes(key string) (all []string) {
	texts, ok := t.list(key, mailExpected)
	if !ok {
		return nil
	}
	for _, i := range slices.Sorted(maps.Keys(texts)) {
		switch s := texts[i]; {
		case !bareAddress(s):
			t.bad(element(key, i), Say("%s: %q is not an e-mail address", "%s : %q n'est pas une adresse de courriel", t.label(key), s), mailExpected, Say("correct it or take it out", "corrigez-la ou retirez-la"))
		case slices.Contains(all, s):
			t.bad(element(key, i), Say("%s: %q is there twice", "%s : %q y est deux fois", t.label(key), s), Message{}, Say("keep one", "gardez-en une"))
		default:
			all = append(all, s)
		}
	}
	if n := len(texts); n < 1 || n > maxMailTo {
		t.bad(key, Say("%s: %d addresses", "%s : %d adresses", t.label(key), n), Say("1 to %d", "1 à %d", maxMailTo), Message{})
	}
	return all
}

// server reads a host and a port.
func (t *table) server(key string) string {
	s, ok := t.text(key, false)
	if !ok {
		return ""
	}
	host, port, err := net.SplitHostPort(s)
	n, perr := strconv.ParseUint(port, 10, 16)
	_, aerr := netip.ParseAddr(host)
	if err != nil || perr != nil || n == 0 || aerr != nil && !dnsHost(host) {
		t.bad(key, Say("%s: %q is not a server with its port", "%s : %q n'est pas un serveur avec son port", t.label(key), s),
			Say("such as \"smtp.ville.example:587\" (STARTTLS) or \"smtp.ville.example:465\" (TLS)", "comme \"smtp.ville.example:587\" (STARTTLS) ou \"smtp.ville.example:465\" (TLS)"), Message{})
		return ""
	}
	return strings.ToLower(s)
}

func dnsHost(s string) bool {
	for _, l := range strings.Split(strings.ToLower(s), ".") {
		if !dnsLabel.MatchString(l) {
			return false
		}
	}
	return len(s) <= 253
}
