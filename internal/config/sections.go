package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// sections that this version reads, in the order of the reference.
var sections = []string{"site", "wan", "guests", "portal", "staff", "profile", "terminals", "gate", "monitor", "hub", "hw"}

// reserved are sections of other versions (docs/adr/0001-names.md).
var reserved = []string{"register"}

// config reads every section of tree into cfg.
func (r *reader) config(cfg *Config, tree map[string]any) {
	var tables []*table
	one := func(name string, read func(*table)) {
		t := &table{r: r, path: name, vals: r.section(tree, name)}
		if _, wrong := tree[name]; t.vals == nil && wrong {
			return // told by section
		}
		read(t)
		tables = append(tables, t)
	}
	one("site", func(t *table) { cfg.Site = t.site() })
	one("wan", func(t *table) { cfg.WAN = t.wan() })
	one("guests", func(t *table) { cfg.Guests = t.guests(cfg.WAN.Interface) })
	var portal *table
	one("portal", func(t *table) { portal = t; cfg.Portal = t.portal() })
	one("staff", func(t *table) { cfg.Staff = t.staff(cfg) })
	profiles := r.profiles(cfg, tree)
	if portal != nil && len(profiles) > 0 && r.whole() {
		portal.opens(cfg)
	}
	tables = append(tables, profiles...)
	one("terminals", func(t *table) { cfg.Terminals = t.terminals(cfg); t.seats(cfg) })
	one("gate", func(t *table) { cfg.Gate = t.gate() })
	one("monitor", func(t *table) { cfg.Monitor = t.monitor(cfg) })
	one("hub", func(t *table) { cfg.Hub = t.hub() })
	one("hw", func(t *table) { cfg.HW = t.hw() })
	all := map[string][]string{}
	for _, t := range tables {
		all[t.name()] = t.known
	}
	for _, t := range tables {
		t.unknown(all)
		t.forbidden()
	}
	r.strangers(tree, all)
}

// section returns the values of [name]; nil when it is missing or is no section, which is then told.
func (r *reader) section(tree map[string]any, name string) map[string]any {
	switch v := tree[name].(type) {
	case map[string]any:
		return v
	case nil:
		return nil
	case []map[string]any:
		r.add(r.keyPlace(name), Error, Say("the section [%s] is written as a list", "la section [%s] est écrite comme une liste", name),
			Say("single brackets", "des crochets simples"), Say("write [%s]", "écrivez [%s]", name))
	default:
		r.add(r.keyPlace(name), Error, Say("%s: %s was found", "%s : trouvé %s", name, kind(v)),
			Say("a section", "une section"), Say("write [%s] alone on its line and its keys below", "écrivez [%s] seul sur sa ligne et ses clés en dessous", name))
	}
	return nil
}

// strangers tells the sections that this version does not know.
func (r *reader) strangers(tree map[string]any, all map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		switch {
		case slices.Contains(sections, name) || r.broken[partOf(name)]:
		case slices.Contains(reserved, name):
			r.later(name, tree[name])
		default:
			what := Say("there is no section [%s]", "il n'y a pas de section [%s]", partOf(name))
			do := Say("take it out; the sections are %s", "retirez-la ; les sections sont %s", strings.Join(sections, ", "))
			_, isTable := tree[name].(map[string]any)
			_, isTables := tree[name].([]map[string]any)
			if near := closest(name, sections); near != "" {
				do = Say("write [%s], if that is what you meant", "écrivez [%s], si c'est ce que vous vouliez dire", near)
			}
			if !isTable && !isTables {
				what = Say("%q stands outside of every section", "%q est en dehors de toute section", name)
				do = Say("put it under its section, or take it out", "mettez-la sous sa section, ou retirez-la")
				if s := sectionOf(name, all); s != "" {
					do = Say("put it under %s", "mettez-la sous %s", s)
				}
			}
			r.add(r.keyPlace(partOf(name)), Error, what, Message{}, do)
		}
	}
}

// later tells each key of a section that only other versions know.
func (r *reader) later(name string, v any) {
	keys := []string{name}
	if m, isTable := v.(map[string]any); isTable && len(m) > 0 {
		keys = nil
		for _, k := range slices.Sorted(maps.Keys(m)) {
			keys = append(keys, join(name, partOf(k)))
		}
	}
	for _, k := range keys {
		r.add(r.keyPlace(k), Error,
			Say("this version of Parvis does not know [%s] (%s)", "cette version de Parvis ne connaît pas [%s] (%s)", name, k), Message{},
			Say("take the section out, or install the version that has it", "retirez la section, ou installez la version qui l'a"))
	}
}

