package catalogue

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"

	"parvis/internal/durable"
	"parvis/kiosk/names"
)

// Proposal is a host that a colleague has looked at and proposes for a service. It says nothing of who asked for it, nor when.
type Proposal struct {
	Service string `json:"service"`
	Host    string `json:"host"`
}

// MostProposals is how many a site has at once: they wait for two people's eyes.
const MostProposals = 64

// ErrProposals: there are as many as there may be. ErrProposal: it can be none.
var (
	ErrProposals = errors.New("catalogue: too many proposals wait")
	ErrProposal  = errors.New("catalogue: not a proposal")
)

// Proposals are those of one place, in a file that the daemon alone writes. It is safe for concurrent use.
type Proposals struct {
	path string
	mu   sync.Mutex
	all  []Proposal
}

// OpenProposals reads the place's own file; one that is not there is no proposal. With an error, what can be used is empty and is written anew.
func OpenProposals(path string) (*Proposals, error) {
	p := &Proposals{path: path}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("catalogue: read proposals: %w", err)
	}
	defer f.Close()
	var all []Proposal
	if err := json.NewDecoder(io.LimitReader(f, mostBytes)).Decode(&all); err != nil {
		return p, fmt.Errorf("catalogue: read proposals: %s: %w", path, err)
	}
	for _, one := range all {
		if one.possible() && len(p.all) < MostProposals {
			p.all = append(p.all, one)
		}
	}
	return p, nil
}

func (p Proposal) possible() bool {
	rule, err := names.Parse(p.Host)
	return err == nil && string(rule) == p.Host && p.Host[0] != '.' && idPattern.MatchString(p.Service)
}

// All are those that wait, in the order in which they were made.
func (p *Proposals) All() []Proposal {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all)
}

// Add makes one; the same twice is one. ErrProposal, ErrProposals, or why it cannot be written down: then it is not made.
func (p *Proposals) Add(one Proposal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !one.possible():
		return ErrProposal
	case slices.Contains(p.all, one):
		return nil
	case len(p.all) >= MostProposals:
		return ErrProposals
	}
	return p.write(append(slices.Clone(p.all), one))
}

// Remove takes one back.
func (p *Proposals) Remove(one Proposal) error {
	return p.keep(func(other Proposal) bool { return other != one })
}

// Settle forgets those that are answered: the catalogue has them, or not even their service.
func (p *Proposals) Settle(c *Catalogue) error {
	return p.keep(func(one Proposal) bool { return c.Lacks(one.Service, one.Host) })
}

func (p *Proposals) keep(which func(Proposal) bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := slices.DeleteFunc(slices.Clone(p.all), func(one Proposal) bool { return !which(one) })
	if len(next) == len(p.all) {
		return nil
	}
	return p.write(next)
}

// write changes the file, and then the memory. Called with mu held.
func (p *Proposals) write(next []Proposal) error {
	b, err := json.Marshal(next)
	if err == nil {
		err = durable.Write(p.path, append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("catalogue: write proposals: %w", err)
	}
	p.all = next
	return nil
}
