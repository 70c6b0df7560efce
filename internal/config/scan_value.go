package config

import (
	"regexp"
	"strconv"
	"strings"
)

// maxDepth of keys and lists within others. No configuration nests deeper than three; the time that BurntSushi/toml
// takes grows with the cube of the depth (a line of 8000 dots: 7 s).
const maxDepth = 16

func join(path, part string) string {
	if path == "" {
		return part
	}
	return path + "." + part
}

// bare reports a character of a bare key (TOML 1.1, unquoted-key).
func bare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// quoted writes a quoted key as partOf does, whatever quotes the source has.
func quoted(src string) string {
	in := strings.Trim(src, `"'`)
	if src[0] == '"' {
		if u, err := strconv.Unquote(src); err == nil {
			in = u
		}
	}
	return partOf(in)
}

// partOf is a key as a part of a path: as it is when it is bare, quoted otherwise.
func partOf(key string) string {
	for i := range len(key) {
		if !bare(key[i]) {
			return strconv.Quote(key)
		}
	}
	if key == "" {
		return `""`
	}
	return key
}

// value passes over one value.
func (s *scanner) value(path string) {
	if s.p >= len(s.src) {
		s.wrong(noValue, s.p)
		return
	}
	switch c := s.src[s.p]; c {
	case '\n', '#', ',', ']', '}':
		s.wrong(noValue, s.p)
	case '"', '\'':
		s.text()
	case '[', '{':
		if s.depth >= maxDepth {
			s.tooDeep()
			return
		}
		s.depth++
		s.list(path, c)
		s.depth--
	default:
		start := s.p
		for s.p < len(s.src) && !strings.ContainsRune(",]}#\n", rune(s.src[s.p])) {
			s.p++
		}
		word := strings.TrimRight(s.src[start:s.p], " \t\r")
		s.p = start + len(word)
		if !plain(word) {
			s.wrong(bareText, start)
		}
	}
}

// plain reports that a word may be a number, a date, a truth value: what needs no quotes.
func plain(w string) bool {
	switch strings.TrimLeft(w, "+-") {
	case "true", "false", "inf", "nan":
		return true
	}
	digits := false
	for i := range len(w) {
		c := w[i]
		digits = digits || c >= '0' && c <= '9'
		if !strings.ContainsRune("0123456789abcdefABCDEFxoTZtz+-_.: ", rune(c)) {
			return false
		}
	}
	return digits && strings.ContainsRune("0123456789+-", rune(w[0]))
}

// text passes over a string of one line or of several.
func (s *scanner) text() {
	start, q := s.p, s.src[s.p:s.p+1]
	closing := q
	if s.peek(q + q + q) {
		closing = q + q + q
	}
	for s.p += len(closing); s.p < len(s.src); s.p++ {
		switch {
		case s.peek(closing):
			s.p += len(closing)
			// up to two quotes may stand before the closing three
			for range 2 {
				if len(closing) == 3 && s.peek(q) {
					s.p++
				}
			}
			return
		case q == `"` && s.src[s.p] == '\\' && s.p+1 < len(s.src) && s.src[s.p+1] != '\n':
			s.p++
		case len(closing) == 1 && s.src[s.p] == '\n':
			s.wrong(openString, start)
			return
		}
	}
	s.p = len(s.src)
	s.wrong(openString, start)
}

// nextStatement matches what no element of a list begins with: the list before it was never closed.
var nextStatement = regexp.MustCompile(`^(\[\[?[A-Za-z0-9_.-]+\]|[A-Za-z0-9_-]+[ \t]*=)`)

// list passes over [ … ] or { … }, noting each element as path.0, path.1 … or each pair under its key.
func (s *scanner) list(path string, opening byte) {
	start := s.p
	closing := map[byte]string{'[': "]", '{': "}"}[opening]
	s.p++
	for i := 0; ; i++ {
		s.blank(true)
		switch {
		case s.p >= len(s.src):
			s.wrong(openList, start)
			return
		case s.peek(closing):
			s.p++
			return
		}
		from := s.p
		if opening == '{' {
			s.pair(path)
		} else {
			el := join(path, strconv.Itoa(i))
			s.value(el)
			s.mark(el, span{from, from, max(s.p, from+1)})
		}
		end := max(s.p, from+1)
		s.blank(true)
		switch {
		case s.peek(","):
			s.p++
		case s.p >= len(s.src) || s.peek(closing):
			s.p = max(s.p, end)
		case strings.Contains(s.src[min(end, s.p):s.p], "\n") && nextStatement.MatchString(s.src[s.p:]):
			s.wrong(openList, start)
			s.p = end
			return
		default:
			s.wrong(noComma, s.p)
			s.p = max(s.p, end)
		}
	}
}
