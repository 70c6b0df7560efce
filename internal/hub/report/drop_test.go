package report_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/webdav"

	"parvis/internal/hub/report"
)

// cloud is a WebDAV server with one account.
func cloud(t *testing.T) (f report.Folder, dir string) {
	t.Helper()
	dir = t.TempDir()
	dav := &webdav.Handler{Prefix: "/remote.php/dav/files/parvis", FileSystem: webdav.Dir(dir), LockSystem: webdav.NewMemLS()}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "parvis" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		dav.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return report.Folder{URL: s.URL + "/remote.php/dav/files/parvis/Rapports Wi-Fi", User: "parvis", PasswordFile: secret(t, "secret\n")}, dir
}

func secret(t *testing.T, s string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAReportIsDroppedIntoAFolderThatIsMadeForIt(t *testing.T) {
	folder, dir := cloud(t)
	in := town()
	in.Sites[0].Left = 3
	for _, state := range []string{"provisoire", "définitif"} { // the second takes the place of the first
		files, err := must(t, in).Files()
		if err != nil {
			t.Fatal(err)
		}
		if err := folder.Drop(t.Context(), nil, files); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			got, err := os.ReadFile(filepath.Join(dir, "Rapports Wi-Fi", f.Name))
			if err != nil || string(got) != string(f.Data) {
				t.Errorf("%s: %d bytes there, %d sent, %v", f.Name, len(got), len(f.Data), err)
			}
		}
		csv, err := os.ReadFile(filepath.Join(dir, "Rapports Wi-Fi", "parvis-2026-11-commune-du-parvis.csv"))
		if err != nil || !strings.Contains(string(csv), state) {
			t.Errorf("expected the %s report: %v", state, err)
		}
		in.Sites[0].Left = 0
	}
}

func TestWhereAReportIsNotDropped(t *testing.T) {
	folder, _ := cloud(t)
	away := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer away.Close()
	redirects := httptest.NewServer(http.RedirectHandler(away.URL, http.StatusTemporaryRedirect))
	defer redirects.Close()
	for name, tt := range map[string]struct {
		change func(*report.Folder)
		want   string
	}{
		"plain http":          {func(f *report.Folder) { f.URL = "http://nuage.example/dav/" }, "expected https"},
		"password in the URL": {func(f *report.Folder) { f.URL = "https://a:b@nuage.example/dav/" }, "password-file"},
		"no password":         {func(f *report.Folder) { f.PasswordFile += "-none" }, "read the folder's password"},
		"wrong account":       {func(f *report.Folder) { f.User = "other" }, "refuses the account"},
		"redirect":            {func(f *report.Folder) { f.URL = redirects.URL }, "answers 307"},
		"no parent":           {func(f *report.Folder) { f.URL = strings.Replace(f.URL, "Rapports", "a/b/Rapports", 1) }, "make it by hand"},
	} {
		t.Run(name, func(t *testing.T) {
			f := folder
			tt.change(&f)
			err := f.Drop(t.Context(), nil, []report.File{{Name: "a.csv", Type: "text/csv", Data: []byte("a")}})
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret\n") {
				t.Errorf("%v, expected %q", err, tt.want)
			}
		})
	}
}
