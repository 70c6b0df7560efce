package drawings_test

import (
	"encoding/xml"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parvis/portal/drawings"
)

func TestEveryDrawingIsThereWithItsWords(t *testing.T) {
	files, err := fs.Glob(os.DirFS("svg"), "*.svg")
	if err != nil || len(files) != len(drawings.Names()) || len(files) != 24 {
		t.Fatalf("%d files for %d names, %v", len(files), len(drawings.Names()), err)
	}
	seen := map[string]string{}
	for _, name := range drawings.Names() {
		for _, language := range []string{"fr", "en", "ar"} {
			word := drawings.Word(name, language)
			if word == "" || seen[language+word] != "" {
				t.Errorf("%s in %s: %q, which is %q's too", name, language, word, seen[language+word])
			}
			seen[language+word] = name
		}
	}
}

// A page of 14 kB has room for it, it is well-formed, and it loads nothing and runs nothing.
func TestEveryDrawingIsSmallAndPlain(t *testing.T) {
	shapes := map[string]string{}
	for _, name := range drawings.Names() {
		file := string(drawings.File(name))
		if len(file) > 1100 {
			t.Errorf("%s: %d bytes", name, len(file))
		}
		var shape strings.Builder
		for d := xml.NewDecoder(strings.NewReader(file)); ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			start, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			switch start.Name.Local {
			case "svg", "path", "circle":
			default:
				t.Errorf("%s: a <%s>", name, start.Name.Local)
			}
			for _, a := range start.Attr {
				if a.Name.Local != "fill" && a.Name.Local != "stroke" {
					shape.WriteString(a.Name.Local + a.Value)
				}
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" || a.Name.Local == "href" {
					t.Errorf("%s: attribute %s", name, a.Name.Local)
				}
			}
		}
		if other := shapes[shape.String()]; other != "" {
			t.Errorf("%s and %s differ by colour only", name, other)
		}
		shapes[shape.String()] = name
	}
}

func TestADrawingForAPageIsHiddenFromScreenReaders(t *testing.T) {
	got := string(drawings.SVG("chat", 96))
	if !strings.HasPrefix(got, `<svg class="dr" width="96" height="96" aria-hidden="true" focusable="false" viewBox="0 0 64 64"`) ||
		!strings.HasSuffix(got, "</svg>") || strings.Contains(got, "xmlns") {
		t.Error(got)
	}
}

func TestWhatDoesNotExistIsEmpty(t *testing.T) {
	for _, name := range []string{"", "../svg/chat", "licorne"} {
		if drawings.SVG(name, 1) != "" || drawings.File(name) != nil || drawings.Word(name, "fr") != "" {
			t.Errorf("%q exists", name)
		}
	}
}

// A pictogram that no page asks for is a leftover.
func TestEveryPictogramIsOfSomePage(t *testing.T) {
	var sources strings.Builder
	for _, folder := range []string{"..", "../terminal"} {
		for _, pattern := range []string{"/*.go", "/templates/*.html"} {
			files, err := filepath.Glob(folder + pattern)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				sources.Write(b)
			}
		}
	}
	for _, name := range drawings.LineNames() {
		if !strings.Contains(sources.String(), `"`+name+`"`) {
			t.Errorf("%s is drawn and shown nowhere", name)
		}
	}
}
