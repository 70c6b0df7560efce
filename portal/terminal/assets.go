package terminal

import (
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"parvis/internal/look"
)

var (
	//go:embed templates/*.html templates/post.css templates/post.js templates/*.svg
	assets embed.FS

	// texts are what the pages say beside those of package locale.
	//
	//go:embed texts/*.toml
	texts embed.FS
)

// file is one that pages load. Its name holds a hash of its content: what a browser has kept is never another version's.
type file struct {
	path, kind string
	content    []byte
}

var (
	script = asset("post.js", "text/javascript; charset=utf-8")
	icon   = asset("post.svg", "image/svg+xml; charset=utf-8")
	alert  = asset("alert.svg", "image/svg+xml; charset=utf-8")
	files  = []file{script, icon, alert}
)

// logo is the town's.
func logo(l look.Logo) file {
	return file{"/kiosk/fichiers/logo-" + l.Mark(), l.Kind, l.Image}
}

// style is the style sheet in the town's colours.
func style(l look.Style) file { return painted("post.css", "text/css; charset=utf-8", l) }

func asset(name, kind string) file { return painted(name, kind, look.Style{}) }

func painted(name, kind string, l look.Style) file {
	content, err := assets.ReadFile("templates/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	content = []byte(l.Paint(string(content)))
	sum := sha256.Sum256(content)
	base, ext, _ := strings.Cut(name, ".")
	return file{"/kiosk/fichiers/" + base + "-" + hex.EncodeToString(sum[:6]) + "." + ext, kind, content}
}

func (f file) serve(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(f.content) // the client may have gone
}

// parseTemplates reads every page with the layout.
func parseTemplates() (map[string]*template.Template, error) {
	all, err := fs.Glob(assets, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("terminal: list templates: %w", err)
	}
	pages := make(map[string]*template.Template, len(all))
	for _, f := range all {
		if path.Base(f) == "layout.html" {
			continue
		}
		t, err := template.ParseFS(assets, "templates/layout.html", f)
		if err != nil {
			return nil, fmt.Errorf("terminal: parse templates: %w", err)
		}
		pages[strings.TrimSuffix(path.Base(f), ".html")] = t
	}
	return pages, nil
}

// nonce is a value that no other browser has.
func nonce() string { return rand.Text() }
