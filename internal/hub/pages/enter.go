package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
)

// entrance is what H1 shows.
type entrance struct {
	Wrong       string // key of why the last try was refused
	Minutes     int    // to wait
	Next, Login string
	City        bool
}

func (p *Pages) home(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	if who.Role.May(staff.Operate) { // a commune that has just joined has nothing else to look at
		var sites []store.Site
		err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
			sites, err = t.Sites(ctx)
			return err
		})
		if err != nil {
			return err
		}
		if len(sites) == 0 {
			return done(w, "/rejoindre", "")
		}
	}
	if who.Role.May(staff.Look) {
		return done(w, "/sites", "")
	}
	return done(w, "/communes", "")
}

func (p *Pages) showEntrance(w http.ResponseWriter, r *http.Request, status int, e entrance) error {
	e.City = p.Staff.City()
	return p.show(w, r, page{template: "enter", Title: "enter.title", status: status}, e)
}

func (p *Pages) door(w http.ResponseWriter, r *http.Request, _ staff.Person) error {
	e := entrance{Next: staff.Next(r.URL.Query().Get("suite"))}
	switch r.URL.Query().Get("refus") {
	case "ville":
		e.Wrong = "enter.city"
	case "role":
		e.Wrong = "enter.role"
	case "ferme":
		e.Wrong = "enter.closed"
	}
	return p.showEntrance(w, r, 0, e)
}

func (p *Pages) enter(w http.ResponseWriter, r *http.Request, _ staff.Person) error {
	e := entrance{Next: staff.Next(r.PostFormValue("suite")), Login: r.PostFormValue("identifiant")}
	_, err := p.Staff.Enter(w, r, e.Login, r.PostFormValue("mot-de-passe"))
	var locked *staff.Locked
	switch {
	case err == nil:
		return done(w, e.Next, "")
	case errors.As(err, &locked):
		e.Wrong, e.Minutes = "enter.wait", int((locked.Wait+time.Minute-1)/time.Minute)
		return p.showEntrance(w, r, http.StatusTooManyRequests, e)
	case errors.Is(err, staff.ErrWrong):
		e.Wrong = "enter.wrong"
		return p.showEntrance(w, r, http.StatusForbidden, e)
	case errors.Is(err, staff.ErrBusy):
		e.Wrong = "enter.busy"
		return p.showEntrance(w, r, http.StatusServiceUnavailable, e)
	}
	return err
}

// arrived leads on after the town's provider. By a page, not a redirection: a browser keeps the new cookie back on those that began at
// another site (SameSite=Strict).
func (p *Pages) arrived(w http.ResponseWriter, r *http.Request, _ staff.Person) error {
	next := staff.Next(r.URL.Query().Get("suite"))
	w.Header().Set("Refresh", "0; url="+next)
	return p.show(w, r, page{template: "goon", Title: "goon.title"}, next)
}

func (p *Pages) leave(w http.ResponseWriter, r *http.Request, _ staff.Person) error {
	away, err := p.Staff.Leave(w, r)
	if err != nil {
		return err
	}
	if away != "" { // a form may not lead there (form-action), a page may
		return p.show(w, r, page{template: "left", Title: "left.title"}, away)
	}
	return done(w, staff.EnterPath, "sorti")
}

// invitation is what the page of a new account shows.
type invitation struct {
	staff.Offer
	Secret, Name, Choice string
	Wrong, Field         string // key, and the field that it is about
}

func (p *Pages) invited(w http.ResponseWriter, r *http.Request, _ staff.Person) error {
	secret := r.URL.Query().Get("j")
	o, err := p.Staff.Offered(r.Context(), secret)
	if err != nil {
		return err
	}
	return p.show(w, r, page{template: "invitation", Title: "invitation.title"}, invitation{Offer: o, Secret: secret, Name: o.Label})
}

func (p *Pages) accept(w http.ResponseWriter, r *http.Request, _ staff.Person) error {
	i := invitation{Secret: r.PostFormValue("j"), Name: r.PostFormValue("nom"), Choice: r.PostFormValue("identifiant")}
	var err error
	if i.Offer, err = p.Staff.Offered(r.Context(), i.Secret); err != nil {
		return err
	}
	password := r.PostFormValue("mot-de-passe")
	if password != r.PostFormValue("encore") {
		i.Wrong, i.Field = "choice.twice", "password"
	} else if who, err := p.Staff.Accept(r.Context(), i.Secret, i.Choice, i.Name, password); err == nil && i.Sites {
		return p.show(w, r, page{template: "chosen", Title: "chosen.title"}, chosen{i.Login, who.Role != ""})
	} else if err == nil {
		return done(w, staff.EnterPath, "compte")
	} else if i.Wrong, i.Field = choice(err); i.Wrong == "" {
		return err
	}
	return p.show(w, r, page{template: "invitation", Title: "invitation.title", status: http.StatusUnprocessableEntity}, i)
}

// chosen is what a colleague of sites is told whose password is chosen.
type chosen struct {
	Login string
	Hub   bool // it is one for the hub too
}

// choice says what is wrong with what somebody chose; "" when it is not that.
func choice(err error) (key, field string) {
	switch {
	case errors.Is(err, staff.ErrLogin):
		return "choice.login", "login"
	case errors.Is(err, staff.ErrTaken):
		return "choice.taken", "login"
	case errors.Is(err, staff.ErrName):
		return "choice.name", "name"
	case errors.Is(err, staff.ErrWeak):
		return "choice.weak", "password"
	case errors.Is(err, staff.ErrBusy):
		return "enter.busy", ""
	case errors.Is(err, staff.ErrWrong):
		return "choice.old", "old"
	}
	return "", ""
}

// fixed are the pages that say the same to everybody: help, accessibility, legal notice.
func (p *Pages) fixed(w http.ResponseWriter, r *http.Request, _ staff.Person) error {
	name := map[string]string{"/aide": "help", "/accessibilite": "access", "/mentions": "legal"}[r.URL.Path]
	return p.show(w, r, page{template: name, Title: name + ".title", Here: r.URL.Path}, nil)
}

// account is the person's own.
type account struct{ Wrong, Field string }

func (p *Pages) account(w http.ResponseWriter, r *http.Request, _ staff.Person) error {
	return p.show(w, r, page{template: "account", Title: "account.title", Here: "/compte"}, account{})
}

func (p *Pages) password(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	a := account{}
	password := r.PostFormValue("mot-de-passe")
	if password != r.PostFormValue("encore") {
		a = account{"choice.twice", "password"}
	} else {
		err := p.Staff.Password(r, who, r.PostFormValue("actuel"), password)
		var locked *staff.Locked
		switch {
		case err == nil:
			return done(w, "/compte", "mot-de-passe")
		case errors.As(err, &locked):
			a.Wrong = "choice.wait"
		default:
			if a.Wrong, a.Field = choice(err); a.Wrong == "" {
				return fmt.Errorf("hub pages: change a password: %w", err)
			}
		}
	}
	return p.show(w, r, page{template: "account", Title: "account.title", Here: "/compte", status: http.StatusUnprocessableEntity}, a)
}
