package hwlab

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
)

// The marks between which WriteMarkdown writes.
const (
	beginMark = "<!-- record: written by make hwlab -->"
	endMark   = "<!-- end of record -->"
)

// WriteMarkdown writes the record into the marked section of a file; the rest of the file stays.
func (r *Record) WriteMarkdown(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("hwlab: %w", err)
	}
	begin, end := bytes.Index(b, []byte(beginMark)), bytes.Index(b, []byte(endMark))
	if begin < 0 || end < begin {
		return fmt.Errorf("hwlab: write record into %s: no line %q before a line %q", path, beginMark, endMark)
	}
	if err := os.WriteFile(path, slices.Concat(b[:begin], []byte(beginMark+"\n"+r.markdown()), b[end:]), 0o644); err != nil {
		return fmt.Errorf("hwlab: %w", err)
	}
	return nil
}

func (r *Record) markdown() string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	w("\n%s. Debian's kernel %s, %s.", r.When.UTC().Format("2 January 2006"), r.Kernel, r.Machine)
	for _, t := range r.Trials {
		w("\n### %s\n", t.Trial.Title)
		for _, line := range t.Lines {
			w("- %s", line)
		}
		how := "passed"
		if t.Err != nil {
			how = "**failed**"
		}
		w("\n`%s` %s, in %.0f s.", t.Trial.Name, how, t.Took.Seconds())
	}
	w("")
	return b.String()
}
