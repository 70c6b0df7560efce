package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"parvis/internal/config"
	"parvis/internal/hub/alerts"
	"parvis/internal/hub/certificates"
	"parvis/internal/hub/report"
	"parvis/internal/hub/store"
	"parvis/internal/lang"
	"parvis/internal/mail"
	"parvis/internal/openid"
)

// settings are the hub's configuration: docs/guide/centre.md describes each key.
type settings struct {
	URL         string `toml:"url"`
	Listen      string `toml:"listen"`
	Certificate string `toml:"certificate"`
	Key         string `toml:"key"`
	SignKey     string `toml:"sign-key"`
	Contact     string `toml:"contact"`
	Monitor     string `toml:"monitor"`
	Database    struct {
		Program string `toml:"program"`
		Owner   string `toml:"owner"`
	} `toml:"database"`

	// docs/guide/alertes.md and docs/guide/rapport-du-mois.md have these; their packages check them.
	Mail   mail.Server              `toml:"mail"`
	Alerts []alerts.Way             `toml:"alert"`
	Report map[string]report.Folder `toml:"report"`

	ACME   acme   `toml:"acme"`
	City   city   `toml:"city"`
	Keep   keep   `toml:"keep"`
	Backup backup `toml:"backup"`
}

// keep is for how long things are kept that nobody needs for ever.
type keep struct {
	Log       int `toml:"log"`       // months
	Incidents int `toml:"incidents"` // months after their end
	Messages  int `toml:"messages"`  // months after they have arrived
	Hours     int `toml:"hours"`     // years of single hours; 0 for ever
}

const month = 365 * 24 * time.Hour / 12

// terms are the same for the store.
func (k keep) terms() store.Terms {
	of := func(months int) time.Duration { return time.Duration(months) * month }
	return store.Terms{Log: of(k.Log), Incidents: of(k.Incidents), Messages: of(k.Messages), Hours: k.Hours}
}

// backup is where copies of the database go.
type backup struct {
	Directory string `toml:"directory"`
	Keep      int    `toml:"keep"` // copies
}

// city is the town's OpenID Connect provider, by which people enter.
type city struct {
	Issuer     string `toml:"issuer"` // "": local accounts alone
	Client     string `toml:"client"`
	SecretFile string `toml:"secret-file"` // "": a public client
	RoleClaim  string `toml:"role-claim"`
	PKCE       *bool  `toml:"pkce"`
}

// provider is nil where there is none.
func (s settings) provider() (*openid.Provider, error) {
	c := s.City
	if c.Issuer == "" {
		return nil, nil
	}
	p := &openid.Provider{Issuer: c.Issuer, ClientID: c.Client, RoleClaim: cmp.Or(c.RoleClaim, "realm_access.roles"), PKCE: c.PKCE == nil || *c.PKCE}
	if c.SecretFile == "" {
		return p, nil
	}
	secret, err := readSecret(c.SecretFile)
	if err != nil {
		return nil, fail(exitNotRight, lang.Text{
			EN: "city.secret-file: %v; expected a file that nobody else may read (mode 0600) with the secret of the provider",
			FR: "city.secret-file : %v ; un fichier que personne d'autre ne peut lire (droits 0600), avec le secret du fournisseur, est attendu",
		}, err)
	}
	p.Secret = secret
	return p, nil
}

// readSecret is a file's one line.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s: mode %04o: %w", path, info.Mode().Perm(), os.ErrPermission)
	}
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}

// acme is where sites' certificates come from, and the name server that shows whose their names are.
type acme struct {
	Directory string `toml:"directory"` // of the authority; "" no certificates
	Email     string `toml:"email"`
	Server    string `toml:"server"`   // host:port
	KeyFile   string `toml:"key-file"` // as tsig-keygen(8) writes it
	Zone      string `toml:"zone"`
	Settle    int    `toml:"settle"` // seconds
}

// authority is nil where there is none.
func (s settings) authority(log *slog.Logger) (*certificates.Authority, error) {
	a := s.ACME
	if a.Directory == "" {
		return nil, nil
	}
	d := &certificates.DNS{Server: a.Server, Zone: a.Zone, Settle: time.Duration(a.Settle) * time.Second}
	if err := d.ReadKey(a.KeyFile); err != nil {
		return nil, fail(exitNotRight, lang.Text{EN: "acme.key-file: %v", FR: "acme.key-file : %v"}, err)
	}
	return &certificates.Authority{Directory: a.Directory, Email: a.Email, Solver: d, Log: log}, nil
}

