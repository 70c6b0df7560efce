package config

import (
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"parvis/internal/order"
)

// Load reads a configuration file. The Config is nil when one of the problems is an Error.
func Load(path string) (*Config, []Problem) {
	src, err := readAll(path)
	if err == nil {
		return Parse(path, src)
	}
	p := Problem{
		File: path, Severity: Error,
		What: Say("the configuration cannot be read (%v)", "la configuration ne peut pas être lue (%v)", cause(err)),
		Do:   Say("look at the file's rights and at the disk", "regardez les droits du fichier et le disque"),
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		p.What = Say("there is no configuration here", "il n'y a pas de configuration ici")
		p.Do = Say("write one with \"parvis init\"", "écrivez-en une avec « parvis init »")
	case errors.Is(err, os.ErrPermission):
		p.What = Say("this user may not read the configuration", "cet utilisateur n'a pas le droit de lire la configuration")
		p.Do = Say("run the command as root (sudo)", "lancez la commande en root (sudo)")
	}
	return nil, []Problem{p}
}

// readAll reads little more than a configuration may be long, so that a device or a log is not read to its end.
func readAll(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSource+1))
}

// cause is what the system said, without the path, which the problem names already.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// maxBroken is how many unreadable lines are told at once.
const maxBroken = 20

// Parse reads a configuration; name is the file's name in problems. The Config is nil when one of the problems is an
// Error. Problems are in the order of the file.
func Parse(name string, source []byte) (*Config, []Problem) {
	return parse(&reader{file: name, src: strings.TrimPrefix(string(source), "\ufeff"), broken: map[string]bool{}})
}

