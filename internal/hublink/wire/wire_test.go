package wire_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/hublink/wire"
)

func TestAVersionIsNoPath(t *testing.T) {
	for _, tc := range []struct {
		version string
		want    bool
	}{
		{"1.2.0", true},
		{"v1.2.0-3-gabcdef-dirty", true},
		{"1.2.0+debian_1", true},
		{"", false},
		{".", false},
		{"..", false},
		{"../1", false},
		{"1/2", false},
		{"1 2", false},
		{strings.Repeat("1", 65), false},
	} {
		if got := wire.Versioned(tc.version); got != tc.want {
			t.Errorf("%q: %v", tc.version, got)
		}
	}
}

// Whatever passes names a file in its own directory, and one that a site can hold.
func FuzzRelease(f *testing.F) {
	f.Add([]byte(`{"version": "1.1", "files": {"amd64": {"sha256": "` + strings.Repeat("0", 64) + `", "size": 1}}}`))
	f.Add([]byte(`{"version": "../x", "files": {}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r wire.Release
		if json.Unmarshal(b, &r) != nil || r.Check() != nil {
			return
		}
		if !filepath.IsLocal(r.Version) || filepath.Base(r.Version) != r.Version || len(r.Files) == 0 {
			t.Errorf("%+v", r)
		}
		for _, one := range r.Files {
			if !wire.Digest(one.SHA256) || one.Size < 1 || one.Size > wire.MaxFile {
				t.Errorf("%+v", one)
			}
		}
	})
}
