package console

import "slices"

// lessons are the help, one page for each gesture. docs/guide/mediation.md is the same text: a test keeps it so.
var lessons = slices.Concat(deskLessons, postLessons)

var deskLessons = []lesson{
	{
		Name: "ouvrir", Title: "Ouvrir internet à une personne", Need: "La personne a rejoint le Wi-Fi et vous montre son écran.",
		Steps: []string{
			"Regardez son écran : il montre un dessin et un code, par exemple K7-42.",
			"Cherchez le même dessin et le même code sur la page « En attente ».",
			"Touchez 30 min, 1 h, 2 h ou Journée.",
			"Sa page change toute seule en quelques secondes.",
		},
		Know: []string{
			"Vous vous êtes trompé ? Touchez « Annuler » dans les 10 secondes.",
			"La personne n'a rien à taper et n'a pas besoin de compte.",
			"« Journée » dure jusqu'à la fermeture du lieu.",
			"Le code reste le même si la personne ferme sa page.",
		},
	},
	{
		Name: "sans-page", Title: "Ouvrir internet à un appareil sans page", Need: "La personne ne voit pas de page, ou l'appareil n'en a pas.",
		Steps: []string{
			"Sur un téléphone ou un ordinateur, ouvrez un navigateur et tapez l'adresse du Wi-Fi qui est sur l'affiche.",
			"Si la page vient, l'appareil a un code : ouvrez-le comme les autres.",
			"Sinon, ouvrez la page « En attente » et touchez « Trouver un appareil sans page ».",
			"Demandez à la personne de couper le Wi-Fi de l'appareil, puis de le remettre.",
			"Touchez « Chercher » : l'appareil qui vient d'arriver est dans la liste.",
			"Touchez un temps.",
		},
		Know: []string{
			"S'il y a plusieurs appareils dans la liste, recommencez : le bon est celui qui revient à chaque fois.",
			"La console ne montre jamais le nom d'un appareil : c'est souvent le nom d'une personne.",
		},
	},
	{
		Name: "prolonger", Title: "Prolonger ou raccourcir une connexion", Need: "La personne a besoin de plus de temps, ou de moins.",
		Steps: []string{
			"Ouvrez la page « Connectés ».",
			"Touchez la ligne de l'appareil. Vous pouvez chercher son code.",
			"Touchez + 15 min, + 30 min ou + 1 h. Pour enlever du temps, touchez − 15 min ou − 30 min.",
		},
		Know: []string{
			"Le temps ajouté s'arrête à la fermeture du lieu.",
			"Si la règle du lieu le permet, la personne peut ajouter du temps elle-même.",
		},
	},
	{
		Name: "apres-fermeture", Title: "Continuer après la fermeture", Need: "Une personne doit finir une démarche et le lieu ferme.",
		Steps: []string{
			"Ouvrez la page « Connectés », puis touchez la ligne de l'appareil.",
			"Sous « Continuer après la fermeture », touchez 15 min, 30 min ou 1 h.",
		},
		Know: []string{
			"C'est pour cette personne seulement, 1 heure au plus.",
			"Les autres sont prévenus 15 minutes et 5 minutes avant la fermeture.",
		},
	},
	{
		Name: "arreter", Title: "Arrêter une connexion", Need: "La personne est partie, ou elle gêne les autres.",
		Steps: []string{
			"Ouvrez la page « Connectés ».",
			"Touchez la ligne de l'appareil.",
			"Touchez « Arrêter cette connexion ».",
		},
		Know: []string{"La personne voit sur son écran que l'accueil a arrêté sa connexion."},
	},
	{
		Name: "message", Title: "Écrire un message à une personne", Need: "Vous voulez la prévenir sans vous déplacer.",
		Steps: []string{
			"Ouvrez la page « Connectés », puis touchez la ligne de l'appareil.",
			"Écrivez le message, 200 signes au plus.",
			"Touchez « Envoyer ».",
		},
		Know: []string{
			"La console dit si le message est affiché. « Pas encore vu » : la page de la personne est peut-être fermée.",
			"N'écrivez pas de nom de personne. Le message est effacé avec la connexion.",
		},
	},
	{
		Name: "meme-appareil", Title: "Le téléphone a changé d'adresse", Need: "La personne avait internet et doit de nouveau attendre.",
		Steps: []string{
			"Demandez l'ancien code, celui d'avant. Il est sur sa page « Ma connexion » si elle est encore ouverte.",
			"Ouvrez la page « Connectés » et touchez la ligne de cet ancien code.",
			"Touchez « C'est le même appareil ».",
			"Touchez « C'est lui » à côté du nouveau code, celui que montre son écran.",
		},
		Know: []string{
			"Le temps qui reste est gardé. L'ancienne adresse est coupée tout de suite.",
			"La personne peut le faire seule avec « Reprendre ma connexion ».",
			"Si personne ne connaît l'ancien code, ouvrez une nouvelle connexion.",
		},
	},
	{
		Name: "suspendue", Title: "Une connexion est suspendue", Need: "La ligne dit « suspendue » et rien ne passe.",
		Steps: []string{
			"Touchez la ligne : la page dit pourquoi.",
			"Demandez à la personne de couper le Wi-Fi, puis de le remettre.",
			"Si cela ne suffit pas, ouvrez-lui une nouvelle connexion.",
		},
		Know: []string{"Deux appareils utilisent la même adresse. C'est rarement la faute de la personne."},
	},
	{
		Name: "demande", Title: "Répondre à une demande d'aide", Need: "Quelqu'un a touché « Demander de l'aide ».",
		Steps: []string{
			"Ouvrez la page « Demandes d'aide », ou regardez l'accueil de la console.",
			"Touchez « J'arrive » : la personne le voit sur son écran.",
			"Quand c'est fait, touchez « C'est fini ».",
		},
		Know: []string{"Sans réponse pendant 2 minutes, l'écran dit à la personne d'aller à l'accueil."},
	},
	{
		Name: "tickets", Title: "Imprimer des tickets", Need: "Vous voulez donner internet sans toucher la console à chaque fois.",
		Steps: []string{
			"Ouvrez la page « Tickets », puis touchez « Imprimer une planche ».",
			"Choisissez la règle, le nombre et jusqu'à quand les tickets sont bons.",
			"Touchez « Créer et imprimer ».",
			"Coupez la planche et donnez un ticket par personne.",
		},
		Know: []string{
			"Un ticket ne se vend pas.",
			"Une planche tachée se remplace en un geste : ses tickets pas encore utilisés ne marchent plus.",
		},
	},
	{
		Name: "atelier", Title: "Mener un atelier", Need: "Plusieurs personnes commencent et finissent ensemble.",
		Steps: []string{
			"Ouvrez la page « Ateliers », puis touchez « Nouvel atelier ».",
			"Choisissez le titre, le nombre de places et la durée.",
			"Montrez l'écran de salle au projecteur : il donne le code.",
			"Touchez « Démarrer ».",
			"À la fin, touchez « Terminer » et écrivez combien de personnes étaient là.",
		},
		Know: []string{
			"Qui arrive en retard a le temps qui reste.",
			"Une personne de trop voit que l'atelier est complet.",
			"Dans le titre, pas de nom de personne.",
		},
	},
	{
		Name: "file", Title: "Tenir la file d'attente", Need: "Des personnes attendent un poste.",
		Steps: []string{
			"Ouvrez la page « File d'attente », puis touchez « Donner un numéro ».",
			"Dites le numéro à la personne.",
			"Quand un poste est libre, choisissez-le et touchez « Appeler ».",
			"La personne vient : touchez « Installer et ouvrir ». Son poste s'ouvre.",
			"Elle ne vient pas : touchez « Absent », ou « Passer » pour en appeler une autre avant elle.",
		},
		Know: []string{
			"Pas de nom, pas de téléphone : des numéros seulement. Tout est effacé à minuit.",
			"Pour d'autres choix, touchez « Installé », puis ouvrez le poste à sa page.",
			"« Annuler » reprend le dernier geste pendant 1 minute. Si ce geste a ouvert un poste, le poste se ferme.",
			"« Écran du hall » montre les numéros appelés aux personnes qui attendent.",
		},
	},
	{
		Name: "reserver", Title: "Réserver un poste", Need: "Une personne veut un poste à une heure précise.",
		Steps: []string{
			"Ouvrez la page « Réservations ».",
			"Choisissez le jour, l'heure et la durée, puis touchez « Réserver un créneau ».",
			"Donnez le numéro à la personne, par exemple R3.",
			"Quand elle arrive, ouvrez « File d'attente » et touchez « Est là ».",
		},
		Know: []string{
			"Elle passe avant les personnes sans réservation.",
			"10 minutes après l'heure, sa place est rendue. Elle peut encore venir et attend comme les autres.",
		},
	},
	{
		Name: "catalogue", Title: "Un site manque sur les postes", Need: "Un service du catalogue ne marche pas en entier.",
		Steps: []string{
			"Ouvrez la page « Catalogue » et regardez les noms refusés.",
			"Choisissez le service, puis touchez « Ajouter ».",
			"Copiez les lignes et envoyez-les à la DSI.",
		},
		Know: []string{
			"« Ajouter » n'ouvre rien : la DSI décide pour tous les postes.",
			"Personne ne sait qui a demandé un nom. Après 24 heures, il n'est plus proposé.",
			"Pour une seule personne, ajoutez le nom depuis la page de son poste.",
		},
	},
	{
		Name: "ouverture", Title: "Ouvrir ou fermer le lieu", Need: "Les horaires d'aujourd'hui ne sont pas ceux d'habitude.",
		Steps: []string{
			"Ouvrez la page « Ouverture du lieu ».",
			"Pour ouvrir, touchez un temps sous « Ouvrir maintenant », ou choisissez une heure.",
			"Pour couper un moment, touchez un temps sous « Mettre en pause ». La page dit combien d'appareils cela coupe.",
			"Pour un autre jour, notez-le sous « Jours particuliers ».",
		},
		Know: []string{
			"Une pause finit toute seule. Le temps des gens est gardé.",
			"Cela marche aussi quand internet est en panne.",
		},
	},
	{
		Name: "panne", Title: "Internet est en panne", Need: "L'accueil de la console dit que la ligne est en panne.",
		Steps: []string{
			"Ouvrez la page « Panne » : elle dit depuis quand, et ce qui ne répond pas.",
			"Si la box ne répond pas, regardez si elle est allumée et branchée.",
			"Si cela dure, appelez le numéro qui est sur la page.",
			"Dites aux gens que leur appareil marche bien. Leur page le dit aussi.",
		},
		Know: []string{
			"Après 2 minutes de panne, le temps de chacun s'arrête. Il repart avec internet.",
			"Les tickets, les ateliers et la console marchent pendant la panne.",
		},
	},
	{
		Name: "bilan", Title: "Faire le bilan d'une demi-journée", Need: "Vous remplissez La Coop de la médiation numérique.",
		Steps: []string{
			"Ouvrez la page « Bilan ».",
			"Choisissez la demi-journée.",
			"Touchez « Copier », puis collez le texte dans La Coop.",
		},
		Know: []string{
			"La console compte des appareils, jamais des personnes.",
			"Un petit nombre est écrit « moins de 5 » pour que personne ne soit reconnu.",
		},
	},
}
