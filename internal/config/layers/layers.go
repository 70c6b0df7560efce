// Package layers makes one configuration of several: what those who run many sites wrote for all of them, what a commune wrote for its
// own, what is written for one site, and what the site's own file says of its machine. It knows where each value comes from.
//
// A layer is a piece of parvis.toml. A later one wins, key by key; a list is one value. [[profile]] is met by its name: a later layer
// changes keys of a profile that is there, or adds one. What a value may be is internal/config's to say, of the whole.
package layers

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Layer is one of them.
type Layer struct {
	Origin string // who wrote it, as it is shown: "Métropole", "Échirolles", "site"
	Source string // TOML
}

// Merged is the configuration of all layers together.
type Merged struct {
	// Source is TOML of all values, sections and keys in the order of the alphabet: the same layers give the same bytes.
	Source string
	// Origins is, by key ("site.hours", "profile.visite.duration"), the Origin of the layer that its value comes from.
	Origins map[string]string
	// Values is, by the same keys, each value as TOML writes it.
	Values map[string]string
}

// Errors of Merge.
var (
	ErrNotTOML = errors.New("layers: not TOML")
	ErrShape   = errors.New("layers: not the shape of a configuration")
	ErrMachine = errors.New("layers: only the site's own file may say this")
)

// central are the sections and keys that may come from a centre. All others are about one machine and its wires, by which a centre could cut
// every site off, or are what dnsmasq is told when it starts, which no bundle can change.
var central = map[string][]string{
	"site": {
		"desk", "contact", "publisher", "rules", "languages", "timezone", "hours", "exceptions", "holiday-hours",
	},
	"wan":       {"favour", "probe", "echo"},
	"portal":    {"profile", "open"},
	"staff":     {"issuer", "client", "role-claim", "pkce"},
	"profile":   nil, // all
	"terminals": {"profile", "offers", "grace", "prolong", "idle", "browser", "usb", "restart"},
	"gate":      {"services"},
}

// Central reports whether a key ("site.hours", "profile.visite.duration") may come from a centre.
func Central(key string) bool {
	section, rest, _ := strings.Cut(key, ".")
	keys, ok := central[section]
	return ok && (keys == nil || slices.Contains(keys, rest))
}

// reburns are the keys of a centre that stand in what Porteus terminals read (kiosk/porteus): terminals.usb is a preset of adoptions to come, and
// all others change nothing there. A test of cmd/parvis compares them with what is written.
var reburns = []string{"site.timezone", "terminals.browser", "terminals.idle", "terminals.restart"}

// Reburns reports whether Porteus terminals make their image anew for another value of a key that may come from a centre, once the place has
// published it to them.
func Reburns(key string) bool { return slices.Contains(reburns, key) }

// Keys is every key that may come from a centre, those of profiles left out: all of them may.
func Keys() (all []string) {
	for section, keys := range central {
		for _, key := range keys {
			all = append(all, section+"."+key)
		}
	}
	slices.Sort(all)
	return all
}

// Check says what of a piece may not come from a centre, or that it is no piece of a configuration. It does not judge values.
func Check(source string) error {
	tree, err := read(source)
	if err != nil {
		return err
	}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(flat(tree))) {
		if !Central(key) {
			errs = append(errs, fmt.Errorf("%w: %s", ErrMachine, key))
		}
	}
	return errors.Join(errs...)
}

