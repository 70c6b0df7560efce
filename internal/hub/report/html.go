package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
)

//go:embed templates/report.html
var files embed.FS

var page = template.Must(template.New("report.html").Funcs(template.FuncMap{
	"head": head, "label": label, "unit": unit, "value": value,
}).ParseFS(files, "templates/report.html"))

// HTML is the report as a part of a page, from its second-level heading on. It is the accessible version of the PDF.
func (r Report) HTML() (template.HTML, error) {
	var b bytes.Buffer
	if err := page.Execute(&b, map[string]any{
		"R": r, "Months": r.months(), "Outages": r.outages(), "Gaps": r.gaps(), "Made": r.made(), "Privacy": say.Say("privacy"),
	}); err != nil {
		return "", fmt.Errorf("report: show %s: %w", r.File(), err)
	}
	return template.HTML(b.String()), nil //nolint:gosec // a template of ours, which escapes
}
