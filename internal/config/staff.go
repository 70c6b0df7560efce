package config

import (
	"net/url"
	"regexp"
)

// Staff is the console's name and how people enter it. Without a name there is no console.
type Staff struct {
	Name             string // DNS name, lower case; "": no console
	Certificate, Key string // absolute paths; the portal's where they are not given
	Interface        string // of the staff's own network; "" where it has none
	Issuer           string // of the town's OpenID Connect provider; "": none
	Client           string
	ClientSecretFile string // absolute path; "": a public client
	RoleClaim        string // dots lead into objects
	PKCE             bool
}

// claim is a name, or a path of names.
var claim = regexp.MustCompile(`^[A-Za-z0-9_:/-]+(\.[A-Za-z0-9_:/-]+)*$`)

func (t *table) staff(cfg *Config) (s Staff) {
	s.Name = t.dnsName("name", false)
	s.Certificate, s.Key = t.certificate()
	s.Interface = t.iface("interface", false)
	s.Issuer, _ = t.text("issuer", false)
	s.Client, _ = t.text("client", false)
	s.ClientSecretFile = t.absolute("client-secret-file")
	s.RoleClaim, _ = t.text("role-claim", false)
	s.PKCE = t.flag("pkce", true)
	if s.RoleClaim == "" {
		s.RoleClaim = "realm_access.roles"
	}
	if !claim.MatchString(s.RoleClaim) {
		t.bad("role-claim", Say("staff.role-claim: %q is not the name of a claim", "staff.role-claim : %q n'est pas le nom d'une revendication (claim)", s.RoleClaim),
			Say("a name, dots lead into objects: realm_access.roles", "un nom, les points mènent dans les objets : realm_access.roles"), Message{})
	}
	if _, named := t.vals["name"]; !named {
		if len(t.vals) > 0 && t.r.whole() {
			t.r.add(t.r.keyPlace("staff"), Error, Say("staff.name is missing", "staff.name manque"), Say("the console's DNS name", "le nom DNS de la console"), t.example("name"))
		}
		if !t.r.whole() {
			t.provider(s)
		}
		return s
	}
	switch {
	case s.Name == "":
	case s.Name == cfg.Portal.Name:
		t.bad("name", Say("staff.name is the portal's name", "staff.name est le nom du portail"), Say("a name of its own", "un nom à elle"), Message{})
	case s.Certificate == "" && t.vals["certificate"] == nil && cfg.Portal.Certificate == "" && t.r.has("hub.url"):
		// It comes from the hub; until then there is no console.
	case s.Certificate == "" && t.vals["certificate"] == nil && cfg.Portal.Certificate == "":
		t.bad("name", Say("the console has no certificate: browsers refuse it", "la console n'a pas de certificat : les navigateurs la refusent"),
			Say("staff.certificate and staff.key, or portal.certificate for both names, or a hub", "staff.certificate et staff.key, ou portal.certificate pour les deux noms, ou un centre"), t.example("certificate"))
	case s.Certificate == "":
		s.Certificate, s.Key = cfg.Portal.Certificate, cfg.Portal.Key
	}
	if s.Interface != "" && (s.Interface == cfg.Guests.Interface || s.Interface == cfg.WAN.Interface) {
		t.bad("interface", Say("staff.interface: %q is the guests' interface or the line's", "staff.interface : %q est l'interface des visiteurs ou de la ligne", s.Interface),
			Say("the interface of the staff's own network", "l'interface du réseau de l'équipe"), Say("take it out, where the staff has no network of its own", "retirez-la, si l'équipe n'a pas de réseau à elle"))
	}
	t.provider(s)
	return s
}

func (t *table) provider(s Staff) {
	both := Say("staff.issuer and staff.client, or neither of them", "staff.issuer et staff.client, ou aucun des deux")
	switch {
	case s.Issuer != "" && s.Client == "" && t.vals["client"] == nil && t.r.whole():
		t.bad("issuer", Say("staff.issuer is given without staff.client", "staff.issuer est donné sans staff.client"), both, t.example("client"))
	case s.Client != "" && s.Issuer == "" && t.vals["issuer"] == nil && t.r.whole():
		t.bad("client", Say("staff.client is given without staff.issuer", "staff.client est donné sans staff.issuer"), both, t.example("issuer"))
	case s.Issuer != "":
		if u, err := url.Parse(s.Issuer); err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			t.bad("issuer", Say("staff.issuer: %q is not the address of a provider", "staff.issuer : %q n'est pas l'adresse d'un fournisseur", s.Issuer),
				Say("an address that begins with https://", "une adresse qui commence par https://"), Message{})
		}
	}
}

// certificate reads a certificate and its key: both or neither.
func (t *table) certificate() (certificate, key string) {
	certificate, key = t.absolute("certificate"), t.absolute("key")
	_, isCert := t.vals["certificate"]
	_, isKey := t.vals["key"]
	both := Say("the certificate and its key, or neither of them", "le certificat et sa clé, ou aucun des deux")
	switch {
	case isCert && !isKey && !t.r.broken[join(t.path, "key")]:
		t.bad("certificate", Say("%s is given without %s", "%s est donné sans %s", t.label("certificate"), t.label("key")), both, t.example("key"))
	case isKey && !isCert && !t.r.broken[join(t.path, "certificate")]:
		t.bad("key", Say("%s is given without %s", "%s est donné sans %s", t.label("key"), t.label("certificate")), both, t.example("certificate"))
	}
	return certificate, key
}
