// Package postgres runs a private PostgreSQL server: its data and its socket are in a directory that goes with it, and it listens on no
// network. Debian's `postgresql` brings the programs (initdb(1), postgres(1)).
package postgres

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
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Roles of every server: who owns the hub's tables, and as whom the hub works.
const (
	Owner   = "parvis_owner"
	Program = "parvis_hub"
)

// Server is one that runs.
type Server struct {
	dir   string
	cmd   *exec.Cmd
	ended chan struct{}
}

// ErrMissing: Debian's programs are not there.
var ErrMissing = errors.New("postgres: PostgreSQL is not installed: apt-get install postgresql")

// Start makes one in a new directory of parent ("": of the machine's temporary files), which the account postgres must be able to pass. It
// takes settings such as "fsync=off", and returns once the server answers and has both roles.
func Start(parent string, settings ...string) (s *Server, err error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	s = &Server{ended: make(chan struct{})}
	if s.dir, err = os.MkdirTemp(parent, "parvis-pg-"); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	// A group of its own: Ctrl-C in a terminal reaches who began the server, and Close ends it.
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT, Setpgid: true}
	if os.Getuid() == 0 { // PostgreSQL refuses to be root
		if attr.Credential, err = account("postgres"); err != nil {
			return nil, err
		}
		if err := os.Chown(s.dir, int(attr.Credential.Uid), int(attr.Credential.Gid)); err != nil {
			return nil, fmt.Errorf("postgres: %w", err)
		}
	}
	data := filepath.Join(s.dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	initdb.Dir, initdb.SysProcAttr = s.dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("postgres: initdb: %w: %s", err, out)
	}
	args := []string{"-D", data, "-k", s.dir, "-c", "listen_addresses=", "-c", "logging_collector=off"}
	for _, set := range settings {
		args = append(args, "-c", set)
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, attr
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	begun := make(chan error)
	go func() {
		defer close(s.ended)
		runtime.LockOSThread() // Pdeathsig is about the thread that began it (prctl(2))
		err := cmd.Start()
		begun <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-begun; err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	s.cmd = cmd
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := s.Run("postgres", "SELECT 1")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			out, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("postgres: the server does not answer: %w: %s", err, out)
		}
	}
	return s, s.Run("postgres", "CREATE ROLE "+Owner+" LOGIN; CREATE ROLE "+Program+" LOGIN")
}

// Close ends the server, whatever is connected, and removes its directory.
func (s *Server) Close() error {
	if s.cmd != nil {
		s.cmd.Process.Signal(syscall.SIGINT) // fast shutdown
		<-s.ended
	}
	return os.RemoveAll(s.dir)
}

// Connect is a connection string.
func (s *Server) Connect(role, db string) string {
	return fmt.Sprintf("host=%s user=%s dbname=%s", s.dir, role, db)
}

// Run runs statements as the server's superuser.
func (s *Server) Run(db, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.Connect("postgres", db))
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	defer c.Close(ctx)
	if _, err = c.Exec(ctx, sql); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	return nil
}

// programs are Debian's, the newest version of those that are installed.
func programs() (string, error) {
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(all) == 0 {
		return "", ErrMissing
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(all, func(a, b string) int { return version(a) - version(b) })), nil
}

func account(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
	if err = errors.Join(err, gerr); err != nil {
		return nil, fmt.Errorf("postgres: account %s: %w", name, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
