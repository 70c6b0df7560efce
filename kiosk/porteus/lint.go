package porteus

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"parvis/internal/lang"
	"parvis/internal/order"
)

// Problem is one thing that is wrong with a configuration, or worth knowing.
type Problem struct {
	Line     int // from 1; 0 the whole file
	Warning  bool
	What     lang.Text
	Expected lang.Text // may be empty
	Do       lang.Text // may be empty
}

// In returns the problem as one line of text, without the file's name: "7: what; expected …; do …".
func (p Problem) In(l lang.Lang) string {
	s := p.What.In(l)
	if p.Line > 0 {
		s = fmt.Sprintf("%d: %s", p.Line, s)
	}
	if e := p.Expected.In(l); e != "" {
		s += text("; expected ", " ; attendu : ").In(l) + e
	}
	if d := p.Do.In(l); d != "" {
		s += text("; ", " ; ").In(l) + d
	}
	return s
}

// maxSize bounds a configuration, in bytes; a terminal's has about 1000, and 300 terminals' 100 kB.
const maxSize = 1 << 20

// maxPosts is how many terminals one place has at most.
const maxPosts = 1000

// maxProblems are told of one file; who has them has enough to correct.
const maxProblems = 200

// say makes a text; the verbs of fmt stand in the same order in both languages.
func say(en, fr string, args ...any) lang.Text {
	t := lang.Text{EN: en, FR: fr}
	return lang.Text{EN: t.In(lang.EN, args...), FR: t.In(lang.FR, args...)}
}

// linter collects.
type linter struct {
	all      []line
	problems []Problem
	told     map[Problem]bool
}

func (l *linter) add(p Problem) {
	if len(l.problems) < maxProblems && !l.told[p] {
		l.told[p] = true
		l.problems = append(l.problems, p)
	}
}

func (l *linter) bad(n int, what, expected, do lang.Text) {
	l.add(Problem{Line: n, What: what, Expected: expected, Do: do})
}

func (l *linter) warn(n int, what, expected, do lang.Text) {
	l.add(Problem{Line: n, Warning: true, What: what, Expected: expected, Do: do})
}

// HasErrors says whether a problem is more than worth knowing.
func HasErrors(ps []Problem) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return !p.Warning })
}

