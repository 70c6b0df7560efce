package bench

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
)

// The marks between which WriteMarkdown writes.
const (
	beginMark = "<!-- figures: written by make bench -->"
	endMark   = "<!-- end of figures -->"
)

// WriteMarkdown writes the figures as tables into the marked section of a file; the rest of the file stays.
func (f *Figures) WriteMarkdown(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	begin, end := bytes.Index(b, []byte(beginMark)), bytes.Index(b, []byte(endMark))
	if begin < 0 || end < begin {
		return fmt.Errorf("bench: write figures into %s: no line %q before a line %q", path, beginMark, endMark)
	}
	out := slices.Concat(b[:begin], []byte(beginMark+"\n"+f.markdown()), b[end:])
	return replaceFile(path, out)
}

// markdown is one table for each part.
func (f *Figures) markdown() string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	m := f.Machine
	w("\n%s, version %s. Linux %s, %d × %s, %s; %s; iptables by default: %s; state on %s; queue inside a class: %s. Load as it began: %.2f. The run took %.0f s.",
		f.When.Format("2006-01-02 15:04 MST"), f.Version, m.Kernel, m.CPUs, m.CPU, m.Go, strings.Join(m.Iptables, ", "), f.Backend,
		cmp.Or(m.Storage, "memory"), cmp.Or(m.Leaf, "the kernel's default"), m.Load[0], f.Took)
	if f.Quick {
		w("\nA quick run: it shows that everything runs, and no speed.")
	}
	part := ""
	for _, x := range f.Figures {
		if x.Part != part {
			part = x.Part
			w("\n### %s\n\n| figure | iptables | value | aim | with Parvis | without | rounds, lowest to highest |\n|---|---|---|---|---|---|---|", part)
		}
		var with, without, rounds string
		if x.Of != "" {
			with, without = number(x.With)+" "+x.Of, number(x.Without)+" "+x.Of
		}
		if x.Rounds > 1 {
			rounds = fmt.Sprintf("%d, %s to %s", x.Rounds, number(x.Low), number(x.High))
		}
		unit := " " + x.Unit
		if x.Unit == "ratio" {
			unit = ""
		}
		w("| `%s` | %s | %s%s | %s | %s | %s | %s |", x.Name, x.Iptables, number(x.Value), unit, aimOf(x), with, without, rounds)
	}
	if len(f.Missing) > 0 {
		w("\nNot measured in this run:\n")
		for _, k := range slices.Sorted(maps.Keys(f.Missing)) {
			w("- `%s`: %s", k, strings.ReplaceAll(f.Missing[k], "\n", " "))
		}
	}
	w("")
	return b.String()
}

// aims are what figures are held against, by name; the first that fits counts.
var aims = []struct {
	name        *regexp.Regexp
	text        string
	least, most float64
}{
	{regexp.MustCompile(`^forward_pps_ratio_`), "≥ 0.82", 0.82, math.Inf(1)},
	{regexp.MustCompile(`^(open|end)_ms_p99_\d+_without_storage$`), "≤ 2", 0, 2},
	{regexp.MustCompile(`^jain_index$`), "≥ 0.98", 0.98, 1},
	{regexp.MustCompile(`^portal_302_ratio_`), "≥ 0.8", 0.8, math.Inf(1)},
	{regexp.MustCompile(`^portal_timeouts_`), "none", 0, 0},
	{regexp.MustCompile(`^repair_ms_`), "≤ 2000", 0, 2000},
	{regexp.MustCompile(`^cut_ms_p99$`), "≤ 1000", 0, 1000},
	{regexp.MustCompile(`^hub_page_ms_p95`), "≤ 200", 0, 200},
	{regexp.MustCompile(`^hub_busy_pct_500_sites$`), "≤ 5", 0, 5},
}

// aimOf says what a figure should be and whether it is; "" where nothing was set.
func aimOf(x Figure) string {
	for _, a := range aims {
		switch {
		case !a.name.MatchString(x.Name):
		case x.Value >= a.least && x.Value <= a.most:
			return a.text + ", met"
		default:
			return a.text + ", **missed**"
		}
	}
	return ""
}
