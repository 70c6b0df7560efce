package config

import (
	"maps"
	"strings"

	"filippo.io/age"
)

// Copy is where the nightly encrypted copy of the site goes (docs/adr/0027-copies.md). Without its key there is none.
type Copy struct {
	Key       string // public part of the town's recovery key: age1…; "": no copies
	Directory string // absolute path, on a disk of its own; "": none
	Hub       bool   // the hub keeps the last three
}

// Made reports whether copies are made.
func (c Copy) Made() bool { return c.Key != "" }

func (t *table) copies(cfg *Config) (c Copy) {
	expected := Say("the line that begins with age1, as \"parvis copy key\" says it", "la ligne qui commence par age1, telle que « parvis copy key » la donne")
	if s, ok := t.text("key", false); ok {
		if _, err := age.ParseX25519Recipient(s); err != nil { // it may be the private one, so that it is not repeated
			t.bad("key", Say("copy.key is not the public part of a recovery key", "copy.key n'est pas la partie publique d'une clé de secours"), expected, Message{})
		} else {
			c.Key = s
		}
	}
	c.Directory = t.absolute("directory")
	c.Hub = t.flag("hub", cfg.Hub.URL != "" && t.vals["key"] != nil)
	_, key := t.vals["key"]
	switch {
	case !t.r.whole():
	case c.Hub && cfg.Hub.URL == "":
		t.bad("hub", Say("copy.hub is given without hub.url", "copy.hub est donné sans hub.url"), Message{}, Say("add hub.url, or take the line out", "ajoutez hub.url, ou retirez la ligne"))
	case key && c.Directory == "" && !c.Hub && t.vals["directory"] == nil:
		t.bad("key", Say("copies have nowhere to go", "les copies n'ont nulle part où aller"), Say("copy.directory, or hub.url", "copy.directory, ou hub.url"), t.example("directory"))
	case !key && c.Directory != "":
		t.bad("directory", Say("copy.directory is given without copy.key", "copy.directory est donné sans copy.key"), Message{}, t.example("key"))
	case !key && c.Hub:
		t.bad("hub", Say("copy.hub is given without copy.key", "copy.hub est donné sans copy.key"), Message{}, t.example("key"))
	}
	return c
}

// ExampleCopyKey is the key that the reference shows, whose private part nobody has.
func ExampleCopyKey() string { return strings.Trim(references()["copy.key"], `"`) }

// Files are the files and directories that the configuration names, by the key that names them; those that it leaves out are not in it.
func (c *Config) Files() map[string]string {
	all := map[string]string{
		"site.holidays": c.Site.Holidays, "guests.passphrase-file": c.Guests.PassphraseFile,
		"portal.certificate": c.Portal.Certificate, "portal.key": c.Portal.Key,
		"staff.certificate": c.Staff.Certificate, "staff.key": c.Staff.Key, "staff.client-secret-file": c.Staff.ClientSecretFile,
		"gate.catalogue": c.Gate.Catalogue, "monitor.smtp-password-file": c.Monitor.SMTPPasswordFile, "hub.ca": c.Hub.CA,
	}
	maps.DeleteFunc(all, func(_, path string) bool { return path == "" })
	return all
}
