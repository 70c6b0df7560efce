package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAProgramIsToldWithItsModules(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(text, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	doc, err := describe([]string{text, self}, "2026-01-02T03:04:05Z")
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Packages) < 2 || doc.Packages[0].Name != filepath.Base(self) || len(doc.Packages[0].Checksums) != 1 {
		t.Fatalf("%+v", doc.Packages)
	}
	std := doc.Packages[slices.IndexFunc(doc.Packages, func(p pkg) bool { return p.Name == "std" })]
	if !strings.HasPrefix(std.Refs[0].Locator, "pkg:golang/std@1.") {
		t.Errorf("%+v", std)
	}
	ids := map[string]bool{doc.ID: true}
	for _, p := range doc.Packages {
		if ids[p.ID] {
			t.Errorf("%s twice", p.ID)
		}
		ids[p.ID] = true
	}
	for _, r := range doc.Relationships {
		if !ids[r.From] || !ids[r.To] {
			t.Errorf("%+v names something that is not told", r)
		}
	}
	again, err := describe([]string{self}, "2026-01-02T03:04:05Z")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(doc)
	b, _ := json.Marshal(again)
	if string(a) != string(b) {
		t.Error("the same program is told otherwise")
	}
}

func TestWithoutAProgramThereIsNothingToTell(t *testing.T) {
	if _, err := describe([]string{"main.go"}, ""); err == nil {
		t.Error("no error")
	}
}
