package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"rsc.io/qr"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/portal/staff"
)

type staffCmd struct {
	Add      staffAddCmd      `cmd:"" help:"${help_staff_add}"`
	List     staffListCmd     `cmd:"" help:"${help_staff_list}"`
	Role     staffRoleCmd     `cmd:"" help:"${help_staff_role}"`
	Password staffPasswordCmd `cmd:"" help:"${help_staff_password}"`
	Close    staffCloseCmd    `cmd:"" help:"${help_staff_close}"`
	Invite   staffInviteCmd   `cmd:"" help:"${help_staff_invite}"`
	Enrolled staffEnrolledCmd `cmd:"" help:"${help_staff_enrolled}"`
	Forget   staffForgetCmd   `cmd:"" help:"${help_staff_forget}"`
	Log      staffLogCmd      `cmd:"" help:"${help_staff_log}"`
}

func init() {
	for k, t := range map[string]lang.Text{
		"help_staff":             {EN: "People who work here, their devices, and what they did.", FR: "L'équipe, ses appareils, et ce qui a été fait."},
		"help_staff_add":         {EN: "Print the one-time link with which a new colleague makes an account.", FR: "Affiche le lien, valable une fois, avec lequel une personne crée son compte."},
		"help_staff_add_name":    {EN: "How the colleague is called until then.", FR: "Comment la personne s'appelle jusque-là."},
		"help_staff_add_role":    {EN: "mediator, referent (adds mediators), dsi (everything) or dpo (looks).", FR: "mediator, referent (ajoute des médiateurs), dsi (tout) ou dpo (regarde)."},
		"help_staff_add_day":     {EN: "A pass for today: the account ends at the closing, at midnight at the latest.", FR: "Un passe pour aujourd'hui : le compte finit à la fermeture, à minuit au plus tard."},
		"help_staff_list":        {EN: "List accounts and open invitations.", FR: "Liste les comptes et les invitations en cours."},
		"help_staff_role":        {EN: "Give an account another role; its owner enters again.", FR: "Donne un autre rôle à un compte ; la personne entre à nouveau."},
		"help_staff_which":       {EN: "Login, or number of the account.", FR: "Identifiant, ou numéro du compte."},
		"help_staff_password":    {EN: "Print the one-time link with which somebody chooses a new password.", FR: "Affiche le lien, valable une fois, avec lequel une personne choisit un nouveau mot de passe."},
		"help_staff_close":       {EN: "Close an account, or take an invitation back.", FR: "Ferme un compte, ou retire une invitation."},
		"help_staff_invite":      {EN: "Print the one-time QR code that enrols a device: who opens it there may reach the console from the public Wi-Fi.", FR: "Affiche le code QR, valable une fois, qui inscrit un appareil : il ouvrira la console depuis le Wi-Fi public."},
		"help_staff_invite_name": {EN: "What the device is called, such as \"PC accueil\".", FR: "Comment l'appareil s'appelle, par exemple « PC accueil »."},
		"help_staff_invite_for":  {EN: "Whose device it is; without it, a shared machine of the desk, where people change by PIN.", FR: "À qui il est ; sans cette option, une machine partagée de l'accueil, où l'on change de personne par code."},
		"help_staff_enrolled":    {EN: "List enrolled devices.", FR: "Liste les appareils inscrits."},
		"help_staff_forget":      {EN: "End the enrolment of a device, at once.", FR: "Met fin à l'inscription d'un appareil, tout de suite."},
		"help_staff_device":      {EN: "Number of the device (parvis staff enrolled).", FR: "Numéro de l'appareil (parvis staff enrolled)."},
		"help_staff_log":         {EN: "Show who did what, newest first; kept for 12 months.", FR: "Montre qui a fait quoi, le plus récent d'abord ; gardé 12 mois."},
		"help_staff_log_who":     {EN: "Only this person.", FR: "Seulement cette personne."},
		"help_staff_log_most":    {EN: "How many lines.", FR: "Nombre de lignes."},
	} {
		helpTexts[k] = t
	}
}

type staffAddCmd struct {
	Name string `arg:"" help:"${help_staff_add_name}"`
	Role string `help:"${help_staff_add_role}" default:"mediator" enum:"mediator,referent,dsi,dpo"`
	Day  bool   `help:"${help_staff_add_day}"`
	jsonFlag
}

func (c staffAddCmd) Run(ctx context.Context, a *app) error {
	return a.link(ctx, control.StaffRequest{Do: "add", Name: c.Name, Role: c.Role, Day: c.Day}, c.JSON)
}

type staffPasswordCmd struct {
	Which string `arg:"" help:"${help_staff_which}"`
	jsonFlag
}

func (c staffPasswordCmd) Run(ctx context.Context, a *app) error {
	return a.link(ctx, control.StaffRequest{Do: "password", Which: c.Which}, c.JSON)
}

type staffInviteCmd struct {
	Name string `arg:"" help:"${help_staff_invite_name}"`
	For  string `help:"${help_staff_invite_for}" placeholder:"LOGIN"`
	jsonFlag
}

func (c staffInviteCmd) Run(ctx context.Context, a *app) error {
	return a.link(ctx, control.StaffRequest{Do: "invite", Which: c.For, Name: c.Name}, c.JSON)
}

