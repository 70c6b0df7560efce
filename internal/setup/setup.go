// Package setup is what "parvis init" does: it looks at a machine (internal/machine), says what Parvis would be on it,
// and writes the first configuration and the site's secret. Make is pure and decides everything; Apply writes two
// files and nothing else: no interface, no rule and no service is touched before "parvis serve".
package setup

import (
	"net/netip"
	"strconv"
	"strings"

	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/machine"
)

// Answers is what the operator has said; what is empty is chosen from what the machine shows.
type Answers struct {
	WAN, Guests string       // interfaces; --wan, --guests
	Address     netip.Prefix // our address in the guests' network; --address
	Name        string       // of the place, required; --name
	Contact     string       // of the person in charge, required; --contact
	Portal      string       // DNS name; --portal
	Lang        lang.Lang    // of the remarks in the configuration
	Force       bool         // replace a configuration that is there; --force
}

// DefaultPortal is the portal's name where the place has no domain: home.arpa is never asked of the internet (RFC 8375).
const DefaultPortal = "portail.home.arpa"

// Plan is what Apply would do.
type Plan struct {
	WAN, Guests string
	Address     netip.Prefix
	Portal      string
	SSH         string // the interface through which the operator is connected; "" at the console
	Source      string // the whole configuration; "" when the plan is refused
	Replaces    bool   // a configuration is there, and a copy of it is kept
	Force       bool
	MakesKey    bool // there is no site key yet

	wanAddresses []netip.Prefix
	findings     []config.Message // what is met on the machine and what it means
}

var (
	say  = config.Say
	none = config.Message{}
)

// maker collects what is decided and what stands against it.
type maker struct {
	f        machine.Facts
	a        Answers
	p        Plan
	problems []config.Problem
}

func (m *maker) refuse(what, expected, do config.Message) {
	m.problems = append(m.problems, config.Problem{Severity: config.Error, What: what, Expected: expected, Do: do})
}

func (m *maker) find(en, fr string, args ...any) {
	m.p.findings = append(m.p.findings, say(en, fr, args...))
}

// Make decides. With an Error among the problems the plan must not be applied; it still says what was understood.
func Make(f machine.Facts, a Answers) (Plan, []config.Problem) {
	m := &maker{f: f, a: a}
	m.p = Plan{Portal: a.Portal, SSH: f.SSH, Replaces: f.Config && a.Force, Force: a.Force, MakesKey: !f.SiteKey.Exists}
	if f.Config && !a.Force {
		m.refuse(say("there is a configuration already: %s", "il y a déjà une configuration : %s", config.Path), none,
			say("change it by hand, or repeat with --force (a copy is kept as %s)", "modifiez-la à la main, ou recommencez avec --force (une copie est gardée dans %s)", config.Path+".bak"))
	}
	if f.SiteKey.Exists && f.SiteKey.Err != nil {
		m.refuse(say("the site's secret %s is there and cannot be used", "le secret du site %s est là et n'est pas utilisable", machine.SiteKeyPath), none,
			say("see with \"parvis check\" why, or move it away: it is never overwritten", "voyez pourquoi avec « parvis check », ou mettez-le de côté : il n'est jamais écrasé"))
	}
	m.line()
	m.guests()
	if m.p.Guests != "" {
		m.address()
	}
	m.words()
	m.meet()
	if !config.HasErrors(m.problems) {
		m.write()
	}
	return m.p, m.problems
}

// words takes what no machine can tell.
func (m *maker) words() {
	if m.a.Name == "" {
		m.refuse(say("the place's name is not said", "le nom du lieu n'est pas donné"), none,
			say("add --name \"…\", as people read it", "ajoutez --name \"…\", tel que les gens le lisent"))
	}
	if m.a.Contact == "" {
		m.refuse(say("nobody is named who answers for accessibility and data", "personne n'est indiqué pour répondre de l'accessibilité et des données"), none,
			say("add --contact \"…\", an address or a telephone number", "ajoutez --contact \"…\", une adresse ou un téléphone"))
	}
	if m.p.Portal == "" {
		m.p.Portal = DefaultPortal
		m.find("no --portal: %s serves without a certificate, in this network only", "sans --portal : %s sert sans certificat, dans ce réseau seulement", DefaultPortal)
	}
}

// write fills the reference in and reads it as the daemon will.
func (m *maker) write() {
	l := m.a.Lang
	m.p.Source = config.Fill(config.Reference(l), map[string]string{
		"site.name": quote(m.a.Name), "site.contact": quote(m.a.Contact),
		"wan.interface": quote(m.p.WAN), "guests.interface": quote(m.p.Guests), "guests.address": quote(m.p.Address.String()),
		"portal.name": quote(m.p.Portal),
	})
	_, problems := config.Parse(config.Path, []byte(m.p.Source))
	for _, p := range problems {
		p.File, p.Line, p.Column = "", 0, 0 // of a file that is not written
		p.Do = say("correct the option that it is about: --name, --contact, --portal, --address", "corrigez l'option dont il s'agit : --name, --contact, --portal, --address")
		m.problems = append(m.problems, p)
	}
	if config.HasErrors(problems) {
		m.p.Source = ""
	}
}

// quote writes a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "\ufffd") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			b.WriteString(`\u` + strconv.FormatInt(0x10000+int64(r), 16)[1:])
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
