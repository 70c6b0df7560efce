package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"parvis/internal/lang"
)

const least = `url = "https://centre.ville.fr"
[database]
program = "host=/run/postgresql user=parvis_hub dbname=parvis_hub"
`

func TestTheLeastConfigurationHasDefaults(t *testing.T) {
	s, problems := parseSettings("parvis-hub.toml", least)
	if len(problems) != 0 || s.Listen != "127.0.0.1:8440" || s.SignKey != "/var/lib/parvis-hub/sign.key" || s.Monitor != "" {
		t.Errorf("%+v, %v", s, problems)
	}
}

// Each problem names the key, what was expected and, in French too, what to do; a password is never repeated.
func TestWhatIsWrongInAConfiguration(t *testing.T) {
	for name, tc := range map[string]struct{ source, en, fr string }{
		"a key that there is not": {least + "user = 1", "database.user is no key of a hub", "database.user n'est pas une clé"},
		"no database":             {`url = "https://centre.ville.fr"`, "database.program is missing", "database.program manque"},
		"http":                    {strings.Replace(least, "https", "http", 1), `url is "http://centre.ville.fr"`, "sans chemin"},
		"a path in the address":   {strings.Replace(least, "ville.fr", "ville.fr/hub", 1), "without a path", "sans chemin"},
		"a name to listen at":     {`listen = "localhost:8440"` + "\n" + least, "expected an address and a port", "une adresse et un port"},
		"open without https":      {`listen = "192.0.2.1:8440"` + "\n" + least, "without a certificate", "sans certificat"},
		"half a certificate":      {`certificate = "/etc/ssl/centre.pem"` + "\n" + least, "only one of certificate and key", "une seule des clés"},
		"a path from here":        {`sign-key = "sign.key"` + "\n" + least, "a path that begins with /", "commence par /"},
		"monitor":                 {`monitor = "9440"` + "\n" + least, `monitor is "9440"`, `monitor vaut "9440"`},
		"an authority by http":    {least + "[acme]\ndirectory = \"http://ca.example\"\nserver = \"ns.ville.fr:53\"\nkey-file = \"/etc/tsig\"", "acme.directory is", "en https"},
		"no name server":          {least + "[acme]\ndirectory = \"https://ca.example\"\nkey-file = \"/etc/tsig\"", "acme.server is", "serveur de noms"},
		"no key of the zone":      {least + "[acme]\ndirectory = \"https://ca.example\"\nserver = \"ns.ville.fr:53\"", "acme has no key-file", "n'a pas de key-file"},
		"a log of a quarter":      {least + "[keep]\nlog = 3", "keep.log is 3; expected 6 to 12 months", "de 6 à 12 mois"},
		"no copy is kept":         {least + "[backup]\nkeep = 0", "backup.keep is 0", "backup.keep vaut 0"},
		"copies from here":        {least + "[backup]\ndirectory = \"copies\"", "backup.directory is", "commence par /"},
		"no TOML":                 {"url = \"https://centre.ville.fr\"\n[database]\nprogram = password=geheim", "parvis-hub.toml:3:1: this line cannot be read", "ne peut pas être lue"},
		"another type":            {"url = 3", "this cannot be read", "ceci ne peut pas être lu"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := parseSettings("parvis-hub.toml", tc.source)
			var en, fr strings.Builder
			for _, p := range problems {
				en.WriteString(p.In(lang.EN) + "\n")
				fr.WriteString(p.In(lang.FR) + "\n")
			}
			if !strings.Contains(en.String(), tc.en) || !strings.Contains(fr.String(), tc.fr) || !strings.Contains(en.String(), "parvis-hub.toml") {
				t.Errorf("it says:\n%s%s", en.String(), fr.String())
			}
			if strings.Contains(en.String()+fr.String(), "geheim") {
				t.Errorf("a password is repeated:\n%s", en.String())
			}
		})
	}
}

// The guide's configuration can be used as it is, and its table has every key.
func TestTheGuidesConfigurationIsOne(t *testing.T) {
	b, err := os.ReadFile("../../docs/guide/centre.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(b)
	_, sample, found := strings.Cut(guide, "```toml\n")
	if !found {
		t.Fatal("the guide has no configuration")
	}
	sample, _, _ = strings.Cut(sample, "```")
	if _, problems := parseSettings("centre.md", sample); len(problems) != 0 {
		t.Errorf("%v", problems)
	}
	var keys func(prefix string, of reflect.Type)
	keys = func(prefix string, of reflect.Type) {
		for f := range of.Fields() {
			name := prefix + f.Tag.Get("toml")
			if f.Type.Kind() == reflect.Struct && f.Type.PkgPath() != "parvis/internal/mail" {
				keys(name+".", f.Type)
			} else if !strings.Contains(guide, "["+name) && !strings.Contains(guide, "`"+name+"`") {
				t.Errorf("the guide does not tell of %s", name)
			}
		}
	}
	keys("", reflect.TypeFor[settings]())
	names := []string{"parvis_hub_database_up"}
	for _, m := range siteMetrics {
		names = append(names, m.name)
	}
	for _, m := range hubMetrics {
		names = append(names, m.name)
	}
	for _, name := range names {
		if !strings.Contains(guide, "`"+name+"`") {
			t.Errorf("the guide does not tell of %s", name)
		}
	}
}
