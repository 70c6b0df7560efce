package main

import (
	"github.com/alecthomas/kong"

	"parvis/internal/lang"
)

var (
	descriptionText = lang.Text{
		EN: "Captive-portal controller for the routers of public places.\n\nFirst time: parvis init, then parvis check, then parvis serve --confirm 120.\n\nExit codes: 0 done; 1 refused or failed; 2 wrong use; 3 configuration or machine not right; 4 the daemon does not answer; 5 no such session or device.",
		FR: "Contrôleur de portail captif pour les routeurs des lieux publics.\n\nPremière fois : parvis init, puis parvis check, puis parvis serve --confirm 120.\n\nCodes de retour : 0 fait ; 1 refusé ou échoué ; 2 mauvais usage ; 3 configuration ou machine à corriger ; 4 le service ne répond pas ; 5 connexion ou appareil introuvable.",
	}
	tryHelpText  = lang.Text{EN: "Try: parvis --help", FR: "Voir : parvis --help"}
	noDaemonText = lang.Text{
		EN: "the daemon does not answer on %s; is it running? (parvis serve, or: systemctl status parvis). Its log says why it stopped.",
		FR: "le service ne répond pas sur %s ; est-il lancé ? (parvis serve, ou : systemctl status parvis). Son journal dit pourquoi il s'est arrêté.",
	}
)

