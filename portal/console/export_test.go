package console

import (
	"html/template"
	"io/fs"
	"path"
	"strings"
)

// What the package's own tests look at.
var (
	ClockTime = clockTime
	Lessons   = lessons
	// Left is the page of who has left and is still in at the town's.
	Left = (*Console).left
)

// Markdown is the lessons as docs/guide/mediation.md has them.
func Markdown() string { return markdown(lessons) }

// Pages are the templates of whole pages, as they are embedded.
func Pages() []string {
	files, _ := fs.Glob(assets, "templates/*.html") // the pattern is well formed
	var names []string
	for _, f := range files {
		if name := strings.TrimSuffix(path.Base(f), ".html"); name != "layout" && name != "partials" {
			names = append(names, name)
		}
	}
	return names
}

// Watch tells of each template that a page is rendered from. It comes before the first page.
func (c *Console) Watch(saw func(template string)) {
	for name, t := range c.templates {
		t.Funcs(template.FuncMap{"saw": func() string { saw(name); return "" }})
		template.Must(t.AddParseTree("watched", t.Lookup("main").Tree.Copy()))
		template.Must(t.Parse(`{{define "main"}}{{saw}}{{template "watched" .}}{{end}}`))
	}
}
