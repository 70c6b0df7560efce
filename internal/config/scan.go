package config

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// place is a position for people: both count from 1, columns in characters.
type place struct{ line, column int }

// placeAt returns the place of a byte offset; an offset outside src is taken to its end.
func placeAt(src string, off int) place {
	off = min(max(off, 0), len(src))
	start := strings.LastIndexByte(src[:off], '\n') + 1
	return place{strings.Count(src[:off], "\n") + 1, utf8.RuneCountInString(src[start:off]) + 1}
}

// nearest returns the place of a key or, when the key is not there, of the innermost table around it.
func nearest(places map[string]place, key string) place {
	for key != "" {
		if p, ok := places[key]; ok {
			return p
		}
		key = key[:max(strings.LastIndexByte(key, '.'), 0)]
	}
	return place{}
}

// flaw is what the scanner saw to be wrong with a statement, in the words of somebody who typed it.
type flaw uint8

const (
	sound       flaw = iota
	noEquals         // a key without "="
	noValue          // nothing after "="
	bareText         // a word that is no number, no date, no true or false
	openString       // the closing quote is missing
	openList         // "[" or "{" is never closed
	noComma          // two elements of a list without a comma between
	openHeader       // "[site" without "]"
	trailing         // something after the value
	duplicate        // the key or section is there already
	strayLine        // the line begins with what is no key
	strayLetter      // a key has an accent or a sign
)

// span is where a key and its value stand, in bytes.
type span struct{ key, val, valEnd int }

// statement is one assignment or header of the source.
type statement struct {
	start, end int
	path       string
	header     bool
	flaw       flaw
	at         int // of the flaw
	first      int // of the first definition, where flaw is duplicate
}

// scanned is a map of the source: dotted paths ("site.name", "profile.0.name", "guests.allow.1") to positions. A part
// that is no bare key is quoted.
type scanned struct {
	spans      map[string]span
	statements []statement
	deep       int // where keys or lists nest deeper than maxDepth; -1 nowhere
}

// scan reads any source, TOML or not, without ever failing: what it does not understand it passes over to the end of
// the line. Whether the source is TOML is not its to say.
func scan(src string) scanned {
	s := &scanner{src: src, out: scanned{spans: map[string]span{}, deep: -1}, arrays: map[string]int{}}
	for s.blank(true); s.p < len(src); s.blank(true) {
		if src[s.p] == '[' {
			s.header()
		} else {
			s.assignment()
		}
	}
	return s.out
}

type scanner struct {
	src    string
	p      int
	table  string         // path of the current table
	arrays map[string]int // path of an array of tables → how many there are
	out    scanned
	st     *statement
	depth  int
}

func (s *scanner) wrong(f flaw, at int) {
	if s.st.flaw == sound {
		s.st.flaw, s.st.at = f, at
	}
}

// tooDeep passes over the rest of the line.
func (s *scanner) tooDeep() {
	if s.out.deep < 0 {
		s.out.deep = s.p
	}
	s.toEOL()
}

// blank passes over white space and, with lines, over line ends and comments.
func (s *scanner) blank(lines bool) {
	for s.p < len(s.src) {
		switch c := s.src[s.p]; {
		case c == ' ' || c == '\t' || c == '\r':
			s.p++
		case lines && c == '\n':
			s.p++
		case lines && c == '#':
			s.toEOL()
		default:
			return
		}
	}
}

func (s *scanner) toEOL() {
	if i := strings.IndexByte(s.src[s.p:], '\n'); i >= 0 {
		s.p += i
		return
	}
	s.p = len(s.src)
}

func (s *scanner) peek(prefix string) bool { return strings.HasPrefix(s.src[s.p:], prefix) }

// finish ends the statement: nothing but a comment may follow on its line.
func (s *scanner) finish() {
	s.blank(false)
	if s.p < len(s.src) && s.src[s.p] != '\n' && s.src[s.p] != '#' {
		s.wrong(trailing, s.p)
	}
	s.st.end = s.p
	s.toEOL()
	if s.st.flaw != sound && !s.st.header {
		s.st.end = s.p // with what could not be read behind it
	}
	s.out.statements = append(s.out.statements, *s.st)
}

