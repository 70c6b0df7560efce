package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/sessions"
)

// paperTexts are the help texts of tickets and workshops.
var paperTexts = map[string]lang.Text{
	"help_voucher":         {EN: "Tickets: make, list, revoke, replace, redeem. They are given, never sold.", FR: "Tickets : créer, lister, annuler, remplacer, utiliser. Ils se donnent, jamais ne se vendent."},
	"help_voucher_make":    {EN: "Make tickets and print their codes: the only time that they are told.", FR: "Crée des tickets et affiche leurs codes : la seule fois qu'ils sont dits."},
	"help_voucher_list":    {EN: "List batches: tickets used, left, revoked.", FR: "Liste les lots : tickets utilisés, restants, annulés."},
	"help_voucher_revoke":  {EN: "Make every ticket of a batch useless.", FR: "Annule tous les tickets d'un lot."},
	"help_voucher_replace": {EN: "Replace a spoiled sheet: its unused codes die, new ones are printed.", FR: "Remplace une planche gâchée : ses codes libres meurent, de nouveaux sont affichés."},
	"help_voucher_redeem":  {EN: "Redeem a code for a device. The code is read from standard input.", FR: "Utilise un code pour un appareil. Le code est lu sur l'entrée standard."},
	"help_voucher_count":   {EN: "How many, at most 960.", FR: "Combien, 960 au plus."},
	"help_voucher_label":   {EN: "The place's own words for the batch. No name of a person.", FR: "Les mots du lieu pour ce lot. Pas de nom de personne."},
	"help_voucher_profile": {EN: "Profile; by default the portal's.", FR: "Profil ; par défaut celui du portail."},
	"help_voucher_for":     {EN: "Time of one ticket, such as 30m; by default the profile's.", FR: "Durée d'un ticket, comme 30m ; par défaut celle du profil."},
	"help_voucher_devices": {EN: "Devices of one ticket; by default the profile's.", FR: "Appareils d'un ticket ; par défaut ceux du profil."},
	"help_voucher_from":    {EN: "Valid from: 18:00, 2026-12-24, or a duration from now.", FR: "Valable à partir de : 18:00, 2026-12-24, ou une durée."},
	"help_voucher_until":   {EN: "Valid until, in the same words; by default without an end.", FR: "Valable jusqu'à, dans les mêmes mots ; sans fin par défaut."},
	"help_voucher_batch":   {EN: "The batch.", FR: "Le lot."},
	"help_voucher_sheet":   {EN: "Number of the sheet, from 1.", FR: "Numéro de la planche, à partir de 1."},
	"help_voucher_cut":     {EN: "End what its tickets have opened, too.", FR: "Arrête aussi ce que ses tickets ont ouvert."},
	"help_voucher_out":     {EN: "Print them on the ticket printer. Their codes are shown only if they do not come out.", FR: "Les sort sur l'imprimante à tickets. Leurs codes ne sont affichés que s'ils ne sortent pas."},
	"help_voucher_print":   {EN: "Print a batch on the ticket printer, within 15 minutes of its making.", FR: "Sort un lot sur l'imprimante à tickets, dans les 15 minutes de sa création."},
	"help_voucher_skip":    {EN: "So many are out already.", FR: "Autant sont déjà sortis."},
	"help_voucher_only":    {EN: "This sheet alone, from 1.", FR: "Cette planche seulement, à partir de 1."},
	"help_voucher_device":  {EN: "IPv4 address of the device.", FR: "Adresse IPv4 de l'appareil."},

	"help_workshop":         {EN: "Workshops: one code for a room, one end for all.", FR: "Ateliers : un code pour la salle, une fin pour tous."},
	"help_workshop_make":    {EN: "Plan a workshop.", FR: "Prépare un atelier."},
	"help_workshop_list":    {EN: "List workshops: running, planned, over.", FR: "Liste les ateliers : en cours, prévus, finis."},
	"help_workshop_start":   {EN: "Start it: from now on its code opens.", FR: "Le démarre : dès lors son code ouvre."},
	"help_workshop_prolong": {EN: "Move its end, and everybody's.", FR: "Repousse sa fin, et celle de tous."},
	"help_workshop_end":     {EN: "End it, and everybody in it; or give up one that is planned.", FR: "L'arrête, et tous avec lui ; ou renonce à un atelier prévu."},
	"help_workshop_heads":   {EN: "Note how many people were there.", FR: "Note combien de personnes étaient là."},
	"help_workshop_title":   {EN: "The place's own words for it. No name of a person.", FR: "Les mots du lieu. Pas de nom de personne."},
	"help_workshop_places":  {EN: "Places, at most 100.", FR: "Places, 100 au plus."},
	"help_workshop_length":  {EN: "Its length, such as 2h.", FR: "Sa durée, comme 2h."},
	"help_workshop_at":      {EN: "It starts by itself: 14:00, \"2026-12-24 14:00\"; by default by hand.", FR: "Démarre tout seul : 14:00, « 2026-12-24 14:00 » ; par défaut à la main."},
	"help_workshop_reserve": {EN: "Rate kept for all of it, each way, such as 20mbit; at most half of the line.", FR: "Débit gardé pour tous, dans chaque sens, comme 20mbit ; la moitié de la ligne au plus."},
	"help_workshop_again":   {EN: "Like this earlier one, but for what is given.", FR: "Comme cet atelier passé, sauf ce qui est donné."},
	"help_workshop_id":      {EN: "The workshop.", FR: "L'atelier."},
	"help_workshop_by":      {EN: "How much, such as 15m.", FR: "Combien, comme 15m."},
	"help_workshop_count":   {EN: "How many people.", FR: "Combien de personnes."},
}

