package catalogue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"parvis/internal/lang"
)

// Bounds of what is read.
const (
	mostFiles = 64
	mostBytes = 256 << 10 // of one file
	mostHosts = 64        // of one service or bundle, each kind
	mostItems = 512       // services, bundles and needs of a file
)

// Problem is something in a file that is not right.
type Problem struct {
	File string // its name in its directory
	ID   string // the service, bundle or need; "" the file
	text lang.Text
	args []any
}

// In says it in a language.
func (p Problem) In(l lang.Lang) string {
	at := p.File
	if p.ID != "" {
		at += ": " + p.ID
	}
	return at + ": " + p.text.In(l, p.args...)
}

func (p Problem) String() string { return p.In(lang.EN) }

// item is a service, bundle, need or addition as it is written.
type item struct {
	ID       string   `toml:"id"`
	Of       string   `toml:"of"`
	Need     string   `toml:"need"`
	Title    string   `toml:"title"`
	Address  string   `toml:"address"`
	Hosts    []string `toml:"hosts"`
	Believed []string `toml:"believed"`
	Services []string `toml:"services"`
	Needs    []string `toml:"needs"`
	With     []string `toml:"with"`
	Drawing  string   `toml:"drawing"`
	Apart    bool     `toml:"apart"`

	kind kind
	file string
	own  bool
}

type kind string

const (
	isNeed    kind = "need"
	isService kind = "service"
	isBundle  kind = "bundle"
	isMore    kind = "more" // names that a service or bundle lacks
)

// keys are those of each kind.
var keys = map[kind][]string{
	isNeed:    {"id", "title", "drawing"},
	isService: {"id", "need", "title", "address", "hosts", "believed", "needs", "with", "drawing"},
	isBundle:  {"id", "title", "hosts", "believed", "services", "apart"},
	isMore:    {"of", "hosts", "believed"},
}

// list is everything that was read, in the order of files and in them.
type list struct {
	items   []item
	without map[string]string // ids that a town takes out, by the file that says so
}

// read reads every *.toml of a directory. What cannot be understood is a problem and not in the list.
func read(dir fs.FS, own bool) (*list, []Problem) {
	l := &list{without: map[string]string{}}
	found, err := fs.Glob(dir, "*.toml") // sorted
	if err != nil {
		return l, []Problem{{File: ".", text: unreadableText, args: []any{err}}}
	}
	var problems []Problem
	if len(found) == 0 {
		problems = append(problems, Problem{File: ".", text: lang.Text{EN: "there is no *.toml file here", FR: "il n'y a pas de fichier *.toml ici"}})
	}
	if len(found) > mostFiles {
		problems = append(problems, Problem{File: found[mostFiles], text: lang.Text{
			EN: "more than %d files; expected fewer, with more in each", FR: "plus de %d fichiers ; il en faut moins, avec plus dans chacun",
		}, args: []any{mostFiles}})
		found = found[:mostFiles]
	}
	for _, name := range found {
		src, err := slurp(dir, name)
		if err != nil {
			problems = append(problems, Problem{File: name, text: unreadableText, args: []any{err}})
			continue
		}
		problems = append(problems, l.parse(name, src, own)...)
	}
	return l, problems
}

var (
	unreadableText = lang.Text{EN: "cannot be read: %v", FR: "illisible : %v"}
	notTOMLText    = lang.Text{
		EN: "line %d: not TOML (%s); expected brackets, equals signs and quotes as in the example",
		FR: "ligne %d : ce n'est pas du TOML (%s) ; attendu : crochets, signes égal et guillemets comme dans l'exemple",
	}
	tooLongText    = lang.Text{EN: "more than %d; expected at most that", FR: "plus de %d ; c'est le plus possible"}
	unknownKeyText = lang.Text{EN: "unknown key %s; expected one of: %s", FR: "clé inconnue %s ; attendu : %s"}
)

func slurp(dir fs.FS, name string) (string, error) {
	f, err := dir.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return "", err
	}
	if len(b) > mostBytes {
		return "", fmt.Errorf("more than %d bytes", mostBytes)
	}
	return string(b), nil
}

// parse reads one file.
func (l *list) parse(name, src string, own bool) (problems []Problem) {
	var f struct {
		Need    []item   `toml:"need"`
		Service []item   `toml:"service"`
		Bundle  []item   `toml:"bundle"`
		More    []item   `toml:"more"`
		Without []string `toml:"without"`
	}
	meta, err := toml.Decode(src, &f)
	if err != nil {
		if pe := (toml.ParseError{}); errors.As(err, &pe) {
			return []Problem{{File: name, text: notTOMLText, args: []any{pe.Position.Line, pe.Message}}}
		}
		return []Problem{{File: name, text: lang.Text{EN: "%s", FR: "%s"}, args: []any{err.Error()}}}
	}
	for _, k := range meta.Undecoded() {
		problems = append(problems, Problem{File: name, text: unknownKeyText, args: []any{k, "need, service, bundle, more, without"}})
	}
	problems = append(problems, wrongKeys(name, meta)...)
	for _, part := range []struct {
		kind  kind
		items []item
	}{{isNeed, f.Need}, {isService, f.Service}, {isBundle, f.Bundle}, {isMore, f.More}} {
		if len(part.items) > mostItems {
			problems = append(problems, Problem{File: name, ID: string(part.kind), text: tooLongText, args: []any{mostItems}})
			part.items = part.items[:mostItems]
		}
		for _, it := range part.items {
			it.kind, it.file, it.own = part.kind, name, own
			l.items = append(l.items, it)
		}
	}
	for _, id := range f.Without {
		l.without[id] = name
	}
	return problems
}

// wrongKeys are keys that another kind of entry has.
func wrongKeys(name string, meta toml.MetaData) (problems []Problem) {
	undecoded, said := map[string]bool{}, map[string]bool{} // the first have been said
	for _, k := range meta.Undecoded() {
		undecoded[k.String()] = true
	}
	for _, k := range meta.Keys() {
		if len(k) != 2 || undecoded[k.String()] || said[k.String()] {
			continue
		}
		if known, ok := keys[kind(k[0])]; ok && !slices.Contains(known, k[1]) {
			said[k.String()] = true
			problems = append(problems, Problem{File: name, text: unknownKeyText, args: []any{k, strings.Join(known, ", ")}})
		}
	}
	return problems
}

// join adds what a town has to what comes with Parvis, and takes out what it does not want.
func (l *list) join(own *list) {
	maps.Copy(l.without, own.without)
	l.items = append(l.items, own.items...)
}
