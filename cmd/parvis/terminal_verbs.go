package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/kiosk"
)

var terminalTexts = map[string]lang.Text{
	"help_terminal":         {EN: "The place's own terminals: list, adopt, open, end.", FR: "Les postes du lieu : lister, adopter, ouvrir, arrêter."},
	"help_terminal_list":    {EN: "List terminals, and what is open on them.", FR: "Liste les postes, et ce qui y est ouvert."},
	"help_terminal_adopt":   {EN: "Make a machine that was seen on the terminals' network one of the place's terminals.", FR: "Fait d'une machine vue sur le réseau des postes un poste du lieu."},
	"help_terminal_rename":  {EN: "Say something else of a terminal.", FR: "Dit autre chose d'un poste."},
	"help_terminal_remove":  {EN: "Make it a machine that nobody knows.", FR: "En refait une machine inconnue."},
	"help_terminal_open":    {EN: "Open a terminal for a time.", FR: "Ouvre un poste pour un temps."},
	"help_terminal_extend":  {EN: "Give more time, or less: 15m, -5m.", FR: "Donne plus de temps, ou moins : 15m, -5m."},
	"help_terminal_end":     {EN: "End what is open on it, at once.", FR: "Arrête tout de suite ce qui y est ouvert."},
	"help_terminal_message": {EN: "Leave a text for who sits there; an empty one takes it back. No name of a person.", FR: "Laisse un texte à la personne ; un texte vide le retire. Pas de nom de personne."},
	"help_terminal_restart": {EN: "Ask it to restart its browser (terminals.restart).", FR: "Lui demande de relancer son navigateur (terminals.restart)."},

	"help_terminal_which":    {EN: "Its number (poste-3), name, MAC or IPv4 address.", FR: "Son numéro (poste-3), nom, adresse MAC ou IPv4."},
	"help_terminal_machine":  {EN: "Its number in the list (nouveau-1), or its MAC address.", FR: "Son numéro dans la liste (nouveau-1), ou son adresse MAC."},
	"help_terminal_name":     {EN: "Shown to people: \"Poste 3\".", FR: "Montré aux gens : « Poste 3 »."},
	"help_terminal_place":    {EN: "Where it stands. No name of a person.", FR: "Où il est. Pas de nom de personne."},
	"help_terminal_pcid":     {EN: "What Porteus calls the machine; by default what it calls itself.", FR: "Le nom que Porteus donne à la machine ; par défaut celui qu'elle se donne."},
	"help_terminal_renderer": {EN: "porteus, or linux for an ordinary machine.", FR: "porteus, ou linux pour un ordinateur ordinaire."},
	"help_terminal_prints":   {EN: "People can print there (--no-prints: no).", FR: "On peut y imprimer (--no-prints : non)."},
	"help_terminal_usb":      {EN: "Keys can be read there (--no-usb: no).", FR: "On peut y lire une clé USB (--no-usb : non)."},
	"help_terminal_for":      {EN: "Duration, such as 30m; by default the first of terminals.offers.", FR: "Durée, comme 30m ; par défaut la première de terminals.offers."},
	"help_terminal_bundle":   {EN: "Only this service or bundle; may be repeated. By default gate.services.", FR: "Seulement ce service ou ce groupe ; peut se répéter. Par défaut gate.services."},
	"help_terminal_mail":     {EN: "Mailboxes too.", FR: "La messagerie aussi."},
	"help_terminal_phone":    {EN: "Code of the person's waiting phone (K7-42): it is opened with the same end.", FR: "Code du téléphone de la personne (K7-42) : il s'ouvre avec la même fin."},
	"help_terminal_by":       {EN: "How much.", FR: "Combien."},
	"help_terminal_text":     {EN: "The text.", FR: "Le texte."},
}

