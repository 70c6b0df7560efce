package printing

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
)

// eve is Debian's ippeveprinter, an IPP Everywhere printer as a program, with what it needs around it.
type eve struct {
	uri   string
	spool string
	log   *os.File
}

// startEve starts one whose documents are handled by a shell script: the file is $1.
func startEve(t *testing.T, script string) *eve {
	t.Helper()
	for _, program := range []string{"ippeveprinter", "ipptool", "dbus-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	// It wants the message bus of a desktop, to announce itself; nobody listens there.
	bus := "unix:path=" + filepath.Join(dir, "bus")
	start(t, nil, nil, "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address="+bus)
	command := filepath.Join(dir, "command")
	if err := os.WriteFile(command, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	e := &eve{spool: filepath.Join(dir, "spool")}
	if err := os.Mkdir(e.spool, 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if e.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	waitFor(t, "the bus is there", func() bool { _, err := os.Stat(filepath.Join(dir, "bus")); return err == nil })
	start(t, []string{"DBUS_SYSTEM_BUS_ADDRESS=" + bus}, e.log, "ippeveprinter", "-r", "off", "-n", "localhost", "-p", port,
		"-d", e.spool, "-k", "-vvv", "-c", command, "-f", "application/pdf,text/plain,image/pwg-raster", "essai")
	e.uri = "ipp://localhost:" + port + "/ipp/print"
	waitFor(t, "the printer answers", func() bool { return ipptool(e.uri, "get-printer-attributes.test") == nil })
	return e
}

// start runs a program until the test ends.
func start(t *testing.T, env []string, out *os.File, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	if out != nil {
		cmd.Stdout, cmd.Stderr = out, out
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // killed: there is nothing to say
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return fmt.Sprint(ln.Addr().(*net.TCPAddr).Port)
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("not within 30 s: %s", what)
}

// ipptool is CUPS' own client with one of its own tests.
func ipptool(uri, test string, args ...string) error {
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	args = append(args, "-tv", "-T", "10", uri, test)
	if out, err := exec.CommandContext(ctx, "ipptool", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", test, err, out)
	}
	return nil
}

// state is an error unless a job is in one of these states: "3,4".
func (e *eve) state(t *testing.T, job int, want string) error {
	t.Helper()
	test := filepath.Join(t.TempDir(), "state.test")
	if err := os.WriteFile(test, fmt.Appendf(nil, `{
	NAME "its state"
	OPERATION Get-Job-Attributes
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR language attributes-natural-language en
	ATTR uri printer-uri $uri
	ATTR integer job-id %d
	STATUS successful-ok
	EXPECT job-state OF-TYPE enum WITH-VALUE "%s"
}
`, job, want), 0o600); err != nil {
		t.Fatal(err)
	}
	return ipptool(e.uri, test)
}

// frontOf is a front of e for one session that is open until it is ended.
func frontOf(t *testing.T, e *eve) (uri string, counted <-chan int, end func()) {
	t.Helper()
	return frontWith(t, e, &notebook{users: map[string]string{}})
}

// frontWith is frontOf with what an earlier one has left.
func frontWith(t *testing.T, e *eve, memory *notebook) (uri string, counted <-chan int, end func()) {
	t.Helper()
	printer, err := url.Parse(e.uri)
	if err != nil {
		t.Fatal(err)
	}
	system, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	pages, changed, over := make(chan int, 10), make(chan struct{}, 1), make(chan struct{})
	open := func(string) bool {
		select {
		case <-over:
			return false
		default:
			return true
		}
	}
	f, err := New(Options{
		Printer: printer, Clock: system, Log: slog.New(slog.DiscardHandler), Open: open,
		Who:     func(netip.Addr) (string, bool) { return "one", true },
		Counted: func(_ string, n int) { pages <- n },
		Memory:  memory,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(f)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Run(ctx, changed)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		srv.Close()
		f.client.CloseIdleConnections()
	})
	return strings.Replace(srv.URL, "http://", "ipp://", 1) + "/ipp/print", pages, func() { close(over); changed <- struct{}{} }
}

func TestARealClientPrintsOnARealPrinter(t *testing.T) {
	e := startEve(t, "echo 'ATTR: job-impressions-completed=3' >&2\n")
	uri, counted, _ := frontOf(t, e)
	page := filepath.Join(t.TempDir(), "attestation-de-madame-untel.txt")
	content := bytes.Repeat([]byte("une ligne\n"), 50_000)
	if err := os.WriteFile(page, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []string{"get-printer-attributes.test", "print-job.test", "get-jobs.test"} {
		if err := ipptool(uri, test, "-f", page, "-d", "filetype=text/plain", "-d", "user=madame-untel"); err != nil {
			t.Error(err)
		}
	}
	select {
	case n := <-counted:
		if n != 3 {
			t.Errorf("counted %d pages", n)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("not counted")
	}
	printed, err := filepath.Glob(filepath.Join(e.spool, "*.dat"))
	if err != nil || len(printed) != 1 {
		t.Fatalf("printed %v, %v", printed, err)
	}
	if got, err := os.ReadFile(printed[0]); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes came out, %v", len(got), err)
	}
	log, err := os.ReadFile(e.log.Name())
	if err != nil || len(log) == 0 {
		t.Fatalf("the printer's log: %v", err)
	}
	if said := string(log) + fmt.Sprint(printed); strings.Contains(said, "untel") {
		t.Error("the printer knows who prints, or what")
	}
}

func TestARealJobThatWaitsIsDroppedAtTheEnd(t *testing.T) {
	e := startEve(t, "exit 0\n")
	uri, _, end := frontOf(t, e)
	// A job without its document yet, which is how one waits in this printer.
	waiting := filepath.Join(t.TempDir(), "waiting.test")
	if err := os.WriteFile(waiting, []byte(`{
	NAME "a job"
	OPERATION Create-Job
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR language attributes-natural-language en
	ATTR uri printer-uri $uri
	STATUS successful-ok
	EXPECT job-id OF-TYPE integer IN-GROUP job-attributes-tag
}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ipptool(uri, waiting); err != nil {
		t.Fatal(err)
	}
	state := func(want string) error { return e.state(t, 1, want) }
	if err := state("3,4"); err != nil {
		t.Fatalf("it does not wait: %v", err)
	}
	end()
	waitFor(t, "the printer has cancelled it", func() bool { return state("7") == nil })
	if err := ipptool(uri, waiting); err == nil {
		t.Error("it prints after its end")
	}
}
