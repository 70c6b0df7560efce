package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// reader collects values and problems of one source.
type reader struct {
	file     string
	src      string
	at       scanned
	broken   map[string]bool // told already as unreadable
	problems []Problem
	// may is whether a piece of a configuration may say a key ("site.desk"); nil: this is a whole one.
	may func(key string) bool
}

func (r *reader) add(at place, sev Severity, what, expected, do Message) {
	r.problems = append(r.problems, Problem{
		File: r.file, Line: at.line, Column: at.column, Severity: sev, What: what, Expected: expected, Do: do,
	})
}

// keyPlace is where a key stands, or the table that should have it, or the top of the file.
func (r *reader) keyPlace(path string) place {
	for path != "" {
		if sp, ok := r.at.spans[path]; ok {
			return placeAt(r.src, sp.key)
		}
		path = path[:max(strings.LastIndexByte(path, '.'), 0)]
	}
	return place{1, 1}
}

// has reports whether the source has a key.
func (r *reader) has(path string) bool {
	_, there := r.at.spans[path]
	return there
}

func (r *reader) valuePlace(path string) place {
	if sp, ok := r.at.spans[path]; ok {
		return placeAt(r.src, sp.val)
	}
	return r.keyPlace(path)
}

// whole reports that what is not here is nowhere: of a piece, another one may have it.
func (r *reader) whole() bool { return r.may == nil }

// table is one section: its values and the keys that were asked for, which are those that it knows.
type table struct {
	r     *reader
	path  string // "site", "profile.0"
	vals  map[string]any
	known []string
}

// label is how a key is named in messages: "site.name", "profile.name".
func (t *table) label(key string) string {
	section, _, _ := strings.Cut(t.path, ".")
	return section + "." + key
}

// get returns the value of a key and whether it is there to be checked; a missing key that is needed is told.
func (t *table) get(key string, need bool) (any, bool) {
	t.known = append(t.known, key)
	v, ok := t.vals[key]
	path := join(t.path, key)
	if !ok && need && t.r.whole() && !t.r.broken[path] {
		t.r.add(t.r.keyPlace(t.path), Error, Say("%s is missing", "%s manque", t.label(key)), Message{}, t.example(key))
	}
	return v, ok && !t.r.broken[path]
}

// example shows the key as the reference has it.
func (t *table) example(key string) Message {
	section, _, _ := strings.Cut(t.path, ".")
	key, _, _ = strings.Cut(key, ".") // an element is shown as its list
	head := "[" + section + "]"
	if section == "profile" {
		head = "[[profile]]"
	}
	return Say("write for instance %s under %s", "écrivez par exemple %s sous %s", key+" = "+references()[t.label(key)], head)
}

// bad tells that a value is not acceptable.
func (t *table) bad(key string, what, expected, do Message) {
	if do.Empty() {
		do = t.example(key)
	}
	t.r.add(t.r.valuePlace(join(t.path, key)), Error, what, expected, do)
}

// warn tells what a value costs.
func (t *table) warn(key string, what, expected, do Message) {
	t.r.add(t.r.valuePlace(join(t.path, key)), Warning, what, expected, do)
}

// kind names the type of a TOML value.
func kind(v any) Message {
	switch v.(type) {
	case string:
		return Say("a text", "un texte")
	case int64, float64:
		return Say("a number", "un nombre")
	case bool:
		return Say("true or false", "vrai ou faux (true, false)")
	case []any:
		return Say("a list", "une liste")
	case map[string]any, []map[string]any:
		return Say("a section", "une section")
	default:
		return Say("a date", "une date")
	}
}

func (t *table) wrongType(key string, v any, expected Message) {
	t.bad(key, Say("%s: %s was found", "%s : trouvé %s", t.label(key), kind(v)), expected, Message{})
}

var textInQuotes = Say("a text in quotes", "un texte entre guillemets droits")

// text returns a text of one line without its outer blanks; ok is false when there is none to use.
func (t *table) text(key string, need bool) (string, bool) {
	v, ok := t.get(key, need)
	if !ok {
		return "", false
	}
	s, isText := v.(string)
	if !isText {
		t.wrongType(key, v, textInQuotes)
		return "", false
	}
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		t.bad(key, Say("%s is empty", "%s est vide", t.label(key)), Message{}, Message{})
		return "", false
	case len([]rune(s)) > maxText:
		t.bad(key, Say("%s is longer than %d characters", "%s dépasse %d caractères", t.label(key), maxText), Message{},
			Say("shorten it", "raccourcissez-le"))
		return "", false
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		t.bad(key, Say("%s has a line break or an invisible character", "%s contient un retour à la ligne ou un caractère invisible", t.label(key)),
			Say("one line of text", "une ligne de texte"), Say("type it again", "retapez-le"))
		return "", false
	}
	return s, true
}

// flag reads true or false; false without it.
func (t *table) flag(key string, def bool) bool {
	v, ok := t.get(key, false)
	if !ok {
		return def
	}
	b, isBool := v.(bool)
	if !isBool {
		t.wrongType(key, v, Say("true or false, without quotes", "true (oui) ou false (non), sans guillemets"))
	}
	return b
}

// list returns the texts of a list, each with its index; elements of another type are told and left out.
func (t *table) list(key string, expected Message) (texts map[int]string, ok bool) {
	v, ok := t.get(key, false)
	if !ok {
		return nil, false
	}
	in, isList := v.([]any)
	if !isList {
		t.bad(key, Say("%s: %s was found", "%s : trouvé %s", t.label(key), kind(v)), Say("a list in brackets", "une liste entre crochets"),
			Say("put %s between [ and ]", "mettez %s entre [ et ]", expected))
		return nil, false
	}
	texts = map[int]string{}
	for i, e := range in {
		if s, isText := e.(string); isText {
			texts[i] = strings.TrimSpace(s)
			continue
		}
		t.bad(element(key, i), Say("%s: %s was found in the list", "%s : trouvé %s dans la liste", t.label(key), kind(e)), textInQuotes, Say("list %s", "mettez-y %s", expected))
	}
	return texts, true
}

func element(key string, i int) string { return key + "." + strconv.Itoa(i) }

// unknown tells the keys that nobody asked for. all is every section's known keys, to say where a key belongs.
func (t *table) unknown(all map[string][]string) {
	for _, key := range slices.Sorted(maps.Keys(t.vals)) {
		path := join(t.path, partOf(key))
		if slices.Contains(t.known, key) || t.r.broken[path] {
			continue
		}
		do := Say("take the line out; the keys of this section are %s", "retirez la ligne ; les clés de cette section sont %s", strings.Join(t.known, ", "))
		if near := closest(key, t.known); near != "" {
			do = Say("write %s, if that is what you meant", "écrivez %s, si c'est ce que vous vouliez dire", near)
		} else if s := sectionOf(key, all); s != "" {
			do = Say("put it under %s, where this key belongs", "mettez-la sous %s, où cette clé a sa place", s)
		}
		t.r.add(t.r.keyPlace(path), Error, Say("there is no key %q in [%s]", "il n'y a pas de clé %q dans [%s]", key, t.name()), Message{}, do)
	}
}

func (t *table) name() string {
	section, _, _ := strings.Cut(t.path, ".")
	return section
}

func sectionOf(key string, all map[string][]string) string {
	for _, s := range slices.Sorted(maps.Keys(all)) {
		if slices.Contains(all[s], key) {
			if s == "profile" {
				return "[[profile]]"
			}
			return fmt.Sprintf("[%s]", s)
		}
	}
	return ""
}
