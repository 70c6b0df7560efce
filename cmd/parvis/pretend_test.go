package main

import (
	"context"
	"crypto/tls"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/config"
	"parvis/internal/control"
)

// What a program of these tests says and does, beside what this code does.
const (
	versionEnv = "PARVIS_TEST_VERSION"
	faultEnv   = "PARVIS_TEST_FAULT"
)

// loader is a program of its own file for each version: what is behind its end says which one it is, and which fault it has.
const loader = `package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
)

func main() {
	own, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	is := strings.Fields(string(own[bytes.LastIndex(own, []byte("\nis: ")):]))
	os.Setenv("PARVIS_TEST_PROGRAM", "1")
	os.Setenv("PARVIS_TEST_VERSION", is[1])
	os.Setenv("PARVIS_TEST_FAULT", is[2])
	panic(syscall.Exec(is[3], os.Args, os.Environ()))
}
`

// builds makes programs of other versions.
type builds struct {
	t      *testing.T
	dir    string
	loader []byte
	self   string
}

func newBuilds(t *testing.T) *builds {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "loader.go")
	if err := os.WriteFile(source, []byte(loader), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx(t), "go", "build", "-o", filepath.Join(dir, "loader"), source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b := &builds{t: t, dir: dir}
	var err error
	if b.loader, err = os.ReadFile(filepath.Join(dir, "loader")); err != nil {
		t.Fatal(err)
	}
	if b.self, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	return b
}

// build returns the file of a version with a fault of pretend's, or "none".
func (b *builds) build(version, fault string) string {
	b.t.Helper()
	file := filepath.Join(b.dir, "parvis-"+version+"-"+fault)
	all := append(slices.Clone(b.loader), fmt.Sprintf("\nis: %s %s %s\n", version, fault, b.self)...)
	if err := os.WriteFile(file, all, 0o755); err != nil {
		b.t.Fatal(err)
	}
	return file
}

// pretend makes this program the version that it is said to be, with the fault that it is said to have. It returns where the version is
// this code after all.
func pretend() {
	if v := os.Getenv(versionEnv); v != "" {
		version = v
	}
	fault, serves := os.Getenv(faultEnv), slices.Contains(os.Args, "serve")
	switch {
	case fault == "check" && slices.Contains(os.Args, "check"):
		os.Exit(exitNotRight)
	case !serves || fault == "" || fault == "none" || fault == "check":
	case fault == "crashes":
		os.Exit(7)
	case fault == "hangs":
		signal.Ignore(unix.SIGTERM)
		for {
			time.Sleep(time.Hour)
		}
	case fault == "spoils":
		spoil(option("--state"))
		os.Exit(7)
	case fault == "late":
		go func() { // it works until it is told otherwise, and then no more
			for {
				if _, err := os.Stat(filepath.Join(option("--state"), "die")); err == nil {
					os.Exit(7)
				}
				time.Sleep(50 * time.Millisecond)
			}
		}()
	default:
		if err := half(fault); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// option is what follows an option on the command line.
func option(name string) string {
	return os.Args[slices.Index(os.Args, name)+1]
}

// spoil takes the databases to something that no other version reads.
func spoil(state string) {
	files, _ := filepath.Glob(filepath.Join(state, "*.db"))
	for _, f := range files {
		db, err := sql.Open("sqlite3", f)
		if err == nil {
			_, err = db.Exec("PRAGMA user_version = 99; DROP TABLE IF EXISTS session; DROP TABLE IF EXISTS person; CREATE TABLE beyond (x)")
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// half is a daemon that does everything that a glance sees but one thing.
func half(fault string) error {
	cfg, problems := config.Load(option("--config"))
	if config.HasErrors(problems) {
		return fmt.Errorf("%v", problems)
	}
	guest := cfg.Guests.Address.Addr().String()
	html := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><title>a page</title>")
	}
	plain, err := net.Listen("tcp", net.JoinHostPort(guest, fmt.Sprint(httpPort)))
	if err != nil {
		return err
	}
	go http.Serve(plain, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:errcheck // it ends with us
		switch {
		case r.Host == cfg.Portal.Name && fault == "page":
			http.Error(w, "", http.StatusInternalServerError)
		case r.Host == cfg.Portal.Name:
			html(w)
		case fault == "redirect":
			w.WriteHeader(http.StatusNoContent)
		default:
			http.Redirect(w, r, "http://"+cfg.Portal.Name+"/", http.StatusFound)
		}
	}))
	if fault != "console" {
		pair, err := tls.LoadX509KeyPair(cfg.Staff.Certificate, cfg.Staff.Key)
		if err != nil {
			return err
		}
		console, err := tls.Listen("tcp", net.JoinHostPort(guest, fmt.Sprint(staffPort)), &tls.Config{Certificates: []tls.Certificate{pair}})
		if err != nil {
			return err
		}
		go http.Serve(console, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { html(w) })) //nolint:errcheck // likewise
	}
	ctl, err := control.Listen(option("--socket"))
	if err != nil {
		return err
	}
	return control.Serve(context.Background(), ctl, control.Daemon{
		Status: func() control.Status { return control.Status{Version: version, Ready: fault != "unready"} },
	}, slog.New(slog.DiscardHandler))
}