const (
	defaultListen  = "127.0.0.1:8440"
	defaultSignKey = "/var/lib/parvis-hub/sign.key"
	maxSource      = 1 << 20 // bytes of a configuration
)

// loadSettings reads a configuration, defaults filled in, or says all that is wrong with it.
func loadSettings(path string) (s settings, problems []config.Problem) {
	f, err := os.Open(path)
	if err != nil {
		do := config.Say("look at the file's rights, or name another one by --config", "regardez les droits du fichier, ou nommez-en un autre par --config")
		if errors.Is(err, os.ErrNotExist) {
			do = config.Say("write it as in docs/guide/centre.md", "écrivez-la comme dans docs/guide/centre.md")
		}
		var pe *os.PathError
		errors.As(err, &pe)
		return s, []config.Problem{{
			File: path, Severity: config.Error, Do: do,
			What: config.Say("the configuration cannot be read (%v)", "la configuration ne peut pas être lue (%v)", pe.Err),
		}}
	}
	defer f.Close()
	source, err := io.ReadAll(io.LimitReader(f, maxSource))
	if err != nil {
		return s, []config.Problem{{File: path, Severity: config.Error, What: config.Say("the configuration cannot be read (%v)", "la configuration ne peut pas être lue (%v)", err)}}
	}
	return parseSettings(path, string(source))
}

