package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"parvis/internal/config"
	"parvis/internal/lang"
)

// FuzzParse: whatever the bytes, Parse returns; a Config comes without errors only; every place is inside the source;
// and every message is one line that a terminal can be trusted with.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.toml")
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, s := range []string{
		"", "\n", "[", "[[", "[[]]", "a", "a=", "=", "a.b.c = [[[{x=1}]]]", "a = {b = {c = [1, {d = 2}]}}\n[a.b]", `"a\u0041" = 1`,
		"profile = [{name = \"x\"}, 3]", "[profile]\n[[profile]]", "[[profile.a]]\n[profile.a.b]", "site.name = 1\nsite.name = 2",
		"a = '''x'''''", "a = \"\"\"\\", "\xef\xbb\xbfa = 1", strings.Repeat("a=[", 200), "a" + strings.Repeat(".a", 8000) + "=1", "a=" + strings.Repeat("{a=", 9000), "[" + strings.Repeat("a.", 9000), "[a]\n\x00", "[site]\r\nname\t=\t\"x\"\r\n", "\"\"\n", "'=", "a={\"", "\u2028=1",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		cfg, ps := config.Parse("f", src)
		if (cfg == nil) != config.HasErrors(ps) {
			t.Fatalf("configuration %v with errors %v", cfg != nil, config.HasErrors(ps))
		}
		lines := strings.Split(strings.TrimPrefix(string(src), "\ufeff"), "\n")
		for _, p := range ps {
			for _, l := range []lang.Lang{lang.EN, lang.FR} {
				said := p.In(l)
				if strings.Contains(said, "%!") && !strings.Contains(string(src), "%!") {
					t.Errorf("verbs and values differ: %s", said)
				}
				if strings.ContainsFunc(said, unicode.IsControl) || !utf8.ValidString(said) {
					t.Errorf("not one line of text: %q", said)
				}
			}
			if p.Line == 0 && len(src) > 1<<16 {
				continue
			}
			if p.Line < 1 || p.Line > len(lines) {
				t.Fatalf("line %d of %d: %s", p.Line, len(lines), p.In(lang.EN))
			}
			if n := utf8.RuneCountInString(lines[p.Line-1]); p.Column < 1 || p.Column > n+1 {
				t.Fatalf("column %d of %d: %s", p.Column, n, p.In(lang.EN))
			}
		}
	})
}