// helpTexts are the help texts, by the name that the tags of CLI give.
var helpTexts = map[string]lang.Text{
	"help_config":  {EN: "Configuration file.", FR: "Fichier de configuration."},
	"help_socket":  {EN: "Socket of the daemon.", FR: "Socket du service."},
	"help_state":   {EN: "Directory of the database and the leases.", FR: "Dossier de la base et des baux."},
	"help_version": {EN: "Print the version.", FR: "Affiche la version."},
	"help_json":    {EN: "Print JSON, for programs.", FR: "Affiche du JSON, pour les programmes."},

	"help_init": {
		EN: "Make the configuration and the secret of this router. Shows its plan first.",
		FR: "Crée la configuration et le secret de ce routeur. Montre d'abord son plan.",
	},
	"help_init_guests":  {EN: "Interface of the public network.", FR: "Interface du réseau public."},
	"help_init_wan":     {EN: "Interface of the line to the internet.", FR: "Interface de la ligne internet."},
	"help_init_address": {EN: "The router's address in the public network, with its length.", FR: "Adresse du routeur dans le réseau public, avec sa longueur."},
	"help_init_name":    {EN: "Name of the place, as people know it.", FR: "Nom du lieu, tel que les gens le connaissent."},
	"help_init_portal":  {EN: "DNS name of the portal, for example wifi.commune.fr.", FR: "Nom DNS du portail, par exemple wifi.commune.fr."},
	"help_init_contact": {
		EN: "How to reach the person in charge (e-mail or telephone).",
		FR: "Comment joindre la personne responsable (courriel ou téléphone).",
	},
	"help_init_yes":   {EN: "Do it without asking.", FR: "Agit sans demander."},
	"help_init_force": {EN: "Replace an existing configuration (kept as .bak).", FR: "Remplace une configuration existante (gardée en .bak)."},

	"help_check": {
		EN: "Say all that is wrong with the configuration and this machine, and what to do.",
		FR: "Dit tout ce qui ne va pas dans la configuration et sur cette machine, et que faire.",
	},

	"help_serve": {
		EN: "Run the daemon. It stays in the foreground; stopping it leaves people connected.",
		FR: "Lance le service. Il reste au premier plan ; l'arrêter ne coupe personne.",
	},
	"help_serve_confirm": {
		EN: "Take everything back after so many seconds unless 'parvis confirm' is run.",
		FR: "Défait tout après ce nombre de secondes, sauf si « parvis confirm » est lancé.",
	},
	"help_serve_clock": {
		EN: "For the lab: let the socket move the clock forward.",
		FR: "Pour le laboratoire : la socket peut avancer l'horloge.",
	},
	"help_serve_hardware": {
		EN: "For the lab: read another box's /sys, /proc and /tmp below this directory.",
		FR: "Pour le laboratoire : lit les /sys, /proc et /tmp d'un autre boîtier sous ce dossier.",
	},
	"help_confirm": {
		EN: "Keep what 'parvis serve --confirm' put in force.",
		FR: "Garde ce que « parvis serve --confirm » a mis en place.",
	},

	"help_status": {
		EN: "Say how the site is: what is in force, what is not, who is in.",
		FR: "Dit l'état du lieu : ce qui marche, ce qui ne marche pas, combien sont connectés.",
	},

	"help_session":      {EN: "List, open, change and end sessions.", FR: "Liste, ouvre, modifie et arrête les connexions."},
	"help_session_list": {EN: "List open sessions, then those with time left.", FR: "Liste les connexions ouvertes, puis celles qui gardent du temps."},
	"help_session_open": {
		EN: "Open a session for a device of the public network.",
		FR: "Ouvre une connexion pour un appareil du réseau public.",
	},
	"help_session_open_device":  {EN: "IPv4 address of the device.", FR: "Adresse IPv4 de l'appareil."},
	"help_session_open_mac":     {EN: "Its MAC address, when it is not there yet.", FR: "Son adresse MAC, s'il n'est pas encore là."},
	"help_session_open_profile": {EN: "Profile; by default the portal's.", FR: "Profil ; par défaut celui du portail."},
	"help_session_open_for":     {EN: "Duration, such as 30m; by default the profile's.", FR: "Durée, comme 30m ; par défaut celle du profil."},
	"help_session_end":          {EN: "End one session, or all.", FR: "Arrête une connexion, ou toutes."},
	"help_session_end_which":    {EN: "Session, MAC or IPv4 address.", FR: "Connexion, adresse MAC ou IPv4."},
	"help_session_end_all":      {EN: "End all of them.", FR: "Les arrête toutes."},
	"help_session_end_reason": {
		EN: "Reason that people will read: operator or closing.",
		FR: "Raison que les gens liront : operator (l'accueil) ou closing (le lieu ferme).",
	},

	"help_session_change":       {EN: "Give an open session other rates, without cutting it.", FR: "Donne d'autres débits à une connexion ouverte, sans la couper."},
	"help_session_change_which": {EN: "Session, MAC or IPv4 address.", FR: "Connexion, adresse MAC ou IPv4."},
	"help_session_change_down":  {EN: "Rate towards the device, such as 5mbit.", FR: "Débit vers l'appareil, comme 5mbit."},
	"help_session_change_up":    {EN: "Rate from the device, such as 2mbit.", FR: "Débit depuis l'appareil, comme 2mbit."},

	"help_dnsmasq": {
		EN: "Print the dnsmasq configuration of the public network (addresses, names, option 114).",
		FR: "Affiche la configuration dnsmasq du réseau public (adresses, noms, option 114).",
	},
	"help_dnsmasq_terminals": {
		EN: "That of the terminals' network instead: addresses and the portal's name, no other name.",
		FR: "Celle du réseau des postes à la place : adresses et nom du portail, aucun autre nom.",
	},
	"help_deny": {
		EN: "Let nobody pass until the daemon runs: the boot step, before the network comes up.",
		FR: "Ne laisse passer personne tant que le service ne tourne pas : l'étape du démarrage, avant le réseau.",
	},
	"help_uci": {
		EN: "Read 'uci show parvis' (OpenWrt) on the input and print the configuration that it means.",
		FR: "Lit « uci show parvis » (OpenWrt) sur l'entrée et affiche la configuration que cela donne.",
	},
	"help_uci_write": {
		EN: "Write it to the configuration file, where it differs.",
		FR: "L'écrit dans le fichier de configuration, s'il diffère.",
	},
	"help_down": {
		EN: "Take every rule, set and class of Parvis out of the kernel. The daemon must be stopped.",
		FR: "Retire du noyau toutes les règles de Parvis. Le service doit être arrêté.",
	},

	"help_lab":           {EN: "A town in a box: demonstration, checks and benchmarks, in namespaces of their own.", FR: "Une ville en boîte : démonstration, essais et mesures, dans des espaces réseau à part."},
	"help_lab_demo":      {EN: "Raise the town and show the portal and the hub on localhost until Ctrl-C.", FR: "Monte la ville et montre le portail et le centre sur localhost jusqu'à Ctrl-C."},
	"help_lab_check":     {EN: "A resident gets online by itself, step by step.", FR: "Une habitante se connecte toute seule, étape par étape."},
	"help_lab_day":       {EN: "A public day, scene by scene, with a moved clock.", FR: "Une journée d'accueil, scène par scène, à l'horloge avancée."},
	"help_lab_bench":     {EN: "Measure, and write the figures.", FR: "Mesure, et écrit les chiffres."},
	"help_lab_hardware":  {EN: "A small router in a box (qemu): its kernel, its radios, its devices, its power. In Parvis' source.", FR: "Un petit routeur en boîte (qemu) : son noyau, ses radios, son matériel, son courant. Dans les sources de Parvis."},
	"help_lab_cuts":      {EN: "How often the power is cut.", FR: "Combien de fois le courant est coupé."},
	"help_lab_record":    {EN: "A file whose marked section becomes the record.", FR: "Un fichier dont la section marquée devient le compte rendu."},
	"help_lab_port":      {EN: "The portal's port on localhost.", FR: "Port du portail sur localhost."},
	"help_lab_hub":       {EN: "The hub's port on localhost.", FR: "Port du centre sur localhost."},
	"help_lab_artefacts": {EN: "Where screenshots go.", FR: "Où vont les captures d'écran."},
	"help_lab_markdown":  {EN: "A file whose marked section becomes the table of figures.", FR: "Un fichier dont la section marquée devient le tableau des chiffres."},
	"help_lab_only":      {EN: "Only the parts whose name matches.", FR: "Seulement les parties dont le nom correspond."},
	"help_lab_quick":     {EN: "Few guests and short rounds: shows that everything runs, not how fast.", FR: "Peu de monde et des séries courtes : montre que tout marche, pas à quelle vitesse."},
	"help_lab_out":       {EN: "Where the figures go.", FR: "Où vont les chiffres."},
	"help_lab_binary":    {EN: "The parvis to measure; by default this one.", FR: "Le parvis à mesurer ; par défaut celui-ci."},
	"help_lab_backend":   {EN: "iptables to use: legacy or nft; by default the machine's.", FR: "iptables à utiliser : legacy ou nft ; par défaut celui de la machine."},
}

func helpVars(l lang.Lang) kong.Vars {
	v := kong.Vars{}
	for _, texts := range []map[string]lang.Text{helpTexts, deskTexts, paperTexts, reportTexts, printTexts, catalogueTexts, terminalConfigTexts, terminalTexts, queueTexts, monitorTexts, supportTexts, hubTexts, recetteTexts, echoTexts, keysTexts, registerTexts, upgradeTexts, copyTexts, replaceTexts} {
		for k, t := range texts {
			v[k] = t.In(l)
		}
	}
	return v
}