type terminalCmd struct {
	List    terminalListCmd    `cmd:"" help:"${help_terminal_list}"`
	Adopt   terminalAdoptCmd   `cmd:"" help:"${help_terminal_adopt}"`
	Rename  terminalRenameCmd  `cmd:"" help:"${help_terminal_rename}"`
	Remove  terminalRemoveCmd  `cmd:"" help:"${help_terminal_remove}"`
	Open    terminalOpenCmd    `cmd:"" help:"${help_terminal_open}"`
	Extend  terminalExtendCmd  `cmd:"" help:"${help_terminal_extend}"`
	End     terminalEndCmd     `cmd:"" help:"${help_terminal_end}"`
	Message terminalMessageCmd `cmd:"" help:"${help_terminal_message}"`
	Restart terminalRestartCmd `cmd:"" help:"${help_terminal_restart}"`
	Queue   terminalQueueCmd   `cmd:"" help:"${help_terminal_queue}"`

	terminalConfigCmds
}

// seatStates are the states of terminals, for people.
var seatStates = map[kiosk.State]lang.Text{
	kiosk.Newcomer: {EN: "new", FR: "nouveau"},
	kiosk.Locked:   {EN: "locked", FR: "verrouillé"},
	kiosk.Open:     {EN: "open", FR: "ouvert"},
	kiosk.Ending:   {EN: "ending", FR: "bientôt fini"},
	kiosk.Cleaning: {EN: "cleaning", FR: "nettoyage"},
	kiosk.Waiting:  {EN: "restart awaited", FR: "redémarrage attendu"},
	kiosk.Silent:   {EN: "silent", FR: "muet"},
}

func joined(parts []string) string { return cmp.Or(strings.Join(parts, ", "), "-") }

type terminalListCmd struct{ jsonFlag }

func (c terminalListCmd) Run(ctx context.Context, a *app) error {
	list, err := a.client.Terminals(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(list)
	}
	if len(list) == 0 {
		a.printf(lang.Text{EN: "No terminal has been seen or adopted.", FR: "Aucun poste n'a été vu ni adopté."})
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, lang.Text{
		EN: "TERMINAL\tNAME\tSTATE\tLEFT\tADDRESS\tMAC\tPCID\tPLACE",
		FR: "POSTE\tNOM\tÉTAT\tRESTE\tADRESSE\tMAC\tPCID\tLIEU",
	}.In(a.lang))
	for _, t := range list {
		left, address, state := "-", "-", seatStates[t.State].In(a.lang)
		if t.Use != nil && t.Use.Session.Open {
			left = t.Use.Session.Left.Round(time.Second).String()
		}
		if t.IPv4.IsValid() {
			address = t.IPv4.String()
		}
		if t.Mismatch {
			state += lang.Text{EN: " (calls itself otherwise)", FR: " (se nomme autrement)"}.In(a.lang)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, cmp.Or(t.Name, "-"), state, left, address, t.MAC, cmp.Or(t.PCID, "-"), t.Place)
	}
	return w.Flush()
}

// detailFlags say what a terminal is.
type detailFlags struct {
	Place    *string `help:"${help_terminal_place}" placeholder:"TEXT"`
	PCID     *string `help:"${help_terminal_pcid}" name:"pcid" placeholder:"PCID"`
	Renderer *string `help:"${help_terminal_renderer}" placeholder:"NAME"`
	Prints   *bool   `help:"${help_terminal_prints}" negatable:""`
	USB      *bool   `help:"${help_terminal_usb}" name:"usb" negatable:""`
}

func (f detailFlags) request(do, which string) control.TerminalRequest {
	return control.TerminalRequest{Do: do, Which: which, Place: f.Place, PCID: f.PCID, Renderer: f.Renderer, Prints: f.Prints, USB: f.USB}
}

// terminal asks for one gesture and says what came of it.
func (a *app) terminal(ctx context.Context, r control.TerminalRequest, json bool, done lang.Text) error {
	got, err := a.client.Terminal(ctx, r)
	if err != nil {
		return err
	}
	if json {
		return a.json(got)
	}
	left := time.Duration(0)
	if got.Use != nil {
		left = got.Use.Session.Left.Round(time.Second)
	}
	a.printf(done, got.ID, got.Name, left)
	return nil
}

type terminalAdoptCmd struct {
	Which string  `arg:"" help:"${help_terminal_machine}" placeholder:"MACHINE"`
	Name  *string `help:"${help_terminal_name}" placeholder:"TEXT"`
	detailFlags
	jsonFlag
}

