package paper

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// record is a place where some steps went wrong, each with found findings.
func record(steps, found int) Record {
	r := Record{
		Place: "Maison des habitants du Parvis", When: "Faite le 01/12/2026, 09:00 à 09:12", Router: "Parvis 1.0, routeur d'essai",
		Outcome: "Le lieu n'est pas prêt : 1 étape à corriger.",
	}
	for i := range steps {
		s := RecordStep{Title: fmt.Sprintf("Étape %d", i+1), Verdict: "bon", Good: true}
		for j := range found {
			s.Found = append(s.Found, fmt.Sprintf("Constat %d de l'étape %d, dit en une phrase qui tient sur une ligne.", j+1, i+1))
		}
		if i == 1 {
			s.Verdict, s.Good, s.Do = "À CORRIGER", false, []string{"Coupez le DHCP de la borne."}
		}
		r.Steps = append(r.Steps, s)
	}
	return r
}

func TestARecordIsOnePageAndSaysEverything(t *testing.T) {
	tests := []struct {
		name         string
		steps, found int
		pages        int
	}{
		{"a usual place", 11, 2, 1},
		{"a place with much to say still fits", 12, 4, 1},
		{"what does not fit has more pages", 40, 6, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := record(tt.steps, tt.found)
			text := tool(t, "pdftotext", "-layout", file(t, r.PDF), "-")
			if n := strings.Count(text, "\f"); n != tt.pages {
				t.Errorf("%d pages, want %d", n, tt.pages)
			}
			wanted := []string{"Recette du Wi-Fi public", r.Place, r.When, r.Router, r.Outcome, "À faire : Coupez le DHCP de la borne.", "Pour l'équipe technique", "Pour le lieu"}
			for _, s := range r.Steps {
				wanted = append(append(wanted, s.Title), s.Found...)
			}
			var page bytes.Buffer
			if err := r.HTML(&page); err != nil {
				t.Fatal(err)
			}
			for where, all := range map[string]string{"PDF": flat(text), "page": flat(words(page.Bytes()))} {
				for _, s := range wanted {
					if !strings.Contains(all, flat(s)) {
						t.Errorf("the %s does not say %q", where, s)
					}
				}
			}
		})
	}
}

func TestARecordsPagePrintsOnOneSheet(t *testing.T) {
	dir := t.TempDir()
	page, pdf := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.pdf")
	var b bytes.Buffer
	if err := record(11, 2).HTML(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+page)
	if info := tool(t, "pdfinfo", pdf); !strings.Contains(info, "Pages:           1\n") {
		t.Error(info)
	}
}
