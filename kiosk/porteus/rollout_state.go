package porteus

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"parvis/internal/mac"
)

// set is a configuration and which terminal is which in it, as they were when it was published: what a terminal is served must
// not depend on what else is up.
type set struct {
	Config string              `json:"config"`
	PCIDs  map[mac.Addr]string `json:"pcids"`
}

// macs is a set of terminals.
type macs map[mac.Addr]bool

// state is the file.
type state struct {
	Published *set `json:"published,omitempty"`
	Next      *set `json:"next,omitempty"`  // being published
	Now       bool `json:"now,omitempty"`   // although the place is open
	Asked     macs `json:"asked,omitempty"` // get a turn although nothing has changed for them
	Taken     macs `json:"taken,omitempty"` // have fetched Next
	Tried     macs `json:"tried,omitempty"` // had their turn, with Now
	Done      macs `json:"done,omitempty"`  // have come back with it
}

func readState(path string) (s state, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return s.clone(), err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, err
	}
	if s.Next != nil && s.Published == nil {
		return s, fmt.Errorf("a publication of nothing")
	}
	return s.clone(), nil
}

// write replaces the file: it is either the old one or the new one, whole. sync makes a file's content durable.
func (s state) write(path string, sync func(*os.File) error) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = sync(f)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return sync(dir)
}

// clone is a copy whose maps can be written.
func (s state) clone() state {
	for _, m := range []*macs{&s.Asked, &s.Taken, &s.Tried, &s.Done} {
		if *m = maps.Clone(*m); *m == nil {
			*m = macs{}
		}
	}
	return s
}

// equal compares; sets of configurations are replaced and never written.
func (s state) equal(o state) bool {
	return s.Published == o.Published && s.Next == o.Next && s.Now == o.Now &&
		maps.Equal(s.Asked, o.Asked) && maps.Equal(s.Taken, o.Taken) && maps.Equal(s.Tried, o.Tried) && maps.Equal(s.Done, o.Done)
}
