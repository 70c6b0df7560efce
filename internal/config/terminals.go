package config

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"parvis/kiosk/names"
)

// Browsers of Porteus Kiosk.
const (
	Firefox = "firefox"
	Chrome  = "chrome"
)

// Terminals is the network of the place's own terminals. Without an interface there are none.
type Terminals struct {
	Interface string
	Address   netip.Prefix // our address there, not masked, as Guests.Address
	Lease     time.Duration
	Profile   string          // of Profiles, with Terminal
	Offers    []time.Duration // that the desk gives by one tap; the first one is the main one
	Grace     time.Duration   // that a person may add once, in the last minutes; 0 nothing
	Prolong   time.Duration   // that is added by itself when nobody waits; 0 nothing

	Idle    time.Duration // after which Porteus restarts its browser
	Browser string
	Printer string // ipp or ipps address; "" none
	USB     bool   // keys can be read
	Restart bool   // terminals poll for the verb that restarts their browser
	// PorteusHosts are the names that terminals fetch their parts from when their configuration has changed.
	PorteusHosts []names.Rule
}

// There reports whether the place has a network of terminals.
func (t Terminals) There() bool { return t.Interface != "" }

// Gate is what is reached by name.
type Gate struct {
	Services  []string // ids of the catalogue, or "all": open on every terminal
	Garden    []string // open to guests before they have a session
	Catalogue string   // directory with the town's own services; "" none
}

// ownProfile is the profile of terminals where none is configured.
var ownProfile = Profile{
	Name: "poste", Label: "Poste", Duration: 30 * time.Minute, Runs: WhileUsed, Idle: 15 * time.Minute,
	Extensions: 1, Devices: 1, LineStops: true, Terminal: true,
}

const maxOffers = 6

func (t *table) terminals(cfg *Config) (s Terminals) {
	s.Interface = t.iface("interface", false)
	if s.Interface != "" && slices.Contains([]string{cfg.WAN.Interface, cfg.Guests.Interface, cfg.Staff.Interface}, s.Interface) {
		t.bad("interface", Say("terminals.interface: %q is the line's, the guests' or the staff's", "terminals.interface : %q est l'interface de la ligne, des visiteurs ou de l'équipe", s.Interface),
			Say("an interface of the terminals' own", "une interface à eux"), Say("name the port or bridge where the terminals are", "nommez le port ou le pont où sont les postes"))
	}
	_, named := t.vals["interface"]
	s.Address = t.addressIf("address", named)
	if s.Address.IsValid() && cfg.Guests.Address.IsValid() && s.Address.Overlaps(cfg.Guests.Address) {
		t.bad("address", Say("terminals.address meets the guests' network", "terminals.address recoupe le réseau des visiteurs"),
			Say("a network of the terminals' own", "un réseau à eux"), Message{})
	}
	if !named && len(t.vals) > 0 && t.r.whole() {
		t.r.add(t.r.keyPlace("terminals"), Error, Say("terminals.interface is missing", "terminals.interface manque"),
			Say("the port or bridge where the terminals are", "le port ou le pont où sont les postes"), t.example("interface"))
	}
	s.Lease, _ = t.duration("lease", false, 12*time.Hour, within{minLease, maxLease, false})
	s.Profile, _ = t.text("profile", false)
	s.Offers = t.offers("offers")
	s.Grace, _ = t.duration("grace", false, 5*time.Minute, within{minExtend, maxExtend, true})
	s.Prolong, _ = t.duration("prolong", false, 0, within{minExtend, maxExtend, true})
	s.Idle, _ = t.duration("idle", false, 10*time.Minute, within{minIdle, maxIdle, true})
	if s.Idle%time.Minute != 0 {
		t.bad("idle", Say("terminals.idle: Porteus counts whole minutes", "terminals.idle : Porteus compte en minutes entières"), Say("such as \"10m\"", "comme \"10m\""), Message{})
	}
	s.Browser = Firefox
	if b, ok := t.text("browser", false); ok {
		if s.Browser = b; b != Firefox && b != Chrome {
			t.bad("browser", Say("terminals.browser: %q is not one of Porteus' browsers", "terminals.browser : %q n'est pas un navigateur de Porteus", b),
				Say("\"firefox\" or \"chrome\"", "\"firefox\" ou \"chrome\""), Message{})
		}
	}
	s.Printer = t.printer("printer")
	s.USB = t.flag("usb", false)
	s.Restart = t.flag("restart", false)
	s.PorteusHosts = t.hosts("porteus-hosts", ".porteus-kiosk.org")
	return s
}

// addressIf is address where it is needed, and nothing is told where it is not and is missing.
func (t *table) addressIf(key string, need bool) netip.Prefix {
	if _, there := t.vals[key]; !need && !there {
		t.known = append(t.known, key)
		return netip.Prefix{}
	}
	return t.address(key)
}

