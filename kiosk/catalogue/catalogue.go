// Package catalogue is the list of online public services (téléservices) that people come for: by need, with the address that a
// tile opens and the names of hosts that each one cannot do without. The list that comes with Parvis is in the *.toml files
// beside this one; a town adds its own, in the same form. How sure a name is, and whether a service was ever tried from
// this place, stands with it.
package catalogue

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"parvis/kiosk/names"
)

//go:embed *.toml
var files embed.FS

// Files is the list that comes with Parvis.
func Files() fs.FS { return files }

// All stands for every service and every bundle that is not apart.
const All = "all"

// Host is a name that a service needs.
type Host struct {
	Rule names.Rule `json:"rule"`
	Sure bool       `json:"sure"` // seen in a public source; else from memory. Neither says that it was tried, nor that the list is whole
}

// Service is one online service.
type Service struct {
	ID      string   `json:"id"`
	Need    string   `json:"need"`    // id of a Need
	Title   string   `json:"title"`   // in plain French, at most 12 words
	Address string   `json:"address"` // https; what its tile opens
	Hosts   []Host   `json:"hosts"`
	Needs   []string `json:"needs"`           // what to have at hand: see Things
	With    []string `json:"with"`            // services and bundles without which it does not work
	Tried   string   `json:"tried,omitempty"` // date of the last trial from this place, 2006-01-02; "" never
	Failed  []string `json:"failed,omitempty"`
	Drawing string   `json:"drawing"` // name of a pictogram of the portal
	Own     bool     `json:"own"`     // the town's
}

// Things are what a service may ask of a person, in the order in which they are told.
var Things = []string{"franceconnect", "mailbox", "phone", "card", "papers"}

// Bundle is hosts and services that are opened together.
type Bundle struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Hosts    []Host   `json:"hosts"`
	Services []string `json:"services"`
	Apart    bool     `json:"apart"` // only when it is asked for
	Own      bool     `json:"own"`
}

// Need is what brings a person here, with the services that answer it.
type Need struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Drawing  string    `json:"drawing"`
	Services []Service `json:"services"`
}

// Catalogue is the services of one place. It is never changed once made.
type Catalogue struct {
	needs    []Need // without services
	services []Service
	bundles  []Bundle
}

// ErrProblems is wrapped by Load's error when files can be read and what is in them is not right; Lint says all of it.
var ErrProblems = errors.New("not right")

// Load reads the list that comes with Parvis and the town's own directories: the site's, and what its centre has published; "" is none. It refuses a
// list that Lint would: a name that is half understood might let more through than was meant.
func Load(embedded fs.FS, own ...string) (*Catalogue, error) {
	var dirs []fs.FS
	for _, dir := range own {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("catalogue: load: %w", err)
		} else if !info.IsDir() {
			return nil, fmt.Errorf("catalogue: load: %s: not a directory", dir)
		}
		dirs = append(dirs, os.DirFS(dir))
	}
	c, problems := load(embedded, dirs...)
	if len(problems) > 0 {
		return nil, fmt.Errorf("catalogue: load: %w: %v", ErrProblems, problems[0])
	}
	return c, nil
}

// Lint says what is not right in the list and in the town's own files, nil none.
func Lint(embedded fs.FS, own ...fs.FS) []Problem {
	_, problems := load(embedded, own...)
	return problems
}

func load(embedded fs.FS, own ...fs.FS) (*Catalogue, []Problem) {
	list, problems := read(embedded, false)
	for _, dir := range own {
		if dir == nil {
			continue
		}
		more, wrong := read(dir, true)
		problems = append(problems, wrong...)
		list.join(more)
	}
	c, wrong := list.build()
	return c, append(problems, wrong...)
}

// Names returns the rules that the services and bundles with these ids need, with what they need in turn; each once, in the
// order of the catalogue. An id that is not known adds nothing.
func (c *Catalogue) Names(ids []string) names.List {
	wanted := map[string]bool{}
	var want func(id string)
	want = func(id string) {
		if wanted[id] {
			return
		}
		wanted[id] = true
		if s, ok := c.Service(id); ok {
			for _, w := range s.With {
				want(w)
			}
		}
		if b, ok := c.Bundle(id); ok {
			for _, s := range b.Services {
				want(s)
			}
		}
	}
	for _, id := range ids {
		if id == All {
			for _, s := range c.services {
				want(s.ID)
			}
			for _, b := range c.bundles {
				if !b.Apart {
					want(b.ID)
				}
			}
			continue
		}
		want(id)
	}
	var list names.List
	add := func(id string, hosts []Host) {
		for _, h := range hosts {
			if wanted[id] && !slices.Contains(list, h.Rule) {
				list = append(list, h.Rule)
			}
		}
	}
	for _, b := range c.bundles {
		add(b.ID, b.Hosts)
	}
	for _, s := range c.services {
		add(s.ID, s.Hosts)
	}
	return list
}

// Known reports whether there is a service or bundle with this id, or it is All.
func (c *Catalogue) Known(id string) bool {
	_, service := c.Service(id)
	_, bundle := c.Bundle(id)
	return id == All || service || bundle
}

// Service returns one service.
func (c *Catalogue) Service(id string) (Service, bool) {
	i := slices.IndexFunc(c.services, func(s Service) bool { return s.ID == id })
	if i < 0 {
		return Service{}, false
	}
	return c.services[i], true
}

// Services returns all of them, in the order of the needs.
func (c *Catalogue) Services() []Service { return slices.Clone(c.services) }

// Bundle returns one bundle.
func (c *Catalogue) Bundle(id string) (Bundle, bool) {
	i := slices.IndexFunc(c.bundles, func(b Bundle) bool { return b.ID == id })
	if i < 0 {
		return Bundle{}, false
	}
	return c.bundles[i], true
}

// Bundles returns all of them.
func (c *Catalogue) Bundles() []Bundle { return slices.Clone(c.bundles) }

// Needs returns the needs that any service answers, with those services.
func (c *Catalogue) Needs() []Need {
	var all []Need
	for _, n := range c.needs {
		for _, s := range c.services {
			if s.Need == n.ID {
				n.Services = append(n.Services, s)
			}
		}
		if len(n.Services) > 0 {
			all = append(all, n)
		}
	}
	return all
}