func (s *scanner) header() {
	s.st = &statement{start: s.p, header: true}
	defer s.finish()
	start, closing := s.p, "]"
	if s.p++; s.peek("[") {
		s.p++
		closing = "]]"
	}
	parts := s.keyPath()
	s.blank(false)
	if len(parts) == 0 || !s.peek(closing) {
		s.wrong(openHeader, s.p)
	} else {
		s.p += len(closing)
	}
	path := s.resolve(parts, closing == "]]")
	s.table, s.st.path = path, path
	if sp, ok := s.out.spans[path]; ok {
		if sp.val == sp.valEnd { // a table by a dotted header below it may still be opened; BurntSushi decides
			s.st.first = sp.key
			s.wrong(duplicate, start)
		}
		return
	}
	s.mark(path, span{start, start, start})
}

// resolve turns the parts of a header into a path, with the index of each array of tables on the way.
func (s *scanner) resolve(parts []string, array bool) string {
	path := ""
	for i, part := range parts {
		path = join(path, part)
		last := i == len(parts)-1
		n, ok := s.arrays[path]
		switch {
		case last && array:
			s.arrays[path] = n + 1
			path = join(path, strconv.Itoa(n))
		case ok && !last:
			path = join(path, strconv.Itoa(n-1))
		}
	}
	return path
}

// mark notes where a path is, and where the tables above it begin if nothing has told yet.
func (s *scanner) mark(path string, sp span) {
	for path != "" {
		if _, ok := s.out.spans[path]; ok {
			return
		}
		s.out.spans[path] = sp
		path = path[:max(strings.LastIndexByte(path, '.'), 0)]
		sp = span{sp.key, sp.key, sp.key}
	}
}

func (s *scanner) assignment() {
	s.st = &statement{start: s.p}
	defer s.finish()
	s.pair(s.table)
}

// pair reads `key = value`; it always advances.
func (s *scanner) pair(table string) {
	start := s.p
	parts := s.keyPath()
	if len(parts) == 0 {
		s.wrong(strayLine, start)
		if s.p < len(s.src) && s.src[s.p] >= utf8.RuneSelf {
			s.st.flaw = strayLetter
		}
		s.p = max(s.p, start+1)
		return
	}
	path := table
	for _, part := range parts {
		path = join(path, part)
	}
	if s.st.path == "" {
		s.st.path = path
	}
	if sp, ok := s.out.spans[path]; ok {
		s.st.first = sp.key
		s.wrong(duplicate, start)
	}
	s.blank(false)
	if !s.peek("=") {
		s.wrong(noEquals, start)
		if s.p < len(s.src) && s.src[s.p] >= utf8.RuneSelf && s.st.at == start {
			s.st.flaw = strayLetter
		}
		return
	}
	s.p++
	s.blank(false)
	val := s.p
	s.mark(path, span{start, val, val + 1}) // before its elements, which would mark it as their table
	s.value(path)
	if sp := s.out.spans[path]; sp.key == start {
		s.out.spans[path] = span{start, val, max(s.p, val+1)}
	}
}

// keyPath reads bare and quoted keys with dots between them; nothing when there is no key.
func (s *scanner) keyPath() []string {
	var parts []string
	for {
		s.blank(false)
		start := s.p
		switch {
		case s.p < len(s.src) && (s.src[s.p] == '"' || s.src[s.p] == '\''):
			s.text()
			parts = append(parts, quoted(s.src[start:s.p]))
		default:
			for s.p < len(s.src) && bare(s.src[s.p]) {
				s.p++
			}
			if s.p == start {
				return parts
			}
			parts = append(parts, s.src[start:s.p])
		}
		if len(parts) > maxDepth {
			s.tooDeep()
			return parts
		}
		s.blank(false)
		if !s.peek(".") {
			return parts
		}
		s.p++
	}
}