func (t *table) offers(key string) (all []time.Duration) {
	expected := Say("durations from 1m to 24h, such as \"30m\"", "des durées de 1m à 24h, comme \"30m\"")
	texts, ok := t.list(key, expected)
	if !ok {
		return []time.Duration{30 * time.Minute, time.Hour}
	}
	for _, i := range slices.Sorted(maps.Keys(texts)) {
		d, err := time.ParseDuration(texts[i])
		switch {
		case err != nil || d < minExtend || d > maxExtend:
			t.bad(element(key, i), Say("terminals.offers: %q is not a time that can be given", "terminals.offers : %q n'est pas une durée qui peut être donnée", texts[i]),
				expected, Say("correct it or take it out", "corrigez-la ou retirez-la"))
		case slices.Contains(all, d):
			t.bad(element(key, i), Say("terminals.offers: %q is there twice", "terminals.offers : %q y est deux fois", texts[i]), Message{}, Say("keep one", "gardez-en une"))
		default:
			all = append(all, d)
		}
	}
	if n := len(texts); n < 1 || n > maxOffers {
		t.bad(key, Say("terminals.offers: %d durations", "terminals.offers : %d durées", n), Say("1 to %d", "1 à %d", maxOffers), Message{})
	}
	return all
}

func (t *table) printer(key string) string {
	s, ok := t.text(key, false)
	if !ok {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "ipp" && u.Scheme != "ipps" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		t.bad(key, Say("terminals.printer: %q is not the address of a printer", "terminals.printer : %q n'est pas l'adresse d'une imprimante", s),
			Say("an address that begins with ipp:// or ipps:// and holds no password", "une adresse qui commence par ipp:// ou ipps://, sans mot de passe"), Message{})
		return ""
	}
	return s
}

// hosts reads names of hosts as package names has them.
func (t *table) hosts(key, def string) (all []names.Rule) {
	expected := Say("names such as \"www.ville.example\", or \".ville.example\" with all names below it", "des noms comme \"www.ville.example\", ou \".ville.example\" avec tous les noms en dessous")
	texts, ok := t.list(key, expected)
	if !ok {
		return []names.Rule{names.Rule(def)}
	}
	for _, i := range slices.Sorted(maps.Keys(texts)) {
		r, err := names.Parse(texts[i])
		if err != nil {
			t.bad(element(key, i), Say("%s: %q is not a name that can be allowed", "%s : %q n'est pas un nom qui peut être ouvert", t.label(key), texts[i]),
				expected, Say("correct it or take it out", "corrigez-le ou retirez-le"))
			continue
		}
		all = append(all, r)
	}
	return all
}

func (t *table) gate() (g Gate) {
	g.Services = t.ids("services", "all")
	g.Garden = t.ids("garden")
	g.Catalogue = t.absolute("catalogue")
	return g
}

// ids reads a list of ids of the catalogue. Whether they are in it is for who has the catalogue to say.
func (t *table) ids(key string, def ...string) (all []string) {
	expected := Say("ids of services or bundles, as \"parvis catalogue list\" shows them", "des identifiants de services ou de groupes, tels que « parvis catalogue list » les montre")
	texts, ok := t.list(key, expected)
	if !ok {
		return def
	}
	for _, i := range slices.Sorted(maps.Keys(texts)) {
		switch id := texts[i]; {
		case !identifier.MatchString(id):
			t.bad(element(key, i), Say("%s: %q is not the id of a service", "%s : %q n'est pas l'identifiant d'un service", t.label(key), id), expected, Say("correct it or take it out", "corrigez-le ou retirez-le"))
		case slices.Contains(all, id):
			t.bad(element(key, i), Say("%s: %q is there twice", "%s : %q y est deux fois", t.label(key), id), Message{}, Say("keep one", "gardez-en un"))
		default:
			all = append(all, id)
		}
	}
	return all
}

// forTerminals checks a profile of terminals, where some keys have no meaning.
func (t *table) forTerminals(p *Profile) {
	if !p.Terminal {
		return
	}
	for _, key := range []string{"keep", "extend", "extensions", "daily", "daily-volume", "slow", "devices", "names"} {
		if _, there := t.vals[key]; there {
			t.bad(key, Say("%s has no meaning for a terminal", "%s n'a pas de sens pour un poste", t.label(key)), Message{},
				Say("take it out: on a terminal each session is another person's", "retirez-la : sur un poste, chaque session est celle d'une autre personne"))
		}
	}
	p.Keep = 0
}

// seats finds the terminals' profile, or gives them their own.
func (t *table) seats(cfg *Config) {
	if !cfg.Terminals.There() {
		return
	}
	s := &cfg.Terminals
	i := slices.IndexFunc(cfg.Profiles, func(p Profile) bool { return p.Terminal && (s.Profile == "" || p.Name == s.Profile) })
	switch {
	case i >= 0:
		s.Profile = cfg.Profiles[i].Name
	case (s.Profile == "" || s.Profile == ownProfile.Name) && !slices.ContainsFunc(cfg.Profiles, func(p Profile) bool { return p.Name == ownProfile.Name }):
		s.Profile = ownProfile.Name
		cfg.Profiles = append(cfg.Profiles, ownProfile)
	default:
		t.bad("profile", Say("terminals.profile: there is no profile %q for terminals", "terminals.profile : il n'y a pas de profil %q pour les postes", s.Profile),
			Say("a [[profile]] with terminal = true", "un [[profile]] avec terminal = true"), Say("add it, or take profile out", "ajoutez-le, ou retirez profile"))
	}
}
