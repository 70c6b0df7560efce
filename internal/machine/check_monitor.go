package machine

import (
	"errors"
	"net/netip"
	"os"
	"slices"

	"parvis/internal/config"
)

// Errors of a password's file; a missing one is fs.ErrNotExist.
var errOpenFile = errors.New("others than its owner may read it")

// secretFile says what is wrong with a file that holds a password; its content is not looked at.
func (r Root) secretFile(path string) error {
	fi, err := os.Stat(r.Path(path))
	switch {
	case err != nil:
		return unwrapPath(err)
	case fi.Mode().Perm()&0o077 != 0:
		return errOpenFile
	}
	return nil
}

// monitor says what is not right with how the place is watched. All of it is a Warning but one: figures on a network of guests or
// terminals, whose other addresses than the configured one no configuration names.
func (c *checker) monitor() {
	m := c.cfg.Monitor
	if m.Listen.IsValid() {
		c.watchedAt(m.Listen.Addr())
	}
	switch err := c.f.SMTPPassword; {
	case err == nil:
	case errors.Is(err, errOpenFile):
		c.about("monitor.smtp-password-file", config.Warning, say("others than root may read %s", "d'autres que root peuvent lire %s", m.SMTPPasswordFile),
			say("mode 0600", "droits 0600"), say("chmod 600 %s", "chmod 600 %s", m.SMTPPasswordFile))
	default:
		c.about("monitor.smtp-password-file", config.Warning, say("%s cannot be read (%v): no e-mail is sent", "%s ne peut pas être lu (%v) : aucun courriel ne part", m.SMTPPasswordFile, err),
			none, say("correct the path or the file", "corrigez le chemin ou le fichier"))
	}
}

func (c *checker) watchedAt(at netip.Addr) {
	elsewhere := say("write the address that this machine has on the network of your monitoring", "écrivez l'adresse de cette machine sur le réseau de votre supervision")
	on := slices.IndexFunc(c.f.Interfaces, func(i Interface) bool {
		return slices.ContainsFunc(i.Addresses, func(a netip.Prefix) bool { return a.Addr() == at })
	})
	switch {
	case on < 0:
		c.about("monitor.listen", config.Warning, say("this machine does not have the address %s: nobody gets its figures", "cette machine n'a pas l'adresse %s : personne n'aura ses chiffres", at), none, elsewhere)
	case c.f.Interfaces[on].Name == c.cfg.Guests.Interface || c.cfg.Terminals.There() && c.f.Interfaces[on].Name == c.cfg.Terminals.Interface:
		c.about("monitor.listen", config.Error, say("%s is an address of %s, where guests or terminals are", "%s est une adresse de %s, où sont les visiteurs ou les postes", at, c.f.Interfaces[on].Name),
			say("another network", "un autre réseau"), elsewhere)
	case c.f.Interfaces[on].Name == c.cfg.WAN.Interface:
		c.about("monitor.listen", config.Warning, say("%s is the address towards the internet: who reaches it there reads the place's figures", "%s est l'adresse côté internet : qui l'atteint par là lit les chiffres du lieu", at), none,
			say("let the firewall allow your monitoring alone, or listen inside of a VPN", "n'autorisez que votre supervision dans le pare-feu, ou écoutez dans un VPN"))
	}
}
