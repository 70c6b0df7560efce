package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed templates/*.html templates/style.css templates/console.js templates/copy.js templates/icon.svg
var assets embed.FS

// AssetPath is what the paths of the style sheet and of the script begin with. They hold nothing of the place: who has not
// entered may have them.
const AssetPath = "/fichiers/"

// The names hold a hash of the content: what a browser has kept is never another version's.
var (
	style, stylePath   = asset("style.css")
	script, scriptPath = asset("console.js")
	icon, iconPath     = asset("icon.svg")

	// It puts a text on the clipboard by a button, which stands there only where it runs.
	copyScript, copyPath = asset("copy.js")
)

func asset(name string) (content []byte, at string) {
	content, err := assets.ReadFile("templates/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	sum := sha256.Sum256(content)
	base, ext, _ := strings.Cut(name, ".")
	return content, AssetPath + base + "-" + hex.EncodeToString(sum[:6]) + "." + ext
}

func (c *Console) assetPages(m *http.ServeMux) {
	serve := func(kind string, content []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			w.Header().Set("Content-Type", kind+"; charset=utf-8")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			_, _ = w.Write(content) // the client may have gone
		}
	}
	m.HandleFunc("GET "+stylePath, serve("text/css", style))
	m.HandleFunc("GET "+scriptPath, serve("text/javascript", script))
	m.HandleFunc("GET "+copyPath, serve("text/javascript", copyScript))
	m.HandleFunc("GET "+iconPath, serve("image/svg+xml", icon))
}

// parseTemplates reads every page with the layout and the partials.
func parseTemplates(c *Console) (map[string]*template.Template, error) {
	files, err := fs.Glob(assets, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("console: list templates: %w", err)
	}
	pages := make(map[string]*template.Template, len(files))
	for _, f := range files {
		name := strings.TrimSuffix(path.Base(f), ".html")
		if name == "layout" || name == "partials" {
			continue
		}
		t, err := template.New(name).Funcs(c.words()).ParseFS(assets, "templates/layout.html", "templates/partials.html", f)
		if err != nil {
			return nil, fmt.Errorf("console: parse templates: %w", err)
		}
		pages[name] = t
	}
	return pages, nil
}