// Merge puts layers one over the other, the last on top.
func Merge(all ...Layer) (Merged, error) {
	sum := newTree()
	origins := map[string]string{}
	for _, l := range all {
		t, err := read(l.Source)
		if err != nil {
			return Merged{}, fmt.Errorf("%s: %w", l.Origin, err)
		}
		for key := range flat(t) {
			origins[key] = l.Origin
		}
		sum.under(t)
	}
	var out bytes.Buffer
	enc := toml.NewEncoder(&out)
	enc.Indent = ""
	if err := enc.Encode(sum.values()); err != nil {
		return Merged{}, fmt.Errorf("layers: write: %w", err)
	}
	m := Merged{Source: out.String(), Origins: origins, Values: map[string]string{}}
	for key, v := range flat(sum) {
		var one bytes.Buffer
		if err := toml.NewEncoder(&one).Encode(map[string]any{"v": v}); err != nil {
			return Merged{}, fmt.Errorf("layers: write %s: %w", key, err)
		}
		m.Values[key] = strings.TrimSpace(strings.TrimPrefix(one.String(), "v = "))
	}
	return m, nil
}

// tree is a configuration's values.
type tree struct {
	sections map[string]map[string]any
	profiles []map[string]any // in the order in which they were first named
}

func newTree() tree { return tree{sections: map[string]map[string]any{}} }

func read(source string) (tree, error) {
	var values map[string]any
	if _, err := toml.Decode(source, &values); err != nil {
		return tree{}, fmt.Errorf("%w: %w", ErrNotTOML, err)
	}
	t := newTree()
	for name, v := range values {
		switch v := v.(type) {
		case map[string]any:
			if name == "profile" {
				return tree{}, fmt.Errorf("%w: [profile]; expected [[profile]]", ErrShape)
			}
			for key, in := range v {
				if !single(in) {
					return tree{}, fmt.Errorf("%w: %s.%s is a table; expected a value", ErrShape, name, key)
				}
			}
			t.sections[name] = v
		case []map[string]any:
			if name != "profile" {
				return tree{}, fmt.Errorf("%w: [[%s]]; expected [%s]", ErrShape, name, name)
			}
			for i, p := range v {
				id, _ := p["name"].(string)
				if id == "" || strings.Contains(id, ".") {
					return tree{}, fmt.Errorf("%w: profile %d has no name that an identifier can be", ErrShape, i+1)
				}
				if t.profile(id) != nil {
					return tree{}, fmt.Errorf("%w: two profiles named %q", ErrShape, id)
				}
				for key, in := range p {
					if !single(in) {
						return tree{}, fmt.Errorf("%w: profile.%s.%s is a table; expected a value", ErrShape, id, key)
					}
				}
				t.profiles = append(t.profiles, p)
			}
		default:
			return tree{}, fmt.Errorf("%w: %s stands outside of every section", ErrShape, name)
		}
	}
	return t, nil
}

// single reports whether a value is one: a scalar, or a list of scalars.
func single(v any) bool {
	switch v := v.(type) {
	case map[string]any, []map[string]any:
		return false
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool {
			_, list := e.([]any)
			return list || !single(e)
		})
	}
	return true
}

func (t *tree) profile(name string) map[string]any {
	for _, p := range t.profiles {
		if p["name"] == name {
			return p
		}
	}
	return nil
}

// under puts another tree on top of this one.
func (t *tree) under(top tree) {
	for name, keys := range top.sections {
		if t.sections[name] == nil {
			t.sections[name] = map[string]any{}
		}
		maps.Copy(t.sections[name], keys)
	}
	for _, p := range top.profiles {
		below := t.profile(p["name"].(string))
		if below == nil {
			t.profiles = append(t.profiles, maps.Clone(p))
			continue
		}
		maps.Copy(below, p)
	}
}

func (t *tree) values() map[string]any {
	all := map[string]any{}
	for name, keys := range t.sections {
		all[name] = keys
	}
	if len(t.profiles) > 0 {
		all["profile"] = t.profiles
	}
	return all
}

// flat is every key with its value; a profile's keys are below its name.
func flat(t tree) map[string]any {
	all := map[string]any{}
	for name, keys := range t.sections {
		for key, v := range keys {
			all[name+"."+key] = v
		}
	}
	for _, p := range t.profiles {
		for key, v := range p {
			all["profile."+p["name"].(string)+"."+key] = v
		}
	}
	return all
}
