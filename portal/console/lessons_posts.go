package console

// postLessons are the help about fixed posts (postes).
var postLessons = []lesson{
	{
		Name: "poste", Title: "Ouvrir un poste", Need: "Une personne veut utiliser un ordinateur du lieu.",
		Steps: []string{
			"Demandez le nom du poste : il est écrit sur son écran.",
			"Ouvrez la page « Postes ».",
			"Touchez le temps sur la carte du poste, par exemple « Ouvrir 30 min ».",
			"Son écran change tout seul : la personne touche « Commencer ».",
		},
		Know: []string{
			"Le poste mène aux services publics du catalogue, et à rien d'autre.",
			"L'écran dit avant de commencer si l'on peut imprimer ou utiliser une clé USB.",
			"« Redémarrage attendu » : sur le poste, touchez la croix, en haut. Le navigateur revient propre.",
			"Tant que le navigateur n'est pas revenu propre, le poste ne s'ouvre pas.",
		},
	},
	{
		Name: "demarche", Title: "Ouvrir un poste, le téléphone et la boîte mail", Need: "La démarche envoie un code par mail ou par téléphone.",
		Steps: []string{
			"Ouvrez la page « Postes », puis touchez le nom du poste.",
			"Cochez « Avec les boîtes mail » si la personne en a besoin.",
			"Si son téléphone attend internet, choisissez son code dans la liste.",
			"Touchez le temps : le poste et le téléphone s'ouvrent, avec la même fin.",
		},
		Know: []string{
			"Vous pouvez ouvrir ou fermer les boîtes mail plus tard, sur la page du poste.",
			"Prolonger le poste prolonge aussi le téléphone. Terminer le poste arrête aussi le téléphone.",
		},
	},
	{
		Name: "poste-fin", Title: "Prolonger ou terminer un poste", Need: "La personne n'a pas fini, ou elle est partie.",
		Steps: []string{
			"Ouvrez la page « Postes », puis touchez le nom du poste.",
			"Touchez + 15 min, + 30 min ou + 1 h pour prolonger.",
			"Touchez « Laisser finir » dans les 5 dernières minutes d'une démarche.",
			"Touchez « Terminer maintenant » si la personne est partie.",
		},
		Know: []string{
			"« Laisser finir » marche une seule fois, même si d'autres attendent. La personne peut aussi le demander sur son écran.",
			"L'écran prévient 5 minutes et 1 minute avant la fin, avec un son.",
			"À la fin tout est coupé, même un envoi en cours. L'ordinateur efface tout quand le navigateur redémarre.",
		},
	},
	{
		Name: "site-ferme", Title: "Un site est fermé sur un poste", Need: "La personne a besoin d'un site qui ne s'ouvre pas.",
		Steps: []string{
			"Demandez-lui de revenir au premier onglet.",
			"Elle touche « Voir », puis « Oui, montrer » si elle est d'accord.",
			"Ouvrez la page « Postes », puis touchez le nom du poste.",
			"Touchez « Ouvrir pour elle » : le site s'ouvre pour cette personne, jusqu'à la fin.",
		},
		Know: []string{
			"Sans son accord, la console ne montre aucun nom de site.",
			"« Proposer » garde le nom pour le catalogue, sans dire qui l'a demandé.",
			"Une démarche passe souvent par plusieurs sites : il faut parfois recommencer.",
		},
	},
	{
		Name: "poste-aide", Title: "Un poste demande de l'aide", Need: "La console dit « demande de l'aide » à côté d'un poste.",
		Steps: []string{
			"Touchez « J'arrive » : la personne le voit sur son écran.",
			"Allez la voir.",
			"Touchez « C'est fini » après.",
		},
		Know: []string{"Sans réponse pendant 2 minutes, l'écran lui dit d'aller à l'accueil."},
	},
	{
		Name: "nouveau-poste", Title: "Ajouter un nouveau poste", Need: "Un poste vient d'être branché. C'est le travail du service informatique.",
		Steps: []string{
			"Ouvrez la page « Postes » : il est sous « Nouveaux postes ».",
			"Comparez le numéro avec celui de son écran.",
			"Touchez « Ajouter ce poste ».",
			"Complétez sa fiche : son nom, où il est, l'imprimante, la clé USB.",
		},
		Know: []string{
			"Pas de nom de personne dans la fiche.",
			"« Nom inattendu » : le poste ne donne plus son numéro habituel. Il a pu être réinstallé, ou copié.",
		},
	},
}
