package console

import (
	"errors"
	"net/http"

	"parvis/kiosk"
	"parvis/sessions"
)

// refused says why a gesture was not done, and what to do.
func (c *Console) refused(w http.ResponseWriter, r *http.Request, err error) {
	p, status := why(err)
	if status == http.StatusInternalServerError {
		c.Log.Error("console: a gesture failed", "route", r.Pattern, "error", err)
	}
	c.problem(w, r, status, p)
}

func why(err error) (problem, int) {
	for _, known := range []struct {
		err    error
		status int
		problem
	}{
		{sessions.ErrNotFound, http.StatusNotFound, problem{Head: "Cette connexion n'existe plus.", Do: "Regardez qui est connecté.", To: "/connexions", Go: "Voir qui est connecté"}},
		{sessions.ErrFull, http.StatusServiceUnavailable, problem{
			Head: "Toutes les places sont prises.",
			Do:   "Arrêtez une connexion qui ne sert plus, puis attendez 5 minutes.", To: "/connexions", Go: "Voir qui est connecté",
		}},
		{sessions.ErrContested, http.StatusConflict, problem{
			Head: "Deux appareils utilisent la même adresse.",
			Do:   "Coupez le Wi-Fi de l'un des deux, puis recommencez.",
		}},
		{sessions.ErrClosed, http.StatusConflict, problem{
			Head: "Le lieu est fermé ou en pause.",
			Do:   "Ouvrez le lieu, puis recommencez.", To: "/ouverture", Go: "Voir l'ouverture du lieu",
		}},
		{sessions.ErrWhen, http.StatusConflict, problem{
			Head: "Ce temps ne peut pas être donné.",
			Do:   "Choisissez un autre temps. Après la fermeture, c'est 1 heure au plus.", To: "/connexions", Go: "Voir qui est connecté",
		}},
		{sessions.ErrText, http.StatusBadRequest, problem{
			Head: "Ce message est trop long.",
			Do:   "Écrivez 200 signes au plus.", To: "/connexions", Go: "Voir qui est connecté",
		}},
		{sessions.ErrUnknownProfile, http.StatusBadRequest, problem{Head: "Cette règle n'existe plus.", Do: "Choisissez une règle de la page."}},
		{sessions.ErrStore, http.StatusServiceUnavailable, problem{
			Head: "Le boîtier n'arrive plus à écrire.",
			Do:   "Les personnes connectées le restent. Prévenez la personne responsable.", To: "/incident", Go: "Voir la panne",
		}},
		{sessions.ErrEnforce, http.StatusServiceUnavailable, problem{
			Head: "Le boîtier n'a pas pu le faire.",
			Do:   "Attendez une minute, puis recommencez. Si cela continue, prévenez la personne responsable.", To: "/incident", Go: "Voir la panne",
		}},
		{kiosk.ErrNotFound, http.StatusNotFound, problem{Head: "Ce poste n'existe plus.", Do: "Regardez les postes.", To: "/postes", Go: "Voir les postes"}},
		{kiosk.ErrNotFresh, http.StatusConflict, problem{
			Head: "Ce poste n'est pas encore nettoyé.",
			Do:   "Sur le poste, fermez le navigateur : touchez la croix, en haut. Il redémarre propre.",
		}},
		{kiosk.ErrNotAdopted, http.StatusConflict, problem{Head: "Ce poste n'est pas encore ajouté.", Do: "Demandez au service informatique.", To: "/postes", Go: "Voir les postes"}},
		{kiosk.ErrBusy, http.StatusConflict, problem{Head: "Quelqu'un utilise ce poste.", Do: "Regardez le temps qui reste."}},
		{kiosk.ErrNotOpen, http.StatusConflict, problem{Head: "Ce poste n'est plus ouvert.", Do: "Ouvrez-le de nouveau, si la personne est encore là."}},
		{kiosk.ErrNoAddress, http.StatusConflict, problem{Head: "Ce poste n'a pas encore donné signe de vie.", Do: "Regardez s'il est allumé et branché."}},
		{kiosk.ErrPhone, http.StatusConflict, problem{Head: "Ce téléphone n'attend plus.", Do: "Regardez le code sur son écran, puis recommencez. Le poste est resté fermé."}},
		{kiosk.ErrTooEarly, http.StatusConflict, problem{Head: "Il est trop tôt pour laisser finir.", Do: "Prolongez, ou attendez les 5 dernières minutes."}},
		{kiosk.ErrNoMore, http.StatusConflict, problem{Head: "Ce temps ne peut plus être donné.", Do: "Prolongez si personne n'attend."}},
		{kiosk.ErrName, http.StatusBadRequest, problem{Head: "Ce nom ne peut pas être ouvert.", Do: "Demandez à la personne de le montrer."}},
		{kiosk.ErrMany, http.StatusConflict, problem{Head: "Il y en a déjà beaucoup.", Do: "Terminez ou retirez quelque chose d'abord."}},
		{kiosk.ErrDetails, http.StatusBadRequest, problem{
			Head: "La fiche ne peut pas être enregistrée.",
			Do:   "Regardez le nom et le numéro : un autre poste les a peut-être déjà.",
		}},
		{kiosk.ErrNoRestart, http.StatusConflict, problem{Head: "Ce poste ne sait pas redémarrer tout seul.", Do: "Sur le poste, touchez la croix, en haut."}},
		{kiosk.ErrStore, http.StatusServiceUnavailable, problem{
			Head: "Le boîtier n'arrive plus à écrire.",
			Do:   "Les personnes connectées le restent. Prévenez la personne responsable.", To: "/incident", Go: "Voir la panne",
		}},
	} {
		if errors.Is(err, known.err) {
			return known.problem, known.status
		}
	}
	return problem{
		Head: "La console n'a pas pu faire cela.",
		Do:   "Recommencez. Si cela continue, prévenez la personne responsable.",
	}, http.StatusInternalServerError
}