type voucherCmd struct {
	Make    voucherMakeCmd    `cmd:"" help:"${help_voucher_make}"`
	List    voucherListCmd    `cmd:"" help:"${help_voucher_list}"`
	Revoke  voucherRevokeCmd  `cmd:"" help:"${help_voucher_revoke}"`
	Replace voucherReplaceCmd `cmd:"" help:"${help_voucher_replace}"`
	Print   voucherPrintCmd   `cmd:"" help:"${help_voucher_print}"`
	Redeem  voucherRedeemCmd  `cmd:"" help:"${help_voucher_redeem}"`
}

type voucherMakeCmd struct {
	Count   int           `arg:"" help:"${help_voucher_count}" placeholder:"COUNT"`
	Label   string        `help:"${help_voucher_label}" placeholder:"TEXT"`
	Profile string        `help:"${help_voucher_profile}" placeholder:"NAME"`
	For     time.Duration `help:"${help_voucher_for}" placeholder:"DURATION"`
	Devices int           `help:"${help_voucher_devices}" placeholder:"COUNT"`
	From    string        `help:"${help_voucher_from}" placeholder:"WHEN"`
	Until   string        `help:"${help_voucher_until}" placeholder:"WHEN"`
	Print   bool          `help:"${help_voucher_out}"`
	jsonFlag
}

func (c voucherMakeCmd) Run(ctx context.Context, a *app) error {
	got, err := a.client.Voucher(ctx, control.VoucherRequest{
		Do: control.VoucherMake, Label: c.Label, Profile: c.Profile, For: c.For, Devices: c.Devices, Count: c.Count, From: c.From, Until: c.Until,
		Print: c.Print,
	})
	if err != nil {
		return err
	}
	return a.tickets(got, c.JSON)
}

// tickets prints codes, one a line, so that a program can read them as well.
func (a *app) tickets(got control.VoucherAnswer, json bool) error {
	out := outOf(got.Printed)
	if json {
		return errors.Join(a.json(got), out)
	}
	id := ""
	if got.Batch != nil {
		id = " " + got.Batch.ID
	}
	if got.Printed != nil && out == nil {
		a.printedOut(id, *got.Printed)
		return nil
	}
	for _, t := range got.Tickets {
		fmt.Fprintln(a.out, t.Code)
	}
	fmt.Fprintln(a.err, lang.Text{
		EN: "Batch%s: %d tickets. Their codes are not told again.",
		FR: "Lot%s : %d tickets. Leurs codes ne seront pas redits.",
	}.In(a.lang, id, len(got.Tickets)))
	return out
}

// printedOut says that tickets are out, or on their way.
func (a *app) printedOut(id string, p control.Printed) {
	if p.Going {
		a.printf(lang.Text{EN: "Batch%s: %d tickets are being printed.", FR: "Lot%s : %d tickets en cours d'impression."}, id, p.Of)
		return
	}
	a.printf(lang.Text{EN: "Batch%s: %d tickets printed.", FR: "Lot%s : %d tickets imprimés."}, id, p.Tickets)
}

// outOf is the failure that a stop of the printer is.
func outOf(p *control.Printed) error {
	if p == nil || p.Why == "" {
		return nil
	}
	return fail(exitRefused, lang.Text{
		EN: "the ticket printer has stopped after %d of %d tickets: %s; put it right, then: parvis voucher print BATCH --skip %[1]d",
		FR: "l'imprimante à tickets s'est arrêtée après %d tickets sur %d : %s ; remettez-la en état, puis : parvis voucher print LOT --skip %[1]d",
	}, p.Tickets, p.Of, printerText(p.Why))
}

