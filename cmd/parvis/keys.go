package main

import (
	"context"
	"crypto/hpke"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"parvis/internal/durable"
	"parvis/internal/lang"
	"parvis/sessions/register/keys"
)

var keysTexts = map[string]lang.Text{
	"help_keys": {
		EN: "The register's keys: made, split among three holders, tried and destroyed, on a computer without a network.",
		FR: "Les clés du registre : faites, partagées entre trois personnes, essayées et détruites, sur un ordinateur sans réseau.",
	},
	"help_keys_make": {
		EN: "Make keys for months to come: a ring for the routers, and a part for each of three holders.",
		FR: "Crée les clés des mois à venir : un trousseau pour les routeurs, et une part pour chacune des trois personnes.",
	},
	"help_keys_into":    {EN: "An empty directory.", FR: "Un dossier vide."},
	"help_keys_from":    {EN: "The first month, as 2026-12.", FR: "Le premier mois, comme 2026-12."},
	"help_keys_months":  {EN: "How many months.", FR: "Combien de mois."},
	"help_keys_ring":    {EN: "The routers' ring; new keys are added to it.", FR: "Le trousseau des routeurs ; les nouvelles clés s'y ajoutent."},
	"help_keys_drill":   {EN: "Try whether two parts open every month. Nothing is written.", FR: "Essaie si deux parts ouvrent chaque mois. Rien n'est écrit."},
	"help_keys_parts":   {EN: "Two holders' files.", FR: "Les fichiers de deux personnes."},
	"help_keys_replace": {EN: "Make new parts of the same keys, for other holders.", FR: "Refait les parts des mêmes clés, pour d'autres personnes."},
	"help_keys_destroy": {
		EN: "Take months out of a holder's file. Done with two parts, what was sealed in those months is unreadable wherever it is.",
		FR: "Retire des mois du fichier d'une personne. Fait sur deux parts, ce qui a été scellé ces mois-là est illisible, où que ce soit.",
	},
	"help_keys_until": {EN: "The last month that goes, as 2026-12.", FR: "Le dernier mois qui s'en va, comme 2026-12."},
	"help_keys_part":  {EN: "A holder's file.", FR: "Le fichier d'une personne."},
}

type keysCmd struct {
	Make    keysMakeCmd    `cmd:"" help:"${help_keys_make}"`
	Drill   keysDrillCmd   `cmd:"" help:"${help_keys_drill}"`
	Replace keysReplaceCmd `cmd:"" help:"${help_keys_replace}"`
	Destroy keysDestroyCmd `cmd:"" help:"${help_keys_destroy}"`
}

// stores are the register's, each with keys of its own.
var stores = []string{"sessions", "flows"}

const (
	ringName   = "register-keys.json"
	mostMonths = 60
)

func partName(n int) string { return fmt.Sprintf("part-%d.txt", n) }

func partHeading(a *app, n int) []string {
	return strings.Split(lang.Text{
		EN: "Parvis, keys of the register: part %d of %d. Two parts open it, one alone opens nothing.\nKeep it where nobody else comes to it, and away from the other parts.",
		FR: "Parvis, clés du registre : part %d sur %d. Deux parts l'ouvrent, une seule n'ouvre rien.\nGardez-la où personne d'autre n'a accès, et loin des autres parts.",
	}.In(a.lang, n, keys.Holders), "\n")
}

type keysMakeCmd struct {
	Into   string `arg:"" help:"${help_keys_into}" type:"path" placeholder:"DIR"`
	From   string `help:"${help_keys_from}" placeholder:"MONTH"`
	Months int    `help:"${help_keys_months}" default:"14" placeholder:"N"`
	Ring   string `help:"${help_keys_ring}" type:"existingfile" placeholder:"FILE"`
}

