// Command sbom prints what the programs that it is given are made of, as SPDX 2.3 in JSON (https://spdx.github.io/spdx-spec/v2.3/):
// the modules that Go has written into each, with their versions and checksums. The same programs give the same bytes.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

type document struct {
	Version       string         `json:"spdxVersion"`
	DataLicense   string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      creation       `json:"creationInfo"`
	Packages      []pkg          `json:"packages"`
	Relationships []relationship `json:"relationships"`
}

type creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type pkg struct {
	ID        string     `json:"SPDXID"`
	Name      string     `json:"name"`
	Version   string     `json:"versionInfo,omitempty"`
	Location  string     `json:"downloadLocation"`
	License   string     `json:"licenseDeclared"`
	Analysed  bool       `json:"filesAnalyzed"`
	Checksums []checksum `json:"checksums,omitempty"`
	Refs      []ref      `json:"externalRefs,omitempty"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type ref struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	From string `json:"spdxElementId"`
	Kind string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: sbom PROGRAM…")
		os.Exit(2)
	}
	created := os.Getenv("DATE") // packaging/release sets it
	if created == "" {
		created = "1970-01-01T00:00:00Z"
	}
	doc, err := describe(os.Args[1:], created)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// describe reads the programs; files among them that are none of Go's are passed over.
func describe(files []string, created string) (*document, error) {
	doc := &document{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: "parvis",
		Creation: creation{created, []string{"Tool: parvis-sbom"}},
	}
	modules := map[string]pkg{}
	whole := sha256.New()
	for _, file := range files {
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			continue // an archive, a package
		}
		sum, err := digest(file)
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(whole, sum)
		name := filepath.Base(file)
		program := pkg{
			ID: id(name, ""), Name: name, Location: "NOASSERTION", License: "EUPL-1.2",
			Checksums: []checksum{{"SHA256", sum}},
		}
		doc.Packages = append(doc.Packages, program)
		doc.Relationships = append(doc.Relationships, relationship{doc.ID, "DESCRIBES", program.ID})
		std := pkg{ID: id("std", info.GoVersion), Name: "std", Version: strings.TrimPrefix(info.GoVersion, "go"), Location: "https://go.dev/", License: "BSD-3-Clause"}
		std.Refs = purl("pkg:golang/std@" + std.Version)
		all := []pkg{std}
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			p := pkg{ID: id(m.Path, m.Version), Name: m.Path, Version: m.Version, Location: "NOASSERTION", License: "NOASSERTION"}
			p.Refs = purl("pkg:golang/" + m.Path + "@" + m.Version)
			if b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(b) == sha256.Size {
				p.Refs = append(p.Refs, ref{"OTHER", "go-h1", hex.EncodeToString(b)})
			}
			all = append(all, p)
		}
		for _, p := range all {
			modules[p.ID] = p
			doc.Relationships = append(doc.Relationships, relationship{program.ID, "CONTAINS", p.ID})
		}
	}
	if len(doc.Packages) == 0 {
		return nil, fmt.Errorf("no program of Go among %s", strings.Join(files, " "))
	}
	for _, k := range slices.Sorted(maps.Keys(modules)) {
		doc.Packages = append(doc.Packages, modules[k])
	}
	doc.Namespace = "https://parvis.invalid/spdx/" + hex.EncodeToString(whole.Sum(nil))
	return doc, nil
}

func purl(s string) []ref { return []ref{{"PACKAGE-MANAGER", "purl", s}} }

var notInID = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

func id(name, version string) string {
	return "SPDXRef-" + strings.Trim(notInID.ReplaceAllString(name+"-"+version, "-"), "-")
}

func digest(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
