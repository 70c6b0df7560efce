package main

import (
	"context"
	"errors"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/portal/staff"
)

var (
	noConsoleText = lang.Text{
		EN: "this place has no console: write staff.name (and a certificate for it) into the configuration, then start the daemon again",
		FR: "ce lieu n'a pas de console : écrivez staff.name (et un certificat à ce nom) dans la configuration, puis relancez le service",
	}
	staffTexts = []struct {
		err  error
		kind string
		text lang.Text
	}{
		{staff.ErrNotFound, control.NotFound, lang.Text{EN: "no such person or device, or closed; see: parvis staff list, parvis staff enrolled", FR: "personne ou appareil introuvable, ou compte fermé ; voir : parvis staff list, parvis staff enrolled"}},
		{staff.ErrForbidden, control.BadInput, lang.Text{EN: "not for this role: a pass for one day is a mediator's", FR: "pas pour ce rôle : un passe d'un jour est pour la médiation"}},
		{staff.ErrName, control.BadInput, lang.Text{EN: "not a usable name: 2 to 60 characters", FR: "nom inutilisable : 2 à 60 caractères"}},
		{staff.ErrLast, control.Refused, lang.Text{EN: "this is the last account that may manage the others; add another one first: parvis staff add --role dsi NAME", FR: "c'est le dernier compte qui peut gérer les autres ; ajoutez-en un d'abord : parvis staff add --role dsi NOM"}},
		{staff.ErrFull, control.Refused, lang.Text{EN: "too many accounts, devices or links; close or forget some", FR: "trop de comptes, d'appareils ou de liens ; fermez-en"}},
	}
)

// verbs answers `parvis staff`.
func (t *team) verbs(ctx context.Context, r control.StaffRequest) (control.StaffAnswer, error) {
	if t.staff == nil {
		return control.StaffAnswer{}, control.Refuse(control.Refused, noConsoleText)
	}
	ans, err := t.verb(ctx, r)
	for _, known := range staffTexts {
		if errors.Is(err, known.err) {
			return ans, control.Refuse(known.kind, known.text)
		}
	}
	return ans, err
}

func (t *team) verb(ctx context.Context, r control.StaffRequest) (ans control.StaffAnswer, err error) {
	s, by := t.staff, staff.Operator
	var link staff.Link
	switch r.Do {
	case "add":
		link, err = s.Invite(ctx, by, staff.Role(r.Role), r.Name, r.Day)
	case "password":
		link, err = s.Reset(ctx, by, r.Which)
	case "invite":
		link, err = s.InviteDevice(ctx, by, r.Which, r.Name)
	case "role":
		err = s.SetRole(ctx, by, r.Which, staff.Role(r.Role))
	case "close":
		err = s.Close(ctx, by, r.Which)
	case "forget":
		err = s.Forget(ctx, by, r.Which)
	case "list":
		for _, m := range s.People() {
			ans.People = append(ans.People, control.StaffPerson{
				ID: m.ID, Login: m.Login, Name: m.Name, Role: string(m.Role), City: m.City, PIN: m.PIN, Until: m.Until.In(t.zone), Closed: m.Closed, Invited: m.Invited,
			})
		}
	case "enrolled":
		for _, d := range s.Devices(by) {
			owner, _ := s.Find(d.Owner)
			ans.Devices = append(ans.Devices, control.StaffDevice{ID: d.ID, Label: d.Label, Desk: d.Desk, Owner: owner.Name, Made: d.Made, Seen: d.Seen})
		}
	case "log":
		ans.Log, err = t.log(ctx, r.Which, min(max(r.Most, 1), 10_000))
	default:
		err = control.Refuse(control.BadInput, lang.Text{EN: "no verb %q", FR: "pas de verbe « %s »"}, r.Do)
	}
	ans.Link = link.URL
	return ans, err
}

func (t *team) log(ctx context.Context, which string, most int) (all []control.StaffEntry, err error) {
	var list []staff.Entry
	if which == "" {
		list, err = t.staff.All(ctx, staff.Operator, most)
	} else if p, ok := t.staff.Find(which); ok {
		list, err = t.staff.Trace(ctx, p, most)
	} else {
		err = staff.ErrNotFound
	}
	for _, e := range list {
		all = append(all, control.StaffEntry{At: e.At, Sure: e.Sure, Who: e.Who, Name: e.Name, Role: string(e.Role), What: e.What, Object: e.Object})
	}
	return all, err
}