// Lint says all that is wrong with a configuration, also one that was written by hand, in the order of its lines: what
// terminals would not read, would read otherwise than it looks, or should not be told. At most 200 problems.
func Lint(config []byte) []Problem {
	l := &linter{told: map[Problem]bool{}}
	switch {
	case len(config) > maxSize:
		l.bad(0, say("the file has more than %d bytes", "le fichier dépasse %d octets", maxSize), lang.Text{}, lang.Text{})
		return l.problems
	case bytes.HasPrefix(config, []byte{0xff, 0xfe}), bytes.HasPrefix(config, []byte{0xfe, 0xff}), bytes.IndexByte(config, 0) >= 0:
		l.bad(0, say("the file is in UTF-16, or no text", "le fichier est en UTF-16, ou n'est pas un texte"), say("plain ASCII", "de l'ASCII simple"),
			say("save it as UTF-8 without a byte order mark", "enregistrez-le en UTF-8 sans BOM"))
		return l.problems
	}
	l.all = lines(config)
	l.characters(config)
	l.shape()
	l.sections()
	l.parameters()
	ids := append([]string{""}, pcids(l.all)...)
	if len(ids) > maxPosts {
		l.bad(0, say("more than %d terminals", "plus de %d postes", maxPosts), lang.Text{}, lang.Text{})
		ids = ids[:maxPosts]
	}
	for _, id := range ids {
		l.view(id)
	}
	order.Stable(l.problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return l.problems
}

// characters are those that a terminal throws away.
func (l *linter) characters(config []byte) {
	for i, t := range bytes.Split(config, []byte("\n")) {
		t = bytes.TrimSuffix(t, []byte("\r"))
		for len(t) > 0 {
			r, size := utf8.DecodeRune(t)
			switch {
			case r == '\r':
				l.bad(i+1, say("a lone carriage return", "un retour chariot seul"), lang.Text{}, say("end lines with LF or CRLF", "finissez les lignes par LF ou CRLF"))
			case r >= 0x7f || r < ' ' && r != '\t':
				l.bad(i+1, say("the character %q is not ASCII: terminals delete it, or half of it", "le caractère %q n'est pas ASCII : les postes l'effacent, ou à moitié", string(t[:size])),
					say("ASCII", "de l'ASCII"), say("write it without the accent, or leave it out", "écrivez-le sans accent, ou retirez-le"))
				r = utf8.RuneError
			}
			if r == utf8.RuneError || r == '\r' {
				break // one of a line is enough
			}
			t = t[size:]
		}
	}
}

// shape says of each line whether it is a header, an assignment, a comment or empty.
func (l *linter) shape() {
	for _, x := range l.all {
		_, _, isSet := assignment(x.text)
		switch trimmed := strings.TrimSpace(x.text); {
		case x.text == "" || x.text[0] == '#':
		case trimmed == "":
			l.bad(x.number, say("a line of blanks: it looks empty and does not end a section", "une ligne d'espaces : elle paraît vide et ne finit pas une section"), lang.Text{},
				say("empty it", "videz-la"))
		case trimmed != strings.TrimRight(x.text, " \t\r\v\f"):
			l.bad(x.number, say("the line begins with a blank: terminals drop it", "la ligne commence par un espace : les postes l'ignorent"), lang.Text{},
				say("move it to the left edge", "collez-la au bord gauche"))
		case header(x.text):
			if len(named(x.text)) == 0 && !globalHeader.MatchString(x.text) {
				l.bad(x.number, say("the header names nobody", "l'en-tête ne nomme personne"), say("[[ GLOBAL ]] or [[ PCID ]]", "[[ GLOBAL ]] ou [[ PCID ]]"), lang.Text{})
			}
		case strings.HasPrefix(x.text, "["):
			l.bad(x.number, say("no header has a single bracket", "un en-tête a deux crochets"), say("[[ GLOBAL ]] or [[ PCID ]]", "[[ GLOBAL ]] ou [[ PCID ]]"), lang.Text{})
		case !isSet:
			what := say("terminals do not read this line", "les postes ne lisent pas cette ligne")
			if name, _, eq := strings.Cut(x.text, "="); eq {
				what = say("%q is no name of a parameter (no blank before the =)", "%q n'est pas un nom de paramètre (pas d'espace avant le =)", name)
			}
			l.bad(x.number, what, say("name=value on one line, however long", "nom=valeur sur une ligne, même longue"), lang.Text{})
		}
	}
}

// sections checks which section everything is in.
func (l *linter) sections() {
	_, has := global(l.all)
	if ids := pcids(l.all); !has && len(ids) > 0 {
		l.bad(0, say("there is no [[ GLOBAL ]]: every terminal reads the whole file, the first value of each parameter", "il n'y a pas de [[ GLOBAL ]] : chaque poste lit tout le fichier, la première valeur de chaque paramètre"),
			lang.Text{}, say("write [[ GLOBAL ]] first", "écrivez [[ GLOBAL ]] en premier"))
		return
	}
	var (
		headers = map[string]int{} // PCID → line
		in      = ""               // header of the section, "" before the first
		set     = map[string]int{}
		closed  = false // the empty line that ends a terminal's section was met
	)
	for _, x := range l.all {
		ids := named(x.text)
		switch key, _, isSet := assignment(x.text); {
		case globalHeader.MatchString(x.text):
			if len(headers) > 0 {
				l.bad(x.number, say("GLOBAL after a terminal's section: no terminal reads it", "GLOBAL après la section d'un poste : aucun poste ne la lit"), lang.Text{},
					say("make it the first section", "mettez-la en premier"))
			} else if in == "GLOBAL" {
				l.warn(x.number, say("a second GLOBAL", "un deuxième GLOBAL"), lang.Text{}, say("join the two", "réunissez les deux"))
			} else if len(set) > 0 {
				l.warn(x.number, say("lines before GLOBAL count as GLOBAL", "les lignes avant GLOBAL comptent comme GLOBAL"), lang.Text{}, say("put them under it", "mettez-les dessous"))
			}
			if in != "GLOBAL" && len(headers) > 0 {
				set = map[string]int{}
			}
			in, closed = "GLOBAL", false
		case len(ids) > 0:
			if in != "" && in != "GLOBAL" && !closed {
				l.bad(x.number, say("no empty line before this header: the terminals of the section above read this one too", "pas de ligne vide avant cet en-tête : les postes de la section du dessus lisent aussi celle-ci"),
					lang.Text{}, say("put an empty line above it", "mettez une ligne vide au-dessus"))
			}
			l.heads(x.number, ids, headers)
			in, closed, set = x.text, false, map[string]int{}
		case x.text == "":
			closed = true
		case isSet && in != "" && in != "GLOBAL" && closed:
			l.bad(x.number, say("after an empty line in a terminal's section: no terminal reads it", "après une ligne vide dans la section d'un poste : aucun poste ne la lit"), lang.Text{},
				say("take the empty line out", "retirez la ligne vide"))
		case isSet:
			if first, twice := set[key]; twice {
				l.bad(x.number, say("%s is set on line %d already: the first one counts", "%s est déjà à la ligne %d : c'est la première qui compte", key, first), lang.Text{},
					say("keep one", "n'en gardez qu'une"))
				continue
			}
			set[key] = x.number
		}
	}
}

// heads checks the PCIDs of one header against all before it.
func (l *linter) heads(n int, ids []string, headers map[string]int) {
	for _, id := range ids {
		if len(headers) > maxPosts {
			return // told once for the file
		}
		if !ValidPCID(id) {
			l.bad(n, say("%q is no PCID that a terminal finds by itself alone", "%q n'est pas un PCID qu'un poste retrouve à coup sûr", id),
				say("4 to 64 letters, digits and dashes", "4 à 64 lettres, chiffres et tirets"), lang.Text{})
		}
		for _, other := range slices.Sorted(maps.Keys(headers)) {
			switch at := headers[other]; {
			case other == id:
				l.bad(n, say("the PCID %s heads line %d already", "le PCID %s est déjà à la ligne %d", id, at), lang.Text{}, say("join the two sections", "réunissez les deux sections"))
			case strings.Contains(other, id), strings.Contains(id, other):
				l.bad(n, say("one of %s and %s (line %d) is part of the other: a terminal would read both", "l'un de %s et %s (ligne %d) contient l'autre : un poste lirait les deux", id, other, at), lang.Text{}, lang.Text{})
			}
		}
		headers[id] = n
	}
}
