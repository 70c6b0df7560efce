package porteus_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"parvis/kiosk/porteus"
)

func TestForReadsAsATerminalDoes(t *testing.T) {
	type values = map[string]string
	tests := []struct {
		name, config, pcid string
		want               values
	}{
		{"without sections it is for everybody", "a=1\nb=2\n", "X123", values{"a": "1", "b": "2"}},
		{"the first value counts", "a=1\na=2\n", "X123", values{"a": "1"}},
		{"a value may hold =", "a=b=c\n", "X123", values{"a": "b=c"}},
		{"trailing blanks go", "a=1  \t\n", "X123", values{"a": "1"}},
		{"a line that begins with a blank is dropped", " a=1\nb=2\n", "X123", values{"b": "2"}},
		{"a blank before the = hides it", "a =1\n", "X123", values{}},
		{"a comment is none", "#a=1\n", "X123", values{}},
		{"CRLF", "[[ GLOBAL ]]\r\na=1\r\n\r\n[[ X123 ]]\r\nb=2\r\n", "X123", values{"a": "1", "b": "2"}},
		{"accents are deleted", "a=prévenez le médiateur\n", "X123", values{"a": "prvenez le mdiateur"}},
		{"its own section before GLOBAL", "[[ GLOBAL ]]\na=1\nb=1\n\n[[ X123 ]]\na=2\n", "X123", values{"a": "2", "b": "1"}},
		{"another's section is not its own", "[[ GLOBAL ]]\na=1\n\n[[ X123 ]]\na=2\n", "Y123", values{"a": "1"}},
		{"without a number GLOBAL alone", "[[ GLOBAL ]]\na=1\n\n[[ X123 ]]\na=2\n", "", values{"a": "1"}},
		{"several numbers in a header", "[[ GLOBAL ]]\na=1\n\n[[ X123 Y123 ]]\na=2\n", "Y123", values{"a": "2"}},
		{"an empty line ends a section", "[[ GLOBAL ]]\na=1\n\n[[ X123 ]]\n\na=2\n", "X123", values{"a": "1"}},
		{"an empty line does not end GLOBAL", "[[ GLOBAL ]]\n\na=1\n", "X123", values{"a": "1"}},
		{"a line of blanks does not end a section", "[[ GLOBAL ]]\na=1\n\n[[ X123 ]]\nb=2\n \n[[ Y123 ]]\na=3\n", "X123", values{"a": "3", "b": "2"}},
		{"GLOBAL after a section is not read", "[[ X123 ]]\nb=2\n\n[[ GLOBAL ]]\na=1\n", "Y123", values{}},
		{"what stands before GLOBAL counts as it", "a=1\n[[ GLOBAL ]]\nb=2\n", "Y123", values{"a": "1", "b": "2"}},
		{"a number is found within another", "[[ GLOBAL ]]\na=1\n\n[[ AX1234 ]]\na=2\n", "X123", values{"a": "2"}},
		{"a number is an expression", "[[ GLOBAL ]]\na=1\n\n[[ AxC ]]\na=2\n", "A.C", values{"a": "2"}},
		{"a + is no sign of a basic expression", "[[ GLOBAL ]]\na=1\n\n[[ A+ ]]\na=2\n", "A+", values{"a": "2"}},
		{"a number that sed refuses finds nothing", "[[ GLOBAL ]]\na=1\n\n[[ A ]]\na=2\n", "[", values{"a": "1"}},
		{"two sections of one number", "[[ GLOBAL ]]\na=1\n\n[[ X123 ]]\na=2\n\n[[ X123 ]]\nb=3\n", "X123", values{"a": "2", "b": "3"}},
		{"an empty file", "", "X123", values{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, porteus.For([]byte(tt.config), tt.pcid)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDiffSaysWhoReadsWhatOtherwise(t *testing.T) {
	old := []byte("[[ GLOBAL ]]\na=1\nb=1\n\n[[ X123 ]]\na=2\n")
	tests := []struct {
		name, new string
		want      []porteus.Change
	}{
		{"nothing", string(old), nil},
		{"a comment and an order", "[[ GLOBAL ]]\n# why\nb=1\na=1\n\n[[ X123 ]]\na=2\n", nil},
		{"for everybody", "[[ GLOBAL ]]\na=1\nb=9\n\n[[ X123 ]]\na=2\n", []porteus.Change{{"", "b", "1", "9"}, {"X123", "b", "1", "9"}}},
		{"hidden by its own", "[[ GLOBAL ]]\na=9\nb=1\n\n[[ X123 ]]\na=2\n", []porteus.Change{{"", "a", "1", "9"}}},
		{"a section gone", "[[ GLOBAL ]]\na=1\nb=1\n", []porteus.Change{{"X123", "a", "2", "1"}}},
		{"a parameter gone", "[[ GLOBAL ]]\na=1\n\n[[ X123 ]]\na=2\n", []porteus.Change{{"", "b", "1", ""}, {"X123", "b", "1", ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, porteus.Diff(old, []byte(tt.new))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
