package machine

import (
	"errors"
	"time"

	"parvis/internal/clock"
	"parvis/internal/config"
)

func (c *checker) siteKey() {
	k := c.f.SiteKey
	switch {
	case k.Err == nil:
	case !k.Exists:
		c.machine(config.Error, say("the site's secret %s is missing", "le secret du site %s manque", k.Path), none,
			say("make it with \"parvis init\"", "créez-le avec « parvis init »"))
	case errors.Is(k.Err, ErrKeyOpen):
		c.machine(config.Error, say("others than root may read the site's secret %s (mode %04o)", "d'autres que root peuvent lire le secret du site %s (droits %04o)", k.Path, k.Mode),
			say("mode 0600", "droits 0600"), say("chmod 600 %s", "chmod 600 %s", k.Path))
	case errors.Is(k.Err, ErrKeyShape):
		c.machine(config.Error, say("the site's secret %s is damaged", "le secret du site %s est abîmé", k.Path), say("32 bytes in hexadecimal", "32 octets en hexadécimal"),
			say("put it back from a copy, or remove it and run \"parvis init\"", "remettez-le d'une copie, ou supprimez-le et lancez « parvis init »"))
	default:
		c.machine(config.Error, say("the site's secret cannot be read (%v)", "le secret du site ne peut pas être lu (%v)", k.Err), none,
			say("run as root", "lancez en root"))
	}
}

// Soon is when the end of a certificate is told beforehand.
const Soon = 21 * 24 * time.Hour

func (c *checker) certificate() {
	known := c.f.Wall.Quality == clock.Synchronised
	if !known {
		what := say("the machine's clock has not been set since it started", "l'horloge de la machine n'a pas été réglée depuis son démarrage")
		if c.f.Cert != nil {
			what = say("the machine's clock has not been set since it started: how long the certificate holds cannot be told",
				"l'horloge de la machine n'a pas été réglée depuis son démarrage : impossible de dire si le certificat est encore valable")
		}
		c.machine(config.Warning, what, none, say("let it be set over the network (chrony, systemd-timesyncd, OpenWrt's sysntpd)",
			"faites-la régler par le réseau (chrony, systemd-timesyncd, sysntpd d'OpenWrt)"))
	}
	if c.f.Cert == nil {
		return
	}
	cert, p := *c.f.Cert, c.cfg.Portal
	renew := say("have it renewed", "faites-le renouveler")
	if cert.Err != nil {
		c.about("portal.certificate", config.Error, say("the certificate %s cannot be used (%v)", "le certificat %s n'est pas utilisable (%v)", p.Certificate, cert.Err),
			say("a PEM file", "un fichier PEM"), say("correct the path or the file", "corrigez le chemin ou le fichier"))
		return
	}
	if cert.KeyErr != nil {
		c.about("portal.key", config.Error, say("the key %s does not go with the certificate (%v)", "la clé %s ne va pas avec le certificat (%v)", p.Key, cert.KeyErr),
			say("the key that the certificate was made for", "la clé pour laquelle le certificat a été fait"), say("correct the path, or install the right key", "corrigez le chemin, ou installez la bonne clé"))
	}
	if cert.Open {
		c.about("portal.key", config.Warning, say("everybody on this machine may read the key %s", "tout le monde sur cette machine peut lire la clé %s", p.Key), none,
			say("chmod o-rwx %s", "chmod o-rwx %s", p.Key))
	}
	if cert.NameErr != nil {
		c.about("portal.certificate", config.Error, say("the certificate is not for %s", "le certificat n'est pas au nom de %s", p.Name), none,
			say("correct portal.name, or ask for a certificate for it", "corrigez portal.name, ou demandez un certificat à ce nom"))
	}
	switch {
	case cert.SelfSigned:
		c.about("portal.certificate", config.Warning, say("the certificate is signed by itself: phones refuse it", "le certificat est signé par lui-même : les téléphones le refusent"),
			say("one of a public authority", "celui d'une autorité publique"), say("take both lines out, or install another one", "retirez les deux lignes, ou installez-en un autre"))
	case !cert.Chain:
		c.about("portal.certificate", config.Warning, say("the certificate's chain is not complete: some phones refuse it", "la chaîne du certificat n'est pas complète : certains téléphones le refusent"), none,
			say("use the file with the whole chain (\"fullchain\")", "utilisez le fichier qui a toute la chaîne (« fullchain »)"))
	}
	if !known {
		return
	}
	switch left := cert.Left(c.f.Wall); {
	case c.f.Wall.Time.Before(cert.NotBefore):
		c.about("portal.certificate", config.Error, say("the certificate does not hold before %s", "le certificat n'est pas valable avant le %s", cert.NotBefore.Format(time.DateOnly)), none,
			say("wait, or have another one made", "attendez, ou faites-en faire un autre"))
	case left <= 0:
		c.about("portal.certificate", config.Error, say("the certificate ended on %s", "le certificat a expiré le %s", cert.NotAfter.Format(time.DateOnly)), none, renew)
	case left < Soon:
		c.about("portal.certificate", config.Warning, say("the certificate ends in %d days (%s)", "le certificat expire dans %d jours (%s)", int(left.Hours()/24), cert.NotAfter.Format(time.DateOnly)), none, renew)
	}
}
