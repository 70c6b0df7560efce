package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
)

// Bounds of what a site says of its catalogue.
const (
	MaxTrials    = 512
	MaxProposals = 64
)

// Catalogue is what a site says of its services.
type Catalogue struct {
	Mark      string     `json:"mark"` // 16 hexadecimal digits, other for other content
	Trials    []Trial    `json:"trials"`
	Proposals []Proposal `json:"proposals"`
}

// Trial is the last trial of a service from a site: whether its names answered (`parvis catalogue try`). Nobody's visit is in it.
type Trial struct {
	Service string `json:"service"` // id of the catalogue
	Day     int    `json:"day"`     // 20261124, in the place's time
	OK      bool   `json:"ok"`
}

// Proposal is a host that a colleague of a site proposes for a service.
type Proposal struct {
	Service string `json:"service"`
	Host    string `json:"host"`
}

// hostName is a DNS name in lower case, in the form that kiosk/names gives it; 253 characters are the most (RFC 1035, 2.3.4).
var hostName = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?[.])+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Marked is the same with its mark.
func (c Catalogue) Marked() (Catalogue, error) {
	c.Mark = ""
	b, err := json.Marshal(c)
	if err != nil {
		return c, fmt.Errorf("wire: %w", err)
	}
	sum := sha256.Sum256(b)
	c.Mark = hex.EncodeToString(sum[:8])
	return c, nil
}

// Check says whether a site can say it. It wraps ErrBatch.
func (c Catalogue) Check() error {
	if !hex16.MatchString(c.Mark) || len(c.Trials) > MaxTrials || len(c.Proposals) > MaxProposals {
		return fmt.Errorf("%w: catalogue of %d trials, %d proposals", ErrBatch, len(c.Trials), len(c.Proposals))
	}
	for _, t := range c.Trials {
		if !plain.MatchString(t.Service) || t.Day < 20200101 || t.Day > 22000101 {
			return fmt.Errorf("%w: trial", ErrBatch)
		}
	}
	for _, p := range c.Proposals {
		if err := p.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Check says whether a site can propose it. It wraps ErrBatch and does not repeat the host.
func (p Proposal) Check() error {
	if !plain.MatchString(p.Service) || len(p.Host) > 253 || !hostName.MatchString(p.Host) {
		return fmt.Errorf("%w: proposal", ErrBatch)
	}
	return nil
}
