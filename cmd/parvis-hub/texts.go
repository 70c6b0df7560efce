package main

import (
	"parvis/internal/lang"
)

var (
	descriptionText = lang.Text{
		EN: "Centre of several public places that run Parvis.\n\nFirst time: write the configuration, then parvis-hub migrate, then parvis-hub check, then parvis-hub serve.\n\nExit codes: 0 done; 1 refused or failed; 2 wrong use; 3 configuration or database not right; 4 the database does not answer; 5 no such commune or site.",
		FR: "Centre de plusieurs lieux publics équipés de Parvis.\n\nPremière fois : écrivez la configuration, puis parvis-hub migrate, puis parvis-hub check, puis parvis-hub serve.\n\nCodes de retour : 0 fait ; 1 refusé ou échoué ; 2 mauvais usage ; 3 configuration ou base à corriger ; 4 la base ne répond pas ; 5 commune ou lieu introuvable.",
	}
	tryHelpText = lang.Text{EN: "Try: parvis-hub --help", FR: "Voir : parvis-hub --help"}
)

// helpTexts are the help texts, by the name that the tags of CLI give.
var helpTexts = map[string]lang.Text{
	"help_config":  {EN: "Configuration file.", FR: "Fichier de configuration."},
	"help_version": {EN: "Print the version.", FR: "Affiche la version."},
	"help_migrate": {
		EN: "Bring the database to this version, and make the signing key if there is none. Run it as who may be the tables' owner.",
		FR: "Met la base au niveau de cette version, et crée la clé de signature s'il n'y en a pas. À lancer par qui peut être propriétaire des tables.",
	},
	"help_check": {
		EN: "Say what is wrong with the configuration and the database, and what to do.",
		FR: "Dit ce qui ne va pas dans la configuration et la base, et que faire.",
	},
	"help_serve": {
		EN: "Run the hub. It stays in the foreground; sites go on without it.",
		FR: "Lance le centre. Il reste au premier plan ; les lieux continuent sans lui.",
	},
	"help_admin":             {EN: "Communes and their sites, and versions of Parvis for them.", FR: "Les communes et leurs lieux, et les versions de Parvis pour eux."},
	"help_commune":           {EN: "Add, list and remove communes.", FR: "Ajoute, liste et retire des communes."},
	"help_commune_add":       {EN: "Let a commune join.", FR: "Ajoute une commune."},
	"help_commune_list":      {EN: "List them.", FR: "Les liste."},
	"help_commune_remove":    {EN: "Remove a commune with everything that is kept of it. Its boxes go on by themselves.", FR: "Retire une commune et tout ce qui est gardé d'elle. Ses boîtiers continuent seuls."},
	"help_commune_id":        {EN: "Identifier of the commune: lower-case letters, digits and hyphens.", FR: "Identifiant de la commune : minuscules, chiffres et traits d'union."},
	"help_commune_name":      {EN: "Its name, as people know it.", FR: "Son nom, tel que les gens le connaissent."},
	"help_commune_yes":       {EN: "Really remove it.", FR: "La retire vraiment."},
	"help_site":              {EN: "Add and list sites, and let their boxes enrol.", FR: "Ajoute et liste des lieux, et permet d'y inscrire un boîtier."},
	"help_site_add":          {EN: "Add a site to a commune, and give the code for its box.", FR: "Ajoute un lieu à une commune, et donne le code pour son boîtier."},
	"help_site_list":         {EN: "List the sites of a commune.", FR: "Liste les lieux d'une commune."},
	"help_site_code":         {EN: "Give a new code for a site's box: for the first one, or one that replaces it.", FR: "Donne un nouveau code pour le boîtier d'un lieu : le premier, ou celui qui le remplace."},
	"help_link":              {EN: "Make the link by which the first person of a commune makes her account; without a commune, of those who run the hub.", FR: "Fait le lien par lequel la première personne d'une commune crée son compte ; sans commune, de celles qui gèrent le centre."},
	"help_link_commune":      {EN: "Identifier of the commune.", FR: "Identifiant de la commune."},
	"help_site_names":        {EN: "Show or set the DNS names of a site: for these alone the hub gets it certificates.", FR: "Montre ou fixe les noms DNS d'un lieu : le centre ne lui obtient des certificats que pour ceux-là."},
	"help_names":             {EN: "The names, in place of those that it has.", FR: "Les noms, à la place de ceux qu'il a."},
	"help_names_none":        {EN: "Take all names away.", FR: "Retire tous les noms."},
	"help_site_id":           {EN: "Identifier of the site, as listed.", FR: "Identifiant du lieu, tel que listé."},
	"help_site_name":         {EN: "Name of the place.", FR: "Nom du lieu."},
	"help_site_zone":         {EN: "Its time zone.", FR: "Son fuseau horaire."},
	"help_code_valid":        {EN: "How long the code can be used.", FR: "Durée pendant laquelle le code peut servir."},
	"help_admin_export":      {EN: "Write everything that is kept of a commune into a ZIP archive.", FR: "Écrit tout ce qui est gardé d'une commune dans une archive ZIP."},
	"help_admin_export_file": {EN: "Archive to write. It holds hashes of secrets: keep it as you keep a backup.", FR: "Archive à écrire. Elle contient des empreintes de secrets : gardez-la comme une sauvegarde."},
	"help_release":           {EN: "Add, list and withdraw versions of Parvis that communes can bring to their sites.", FR: "Ajoute, liste et retire des versions de Parvis que les communes peuvent donner à leurs lieux."},
	"help_release_add":       {EN: "Keep the router's binary of a version for one or more architectures. No site is told before its commune decides it.", FR: "Garde le programme du routeur d'une version, pour une ou plusieurs architectures. Aucun lieu n'est prévenu avant que sa commune le décide."},
	"help_release_list":      {EN: "List them, with their files' digests.", FR: "Les liste, avec les empreintes de leurs fichiers."},
	"help_release_withdraw":  {EN: "Tell no site of it any more. Sites that run it go on.", FR: "N'en prévient plus aucun lieu. Les lieux qui la font tourner continuent."},
	"help_release_version":   {EN: "Version, as parvis --version prints it.", FR: "Version, telle que parvis --version l'affiche."},
	"help_release_files":     {EN: "Architecture and file, such as arm64=parvis-arm64; amd64, arm64 and armv7 are known.", FR: "Architecture et fichier, comme arm64=parvis-arm64 ; amd64, arm64 et armv7 sont connues."},
	"help_release_checksums": {EN: "Refuse files that are not in this list of SHA-256 digests, as sha256sum(1) writes it.", FR: "Refuse les fichiers qui ne sont pas dans cette liste d'empreintes SHA-256, telle que sha256sum(1) l'écrit."},
}
