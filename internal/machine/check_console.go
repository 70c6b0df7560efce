package machine

import (
	"time"

	"parvis/internal/clock"
	"parvis/internal/config"
)

// console says what would make a mediator's browser warn on the console's name. All of it is an Error: who learns to pass over
// one warning passes over the next.
func (c *checker) console() {
	s := c.cfg.Staff
	if s.Name == "" || c.f.StaffCert == nil {
		return
	}
	cert, key := *c.f.StaffCert, "staff.certificate"
	if s.Certificate == c.cfg.Portal.Certificate {
		key = "staff.name" // the portal's certificate is for both names
	}
	wrong := func(what, do config.Message) {
		c.about(key, config.Error, what, say("a certificate that browsers take without a word for %s", "un certificat que les navigateurs acceptent sans rien dire pour %s", s.Name), do)
	}
	if cert.Err != nil {
		wrong(say("the console's certificate %s cannot be used (%v)", "le certificat de la console %s n'est pas utilisable (%v)", s.Certificate, cert.Err),
			say("correct the path or the file", "corrigez le chemin ou le fichier"))
		return
	}
	if cert.KeyErr != nil {
		wrong(say("the key %s does not go with the console's certificate (%v)", "la clé %s ne va pas avec le certificat de la console (%v)", s.Key, cert.KeyErr),
			say("correct the path, or install the right key", "corrigez le chemin, ou installez la bonne clé"))
	}
	if cert.Open && s.Key != c.cfg.Portal.Key {
		c.about("staff.key", config.Warning, say("everybody on this machine may read the key %s", "tout le monde sur cette machine peut lire la clé %s", s.Key), none,
			say("chmod o-rwx %s", "chmod o-rwx %s", s.Key))
	}
	if cert.NameErr != nil {
		wrong(say("browsers warn: the console's certificate is not for %s", "les navigateurs avertissent : le certificat de la console n'est pas au nom de %s", s.Name),
			say("ask for one that names %s, alone or beside the portal's name", "demandez-en un au nom de %s, seul ou avec celui du portail", s.Name))
	}
	switch {
	case cert.SelfSigned:
		wrong(say("browsers warn: the console's certificate is signed by itself", "les navigateurs avertissent : le certificat de la console est signé par lui-même"),
			say("have one made by a public authority (ACME with a DNS challenge needs no open port)", "faites-en faire un par une autorité publique (ACME avec une preuve par DNS n'ouvre aucun port)"))
	case !cert.Chain:
		wrong(say("browsers warn: the chain of the console's certificate is not complete", "les navigateurs avertissent : la chaîne du certificat de la console n'est pas complète"),
			say("use the file with the whole chain (\"fullchain\")", "utilisez le fichier qui a toute la chaîne (« fullchain »)"))
	case !cert.Trusted:
		wrong(say("browsers warn: the authority of the console's certificate is not one that this machine knows", "les navigateurs avertissent : l'autorité du certificat de la console n'est pas connue de cette machine"),
			say("use a public authority's; or install the town's authority on every device of the staff, and on this machine", "prenez celui d'une autorité publique ; ou installez l'autorité de la ville sur chaque appareil de l'équipe, et sur cette machine"))
	}
	if cert.Short {
		wrong(say("browsers refuse the console's certificate: its RSA key has less than 2048 bits", "les navigateurs refusent le certificat de la console : sa clé RSA a moins de 2048 bits"),
			say("have one made with a new key", "faites-en faire un avec une nouvelle clé"))
	}
	if c.f.Wall.Quality != clock.Synchronised {
		return // told with the portal's
	}
	renew := say("have it renewed", "faites-le renouveler")
	switch left := cert.Left(c.f.Wall); {
	case c.f.Wall.Time.Before(cert.NotBefore):
		wrong(say("browsers warn: the console's certificate does not hold before %s", "les navigateurs avertissent : le certificat de la console n'est pas valable avant le %s", cert.NotBefore.Format(time.DateOnly)),
			say("wait, or have another one made", "attendez, ou faites-en faire un autre"))
	case left <= 0:
		wrong(say("browsers warn: the console's certificate ended on %s", "les navigateurs avertissent : le certificat de la console a expiré le %s", cert.NotAfter.Format(time.DateOnly)), renew)
	case left < Soon && key == "staff.certificate":
		c.about(key, config.Warning, say("the console's certificate ends in %d days (%s)", "le certificat de la console expire dans %d jours (%s)", int(left.Hours()/24), cert.NotAfter.Format(time.DateOnly)), none, renew)
	}
}
