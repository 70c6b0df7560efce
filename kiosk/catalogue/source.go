package catalogue

import (
	"io/fs"
	"time"

	"parvis/internal/lang"
)

// PublishedFile is the name of what a centre writes, in a directory of its own.
const PublishedFile = "centre.toml"

// Judge says what is not right in a town's own services that are one text, beside the list that comes with Parvis, each as a sentence; nil
// nothing. The catalogue is that of both, nil where something is not right. No text is the list alone.
func Judge(embedded fs.FS, source string) (*Catalogue, []Problem) {
	l, problems := read(embedded, false)
	if source != "" {
		if len(source) > mostBytes {
			return nil, append(problems, Problem{File: PublishedFile, text: longText, args: []any{mostBytes}})
		}
		own := &list{without: map[string]string{}}
		problems = append(problems, own.parse(PublishedFile, source, true)...)
		l.join(own)
	}
	c, wrong := l.build()
	if problems = append(problems, wrong...); len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

var longText = lang.Text{EN: "longer than %d bytes", FR: "plus long que %d octets"}

// Lacks reports whether a service or bundle is known and does not allow a host: what a proposal is about.
func (c *Catalogue) Lacks(id, host string) bool {
	if id == All || !c.Known(id) {
		return false
	}
	return !c.Names([]string{id}).Allows(host)
}

// Day is the day of a trial as a number, 20261124; 0 where it is none.
func (t Tried) Day() int {
	d, err := time.Parse(time.DateOnly, t.Date)
	if err != nil {
		return 0
	}
	return d.Year()*10000 + int(d.Month())*100 + d.Day()
}
