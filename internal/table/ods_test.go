package table_test

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/table"
)

var sheets = []table.Sheet{
	{Name: "Chiffres", Table: table.Table{
		Head:  []string{"Lieu", "Code postal", "Connexions"},
		Lines: [][]string{{"Médiathèque <&\"> d'ici", "01000", "1234"}, {"=1+1", "38130", "moins de 5"}},
	}, Numbers: []int{2}},
	{Name: "Vide", Table: table.Table{Head: []string{"Rien"}}},
}

// Debian's gnumeric is another program than ours: what it reads is what stands there.
func TestASpreadsheetIsReadByAnotherProgram(t *testing.T) {
	if _, err := exec.LookPath("ssconvert"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err, "(.ci/deps installs it)")
	}
	b, err := table.ODS(sheets)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ods, csv := filepath.Join(dir, "t.ods"), filepath.Join(dir, "t-%n.csv")
	if err := os.WriteFile(ods, b, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "ssconvert", "-S", ods, csv)
	cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "t-0.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want := "Lieu,\"Code postal\",Connexions\n\"Médiathèque <&\"\"> d'ici\",01000,1234\n=1+1,38130,\"moins de 5\"\n"
	if string(got) != want {
		t.Errorf("read as\n%s\nexpected\n%s", got, want)
	}
	if second, err := os.ReadFile(filepath.Join(dir, "t-1.csv")); err != nil || strings.TrimSpace(string(second)) != "Rien" {
		t.Errorf("second sheet: %q, %v", second, err)
	}
}

func TestASpreadsheetSaysFirstWhatItIs(t *testing.T) {
	b, err := table.ODS(sheets)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if f := z.File[0]; f.Name != "mimetype" || f.Method != zip.Store {
		t.Errorf("first entry %s, method %d", f.Name, f.Method)
	}
	if bytes.Contains(b[:120], []byte("mimetypeapplication/vnd.oasis.opendocument.spreadsheet")) == false {
		t.Errorf("a program that looks at the first bytes does not know it: %q", b[:120])
	}
}
