// Package pgtest gives tests a real PostgreSQL of their own: one private cluster a test process, on a unix socket in a directory that goes
// with it, and a fresh database a test.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Roles of every cluster: who owns the tables, and as whom the program works.
const (
	Owner   = "parvis_owner"
	Program = "parvis_hub"
)

// Database is one test's.
type Database struct {
	Owner, Program string // connection strings
}

var cluster struct {
	once     sync.Once
	err      error
	dir      string
	template sync.Once
	made     error
	next     int
	mu       sync.Mutex
	cmd      *exec.Cmd
	ended    chan error
}

// Run runs the tests of a package and ends the cluster that they began: `func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }`.
func Run(m *testing.M) int {
	code := m.Run()
	if cluster.cmd != nil {
		cluster.cmd.Process.Signal(syscall.SIGINT) // fast shutdown: connections are ended
		<-cluster.ended
	}
	if cluster.dir != "" {
		os.RemoveAll(cluster.dir)
	}
	return code
}

// New is a database of its own. prepare makes it what it is, once a process; each test gets a copy.
func New(t testing.TB, prepare func(context.Context, Database) error) Database {
	t.Helper()
	cluster.once.Do(func() { cluster.err = start() })
	if cluster.err != nil {
		t.Fatalf("pgtest: %v", cluster.err)
	}
	cluster.template.Do(func() {
		if cluster.made = run("CREATE DATABASE template_parvis OWNER " + Owner); cluster.made == nil {
			cluster.made = prepare(context.Background(), named("template_parvis"))
		}
	})
	if cluster.made != nil {
		t.Fatalf("pgtest: prepare: %v", cluster.made)
	}
	cluster.mu.Lock()
	cluster.next++
	name := "t" + strconv.Itoa(cluster.next)
	err := run("CREATE DATABASE " + name + " TEMPLATE template_parvis OWNER " + Owner)
	cluster.mu.Unlock()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		cluster.mu.Lock()
		defer cluster.mu.Unlock()
		if err := run("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return named(name)
}

func named(db string) Database {
	at := func(role string) string { return fmt.Sprintf("host=%s user=%s dbname=%s", cluster.dir, role, db) }
	return Database{Owner: at(Owner), Program: at(Program)}
}

// run runs a statement as the cluster's superuser.
func run(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, fmt.Sprintf("host=%s user=postgres dbname=postgres", cluster.dir))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, sql)
	return err
}

// programs are Debian's, the newest version of those that are installed.
func programs() (string, error) {
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(all) == 0 {
		return "", errors.New("PostgreSQL is not installed: apt-get install postgresql")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(all, func(a, b string) int { return version(a) - version(b) })), nil
}

func start() error {
	bin, err := programs()
	if err != nil {
		return err
	}
	if cluster.dir, err = os.MkdirTemp("", "pgtest"); err != nil {
		return err
	}
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT}
	if os.Getuid() == 0 { // PostgreSQL refuses to be root
		u, err := user.Lookup("postgres")
		if err != nil {
			return err
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(cluster.dir, uid, gid); err != nil {
			return err
		}
	}
	data := filepath.Join(cluster.dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	initdb.Dir, initdb.SysProcAttr = cluster.dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	// Nothing of a test's must outlive the machine. A crash of the server is not what is tested here.
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", cluster.dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "shared_buffers=64MB", "-c", "max_connections=60", "-c", "logging_collector=off")
	cmd.Dir, cmd.SysProcAttr = cluster.dir, attr
	log, err := os.Create(filepath.Join(cluster.dir, "log"))
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = log, log
	begun := make(chan error)
	cluster.ended = make(chan error, 1)
	go func() {
		runtime.LockOSThread() // Pdeathsig is about the thread that began it (prctl(2))
		begun <- cmd.Start()
		cluster.ended <- cmd.Wait()
	}()
	if err := <-begun; err != nil {
		return err
	}
	cluster.cmd = cmd
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := run("SELECT 1")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			out, _ := os.ReadFile(log.Name())
			return fmt.Errorf("the server does not answer: %w: %s", err, out)
		}
	}
	return run("CREATE ROLE " + Owner + " LOGIN; CREATE ROLE " + Program + " LOGIN")
}