func (c terminalAdoptCmd) Run(ctx context.Context, a *app) error {
	r := c.request(control.TerminalAdopt, c.Which)
	r.Name = c.Name
	return a.terminal(ctx, r, c.JSON, lang.Text{EN: "%[1]s is adopted: %[2]s.", FR: "%[1]s est adopté : %[2]s."})
}

type terminalRenameCmd struct {
	Which string  `arg:"" help:"${help_terminal_which}" placeholder:"TERMINAL"`
	Name  *string `arg:"" optional:"" help:"${help_terminal_name}" placeholder:"NAME"`
	detailFlags
	jsonFlag
}

func (c terminalRenameCmd) Run(ctx context.Context, a *app) error {
	r := c.request(control.TerminalChange, c.Which)
	r.Name = c.Name
	return a.terminal(ctx, r, c.JSON, lang.Text{EN: "%[1]s: %[2]s.", FR: "%[1]s : %[2]s."})
}

type whichTerminal struct {
	Which string `arg:"" help:"${help_terminal_which}" placeholder:"TERMINAL"`
	jsonFlag
}

type terminalRemoveCmd struct{ whichTerminal }

func (c terminalRemoveCmd) Run(ctx context.Context, a *app) error {
	return a.terminal(ctx, control.TerminalRequest{Do: control.TerminalRemove, Which: c.Which}, c.JSON, lang.Text{
		EN: "%[1]s is no terminal of this place any more.", FR: "%[1]s n'est plus un poste de ce lieu.",
	})
}

type terminalOpenCmd struct {
	whichTerminal
	For    time.Duration `help:"${help_terminal_for}" placeholder:"DURATION"`
	Bundle []string      `help:"${help_terminal_bundle}" placeholder:"ID"`
	Mail   bool          `help:"${help_terminal_mail}"`
	Phone  string        `help:"${help_terminal_phone}" placeholder:"CODE"`
}

func (c terminalOpenCmd) Run(ctx context.Context, a *app) error {
	if c.For < 0 {
		return fail(exitUsage, lang.Text{EN: "--for %s: expected a positive duration such as 30m", FR: "--for %s : une durée positive est attendue, comme 30m"}, c.For)
	}
	return a.terminal(ctx, control.TerminalRequest{
		Do: control.TerminalOpen, Which: c.Which, For: c.For, Bundles: c.Bundle, Mail: c.Mail, Phone: c.Phone,
	}, c.JSON, lang.Text{EN: "%[2]s is open, %[3]s left.", FR: "%[2]s est ouvert, il reste %[3]s."})
}

type terminalExtendCmd struct {
	whichTerminal
	By time.Duration `arg:"" help:"${help_terminal_by}" placeholder:"DURATION"`
}

func (c terminalExtendCmd) Run(ctx context.Context, a *app) error {
	return a.terminal(ctx, control.TerminalRequest{Do: control.TerminalExtend, Which: c.Which, By: c.By}, c.JSON, lang.Text{
		EN: "%[2]s: %[3]s left.", FR: "%[2]s : il reste %[3]s.",
	})
}

type terminalEndCmd struct{ whichTerminal }

func (c terminalEndCmd) Run(ctx context.Context, a *app) error {
	return a.terminal(ctx, control.TerminalRequest{Do: control.TerminalEnd, Which: c.Which}, c.JSON, lang.Text{
		EN: "%[2]s is closed.", FR: "%[2]s est fermé.",
	})
}

type terminalMessageCmd struct {
	whichTerminal
	Text string `arg:"" help:"${help_terminal_text}" placeholder:"TEXT"`
}

func (c terminalMessageCmd) Run(ctx context.Context, a *app) error {
	return a.terminal(ctx, control.TerminalRequest{Do: control.TerminalMessage, Which: c.Which, Text: c.Text}, c.JSON, lang.Text{
		EN: "%[2]s has the message.", FR: "%[2]s a le message.",
	})
}

type terminalRestartCmd struct{ whichTerminal }

func (c terminalRestartCmd) Run(ctx context.Context, a *app) error {
	return a.terminal(ctx, control.TerminalRequest{Do: control.TerminalRestart, Which: c.Which}, c.JSON, lang.Text{
		EN: "%[2]s restarts its browser within a minute.", FR: "%[2]s relance son navigateur dans la minute.",
	})
}
