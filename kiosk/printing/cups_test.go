package printing

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// startCups starts CUPS' own server with one queue, which is paused: whole documents wait in it.
func startCups(t *testing.T) *eve {
	t.Helper()
	for _, program := range []string{"cupsd", "lpadmin", "cupsdisable", "ipptool"} {
		if _, err := exec.LookPath(program); err != nil || os.Geteuid() != 0 {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s as root is needed: %v", program, err)
			}
			t.Skipf("%s as root is needed: %v", program, err)
		}
	}
	dir := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	files := "FileDevice Yes\nSystemGroup root\nSandboxing Relaxed\n"
	for name, part := range map[string]string{"ServerRoot": "etc", "StateDir": "state", "CacheDir": "cache", "RequestRoot": "spool", "TempDir": "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, part), 0o755); err != nil {
			t.Fatal(err)
		}
		files += name + " " + filepath.Join(dir, part) + "\n"
	}
	for _, log := range []string{"AccessLog", "ErrorLog", "PageLog"} {
		files += log + " " + filepath.Join(dir, log) + "\n"
	}
	server := "localhost:" + freePort(t)
	start(t, nil, nil, "cupsd", "-f", "-s", file("cups-files.conf", files), "-c", file("cupsd.conf", "Listen "+server+`
Browsing Off
WebInterface No
DefaultAuthType None
<Location />
Order allow,deny
Allow all
</Location>
<Policy default>
<Limit All>
Order deny,allow
</Limit>
</Policy>
`))
	t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(dir, "ErrorLog")); t.Failed() {
			t.Logf("CUPS says (%v): %s", err, log)
		}
	})
	run := func(name string, args ...string) error {
		if out, err := exec.Command(name, append([]string{"-h", server}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, out)
		}
		return nil
	}
	var err error
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("its queue: %v", err)
		}
	})
	waitFor(t, "CUPS has a queue", func() bool {
		err = run("lpadmin", "-p", "essai", "-E", "-v", "file:/dev/null", "-m", "raw")
		return err == nil
	})
	if err := run("cupsdisable", "essai"); err != nil {
		t.Fatal(err)
	}
	return &eve{uri: "ipp://" + server + "/printers/essai"}
}

// A printer that is paused keeps whole documents. At their session's end they go, and nobody else's do; so it is when the front that
// sent them is not there any more.
func TestWholeDocumentsInAPausedPrinterAreDroppedAtTheEnd(t *testing.T) {
	for name, restarted := range map[string]bool{"by the front that sent them": false, "by the next run": true} {
		t.Run(name, func(t *testing.T) {
			e := startCups(t)
			page := filepath.Join(t.TempDir(), "page.txt")
			if err := os.WriteFile(page, []byte("une ligne\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			prints := func(uri string) {
				t.Helper()
				if err := ipptool(uri, "print-job.test", "-f", page, "-d", "filetype=text/plain"); err != nil {
					t.Fatal(err)
				}
			}
			memory := &notebook{users: map[string]string{}}
			one, _, end := frontWith(t, e, memory)
			prints(one)
			prints(one)
			prints(e.uri) // the office's own
			for job := 1; job <= 3; job++ {
				if err := e.state(t, job, "3,4"); err != nil {
					t.Fatalf("job %d does not wait: %v", job, err)
				}
			}
			if restarted {
				_, _, end = frontWith(t, e, memory)
			}
			end()
			waitFor(t, "both are cancelled", func() bool { return e.state(t, 1, "7") == nil && e.state(t, 2, "7") == nil })
			if err := e.state(t, 3, "3,4"); err != nil {
				t.Errorf("what is not of this front is gone: %v", err)
			}
		})
	}
}