func (t *table) site() (s Site) {
	s.Name, _ = t.text("name", true)
	s.Desk, _ = t.text("desk", false)
	s.Contact, _ = t.text("contact", true)
	s.Publisher, _ = t.text("publisher", false)
	if s.Desk == "" {
		s.Desk = "l'accueil"
	}
	if s.Publisher == "" {
		s.Publisher = s.Name
	}
	s.Rules = t.rules()
	t.hours(&s)
	s.Languages = slices.Clone(languages)
	expected := Say("languages among \"fr\", \"en\" and \"ar\"", "des langues parmi \"fr\", \"en\" et \"ar\"")
	texts, ok := t.list("languages", expected)
	if !ok {
		return s
	}
	s.Languages = nil
	for _, i := range slices.Sorted(maps.Keys(texts)) {
		l := texts[i]
		switch {
		case !slices.Contains(languages, l):
			t.bad(element("languages", i), Say("site.languages: %q is not a language of Parvis", "site.languages : %q n'est pas une langue de Parvis", l),
				expected, Say("take it out", "retirez-la"))
		case slices.Contains(s.Languages, l):
			t.bad(element("languages", i), Say("site.languages: %q is there twice", "site.languages : %q y est deux fois", l),
				Message{}, Say("keep one", "gardez-en une"))
		default:
			s.Languages = append(s.Languages, l)
		}
	}
	if len(texts) == 0 {
		t.bad("languages", Say("site.languages is empty", "site.languages est vide"), expected, Message{})
	}
	return s
}

// The place's own rules go on one page of at most 14 kB, and nobody reads more.
const (
	mostRules  = 12
	ruleLength = 200 // characters
)

func (t *table) rules() (rules []string) {
	expected := Say("at most %d short sentences in quotes", "au plus %d courtes phrases entre guillemets", mostRules)
	texts, _ := t.list("rules", expected)
	for _, i := range slices.Sorted(maps.Keys(texts)) {
		switch n := utf8.RuneCountInString(texts[i]); {
		case i >= mostRules:
			t.bad("rules", Say("site.rules has more than %d sentences", "site.rules a plus de %d phrases", mostRules), expected, Message{})
			return rules
		case n == 0 || n > ruleLength:
			t.bad(element("rules", i), Say("site.rules: a sentence of %d characters", "site.rules : une phrase de %d caractères", n),
				Say("1 to %d characters", "1 à %d caractères", ruleLength), Say("cut it in two, or take it out", "coupez-la en deux, ou retirez-la"))
		default:
			rules = append(rules, texts[i])
		}
	}
	return rules
}

func (t *table) wan() (w WAN) {
	w.Interface = t.iface("interface", true)
	w.Down, _ = t.rate("down", 1_000_000_000)
	w.Up, _ = t.rate("up", 1_000_000_000)
	w.Favour = t.favour("favour")
	w.Probe = t.page("probe")
	w.Echo = t.echo("echo")
	return w
}

func (t *table) portal() (p Portal) {
	p.Name = t.dnsName("name", true)
	p.Certificate, p.Key = t.certificate()
	p.Profile, _ = t.text("profile", false)
	p.Open = ByClick
	if s, ok := t.text("open", false); ok {
		if p.Open = Opens(s); p.Open != ByClick && p.Open != ByDesk {
			t.bad("open", Say("portal.open: %q is not a way to open", "portal.open : %q n'est pas une façon d'ouvrir", s),
				Say("\"click\" (a button on the first page) or \"desk\" (the desk, a ticket or a code)",
					"\"click\" (un bouton sur la première page) ou \"desk\" (l'accueil, un ticket ou un code)"), t.example("open"))
		}
	}
	return p
}

// opens checks that the profile which a click opens is there, and takes the first one where none is named.
func (t *table) opens(cfg *Config) {
	var names []string
	for _, p := range cfg.Profiles {
		if !slices.Contains(names, p.Name) && !p.Terminal {
			names = append(names, p.Name)
		}
	}
	switch {
	case len(names) == 0:
		t.bad("profile", Say("every profile is for terminals", "tous les profils sont pour les postes"), Say("at least one [[profile]] for guests", "au moins un [[profile]] pour les visiteurs"),
			Say("add one without terminal", "ajoutez-en un sans terminal"))
		return
	case slices.Contains(names, ""):
		return // told already; the one that is meant may be the one without a name
	}
	if cfg.Portal.Profile == "" {
		cfg.Portal.Profile = names[0]
		return
	}
	if !slices.Contains(names, cfg.Portal.Profile) {
		t.bad("profile", Say("portal.profile: there is no profile %q", "portal.profile : il n'y a pas de profil %q", cfg.Portal.Profile),
			Say("one of %s", "l'un de %s", strings.Join(names, ", ")),
			Say("write one of these names, or add the profile", "écrivez l'un de ces noms, ou ajoutez le profil"))
	}
}

