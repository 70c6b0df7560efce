package queue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"

	"parvis/internal/durable"
)

// Store remembers the queue over a restart.
type Store interface {
	// Load returns what was last saved; nothing when there was nothing.
	Load() ([]byte, error)
	// Save replaces it, durably, before it returns.
	Save([]byte) error
}

// File is a Store in one small file, replaced as a whole: a power cut leaves one version or the next.
type File struct {
	Path   string
	BootID string // for the name of a file that is set aside
	Log    *slog.Logger
}

const mostBytes = 1 << 20

// Load implements Store. A file that is no queue's is set aside: numbers of a day are not worth a place that does not open.
func (f File) Load() ([]byte, error) {
	b, err := f.read()
	if err != nil || len(b) == 0 {
		return nil, err
	}
	if _, err := decode(b); err == nil {
		return b, nil
	}
	aside := f.Path + ".corrupt-" + f.BootID
	if err := os.Rename(f.Path, aside); err != nil {
		return nil, fmt.Errorf("queue: set aside: %w", err)
	}
	if f.Log != nil {
		f.Log.Error("queue: the file was damaged; the numbers begin again", "aside", aside)
	}
	return nil, nil
}

func (f File) read() ([]byte, error) {
	file, err := os.Open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("queue: load: %w", err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, mostBytes))
	if err != nil {
		return nil, fmt.Errorf("queue: load: %w", err)
	}
	return b, nil
}

// Save implements Store.
func (f File) Save(b []byte) error {
	if err := durable.Write(f.Path, b); err != nil {
		return fmt.Errorf("queue: save: %w", err)
	}
	return nil
}
