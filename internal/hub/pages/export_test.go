package pages

import (
	"io/fs"
	"path"
	"strings"
	"sync"
)

// Routes are the patterns of all pages and gestures.
func Routes() (all []string) {
	for _, r := range routes {
		all = append(all, r.pattern)
	}
	return all
}

// OpenRoutes are those that are answered to who has not entered.
func OpenRoutes() (all []string) {
	for _, r := range routes {
		if r.open {
			all = append(all, r.pattern)
		}
	}
	return all
}

// Names are those of all templates.
func Names() (all []string) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err)
	}
	for _, f := range names {
		if name := strings.TrimSuffix(path.Base(f), ".html"); name != "layout" && !strings.HasPrefix(name, "part-") {
			all = append(all, name)
		}
	}
	return all
}

// rendered are the templates that this process has shown.
var rendered sync.Map

func init() { watch = func(name string) { rendered.Store(name, true) } }

// Rendered are their names.
func Rendered() (all []string) {
	rendered.Range(func(name, _ any) bool { all = append(all, name.(string)); return true })
	return all
}
