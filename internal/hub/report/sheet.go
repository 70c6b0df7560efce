package report

import (
	"strconv"

	"parvis/internal/figure"
	"parvis/internal/table"
)

// cell is a figure in a table: digits alone, or the words for what takes their place.
func cell(f figure.Figure) string {
	if f.How == figure.Plain {
		return strconv.FormatUint(f.Value, 10)
	}
	return value(f)
}

// table is every figure, one a line, all sites first.
func (r Report) table() table.Table {
	months := r.months()
	t := table.Table{Head: []string{head("scope"), head("figure"), head("unit"), months[0], months[1], months[2], head("state")}}
	state := say.Say("word-definitive")
	if r.Provisional {
		state = say.Say("word-provisional")
	}
	add := func(scope string, lines [5]Line) {
		for _, l := range lines {
			t.Lines = append(t.Lines, []string{scope, label(l.Key), unit(l.Key), cell(l.Now), cell(l.Before), cell(l.YearAgo), state})
		}
	}
	scope := r.Site
	if scope == "" {
		scope = head("all")
	}
	add(scope, r.Lines)
	for _, p := range r.Parts {
		add(p.Name, p.Lines)
	}
	return t
}

// CSV is every figure as French spreadsheets open it with a double click.
func (r Report) CSV() []byte { return r.table().CSV() }

// ODS is every figure on one sheet, and what is said around them on another.
func (r Report) ODS() ([]byte, error) {
	said := table.Table{Head: []string{r.Title(), r.Subtitle()}}
	add := func(head string, lines ...string) {
		for _, l := range lines {
			said.Lines = append(said.Lines, []string{head, l})
		}
	}
	add(head("state"), r.State())
	add(head("sentences"), r.Sentences()...)
	add(head("outages"), r.outages()...)
	add(head("gaps"), r.gaps()...)
	return table.ODS([]table.Sheet{
		{Name: head("figures"), Table: r.table(), Numbers: []int{3, 4, 5}},
		{Name: head("sentences"), Table: said},
	})
}
