package porteus

import (
	"bytes"
	"regexp"
	"strings"
)

// line is one line of a configuration as a terminal sees it, and where it stands in the file.
type line struct {
	text   string
	number int // from 1
}

// kept says which bytes a terminal keeps of a configuration: it filters them by
// tr -dc "[:alnum:][:space:][:punct:][®][ąśł]", and tr works on bytes, so that the bytes of those four letters pass.
func kept(b byte) bool {
	switch {
	case b > ' ' && b < 0x7f, b == ' ', b >= '\t' && b <= '\r':
		return true
	case b == 0xc2, b == 0xae, b == 0xc4, b == 0x85, b == 0xc5, b == 0x9b, b == 0x82:
		return true
	}
	return false
}

// lines are those of a configuration after the terminal's filter and with its line ends made Unix ones.
func lines(config []byte) []line {
	clean := make([]byte, 0, len(config))
	for _, b := range config {
		if kept(b) {
			clean = append(clean, b)
		}
	}
	clean = bytes.ReplaceAll(clean, []byte("\r\n"), []byte("\n"))
	clean = bytes.TrimSuffix(clean, []byte("\n")) // a last line end begins no line
	var all []line
	for i, t := range strings.Split(string(clean), "\n") {
		all = append(all, line{t, i + 1})
	}
	return all
}

var globalHeader = regexp.MustCompile(`^\[\[.*GLOBAL.*\]\]`)

// header says that a line begins a section, as the terminal's own expressions have it.
func header(s string) bool { return strings.HasPrefix(s, "[[") }

// global is the part for everybody: all before the first section that is not GLOBAL. Without a GLOBAL header anywhere
// sections is false and the whole file is for everybody.
func global(all []line) (part []line, sections bool) {
	for _, l := range all {
		if globalHeader.MatchString(l.text) {
			sections = true
		}
	}
	if !sections {
		return all, false
	}
	for _, l := range all {
		switch {
		case globalHeader.MatchString(l.text):
		case header(l.text):
			return part, true
		default:
			part = append(part, l)
		}
	}
	return part, true
}

// pattern is the expression by which a terminal finds its sections: sed's /^\[\[.*PCID.*\]\]/, in which the PCID is a
// basic regular expression and not anchored. nil: sed refuses it, and nothing is found.
func pattern(pcid string) *regexp.Regexp {
	if pcid == "" || strings.ContainsAny(pcid, "/\n") {
		return nil
	}
	var b strings.Builder
	b.WriteString(`^\[\[.*`)
	for _, r := range pcid {
		if strings.ContainsRune(`+?(){}|`, r) {
			b.WriteByte('\\') // plain characters in a basic expression
		}
		b.WriteRune(r)
	}
	b.WriteString(`.*\]\]`)
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil
	}
	return re
}

// blocks are the lines of a terminal's own sections: from a header that matches to the first empty line, over and over.
func blocks(all []line, pcid string) (part []line) {
	re := pattern(pcid)
	if re == nil {
		return nil
	}
	inside := false
	for _, l := range all {
		if !inside && re.MatchString(l.text) {
			inside = true
			part = append(part, l)
			continue // sed looks for the end from the next line on
		}
		if inside {
			part = append(part, l)
			inside = l.text != ""
		}
	}
	return part
}

// entry is a parameter as it is read.
type entry struct {
	key, value string
	number     int
}

// assignment reads "key=value"; keys are what grep "^key=" can find.
func assignment(s string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(s, "=")
	if !ok || key == "" || strings.ContainsFunc(key, func(r rune) bool {
		return r != '_' && !('a' <= r && r <= 'z') && !('A' <= r && r <= 'Z') && !('0' <= r && r <= '9')
	}) {
		return "", "", false
	}
	return key, strings.TrimRight(value, " \t"), true
}

// read gives what a terminal with this PCID reads: its own sections first, GLOBAL after them, and of one parameter the
// first that is met.
func read(all []line, pcid string) (entries []entry) {
	part, sections := global(all)
	if sections {
		part = append(blocks(all, pcid), part...)
	}
	seen := map[string]bool{}
	for _, l := range part {
		if key, value, ok := assignment(l.text); ok && !seen[key] {
			seen[key] = true
			entries = append(entries, entry{key, value, l.number})
		}
	}
	return entries
}

// For returns what a terminal whose number is pcid reads of a configuration: parameter → value. A terminal that the file
// does not name, or with pcid "", has the GLOBAL part alone.
func For(config []byte, pcid string) map[string]string {
	values := map[string]string{}
	for _, e := range read(lines(config), pcid) {
		values[e.key] = e.value
	}
	return values
}

// Extract returns the part of a configuration that a terminal reads, as a configuration: the GLOBAL part and its own
// sections. So what is served to one terminal does not change when another's section does.
func Extract(config []byte, pcid string) []byte {
	all := lines(config)
	part, sections := global(all)
	var b strings.Builder
	if sections {
		b.WriteString("[[ GLOBAL ]]\n")
	}
	write(&b, part)
	if own := blocks(all, pcid); sections && len(own) > 0 {
		b.WriteByte('\n')
		write(&b, own)
	}
	return []byte(b.String())
}

// write writes lines without the empty ones at their end.
func write(b *strings.Builder, part []line) {
	for len(part) > 0 && part[len(part)-1].text == "" {
		part = part[:len(part)-1]
	}
	for _, l := range part {
		b.WriteString(l.text)
		b.WriteByte('\n')
	}
}

// pcids are the numbers that a configuration's headers name, in their order; GLOBAL is none.
func pcids(all []line) (ids []string) {
	for _, l := range all {
		ids = append(ids, named(l.text)...)
	}
	return ids
}

// named are the PCIDs in a header; none in GLOBAL's or in another line.
func named(s string) []string {
	if !header(s) || globalHeader.MatchString(s) {
		return nil
	}
	inner, _, ok := strings.Cut(s[2:], "]]")
	if !ok {
		return nil
	}
	return strings.Fields(inner)
}
