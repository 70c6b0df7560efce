package config_test

import (
	"strings"
	"testing"

	"parvis/internal/config"
	"parvis/internal/config/layers"
	"parvis/internal/lang"
)

// A piece may leave out what another one says; what it does say is judged, with its line.
func TestAPieceIsJudgedByWhatItSays(t *testing.T) {
	for name, c := range map[string]struct {
		source, want string // want: of the first problem; "" none
		line         int
	}{
		"nothing":                        {"", "", 0},
		"one key":                        {"[site]\ndesk = \"le comptoir\"\n", "", 0},
		"inline":                         {"site = { desk = \"le comptoir\" }\n", "", 0},
		"dotted":                         {"site.desk = \"le comptoir\"\n", "", 0},
		"a profile that another has":     {"[portal]\nprofile = \"etude\"\n[[profile]]\nname = \"visite\"\nduration = \"1h\"\n", "", 0},
		"terminals without their port":   {"[terminals]\nprofile = \"poste\"\n", "", 0},
		"a provider without our client":  {"[staff]\nissuer = \"https://compte.ville.example\"\n", "", 0},
		"a provider without TLS":         {"[staff]\nissuer = \"http://compte.ville.example\"\n", "staff.issuer", 2},
		"a type":                         {"\n[site]\ndesk = 3\n", "site.desk : trouvé un nombre ; attendu : un texte", 3},
		"a value":                        {"[[profile]]\nname = \"visite\"\nduration = \"1000h\"\n", "profile.duration", 3},
		"a key that there is not":        {"[site]\ndesc = \"x\"\n", "desc", 2},
		"a section that there is not":    {"[lieu]\na = 1\n", "[lieu]", 1},
		"not TOML":                       {"[site]\ndesk = le comptoir\n", "entre guillemets", 2},
		"what is about one machine":      {"[wan]\ninterface = \"eth0\"\n", "wan.interface ne vaut que pour une machine", 2},
		"a file on the site's own disk":  {"[site]\nholidays = \"/etc/passwd\"\n", "site.holidays ne vaut que pour une machine", 2},
		"a section of one machine alone": {"[hub]\nurl = \"https://centre.example\"\n", "hub.url ne vaut que pour une machine", 2},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := config.Piece(c.source, layers.Central)
			switch {
			case c.want == "" && len(wrong) > 0:
				t.Errorf("line %d: %s", wrong[0].Line, wrong[0].In(lang.FR))
			case c.want == "":
			case len(wrong) == 0:
				t.Errorf("nothing is told, want %q", c.want)
			case wrong[0].Line != c.line || !strings.Contains(wrong[0].In(lang.FR), c.want):
				t.Errorf("line %d: %s; want %d: %q", wrong[0].Line, wrong[0].In(lang.FR), c.line, c.want)
			}
		})
	}
}