func (c keysMakeCmd) Run(_ context.Context, a *app) error {
	first, err := month(c.From, time.Now())
	if err != nil {
		return err
	}
	if c.Months < 1 || c.Months > mostMonths {
		return fail(exitUsage, lang.Text{EN: "--months %d: expected 1 to %d", FR: "--months %d : il faut de 1 à %d"}, c.Months, mostMonths)
	}
	ring := keys.NewRing(map[keys.ID]hpke.PublicKey{})
	if c.Ring != "" {
		if ring, err = readRing(c.Ring); err != nil {
			return err
		}
	}
	var parts [keys.Holders]keys.Part
	for n := range c.Months {
		for _, store := range stores {
			id, err := keys.NewID(store, first.AddDate(0, n, 0).Format("2006-01"))
			if err != nil {
				return refused(err)
			}
			if ring.Has(id) {
				return fail(exitRefused, lang.Text{
					EN: "%s has a key for %s already; expected months that have none: give a later --from",
					FR: "%s a déjà une clé pour %s ; il faut des mois qui n'en ont pas : donnez un --from plus tardif",
				}, c.Ring, id)
			}
			public, shares, err := keys.Make(id)
			if err != nil {
				return refused(err)
			}
			ring.Add(id, public)
			for i, s := range shares {
				parts[i] = append(parts[i], s)
			}
		}
	}
	b, err := ring.Encode()
	if err != nil {
		return refused(err)
	}
	if err := a.handOut(c.Into, parts, map[string][]byte{ringName: b}); err != nil {
		return err
	}
	a.printf(lang.Text{
		EN: "Made: keys of %d months from %s.\nFor the routers: %s\nFor the three holders, one each, on a USB key or on paper: %s to %s\nThen try them (parvis keys drill), and erase this directory.",
		FR: "Faites : les clés de %d mois à partir de %s.\nPour les routeurs : %s\nPour les trois personnes, une chacune, sur une clé USB ou sur papier : %s à %s\nEnsuite, essayez-les (parvis keys drill), puis effacez ce dossier.",
	}, c.Months, first.Format("2006-01"), filepath.Join(c.Into, ringName), partName(1), partName(keys.Holders))
	return nil
}

// handOut writes parts, and what goes with them, into a directory that is empty or not there.
func (a *app) handOut(dir string, parts [keys.Holders]keys.Part, more map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return refused(err)
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return refused(err)
	}
	if len(there) > 0 {
		return fail(exitRefused, lang.Text{
			EN: "%s is not empty; expected an empty directory: keys are never overwritten",
			FR: "%s n'est pas vide ; il faut un dossier vide : des clés ne sont jamais écrasées",
		}, dir)
	}
	for i, p := range parts {
		if err := durable.Write(filepath.Join(dir, partName(i+1)), p.Encode(partHeading(a, i+1)...)); err != nil {
			return refused(err)
		}
	}
	for name, b := range more {
		if err := durable.Write(filepath.Join(dir, name), b); err != nil {
			return refused(err)
		}
	}
	return nil
}

// month reads a month; "" is the one of now.
func month(s string, now time.Time) (time.Time, error) {
	if s == "" {
		now = now.UTC()
		return time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC), nil
	}
	t, err := time.Parse("2006-01", s)
	if err != nil || t.Year() < 2020 || t.Year() > 2099 {
		return t, fail(exitUsage, lang.Text{EN: "%q: expected a month such as 2026-12", FR: "« %s » : il faut un mois, comme 2026-12"}, s)
	}
	return t, nil
}

func readRing(file string) (keys.Ring, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return keys.Ring{}, refused(err)
	}
	r, err := keys.ParseRing(b)
	if err != nil {
		return r, fail(exitNotRight, lang.Text{EN: "%s: %v", FR: "%s : %v"}, file, err)
	}
	return r, nil
}