// profiles reads every [[profile]] and returns their tables.
func (r *reader) profiles(cfg *Config, tree map[string]any) (tables []*table) {
	var list []map[string]any
	switch v := tree["profile"].(type) {
	case []map[string]any:
		list = v
	case nil:
		if !r.broken["profile"] && r.whole() {
			r.add(place{1, 1}, Error, Say("there is no profile", "il n'y a aucun profil"), Say("at least one [[profile]]", "au moins un [[profile]]"),
				Say("copy one from the example that \"parvis init\" writes", "copiez-en un de l'exemple qu'écrit « parvis init »"))
		}
		return nil
	default:
		r.add(r.keyPlace("profile"), Error, Say("a profile is not written so", "un profil ne s'écrit pas ainsi"),
			Say("[[profile]] with two brackets on each side", "[[profile]] avec deux crochets de chaque côté"),
			Say("write [[profile]] above each profile", "écrivez [[profile]] au-dessus de chaque profil"))
		return nil
	}
	first := map[string]int{}
	for i, vals := range list {
		t := &table{r: r, path: "profile." + strconv.Itoa(i), vals: vals}
		p := t.profile(cfg.WAN)
		if at, twice := first[p.Name]; twice && p.Name != "" {
			t.bad("name", Say("profile.name: %q is the name of an earlier profile (line %d)", "profile.name : %q est le nom d'un profil précédent (ligne %d)", p.Name, at),
				Say("a name of its own", "un nom à lui"), Say("give another name", "donnez un autre nom"))
		}
		if _, twice := first[p.Name]; !twice {
			first[p.Name] = r.valuePlace(join(t.path, "name")).line
		}
		tables = append(tables, t)
		cfg.Profiles = append(cfg.Profiles, p)
	}
	return tables
}

func (t *table) profile(wan WAN) (p Profile) {
	p.Name = t.identifier("name")
	p.Label, _ = t.text("label", true)
	p.Duration, _ = t.duration("duration", true, 0, within{minDuration, maxDuration, false})
	p.Runs = WhileUsed
	if s, ok := t.text("runs", false); ok {
		p.Runs = Runs(s)
		if p.Runs != FromOpening && p.Runs != WhileUsed {
			t.bad("runs", Say("profile.runs: %q is not a way to count time", "profile.runs : %q n'est pas une façon de compter le temps", s),
				Say("\"from-opening\" (the time runs from the start) or \"while-used\" (it stands still while away)",
					"\"from-opening\" (le temps court dès l'ouverture) ou \"while-used\" (il s'arrête pendant l'absence)"), Message{})
		}
	}
	var given bool
	p.Idle, given = t.duration("idle", false, 15*time.Minute, within{minIdle, maxIdle, true})
	if given && p.Duration > 0 && p.Idle >= p.Duration {
		t.warn("idle", Say("profile.idle (%s) is not shorter than profile.duration (%s): it will never end a session",
			"profile.idle (%s) n'est pas plus court que profile.duration (%s) : il ne fermera jamais une session", spell(p.Idle), spell(p.Duration)), Message{},
			Say("shorten idle, or write \"0s\" to do without", "raccourcissez idle, ou écrivez \"0s\" pour s'en passer"))
	}
	p.Volume = t.size("volume")
	if p.Slow, given = t.slow("slow"); given && p.Volume == 0 {
		t.warn("slow", Say("profile.slow has no profile.volume after which it would hold", "profile.slow n'a pas de profile.volume après lequel il vaudrait"), Message{},
			Say("add volume, or take slow out", "ajoutez volume, ou retirez slow"))
	}
	p.Down = t.share("down", 10_000_000, wan.Down, "wan.down")
	p.Up = t.share("up", 5_000_000, wan.Up, "wan.up")
	p.Keep, _ = t.duration("keep", false, 12*time.Hour, within{minKeep, maxKeep, true})
	p.Daily, _ = t.duration("daily", false, 0, within{minDaily, maxDaily, true})
	p.DailyVolume = t.size("daily-volume")
	p.Extend, _ = t.duration("extend", false, 0, within{minExtend, maxExtend, true})
	p.Extensions = t.count("extensions", 1, maxExtensions)
	p.Devices = t.count("devices", 1, maxDevices)
	p.LineStops = t.flag("line-stops", true)
	p.Terminal = t.flag("terminal", false)
	p.Names = t.ids("names")
	t.forTerminals(&p)
	return p
}

// share reads a profile's rate, which the line must be able to carry.
func (t *table) share(key string, def, line uint64, lineKey string) uint64 {
	bits, given := t.rate(key, def)
	if given && line > 0 && bits > line {
		t.warn(key, Say("profile.%s is faster than the whole line (%s)", "profile.%s est plus rapide que toute la ligne (%s)", key, lineKey), Message{},
			Say("nobody will get it: lower it, or correct %s", "personne ne l'aura : baissez-le, ou corrigez %s", lineKey))
	}
	return bits
}