func parse(r *reader) (*Config, []Problem) {
	if len(r.src) > maxSource {
		r.add(place{}, Error, Say("the file is longer than %d bytes", "le fichier dépasse %d octets", maxSource),
			Message{}, Say("give the path of a Parvis configuration", "donnez le chemin d'une configuration de Parvis"))
		return nil, r.problems
	}
	if r.at = scan(r.src); r.at.deep >= 0 {
		r.add(placeAt(r.src, r.at.deep), Error, Say("this is nested too deeply to be a configuration", "ceci est trop imbriqué pour être une configuration"),
			Message{}, seeReference)
		return nil, r.problems
	}
	cfg := &Config{}
	if tree, whole := r.decode(); whole {
		r.config(cfg, tree)
	}
	order.Stable(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if HasErrors(r.problems) {
		return nil, r.problems
	}
	cfg.file, cfg.places = r.file, map[string]place{}
	for path, sp := range r.at.spans {
		cfg.places[path] = placeAt(r.src, sp.val)
	}
	return cfg, r.problems
}

// decode gives the values of the source. An assignment that cannot be read is told, taken out and the rest is read
// again: one missing quote does not hide what else is wrong. Where the damage is no single line, whole is false:
// everything behind it would be told wrongly.
func (r *reader) decode() (tree map[string]any, whole bool) {
	src := []byte(r.src)
	for range maxBroken {
		tree = map[string]any{}
		_, err := toml.Decode(string(src), &tree)
		if err == nil {
			return tree, true
		}
		var pe toml.ParseError
		if !errors.As(err, &pe) {
			r.add(place{1, 1}, Error, Say("this is not TOML (%v)", "ce n'est pas du TOML (%v)", err), Message{}, seeReference)
			return nil, false
		}
		st := r.statementAt(pe.Position.Start)
		r.unreadable(st, pe)
		if st == nil || st.header || strings.TrimSpace(string(src[st.start:st.end])) == "" ||
			strings.Contains(r.src[st.start:st.end], "\n") {
			return nil, false
		}
		if st.flaw != duplicate {
			r.broken[st.path] = true
		}
		for i := st.start; i < st.end; i++ {
			src[i] = ' '
		}
	}
	return nil, false
}

// statementAt returns the last statement that begins at or before an offset; nil when there is none.
func (r *reader) statementAt(off int) *statement {
	i, found := slices.BinarySearchFunc(r.at.statements, off, func(s statement, o int) int { return cmp.Compare(s.start, o) })
	if !found {
		i--
	}
	if i < 0 {
		return nil
	}
	st := &r.at.statements[i]
	if before := max(i-1, 0); st.flaw == sound && r.at.statements[before].flaw == openList && !r.broken[r.at.statements[before].path] {
		st = &r.at.statements[before] // TOML notices an open list only at what follows it
	}
	return st
}

var seeReference = Say("compare with the example that \"parvis init\" writes", "comparez avec l'exemple qu'écrit « parvis init »")

// oneLine keeps a library's words, which may quote the source, from breaking the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// unreadable tells what is wrong with a statement that is not TOML.
func (r *reader) unreadable(st *statement, pe toml.ParseError) {
	if st != nil && !utf8.ValidString(r.src[st.start:st.end]) {
		r.add(placeAt(r.src, pe.Position.Start), Error, Say("this line is not in UTF-8", "cette ligne n'est pas en UTF-8"), Message{},
			Say("save the file as UTF-8, or type the accented letters again", "enregistrez le fichier en UTF-8, ou retapez les lettres accentuées"))
		return
	}
	if st == nil || st.flaw == sound {
		r.add(placeAt(r.src, pe.Position.Start), Error,
			Say("this line cannot be read (%s)", "cette ligne ne peut pas être lue (%s)", oneLine(pe.Message)),
			Say("TOML: key = value", "du TOML : clé = valeur"), seeReference)
		return
	}
	at := placeAt(r.src, st.at)
	none := Message{}
	switch st.flaw {
	case duplicate:
		first := placeAt(r.src, st.first).line
		what := Say("%s is written a second time (the first is on line %d)", "%s est écrit une seconde fois (la première est ligne %d)", st.path, first)
		do := Say("keep one of the two lines", "gardez une seule des deux lignes")
		if st.header {
			what = Say("the section [%s] begins a second time (the first is on line %d)", "la section [%s] commence une seconde fois (la première est ligne %d)", st.path, first)
			do = Say("put all its lines under one [%s]", "mettez toutes ses lignes sous un seul [%s]", st.path)
		}
		r.add(at, Error, what, none, do)
	case strayLetter:
		r.add(at, Error, Say("a key has an accent or a sign", "une clé contient un accent ou un signe"), Say("key = value", "clé = valeur"),
			Say("correct the key, or put a # in front if it is a remark", "corrigez la clé, ou mettez un # devant si c'est une remarque"))
	case noEquals, strayLine:
		r.add(at, Error, Say("this line sets nothing", "cette ligne ne règle rien"), Say("key = value", "clé = valeur"),
			Say("put a # in front if it is a remark", "mettez un # devant si c'est une remarque"))
	case noValue:
		r.add(at, Error, Say("%s has no value", "%s n'a pas de valeur", st.path), Say("key = value", "clé = valeur"),
			Say("write the value, or take the line out", "écrivez la valeur, ou retirez la ligne"))
	case bareText:
		r.add(at, Error, Say("the value of %s is not in quotes", "la valeur de %s n'est pas entre guillemets", st.path),
			Say("a text in quotes", "un texte entre guillemets droits"), Say("put a \" before and after it", "mettez un \" avant et après"))
	case openString:
		r.add(at, Error, Say("the quote that opens here is never closed", "le guillemet ouvert ici n'est jamais fermé"), none,
			Say("put a \" at the end of the text", "mettez un \" à la fin du texte"))
	case openList:
		r.add(at, Error, Say("the bracket that opens here is never closed", "le crochet ouvert ici n'est jamais fermé"), none,
			Say("put the closing bracket at the end of the list",
				"mettez le crochet fermant à la fin de la liste"))
	case noComma:
		r.add(at, Error, Say("a comma is missing before this", "il manque une virgule avant ceci"), none,
			Say("put a comma between the elements", "mettez une virgule entre les éléments"))
	case openHeader:
		r.add(at, Error, Say("this section's name is not closed", "le nom de cette section n'est pas fermé"),
			Say("[section] alone on its line", "[section] seul sur sa ligne"),
			Say("add the ]; what follows has not been read", "ajoutez le ] ; la suite n'a pas été lue"))
	case trailing:
		r.add(at, Error, Say("there is something after the value", "il y a quelque chose après la valeur"),
			Say("one value a line", "une seule valeur par ligne"),
			Say("put the whole value in quotes, or a # before a remark", "mettez toute la valeur entre guillemets, ou un # devant une remarque"))
	}
}