func readParts(files []string) ([]keys.Part, error) {
	if len(files) < keys.Needed {
		return nil, fail(exitUsage, lang.Text{EN: "%d parts are needed, of two holders", FR: "il faut %d parts, de deux personnes"}, keys.Needed)
	}
	var all []keys.Part
	for _, f := range files {
		p, err := readPart(f)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func readPart(file string) (keys.Part, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, refused(err)
	}
	p, err := keys.ParsePart(b)
	if err != nil {
		return nil, fail(exitNotRight, lang.Text{EN: "%s: %v", FR: "%s : %v"}, file, err)
	}
	return p, nil
}

// together are the shares of one key in several parts.
func together(parts []keys.Part, id keys.ID) (all []keys.Share) {
	for _, p := range parts {
		if s, ok := p.Share(id); ok {
			all = append(all, s)
		}
	}
	return all
}

type keysDrillCmd struct {
	Parts []string `arg:"" help:"${help_keys_parts}" type:"existingfile" placeholder:"PART"`
	Ring  string   `help:"${help_keys_ring}" required:"" type:"existingfile" placeholder:"FILE"`
}

func (c keysDrillCmd) Run(_ context.Context, a *app) error {
	ring, err := readRing(c.Ring)
	if err != nil {
		return err
	}
	parts, err := readParts(c.Parts)
	if err != nil {
		return err
	}
	wrong := 0
	for _, id := range ring.IDs() {
		shares := together(parts, id)
		_, err := keys.Join(shares...)
		if err == nil && !shares[0].Of(ring.Public(id)) {
			err = fmt.Errorf("%w: the routers seal to another key of this name", keys.ErrPair)
		}
		if err != nil {
			wrong++
			a.printf(lang.Text{EN: "%s: does not open (%v)", FR: "%s : ne s'ouvre pas (%v)"}, id, err)
			continue
		}
		a.printf(lang.Text{EN: "%s: opens", FR: "%s : s'ouvre"}, id)
	}
	if wrong > 0 {
		return fail(exitNotRight, lang.Text{
			EN: "%d keys do not open with these parts: try the third part; destroyed months never open again",
			FR: "%d clés ne s'ouvrent pas avec ces parts : essayez avec la troisième ; les mois détruits ne s'ouvrent plus jamais",
		}, wrong)
	}
	return nil
}

type keysReplaceCmd struct {
	Into  string   `arg:"" help:"${help_keys_into}" type:"path" placeholder:"DIR"`
	Parts []string `arg:"" help:"${help_keys_parts}" type:"existingfile" placeholder:"PART"`
}

func (c keysReplaceCmd) Run(_ context.Context, a *app) error {
	old, err := readParts(c.Parts)
	if err != nil {
		return err
	}
	var parts [keys.Holders]keys.Part
	for _, s := range old[0] {
		fresh, err := keys.Again(together(old, s.ID)...)
		if err != nil {
			return fail(exitNotRight, lang.Text{EN: "%s: %v", FR: "%s : %v"}, s.ID, err)
		}
		for i, f := range fresh {
			parts[i] = append(parts[i], f)
		}
	}
	if err := a.handOut(c.Into, parts, map[string][]byte{}); err != nil {
		return err
	}
	a.printf(lang.Text{
		EN: "Made: %d new parts in %s, of the same keys. Try them, hand them out, then destroy the old parts: two old ones still open the register.",
		FR: "Faites : %d nouvelles parts dans %s, des mêmes clés. Essayez-les, remettez-les, puis détruisez les anciennes : deux anciennes ouvrent encore le registre.",
	}, keys.Holders, c.Into)
	return nil
}

type keysDestroyCmd struct {
	Part  string `arg:"" help:"${help_keys_part}" type:"existingfile" placeholder:"PART"`
	Until string `help:"${help_keys_until}" required:"" placeholder:"MONTH"`
}

func (c keysDestroyCmd) Run(_ context.Context, a *app) error {
	until, err := month(c.Until, time.Time{})
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	// What was sealed in a month may be asked for until a year after its last day, and a day more.
	if free := until.AddDate(0, 1, 0).Add(366 * 24 * time.Hour); now.Before(free) {
		return fail(exitRefused, lang.Text{
			EN: "%s: what was sealed then must be kept until %s; nothing was destroyed",
			FR: "%s : ce qui a été scellé alors doit être gardé jusqu'au %s ; rien n'a été détruit",
		}, c.Until, free.Format(time.DateOnly))
	}
	p, err := readPart(c.Part)
	if err != nil {
		return err
	}
	last := until.Format("2006-01")
	rest := p.Without(func(id keys.ID) bool { return id.Month() <= last })
	if len(rest) == len(p) {
		return fail(exitNotFound, lang.Text{EN: "%s: no month up to %s is in it", FR: "%s : aucun mois jusqu'à %s n'y est"}, c.Part, last)
	}
	number := p[0].Number
	if err := durable.Write(c.Part, rest.Encode(partHeading(a, number)...)); err != nil {
		return refused(err)
	}
	a.printf(lang.Text{
		EN: "Out of %s: %d keys. Do the same with a second part. A flash drive may still hold what was overwritten: destroy the drive itself when it is retired.",
		FR: "Retirées de %s : %d clés. Faites de même avec une deuxième part. Une clé USB peut garder ce qui a été écrasé : détruisez-la elle-même quand elle ne sert plus.",
	}, c.Part, len(p)-len(rest))
	return nil
}
