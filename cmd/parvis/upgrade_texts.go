package main

import (
	"os/exec"
	"syscall"

	"parvis/internal/lang"
	"parvis/internal/upgrade"
)

var upgradeTexts = map[string]lang.Text{
	"help_upgrade":        {EN: "Another version of Parvis, with the way back.", FR: "Une autre version de Parvis, avec le retour en arrière."},
	"help_upgrade_to":     {EN: "Upgrade to a version: in closed hours, and back by itself when it does not work here.", FR: "Passe à une version : en dehors des heures d'ouverture, avec retour si elle ne marche pas ici."},
	"help_upgrade_what":   {EN: "The program's file, or a version that is kept here.", FR: "Le fichier du programme, ou une version gardée ici."},
	"help_upgrade_sha256": {EN: "The digest that the file must have.", FR: "L'empreinte que le fichier doit avoir."},
	"help_upgrade_force":  {EN: "Now, whoever is inside. People stay connected; the pages pause for some seconds.", FR: "Tout de suite, même s'il y a du monde. Les gens restent connectés ; les pages s'arrêtent quelques secondes."},
	"help_upgrade_status": {EN: "Say what became of the last upgrade.", FR: "Dit ce qu'est devenue la dernière mise à jour."},
	"help_upgrade_back":   {EN: "Go back to the version before.", FR: "Revient à la version précédente."},
	"help_upgrade_losing": {
		EN: "Also where the earlier version needs the databases of before the upgrade: what came since is lost.",
		FR: "Même si la version précédente a besoin des bases d'avant la mise à jour : ce qui est venu depuis est perdu.",
	},
	"help_upgrade_dismiss": {EN: "Say that you know that a version was gone back from: it is no longer a problem.", FR: "Dit que vous savez qu'une version n'a pas marché : ce n'est plus un problème."},
	"help_upgrade_run":     {EN: "Do what is asked for, or go on with it. For the service manager.", FR: "Fait ce qui est demandé, ou le reprend. Pour le gestionnaire de services."},
	"help_upgrade_before":  {EN: "Set the program aside. For the package's scripts.", FR: "Met le programme de côté. Pour les scripts du paquet."},
	"help_upgrade_after":   {EN: "Try the package's program. For the package's scripts.", FR: "Essaie le programme du paquet. Pour les scripts du paquet."},
}

// upgradeWhys are the reasons of a report.
var upgradeWhys = map[string]lang.Text{
	upgrade.WhyForm:     {EN: "the file is not the program of that version", FR: "le fichier n'est pas le programme de cette version"},
	upgrade.WhyDigest:   {EN: "the file is not the one that was meant: it is cut off or damaged", FR: "le fichier n'est pas le bon : il est coupé ou abîmé"},
	upgrade.WhyArch:     {EN: "it is for another processor", FR: "il est fait pour un autre processeur"},
	upgrade.WhySpace:    {EN: "the disk has no room for it and a copy of the databases", FR: "le disque n'a pas la place pour lui et une copie des bases"},
	upgrade.WhyHours:    {EN: "it is done when the place is closed", FR: "ce sera fait quand le lieu sera fermé"},
	upgrade.WhyStart:    {EN: "it did not start, or nobody answered", FR: "elle n'a pas démarré, ou personne n'a répondu"},
	upgrade.WhyCheck:    {EN: "its own check did not pass", FR: "sa propre vérification n'est pas passée"},
	upgrade.WhyPage:     {EN: "the portal's page did not come", FR: "la page du portail n'est pas venue"},
	upgrade.WhyRedirect: {EN: "people were not led to the page", FR: "les gens n'étaient pas menés à la page"},
	upgrade.WhyConsole:  {EN: "the console did not come", FR: "la console n'est pas venue"},
	upgrade.WhyDatabase: {EN: "the databases could not be copied", FR: "les bases n'ont pas pu être copiées"},
	upgrade.WhyPower:    {EN: "its trial was interrupted three times", FR: "son essai a été interrompu trois fois"},
	upgrade.WhyAsked:    {EN: "you asked for it", FR: "vous l'avez demandé"},
}

// upgradeText says what became of an upgrade.
func upgradeText(r upgrade.Report) lang.Text {
	say := func(t lang.Text, args ...any) lang.Text {
		return lang.Text{EN: t.In(lang.EN, args...), FR: t.In(lang.FR, args...)}
	}
	why, known := upgradeWhys[r.Why]
	if !known {
		why = lang.Text{EN: r.Why, FR: r.Why}
	}
	switch r.State {
	case upgrade.Waiting:
		if r.Why == "" {
			return say(lang.Text{EN: "Version %s is asked for.", FR: "La version %s est demandée."}, r.Wanted)
		}
		return say(lang.Text{
			EN: "Version %s waits: %s. At once: parvis upgrade VERSION|FILE --force",
			FR: "La version %s attend : %s. Tout de suite : parvis upgrade VERSION|FICHIER --force",
		}, r.Wanted, why)
	case upgrade.Trial:
		return say(lang.Text{EN: "Version %s is being tried.", FR: "La version %s est à l'essai."}, r.Wanted)
	case upgrade.Back:
		return say(lang.Text{
			EN: "Version %s was gone back from: %s. Version %s runs, with its databases.",
			FR: "Retour en arrière depuis la version %s : %s. La version %s tourne, avec ses bases.",
		}, r.Wanted, why, r.Running)
	case upgrade.Refused:
		return say(lang.Text{
			EN: "Version %s was not tried: %s. Nothing has changed.",
			FR: "La version %s n'a pas été essayée : %s. Rien n'a changé.",
		}, r.Wanted, why)
	case "":
		if r.Wanted != "" {
			return say(lang.Text{EN: "Version %s works here and is kept.", FR: "La version %s marche ici et reste."}, r.Running)
		}
	}
	return lang.Text{EN: "No upgrade was asked for so far.", FR: "Aucune mise à jour n'a été demandée jusqu'ici."}
}

// detach lets a program outlive the daemon that starts it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
