package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"parvis/internal/durable"
)

// Forget takes back what is asked for. What has begun goes on, and ends in one version or the other. Nothing to take back is no error.
func Forget(state string) error {
	dir := filepath.Join(state, askDir)
	err := os.Remove(filepath.Join(dir, wantedIn))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = durable.SyncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("upgrade: forget: %w", err)
	}
	return nil
}
