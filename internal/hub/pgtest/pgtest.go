// Package pgtest gives tests a real PostgreSQL of their own: one private server a test process, and a fresh database a test.
package pgtest

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"parvis/internal/lab/postgres"
)

// Roles of every server.
const (
	Owner   = postgres.Owner
	Program = postgres.Program
)

// Database is one test's.
type Database struct {
	Owner, Program string // connection strings
}

var cluster struct {
	once     sync.Once
	err      error
	server   *postgres.Server
	template sync.Once
	made     error
	next     int
	mu       sync.Mutex
}

// Run runs the tests of a package and ends the server that they began: `func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }`.
func Run(m *testing.M) int {
	code := m.Run()
	if cluster.server != nil {
		cluster.server.Close() // a directory in /tmp that stays is no reason to fail
	}
	return code
}

// New is a database of its own. prepare makes it what it is, once a process; each test gets a copy.
func New(t testing.TB, prepare func(context.Context, Database) error) Database {
	t.Helper()
	cluster.once.Do(func() {
		// Nothing of a test's must outlive the machine. A crash of the server is not what is tested here.
		cluster.server, cluster.err = postgres.Start("", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=60")
	})
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
	t.Cleanup(func() { drop(t, name) })
	return named(name)
}

// Empty is another database, of the owner's role, with nothing in it: what a copy is brought back into.
func Empty(t testing.TB) Database {
	t.Helper()
	cluster.mu.Lock()
	cluster.next++
	name := "t" + strconv.Itoa(cluster.next)
	err := run("CREATE DATABASE " + name + " OWNER " + Owner)
	cluster.mu.Unlock()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() { drop(t, name) })
	return named(name)
}

func drop(t testing.TB, name string) {
	cluster.mu.Lock()
	defer cluster.mu.Unlock()
	if err := run("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
		t.Errorf("pgtest: %v", err)
	}
}

func named(db string) Database {
	return Database{Owner: cluster.server.Connect(Owner, db), Program: cluster.server.Connect(Program, db)}
}

func run(sql string) error { return cluster.server.Run("postgres", sql) }
