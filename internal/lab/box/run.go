package box

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"path"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Path is where the machine's programs are.
const Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Command is a program of the machine.
type Command struct {
	Args   []string
	Env    map[string]string // beside PATH and HOME
	Stdin  io.Reader
	Stdout io.Writer // nil: nowhere
	Stderr io.Writer
}

// Program is one that runs.
type Program struct {
	name    string
	session *ssh.Session
}

// Start starts a program.
func (b *Box) Start(c Command) (*Program, error) {
	s, err := b.ssh.NewSession()
	if err != nil {
		return nil, fmt.Errorf("box: start %s: %w", c.Args[0], err)
	}
	s.Stdin, s.Stdout, s.Stderr = c.Stdin, c.Stdout, c.Stderr
	env := map[string]string{"PATH": Path, "HOME": "/root"}
	maps.Copy(env, c.Env)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if err := s.Setenv(name, env[name]); err != nil {
			return nil, fmt.Errorf("box: start %s: %w", c.Args[0], err)
		}
	}
	var packed []byte
	for _, word := range c.Args { // see box/init
		packed = append(packed, ssh.Marshal(struct{ Word string }{word})...)
	}
	if err := s.Start(string(packed)); err != nil {
		return nil, errors.Join(fmt.Errorf("box: start %s: %w", c.Args[0], err), s.Close())
	}
	return &Program{c.Args[0], s}, nil
}

// Signal sends a signal to the program: ssh's names, and "STOP" and "CONT".
func (p *Program) Signal(name ssh.Signal) error {
	if err := p.session.Signal(name); err != nil {
		return fmt.Errorf("box: signal %s: %w", p.name, err)
	}
	return nil
}

// Wait waits for its end; ErrExit is wrapped when that is not 0.
func (p *Program) Wait() error {
	err := p.session.Wait()
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("box: %s: %w %d", p.name, ErrExit, exit.ExitStatus())
	}
	if err != nil {
		return fmt.Errorf("box: %s: %w", p.name, err)
	}
	return nil
}

// ErrExit is wrapped when a program has ended with another code than 0.
var ErrExit = errors.New("ended with")

// Run runs a program to its end; when ctx ends before, it is killed.
func (b *Box) Run(ctx context.Context, c Command) error {
	p, err := b.Start(c)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		p.Signal(ssh.SIGKILL)
		p.session.Close()
	})
	defer stop()
	return errors.Join(p.Wait(), ctx.Err())
}

// Output runs a program to its end and returns what it printed on both outputs, which is in the error too.
func (b *Box) Output(ctx context.Context, args ...string) (string, error) {
	var out locked
	err := b.Run(ctx, Command{Args: args, Stdout: &out, Stderr: &out})
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out.String())
	}
	return out.String(), err
}

// Write writes a file of the machine, with the folders on the way.
func (b *Box) Write(ctx context.Context, file string, mode fs.FileMode, content []byte) error {
	if _, err := b.Output(ctx, "mkdir", "-p", path.Dir(file)); err != nil {
		return err
	}
	var said locked
	if err := b.Run(ctx, Command{Args: []string{"tee", file}, Stdin: bytes.NewReader(content), Stderr: &said}); err != nil {
		return fmt.Errorf("box: write %s: %w\n%s", file, err, said.String())
	}
	_, err := b.Output(ctx, "chmod", fmt.Sprintf("%o", mode), file)
	return err
}

// Dial connects to a unix socket of the machine.
func (b *Box) Dial(socket string) (net.Conn, error) {
	conn, err := b.ssh.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("box: %w", err)
	}
	return conn, nil
}

// Lines are the lines of a file of the machine.
func (b *Box) Lines(ctx context.Context, file string) ([]string, error) {
	text, err := b.Output(ctx, "cat", file)
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n"), err
}
