package catalogue

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"parvis/internal/lang"
	"parvis/internal/order"
	"parvis/kiosk/names"
)

var (
	idText    = lang.Text{EN: "id %q; expected small letters, digits and hyphens, at most 40", FR: "id %q ; attendu : petites lettres, chiffres et tirets, 40 au plus"}
	twiceText = lang.Text{EN: "this id is already in %s; expected each id once", FR: "cet id est déjà dans %s ; chaque id n'existe qu'une fois"}
	noneText  = lang.Text{EN: "there is no %q in %s", FR: "il n'y a pas de %q dans %s"}
	ruleText  = lang.Text{
		EN: "host %q: %v; expected a name such as \"www.caf.fr\", or \".caf.fr\" for all below it too",
		FR: "hôte %q : %v ; attendu : un nom comme \"www.caf.fr\", ou \".caf.fr\" pour tout ce qui est dessous",
	}
	spellingText = lang.Text{EN: "host %q; expected it written %q", FR: "hôte %q ; à écrire %q"}
	hostTwice    = lang.Text{EN: "host %q stands here twice", FR: "l'hôte %q est deux fois ici"}
	addressText  = lang.Text{EN: "address %q; expected https://, a name and a path, without port or user", FR: "adresse %q ; attendu : https://, un nom et un chemin, sans port ni utilisateur"}
	ownHostText  = lang.Text{EN: "its address leads to %s, which none of its hosts allows", FR: "son adresse mène à %s, qu'aucun de ses hôtes n'autorise"}
	titleText    = lang.Text{EN: "title %q; expected 1 to %d words on one line", FR: "titre %q ; attendu : de 1 à %d mots sur une ligne"}
	wordText     = lang.Text{EN: "title %q holds %q; expected an everyday word", FR: "le titre %q contient %q ; attendu : un mot de tous les jours"}
	drawingText  = lang.Text{EN: "drawing %q; expected the name of a pictogram", FR: "dessin %q ; attendu : le nom d'un pictogramme"}
	emptyText    = lang.Text{EN: "it has no host and no service", FR: "il n'y a ni hôte ni service"}
)

const titleWords = 12

var (
	idPattern      = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	drawingPattern = regexp.MustCompile(`^[a-z]{1,20}$`)
	// hard are words that the portal's pages never use.
	hard = regexp.MustCompile(`(?i)session|authentifi|veuillez|expir|portail|terminal|erreur|téléservice`)
)

// builder makes a catalogue of a list, and notes what is not right.
type builder struct {
	*list
	problems []Problem
	ids      map[string]string // of services and bundles: their file
	needs    map[string]bool
}

func (b *builder) wrong(it item, t lang.Text, args ...any) {
	b.problems = append(b.problems, Problem{File: it.file, ID: it.ID, text: t, args: args})
}

// build checks everything that was read. What is wrong is not in the catalogue.
func (l *list) build() (*Catalogue, []Problem) {
	b := &builder{list: l, ids: map[string]string{}, needs: map[string]bool{}}
	c := &Catalogue{}
	more := map[string][]item{}
	for _, it := range l.items {
		switch it.kind {
		case isNeed:
			if b.named(it, b.needs[it.ID]) {
				b.needs[it.ID] = true
				c.needs = append(c.needs, Need{ID: it.ID, Title: it.Title, Drawing: it.Drawing})
			}
		case isMore:
			it.ID = it.Of
			more[it.Of] = append(more[it.Of], it)
		case isService, isBundle:
			if _, twice := b.ids[it.ID]; b.named(it, twice || it.ID == All) {
				b.ids[it.ID] = it.file
			}
		}
	}
	placed := map[string]bool{}
	for _, it := range l.items {
		if b.ids[it.ID] != it.file || placed[it.ID] {
			continue
		}
		switch it.kind {
		case isService:
			placed[it.ID] = true
			b.refs(it, it.With, "with")
			if s := b.service(it, more[it.ID]); l.without[it.ID] == "" {
				c.services = append(c.services, s)
			}
		case isBundle:
			placed[it.ID] = true
			b.refs(it, it.Services, "services")
			bundle := Bundle{ID: it.ID, Title: it.Title, Hosts: b.hosts(append([]item{it}, more[it.ID]...)), Services: it.Services, Apart: it.Apart, Own: it.own}
			if len(bundle.Hosts)+len(bundle.Services) == 0 {
				b.wrong(it, emptyText)
			}
			if l.without[it.ID] == "" {
				c.bundles = append(c.bundles, bundle)
			}
		}
	}
	for _, it := range l.items {
		if it.kind == isMore && b.ids[it.Of] == "" {
			it.ID = it.Of
			b.wrong(it, noneText, it.Of, "of")
		}
	}
	for id, file := range l.without {
		if b.ids[id] == "" {
			b.wrong(item{file: file}, noneText, id, "without")
		}
	}
	order.Stable(c.services, func(x, y Service) int { return c.place(x.Need) - c.place(y.Need) })
	return c, b.problems
}