type voucherPrintCmd struct {
	Batch string `arg:"" help:"${help_voucher_batch}" placeholder:"BATCH"`
	Sheet int    `help:"${help_voucher_only}" placeholder:"SHEET"`
	Skip  int    `help:"${help_voucher_skip}" placeholder:"COUNT"`
	jsonFlag
}

func (c voucherPrintCmd) Run(ctx context.Context, a *app) error {
	got, err := a.client.Voucher(ctx, control.VoucherRequest{Do: control.VoucherPrint, Batch: c.Batch, Sheet: c.Sheet, Skip: c.Skip})
	if err != nil {
		return err
	}
	out := outOf(got.Printed)
	switch {
	case c.JSON:
		return errors.Join(a.json(got.Printed), out)
	case out == nil:
		a.printedOut(" "+c.Batch, *got.Printed)
	}
	return out
}

// batchStates are the states of a batch, for people.
var batchStates = map[sessions.BatchState]lang.Text{
	sessions.BatchValid:   {EN: "valid", FR: "valable"},
	sessions.BatchEarly:   {EN: "not valid yet", FR: "pas encore valable"},
	sessions.BatchOld:     {EN: "too old", FR: "trop vieux"},
	sessions.BatchUsed:    {EN: "used up", FR: "épuisé"},
	sessions.BatchRevoked: {EN: "revoked", FR: "annulé"},
}

type voucherListCmd struct{ jsonFlag }

func (c voucherListCmd) Run(ctx context.Context, a *app) error {
	list, err := a.client.Vouchers(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(list)
	}
	if len(list) == 0 {
		a.printf(lang.Text{EN: "There are no tickets.", FR: "Il n'y a pas de ticket."})
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, lang.Text{
		EN: "BATCH\tMADE\tPROFILE\tSTATE\tUSED\tLEFT\tREVOKED\tSHEETS\tLABEL",
		FR: "LOT\tCRÉÉ\tPROFIL\tÉTAT\tUTILISÉS\tRESTANTS\tANNULÉS\tPLANCHES\tINTITULÉ",
	}.In(a.lang))
	for _, b := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", b.ID, b.Made.Local().Format("2006-01-02"), b.Profile, batchStates[b.State].In(a.lang),
			b.Used, b.Left, b.Revoked, len(b.Sheets), b.Label)
	}
	return w.Flush()
}

type voucherRevokeCmd struct {
	Batch string `arg:"" help:"${help_voucher_batch}" placeholder:"BATCH"`
	Cut   bool   `help:"${help_voucher_cut}"`
}

func (c voucherRevokeCmd) Run(ctx context.Context, a *app) error {
	_, err := a.client.Voucher(ctx, control.VoucherRequest{Do: control.VoucherRevoke, Batch: c.Batch, Cut: c.Cut})
	if err != nil {
		return err
	}
	a.printf(lang.Text{EN: "Revoked: %s.", FR: "Annulé : %s."}, c.Batch)
	return nil
}

type voucherReplaceCmd struct {
	Batch string `arg:"" help:"${help_voucher_batch}" placeholder:"BATCH"`
	Sheet int    `arg:"" help:"${help_voucher_sheet}" placeholder:"SHEET"`
	Print bool   `help:"${help_voucher_out}"`
	jsonFlag
}

func (c voucherReplaceCmd) Run(ctx context.Context, a *app) error {
	got, err := a.client.Voucher(ctx, control.VoucherRequest{Do: control.VoucherReplace, Batch: c.Batch, Sheet: c.Sheet, Print: c.Print})
	if err != nil {
		return err
	}
	return a.tickets(got, c.JSON)
}

type voucherRedeemCmd struct {
	Device netip.Addr `arg:"" help:"${help_voucher_device}" placeholder:"IPV4"`
	jsonFlag
}

func (c voucherRedeemCmd) Run(ctx context.Context, a *app) error {
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, 256)).ReadString('\n')
	if err != nil && line == "" {
		return fail(exitUsage, lang.Text{
			EN: "voucher redeem: expected the code on standard input",
			FR: "voucher redeem : le code est attendu sur l'entrée standard",
		})
	}
	got, err := a.client.Voucher(ctx, control.VoucherRequest{Do: control.VoucherRedeem, IPv4: c.Device, Code: strings.TrimSpace(line)})
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(got.Session)
	}
	a.printf(lang.Text{EN: "Session %s is open for %s, %s left.", FR: "La connexion %s est ouverte pour %s, il reste %s."},
		got.Session.ID, got.Session.Device.IPv4, got.Session.Left.Round(time.Second))
	return nil
}
