package monitor

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"parvis/internal/durable"
)

// File is a Memory in one small file, replaced as a whole: a power cut leaves one version or the next.
type File string

const mostBytes = 1 << 20

// Load implements Memory.
func (f File) Load() ([]byte, error) {
	file, err := os.Open(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("monitor: load: %w", err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, mostBytes))
	if err != nil {
		return nil, fmt.Errorf("monitor: load: %w", err)
	}
	return b, nil
}

// Save implements Memory.
func (f File) Save(b []byte) error { return durable.Write(string(f), b) }
