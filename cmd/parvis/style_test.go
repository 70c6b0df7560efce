package main

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/config"
	"parvis/internal/lang"
)

// What check says of a logo is what pages would do with it.
func TestCheckLooksAtTheLogo(t *testing.T) {
	dir := t.TempDir()
	var good bytes.Buffer
	if err := png.Encode(&good, image.NewGray(image.Rect(0, 0, 40, 40))); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		content []byte
		wrong   bool
	}{
		"good.png": {good.Bytes(), false}, "svg.png": {[]byte("<svg/>"), true}, "half.png": {good.Bytes()[:40], true}, "heavy.png": {make([]byte, 1<<20), true}, "none.png": {nil, true},
	} {
		file := filepath.Join(dir, name)
		if tc.content != nil {
			if err := os.WriteFile(file, tc.content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		found := logoProblems(&config.Config{Portal: config.Portal{Logo: file}})
		if (len(found) > 0) != tc.wrong {
			t.Errorf("%s: %v", name, found)
		}
		for _, p := range found {
			if text := p.In(lang.FR); p.Severity != config.Error || !strings.Contains(text, file) || strings.Contains(text+p.In(lang.EN), "%!") {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
	if found := logoProblems(&config.Config{}); len(found) > 0 {
		t.Errorf("no logo: %v", found)
	}
}
