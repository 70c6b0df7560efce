package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// UCIMost bounds what FromUCI reads, in bytes.
const UCIMost = 256 << 10

// ErrUCI says that the input is not what `uci show parvis` prints; the error that wraps it has the line.
var ErrUCI = errors.New("not a line of uci show")

var uciLine = regexp.MustCompile(`^parvis\.(@?[A-Za-z0-9_]+(?:\[\d+\])?)(?:\.([A-Za-z0-9_]+))?=(.*)$`)

// FromUCI returns the configuration that OpenWrt's `uci show parvis` prints, as TOML. A section is one of ours by its type, an
// option is the key of that name with _ for -, a list is a list. What a value is, text or number or yes and no, is what the
// reference shows for its key; whether it is right is Parse's to say.
func FromUCI(in io.Reader) (string, error) {
	var (
		order    []string // sections by their UCI names
		kinds    = map[string]string{}
		options  = map[string][]string{}
		bounded  = bufio.NewScanner(io.LimitReader(in, UCIMost+1))
		read, at int
	)
	bounded.Buffer(nil, UCIMost+1)
	for bounded.Scan() {
		line := bounded.Text()
		at++
		if read += len(line) + 1; read > UCIMost {
			return "", fmt.Errorf("config: read uci: more than %d bytes", UCIMost)
		}
		m := uciLine.FindStringSubmatch(line)
		if m == nil {
			return "", fmt.Errorf("config: read uci: line %d: %w", at, ErrUCI)
		}
		name, option, rest := m[1], m[2], m[3]
		if option == "" {
			if _, again := kinds[name]; again || !uciType.MatchString(rest) {
				return "", fmt.Errorf("config: read uci: line %d: %w", at, ErrUCI)
			}
			order, kinds[name] = append(order, name), rest
			continue
		}
		values, ok := uciValues(rest)
		if _, known := kinds[name]; !known || !ok {
			return "", fmt.Errorf("config: read uci: line %d: %w", at, ErrUCI)
		}
		key := strings.ReplaceAll(option, "_", "-")
		options[name] = append(options[name], key+" = "+uciValue(kinds[name]+"."+key, values))
	}
	if err := bounded.Err(); err != nil {
		return "", fmt.Errorf("config: read uci: %w", err)
	}
	var b strings.Builder
	b.WriteString("# Written from /etc/config/parvis (\"parvis uci\"): changes here are lost.\n")
	for _, name := range order {
		head := "[" + kinds[name] + "]"
		if kinds[name] == "profile" {
			head = "[" + head + "]"
		}
		fmt.Fprintf(&b, "\n%s\n", head)
		for _, o := range options[name] {
			b.WriteString(o + "\n")
		}
	}
	return b.String(), nil
}

var uciType = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// uciValues takes 'one' or 'one' 'two' apart, as uci prints them for a shell: a ' inside is written '\”.
func uciValues(s string) (values []string, ok bool) {
	for s != "" {
		var v strings.Builder
		for {
			rest, quoted := strings.CutPrefix(s, "'")
			if !quoted {
				return nil, false
			}
			text, after, closed := strings.Cut(rest, "'")
			if !closed {
				return nil, false
			}
			v.WriteString(text)
			if s = after; !strings.HasPrefix(s, `\'`) {
				break
			}
			v.WriteByte('\'')
			s = s[2:]
		}
		values = append(values, v.String())
		if s == "" {
			break
		}
		if s, ok = strings.CutPrefix(s, " "); !ok || s == "" {
			return nil, false
		}
	}
	return values, len(values) > 0
}

// uciValue writes values as the key at path has them in the reference.
func uciValue(path string, values []string) string {
	like := references()[path]
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = tomlString(v)
	}
	if strings.HasPrefix(like, "[") || len(values) > 1 {
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	v := values[0]
	switch n, err := strconv.ParseInt(v, 10, 64); {
	case like == "true" || like == "false":
		switch v { // the words of OpenWrt's config_get_bool
		case "1", "true", "on", "yes", "enabled":
			return "true"
		case "0", "false", "off", "no", "disabled":
			return "false"
		}
	case like != "" && like[0] >= '0' && like[0] <= '9' && err == nil:
		return strconv.FormatInt(n, 10)
	}
	return quoted[0]
}

// tomlString writes a basic string (TOML 1.0, "String").
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