// parseSettings is loadSettings of a text.
func parseSettings(name, source string) (s settings, problems []config.Problem) {
	wrong := func(what, expected, do config.Message) {
		problems = append(problems, config.Problem{File: name, Severity: config.Error, What: what, Expected: expected, Do: do})
	}
	none := config.Message{}
	s.Keep, s.Backup = keep{Log: 12, Incidents: 24, Messages: 3}, backup{Keep: 14}
	meta, err := toml.Decode(source, &s)
	if err != nil {
		p := config.Problem{
			File: name, Severity: config.Error, What: config.Say("this cannot be read (%s)", "ceci ne peut pas être lu (%s)", err.Error()),
			Expected: config.Say("TOML: key = value", "du TOML : clé = valeur"),
		}
		if pe := (toml.ParseError{}); errors.As(err, &pe) { // its own words quote the line, which may hold a password
			p.Line, p.Column = pe.Position.Line, 1
			p.What = config.Say("this line cannot be read", "cette ligne ne peut pas être lue")
		}
		return s, []config.Problem{p}
	}
	for _, k := range meta.Undecoded() {
		wrong(config.Say("%s is no key of a hub", "%s n'est pas une clé d'un centre", k.String()), none,
			config.Say("correct it, or take the line out; docs/guide/centre.md has all keys", "corrigez-la, ou retirez la ligne ; docs/guide/centre.md a toutes les clés"))
	}
	if s.Listen == "" {
		s.Listen = defaultListen
	}
	if s.SignKey == "" {
		s.SignKey = defaultSignKey
	}
	if u, err := url.Parse(s.URL); err != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		wrong(config.Say("url is %q", "url vaut %q", s.URL), config.Say("the public address of the hub, such as https://centre.ville.fr, without a path", "l'adresse publique du centre, comme https://centre.ville.fr, sans chemin"),
			config.Say("write the address that sites are given", "écrivez l'adresse que l'on donne aux lieux"))
	}
	listen, err := netip.ParseAddrPort(s.Listen)
	if err != nil {
		wrong(config.Say("listen is %q", "listen vaut %q", s.Listen), config.Say("an address and a port, such as %s", "une adresse et un port, comme %s", defaultListen), none)
	}
	switch {
	case (s.Certificate == "") != (s.Key == ""):
		wrong(config.Say("only one of certificate and key is given", "une seule des clés certificate et key est donnée"), config.Say("both, or neither behind a reverse proxy", "les deux, ou aucune derrière un mandataire inverse"), none)
	case s.Certificate == "" && err == nil && !listen.Addr().IsLoopback():
		wrong(config.Say("listen is %s without a certificate", "listen vaut %s sans certificat", s.Listen), config.Say("127.0.0.1 or ::1", "127.0.0.1 ou ::1"),
			config.Say("give certificate and key, or let a reverse proxy on this machine serve https", "donnez certificate et key, ou laissez un mandataire inverse de cette machine servir en https"))
	}
	if _, err := netip.ParseAddrPort(s.Monitor); s.Monitor != "" && err != nil {
		wrong(config.Say("monitor is %q", "monitor vaut %q", s.Monitor), config.Say("an address and a port, such as 127.0.0.1:9440, or nothing", "une adresse et un port, comme 127.0.0.1:9440, ou rien"), none)
	}
	if s.Database.Program == "" {
		wrong(config.Say("database.program is missing", "database.program manque"), config.Say("a connection string for the role parvis_hub", "une chaîne de connexion pour le rôle parvis_hub"),
			config.Say(`write for example: program = "host=/run/postgresql user=parvis_hub dbname=parvis_hub"`, `écrivez par exemple : program = "host=/run/postgresql user=parvis_hub dbname=parvis_hub"`))
	}
	if a := s.ACME; a.Directory != "" {
		if u, err := url.Parse(a.Directory); err != nil || u.Scheme != "https" || u.Host == "" {
			wrong(config.Say("acme.directory is %q", "acme.directory vaut %q", a.Directory), config.Say("the authority's address, https", "l'adresse de l'autorité, en https"), none)
		}
		if _, _, err := net.SplitHostPort(a.Server); err != nil {
			wrong(config.Say("acme.server is %q", "acme.server vaut %q", a.Server), config.Say("host and port of the name server, such as ns.ville.fr:53", "le nom et le port du serveur de noms, comme ns.ville.fr:53"), none)
		}
		if a.KeyFile == "" || a.Settle < 0 || a.Settle > 600 {
			wrong(config.Say("acme has no key-file, or settle is not right", "acme n'a pas de key-file, ou settle ne va pas"), config.Say("the output of tsig-keygen in a file, and 0 to 600 seconds", "la sortie de tsig-keygen dans un fichier, et 0 à 600 secondes"), none)
		}
	}
	if c := s.City; c.Issuer != "" || c.Client != "" {
		if u, err := url.Parse(c.Issuer); err != nil || u.Scheme != "https" || u.Host == "" || c.Client == "" {
			wrong(config.Say("city has no issuer over https, or no client", "city n'a pas d'issuer en https, ou pas de client"), config.Say("both: the provider's address and our client there", "les deux : l'adresse du fournisseur et notre client chez lui"), none)
		}
	}
	for _, k := range []struct {
		key            string
		is, from, upto int
		en, fr         string
	}{
		{"keep.log", s.Keep.Log, 6, 12, "months", "mois"},
		{"keep.incidents", s.Keep.Incidents, 1, 60, "months", "mois"},
		{"keep.messages", s.Keep.Messages, 1, 24, "months", "mois"},
		{"keep.hours", s.Keep.Hours, 0, 50, "years, 0 for ever", "années, 0 pour toujours"},
		{"backup.keep", s.Backup.Keep, 1, 1000, "copies", "copies"},
	} {
		if k.is < k.from || k.is > k.upto {
			wrong(config.Say("%s is %d", "%s vaut %d", k.key, k.is), config.Message{Text: lang.Text{
				EN: fmt.Sprintf("%d to %d %s", k.from, k.upto, k.en), FR: fmt.Sprintf("de %d à %d %s", k.from, k.upto, k.fr),
			}}, none)
		}
	}
	for key, path := range map[string]string{"backup.directory": s.Backup.Directory, "city.secret-file": s.City.SecretFile, "certificate": s.Certificate, "key": s.Key, "sign-key": s.SignKey, "acme.key-file": s.ACME.KeyFile} {
		if path != "" && !filepath.IsAbs(path) {
			wrong(config.Say("%s is %q", "%s vaut %q", key, path), config.Say("a path that begins with /", "un chemin qui commence par /"), none)
		}
	}
	return s, problems
}

// settings are the configuration without errors, or what to correct is said and the verb ends.
func (a *app) settings() (settings, error) {
	s, problems := loadSettings(a.cli.Config)
	if len(problems) == 0 {
		return s, nil
	}
	for _, p := range problems {
		fmt.Fprintln(a.err, strings.ReplaceAll(p.In(a.lang), "\n", " "))
	}
	return s, fail(exitNotRight, config.Say("%s cannot be used as it is; correct it and run: parvis-hub check", "%s ne peut pas servir tel quel ; corrigez-le puis lancez : parvis-hub check").Text, a.cli.Config)
}
