package hublink

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"parvis/internal/durable"
)

// state is what the site keeps of its enrolment, in one file: its zero value is none. Everything in it but Epoch, Acked and Heard is
// written once.
type state struct {
	Site    string `json:"site"`
	Name    string `json:"name"`
	Token   string `json:"token"`
	SealKey []byte `json:"seal_key"` // private, X25519
	SignKey []byte `json:"sign_key"` // the hub's, public, Ed25519

	// What the hub has for good: the number Acked of Epoch. The file may be behind by saveEvery, after a crash; what is sent twice
	// changes nothing.
	Epoch string `json:"epoch"`
	Acked int64  `json:"acked"`
	Heard int64  `json:"heard"` // seconds since 1970, by the clock of then: when it last acknowledged something; 0 never
}

func (s state) enrolled() bool { return s.Token != "" }

// read returns what the file has; no file is no enrolment.
func read(path string) (s state, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err == nil && (s.Site == "" || s.Token == "") {
		err = errors.New("it has no site or no token")
	}
	if err != nil {
		return state{}, fmt.Errorf("hublink: read %s: %w; move it away, then enrol the site anew with a code of the hub", path, err)
	}
	return s, nil
}

// write is for its owner alone, whole.
func (s state) write(path string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = durable.Write(path, b)
	}
	if err != nil {
		return fmt.Errorf("hublink: %w", err)
	}
	return nil
}

// remove takes the file away for good.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("hublink: %w", err)
	}
	return durable.SyncDir(filepath.Dir(path))
}
