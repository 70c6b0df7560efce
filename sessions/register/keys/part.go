package keys

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Part is one holder's file: a share of each key.
type Part []Share

// mostLine is more than a line of a part has.
const mostLine = 4096

// ParsePart reads a holder's file: a share on each line; lines that begin with # and empty ones are passed over. The error names the line.
func ParsePart(b []byte) (Part, error) {
	var p Part
	number := 0
	seen := map[ID]bool{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, mostLine)
	for lines.Scan() {
		number++
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		s, err := Parse(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", number, err)
		case seen[s.ID]:
			return nil, fmt.Errorf("line %d: %w: %s is there twice", number, ErrShare, s.ID)
		case len(p) > 0 && s.Number != p[0].Number:
			return nil, fmt.Errorf("line %d: %w: of another holder than the lines before", number, ErrShare)
		case len(p) >= mostKeys:
			return nil, fmt.Errorf("line %d: %w: more than %d", number, ErrShare, mostKeys)
		}
		seen[s.ID] = true
		p = append(p, s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w: %w", number+1, ErrShare, err)
	}
	if len(p) == 0 {
		return nil, fmt.Errorf("%w: no share is there", ErrShare)
	}
	return p, nil
}

// Encode writes a holder's file, sorted, with a heading of the caller's, line by line.
func (p Part) Encode(heading ...string) []byte {
	all := slices.Clone(p)
	slices.SortFunc(all, func(a, b Share) int { return cmp.Compare(a.ID, b.ID) })
	var b bytes.Buffer
	for _, h := range heading {
		fmt.Fprintf(&b, "# %s\n", h)
	}
	for _, s := range all {
		fmt.Fprintln(&b, s)
	}
	return b.Bytes()
}

// Share finds a key's.
func (p Part) Share(id ID) (Share, bool) {
	if i := slices.IndexFunc(p, func(s Share) bool { return s.ID == id }); i >= 0 {
		return p[i], true
	}
	return Share{}, false
}

// Without leaves some keys out.
func (p Part) Without(gone func(ID) bool) Part {
	return slices.DeleteFunc(slices.Clone(p), func(s Share) bool { return gone(s.ID) })
}
