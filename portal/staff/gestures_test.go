package staff_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"parvis/portal/staff"
)

var consoleWord = regexp.MustCompile(`^(terminal|session|batch|workshop|call|queue|booking|catalogue|site)\.[a-z-]+$`)

// recorded are the words that the code of this package and of the console writes into the audit log.
func recorded(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{"day-pass": true}
	for _, r := range staff.Roles {
		all["invite-"+string(r)], all["role-"+string(r)] = true, true
	}
	for _, v := range []staff.Via{staff.ByPassword, staff.ByPIN, staff.ByCity} {
		all["enter-"+string(v)] = true
	}
	for _, pattern := range []string{"*.go", "../console/*.go"} {
		files, err := filepath.Glob(pattern)
		must(t, err)
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") || name == "gestures.go" {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			must(t, err)
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.BasicLit: // the console's, wherever it stands
					if s, err := strconv.Unquote(n.Value); err == nil && consoleWord.MatchString(s) {
						all[s] = true
					}
				case *ast.CallExpr: // the word stands third in Record and offer, second in entry
					if at, ok := map[string]int{"entry": 1, "Record": 2, "offer": 4}[called(n)]; ok && at < len(n.Args) {
						if lit, ok := n.Args[at].(*ast.BasicLit); ok {
							s, err := strconv.Unquote(lit.Value)
							must(t, err)
							all[s] = true
						}
					}
				}
				return true
			})
		}
	}
	return all
}

func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func TestEveryGestureOfTheLogHasANameInBothLanguages(t *testing.T) {
	all := recorded(t)
	for what := range all {
		if g := staff.Gesture(what); g.FR == what || g.EN == what || g.FR == "" || g.EN == "" {
			t.Errorf("%s: %+v", what, g)
		}
	}
	for what := range staff.Gestures {
		if !all[what] {
			t.Errorf("%s has a name and nothing records it", what)
		}
	}
}

func TestAGestureOfALaterVersionShowsItsOwnWord(t *testing.T) {
	if g := staff.Gesture("screen.lock"); g.FR != "screen.lock" || g.EN != "screen.lock" {
		t.Error(g)
	}
}