func (c *Catalogue) place(need string) int {
	return slices.IndexFunc(c.needs, func(n Need) bool { return n.ID == need })
}

// named checks what every kind has, and reports whether the entry can be spoken of by its id.
func (b *builder) named(it item, twice bool) bool {
	if !idPattern.MatchString(it.ID) {
		b.wrong(it, idText, it.ID)
		return false
	}
	if twice {
		b.wrong(it, twiceText, b.ids[it.ID])
		return false
	}
	if n := len(strings.Fields(it.Title)); n == 0 || n > titleWords || strings.ContainsAny(it.Title, "\r\n\t") {
		b.wrong(it, titleText, it.Title, titleWords)
	}
	if word := hard.FindString(it.Title); word != "" {
		b.wrong(it, wordText, it.Title, word)
	}
	if it.kind != isBundle && !drawingPattern.MatchString(it.Drawing) {
		b.wrong(it, drawingText, it.Drawing)
	}
	return true
}

// refs checks that services and bundles that an entry names exist.
func (b *builder) refs(it item, ids []string, key string) {
	for _, id := range ids {
		if b.ids[id] == "" || id == it.ID {
			b.wrong(it, noneText, id, key)
		}
	}
}

func (b *builder) service(it item, more []item) Service {
	if !b.needs[it.Need] {
		b.wrong(it, noneText, it.Need, "need")
	}
	for _, n := range it.Needs {
		if !slices.Contains(Things, n) {
			b.wrong(it, noneText, n, "needs ("+strings.Join(Things, ", ")+")")
		}
	}
	s := Service{
		ID: it.ID, Need: it.Need, Title: it.Title, Address: it.Address, Hosts: b.hosts(append([]item{it}, more...)),
		Needs: it.Needs, With: it.With, Drawing: it.Drawing, Own: it.own,
	}
	host, ok := addressHost(it.Address)
	switch {
	case !ok:
		b.wrong(it, addressText, it.Address)
	case !slices.ContainsFunc(s.Hosts, func(h Host) bool { return h.Rule.Allows(host) }):
		b.wrong(it, ownHostText, host)
	}
	return s
}

// addressHost is the host that a tile leads to.
func addressHost(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" || u.Fragment != "" || !strings.HasPrefix(u.Path, "/") {
		return "", false
	}
	host, err := names.Host(u.Host)
	return host, err == nil && host == u.Host
}

// hosts reads the names of an entry and of what was added to it.
func (b *builder) hosts(of []item) (all []Host) {
	for _, it := range of {
		for _, part := range []struct {
			sure    bool
			written []string
		}{{true, it.Hosts}, {false, it.Believed}} {
			if len(part.written) > mostHosts {
				b.wrong(it, tooLongText, mostHosts)
			}
			for _, text := range part.written[:min(len(part.written), mostHosts)] {
				rule, err := names.Parse(text)
				switch {
				case err != nil:
					b.wrong(it, ruleText, text, why(err))
				case string(rule) != text:
					b.wrong(it, spellingText, text, string(rule))
				case slices.ContainsFunc(all, func(h Host) bool { return h.Rule == rule }):
					b.wrong(it, hostTwice, text)
				default:
					all = append(all, Host{rule, part.sure})
				}
			}
		}
	}
	return all
}

// why is what names has against a rule, without what it repeats.
func why(err error) lang.Text {
	switch {
	case errors.Is(err, names.ErrAddress):
		return lang.Text{EN: "it is an address", FR: "c'est une adresse"}
	case errors.Is(err, names.ErrWide):
		return lang.Text{EN: "everybody can have a name below it", FR: "tout le monde peut avoir un nom dessous"}
	}
	return lang.Text{EN: "it is not the full name of a host", FR: "ce n'est pas le nom complet d'un hôte"}
}
