package catalogue

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"parvis/internal/durable"
)

// Tried is the last trial of a service from this place.
type Tried struct {
	Date   string   `json:"date"` // 2006-01-02
	Failed []string `json:"failed,omitempty"`
}

// Trials are those of all services, by id.
type Trials map[string]Tried

// Note takes note of what was tried on a day.
func (ts Trials) Note(day time.Time, all []Trial) {
	tried := Trials{}
	for _, t := range all {
		for _, id := range t.For {
			was := tried[id]
			was.Date = day.Format(time.DateOnly)
			if t.Outcome != Reached {
				was.Failed = append(was.Failed, t.Host)
			}
			tried[id] = was
		}
	}
	for id, t := range tried {
		ts[id] = t
	}
}

// ReadTrials reads the place's own file. One that is not there is no trial.
func ReadTrials(path string) (Trials, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Trials{}, nil
	}
	if err != nil {
		return Trials{}, fmt.Errorf("catalogue: read trials: %w", err)
	}
	defer f.Close()
	var ts Trials
	if err := json.NewDecoder(io.LimitReader(f, mostBytes)).Decode(&ts); err != nil || ts == nil {
		return Trials{}, fmt.Errorf("catalogue: read trials: %s: %w", path, errors.Join(errNoTrials, err))
	}
	return ts, nil
}

var errNoTrials = errors.New("not a list of trials")

// Write replaces the file at once or not at all.
func (ts Trials) Write(path string) error {
	b, err := json.MarshalIndent(ts, "", "  ")
	if err == nil {
		err = durable.Write(path, append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("catalogue: write trials: %w", err)
	}
	return nil
}

// With returns the catalogue with the dates of its trials.
func (c *Catalogue) With(ts Trials) *Catalogue {
	next := *c
	next.services = slices.Clone(c.services)
	for i, s := range next.services {
		if t, ok := ts[s.ID]; ok {
			if _, err := time.Parse(time.DateOnly, t.Date); err == nil {
				next.services[i].Tried, next.services[i].Failed = t.Date, t.Failed
			}
		}
	}
	return &next
}