// link asks for a one-time link and shows it, as a code for a phone too.
func (a *app) link(ctx context.Context, r control.StaffRequest, asJSON bool) error {
	ans, err := a.client.Staff(ctx, r)
	if err != nil {
		return err
	}
	if asJSON {
		return a.json(ans)
	}
	fmt.Fprintln(a.out, ans.Link)
	if err := drawQR(a.out, ans.Link); err != nil {
		return refused(err)
	}
	a.printf(lang.Text{
		EN: "It works once, for 24 hours, on the place's Wi-Fi or the staff's network. Hand it to nobody else.",
		FR: "Il sert une fois, pendant 24 heures, sur le Wi-Fi du lieu ou le réseau de l'équipe. Ne le donnez à personne d'autre.",
	})
	return nil
}

// drawQR writes a QR code with two modules to a character, and the quiet zone of four modules that readers need (ISO 18004).
func drawQR(w io.Writer, text string) error {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return fmt.Errorf("draw QR code: %w", err)
	}
	const quiet = 4
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		for x := -quiet; x < code.Size+quiet; x++ {
			// Light is drawn, dark is the terminal's ground: most are dark.
			b.WriteString([]string{"█", "▄", "▀", " "}[index(code.Black(x, y))<<1|index(code.Black(x, y+1))])
		}
		b.WriteByte('\n')
	}
	_, err = io.WriteString(w, b.String())
	return err
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

type staffListCmd struct{ jsonFlag }

func (c staffListCmd) Run(ctx context.Context, a *app) error {
	ans, err := a.client.Staff(ctx, control.StaffRequest{Do: "list"})
	if err != nil || c.JSON {
		return errors.Join(err, a.jsonIf(err == nil, ans.People))
	}
	if len(ans.People) == 0 {
		a.printf(lang.Text{EN: "Nobody yet. First: parvis staff add --role dsi NAME", FR: "Personne encore. D'abord : parvis staff add --role dsi NOM"})
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, lang.Text{EN: "LOGIN\tNAME\tROLE\tSTATE\tNUMBER", FR: "IDENTIFIANT\tNOM\tRÔLE\tÉTAT\tNUMÉRO"}.In(a.lang))
	for _, p := range ans.People {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.Login, p.Name, p.Role, personState(p).In(a.lang), p.ID)
	}
	return w.Flush()
}

// jsonIf prints v, if it is to be printed.
func (a *app) jsonIf(do bool, v any) error {
	if !do {
		return nil
	}
	return a.json(v)
}

func personState(p control.StaffPerson) lang.Text {
	switch {
	case p.Closed:
		return lang.Text{EN: "closed", FR: "fermé"}
	case p.Invited:
		return lang.Text{EN: "invited", FR: "invité"}
	case !p.Until.IsZero():
		at := p.Until.Format("2006-01-02 15:04")
		return lang.Text{EN: "until " + at, FR: "jusqu'au " + at}
	case p.City:
		return lang.Text{EN: "account of the town", FR: "compte de la ville"}
	}
	return lang.Text{EN: "active", FR: "actif"}
}

type staffRoleCmd struct {
	Which string `arg:"" help:"${help_staff_which}"`
	Role  string `arg:"" help:"${help_staff_add_role}" enum:"mediator,referent,dsi,dpo"`
}

func (c staffRoleCmd) Run(ctx context.Context, a *app) error {
	return a.done(ctx, control.StaffRequest{Do: "role", Which: c.Which, Role: c.Role})
}

type staffCloseCmd struct {
	Which string `arg:"" help:"${help_staff_which}"`
}

func (c staffCloseCmd) Run(ctx context.Context, a *app) error {
	return a.done(ctx, control.StaffRequest{Do: "close", Which: c.Which})
}

type staffForgetCmd struct {
	Device string `arg:"" help:"${help_staff_device}"`
}

func (c staffForgetCmd) Run(ctx context.Context, a *app) error {
	return a.done(ctx, control.StaffRequest{Do: "forget", Which: c.Device})
}

func (a *app) done(ctx context.Context, r control.StaffRequest) error {
	if _, err := a.client.Staff(ctx, r); err != nil {
		return err
	}
	a.printf(lang.Text{EN: "Done.", FR: "C'est fait."})
	return nil
}

type staffEnrolledCmd struct{ jsonFlag }

func (c staffEnrolledCmd) Run(ctx context.Context, a *app) error {
	ans, err := a.client.Staff(ctx, control.StaffRequest{Do: "enrolled"})
	if err != nil || c.JSON {
		return errors.Join(err, a.jsonIf(err == nil, ans.Devices))
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, lang.Text{EN: "NUMBER\tDEVICE\tOF\tENROLLED\tSEEN", FR: "NUMÉRO\tAPPAREIL\tDE\tINSCRIT\tVU"}.In(a.lang))
	for _, d := range ans.Devices {
		owner := d.Owner
		if d.Desk {
			owner = lang.Text{EN: "the desk", FR: "l'accueil"}.In(a.lang)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", d.ID, d.Label, owner, d.Made.Local().Format("2006-01-02"), d.Seen.Local().Format("2006-01-02"))
	}
	return w.Flush()
}

type staffLogCmd struct {
	Who  string `help:"${help_staff_log_who}" placeholder:"LOGIN"`
	Most int    `short:"n" help:"${help_staff_log_most}" default:"100"`
	jsonFlag
}

func (c staffLogCmd) Run(ctx context.Context, a *app) error {
	ans, err := a.client.Staff(ctx, control.StaffRequest{Do: "log", Which: c.Who, Most: c.Most})
	if err != nil || c.JSON {
		return errors.Join(err, a.jsonIf(err == nil, ans.Log))
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	for _, e := range ans.Log {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", stamp(e.At, e.Sure).In(a.lang), e.Name, e.Role, staff.Gesture(e.What).In(a.lang), e.Object)
	}
	return w.Flush()
}
