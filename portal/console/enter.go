package console

import (
	"errors"
	"net/http"
	"time"

	"parvis/portal/staff"
)

// enterPages are C1 and what leads to an account; they are answered to who has not entered.
func (c *Console) enterPages(m *http.ServeMux) {
	if c.Team == nil {
		return
	}
	m.HandleFunc("GET "+staff.EnterPath, c.door)
	m.HandleFunc("POST "+staff.EnterPath, c.enter)
	m.HandleFunc("POST "+staff.LeavePath, c.leave)
	m.HandleFunc("GET "+staff.InvitationPath, c.invited)
	m.HandleFunc("POST "+staff.InvitationPath, c.accept)
}

// entrance is what C1 shows.
type entrance struct {
	Wrong  string // why the last try was refused
	Next   string
	Login  string
	Chosen string // person
	Desk   bool   // an enrolled machine of the desk
	People []staff.Person
	City   bool
	Away   string // where a login at the town is ended
}

func (c *Console) showEntrance(w http.ResponseWriter, r *http.Request, status int, e entrance) {
	e.City = c.Team.City()
	e.People, e.Desk = c.Team.Desk(r)
	c.render(w, r, page{Template: "enter", Title: "Entrer", Bare: true, Status: status}, e)
}

// refusals are why the town's provider did not let somebody in.
var refusals = map[string]string{
	"ville": "Le compte de la ville n'a pas répondu. Entrez avec votre mot de passe, ou essayez encore.",
	"role":  "Votre compte de la ville n'a pas de rôle ici. Demandez à la personne responsable.",
}

func (c *Console) door(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	c.showEntrance(w, r, 0, entrance{Next: staff.Next(q.Get("suite")), Wrong: refusals[q.Get("refus")]})
}

func (c *Console) enter(w http.ResponseWriter, r *http.Request) {
	e := entrance{Next: staff.Next(r.PostFormValue("suite")), Login: r.PostFormValue("identifiant"), Chosen: r.PostFormValue("personne")}
	var err error
	byPIN := e.Chosen != ""
	if byPIN {
		_, err = c.Team.EnterPIN(w, r, e.Chosen, r.PostFormValue("code"))
	} else {
		_, err = c.Team.Enter(w, r, e.Login, r.PostFormValue("mot-de-passe"))
	}
	if err == nil {
		c.done(w, e.Next, "")
		return
	}
	var status int
	e.Wrong, status = c.notIn(r, err, byPIN)
	c.showEntrance(w, r, status, e)
}

// notIn says why somebody did not get in.
func (c *Console) notIn(r *http.Request, err error, byPIN bool) (string, int) {
	var locked *staff.Locked
	switch {
	case errors.As(err, &locked):
		return "Trop d'essais. Attendez " + span(max(locked.Wait+time.Minute-1, time.Minute).Truncate(time.Minute)) + ", puis essayez encore.", http.StatusTooManyRequests
	case errors.Is(err, staff.ErrPINOff):
		return "Ce code est bloqué : trop d'essais. Entrez avec votre mot de passe.", http.StatusForbidden
	case errors.Is(err, staff.ErrWrong) && byPIN:
		return "Ce code ne va pas. Essayez encore.", http.StatusForbidden
	case errors.Is(err, staff.ErrWrong):
		return "Cet identifiant ou ce mot de passe ne va pas. Essayez encore.", http.StatusForbidden
	case errors.Is(err, staff.ErrBusy):
		return "Plusieurs personnes entrent en même temps. Essayez encore.", http.StatusServiceUnavailable
	}
	c.Log.Error("console: somebody could not enter", "route", r.Pattern, "error", err)
	return "La console n'a pas pu vous laisser entrer. Essayez encore.", http.StatusInternalServerError
}

func (c *Console) leave(w http.ResponseWriter, r *http.Request) {
	away := c.Team.Leave(w, r)
	if away == "" {
		c.done(w, staff.EnterPath, "sorti")
		return
	}
	c.left(w, r, away)
}

// left leads on to the town's own page, which ends its login; a form may not lead there (form-action), a page may.
func (c *Console) left(w http.ResponseWriter, r *http.Request, away string) {
	w.Header().Set("Refresh", "0; url="+away)
	c.render(w, r, page{Template: "left", Title: "Vous êtes sorti", Bare: true}, entrance{Away: away})
}

// invitation is what the page of a new account shows.
type invitation struct {
	staff.Offer
	Secret, Name, Choice string
	Wrong                string
	Field                string // that it is about
}

func (c *Console) invited(w http.ResponseWriter, r *http.Request) {
	secret := r.URL.Query().Get("j")
	o, err := c.Team.Offered(r, secret)
	if err != nil {
		c.deadLink(w, r)
		return
	}
	c.render(w, r, page{Template: "invitation", Title: "Votre compte", Bare: true}, invitation{Offer: o, Secret: secret, Name: o.Label})
}

func (c *Console) deadLink(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, page{Template: "problem", Title: "Lien trop vieux", Bare: true, Status: http.StatusGone}, problem{
		Head: "Ce lien ne marche plus.", Do: "Un lien sert une fois, pendant 24 heures. Demandez-en un autre à une personne de l'équipe.",
		To: staff.EnterPath, Go: "Entrer",
	})
}

func (c *Console) accept(w http.ResponseWriter, r *http.Request) {
	i := invitation{Secret: r.PostFormValue("j"), Name: r.PostFormValue("nom"), Choice: r.PostFormValue("identifiant")}
	var err error
	if i.Offer, err = c.Team.Offered(r, i.Secret); err != nil {
		c.deadLink(w, r)
		return
	}
	password := r.PostFormValue("mot-de-passe")
	if password != r.PostFormValue("encore") {
		i.Wrong, i.Field = "Les deux mots de passe ne sont pas les mêmes.", "password"
	} else if _, err = c.Team.Accept(r, i.Secret, i.Choice, i.Name, password); err != nil {
		i.Wrong, i.Field = c.notChosen(r, err)
	}
	if i.Wrong == "" {
		c.done(w, staff.EnterPath, "compte")
		return
	}
	c.render(w, r, page{Template: "invitation", Title: "Votre compte", Bare: true, Status: http.StatusUnprocessableEntity}, i)
}

// notChosen says what is wrong with what somebody chose, and in which field.
func (c *Console) notChosen(r *http.Request, err error) (text, field string) {
	switch {
	case errors.Is(err, staff.ErrLogin):
		return "Cet identifiant ne va pas : 2 à 32 lettres sans accent, chiffres, points ou tirets.", "login"
	case errors.Is(err, staff.ErrTaken):
		return "Cet identifiant est déjà pris. Choisissez-en un autre.", "login"
	case errors.Is(err, staff.ErrName):
		return "Ce nom ne va pas : 2 à 60 caractères.", "name"
	case errors.Is(err, staff.ErrWeak):
		return "Ce mot de passe est trop facile à deviner. Prenez 12 caractères ou plus, par exemple 3 mots sans lien.", "password"
	case errors.Is(err, staff.ErrPIN):
		return "Ce code ne va pas : 6 chiffres, sans suite comme 123456.", "pin"
	case errors.Is(err, staff.ErrFull):
		return "Il y a trop de comptes ou de liens. Demandez d'en fermer.", ""
	case errors.Is(err, staff.ErrForbidden):
		return "Votre rôle ne permet pas ce geste.", ""
	}
	text, status := c.notIn(r, err, false)
	if status == http.StatusForbidden {
		text = "Ce n'est pas votre mot de passe actuel."
	}
	return text, "old"
}
