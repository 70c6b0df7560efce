package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// serial is the serial port as a connection. Its end is the other side's going: reading returns nothing then.
type serial struct {
	first []byte
	file  *os.File
}

func (s *serial) Read(p []byte) (int, error) {
	if len(s.first) > 0 {
		n := copy(p, s.first)
		s.first = s.first[n:]
		return n, nil
	}
	return s.file.Read(p)
}

func (s *serial) Write(p []byte) (int, error)        { return s.file.Write(p) }
func (s *serial) Close() error                       { return nil }
func (s *serial) LocalAddr() net.Addr                { return &net.UnixAddr{Name: s.file.Name()} }
func (s *serial) RemoteAddr() net.Addr               { return s.LocalAddr() }
func (s *serial) SetDeadline(t time.Time) error      { return s.file.SetDeadline(t) }
func (s *serial) SetReadDeadline(t time.Time) error  { return s.file.SetReadDeadline(t) }
func (s *serial) SetWriteDeadline(t time.Time) error { return s.file.SetWriteDeadline(t) }

// serverConfig lets anybody in: only the lab holds the other end of the cable.
func serverConfig(key []byte) (*ssh.ServerConfig, error) {
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", hostKey, err)
	}
	conf := &ssh.ServerConfig{NoClientAuth: true}
	conf.AddHostKey(signer)
	return conf, nil
}

func serve(line net.Conn, conf *ssh.ServerConfig) error {
	conn, channels, requests, err := ssh.NewServerConn(line, conf)
	if err != nil {
		return err
	}
	defer conn.Close()
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		switch ch.ChannelType() {
		case "session":
			go session(ch)
		case "direct-streamlocal@openssh.com":
			go forward(ch)
		default:
			ch.Reject(ssh.UnknownChannelType, ch.ChannelType())
		}
	}
	return nil
}

// session runs one program (RFC 4254, section 6). Its command is an argv, length-prefixed strings, so that nothing is quoted
// and no shell reads it; its environment is only what was sent.
func session(newChannel ssh.NewChannel) {
	ch, requests, err := newChannel.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	var env []string
	for r := range requests {
		switch r.Type {
		case "env":
			var v struct{ Name, Value string }
			err := ssh.Unmarshal(r.Payload, &v)
			env = append(env, v.Name+"="+v.Value)
			r.Reply(err == nil, nil)
		case "exec":
			r.Reply(true, nil)
			cmd, err := command(r.Payload, env)
			if err != nil {
				fmt.Fprintln(ch.Stderr(), "init:", err)
				ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{127}))
				return
			}
			run(ch, requests, cmd)
			return
		default:
			r.Reply(false, nil)
		}
	}
}

func command(payload []byte, env []string) (*exec.Cmd, error) {
	var c struct{ Packed string }
	if err := ssh.Unmarshal(payload, &c); err != nil {
		return nil, err
	}
	argv, err := unpack(c.Packed)
	if err != nil {
		return nil, err
	}
	path := argv[0]
	if path, err = exec.LookPath(path); err != nil {
		return nil, err
	}
	cmd := exec.Command(path, argv[1:]...)
	cmd.Args[0], cmd.Env = argv[0], env
	return cmd, nil
}

// unpack reads the strings of an argv, each with its length before it (RFC 4251, section 5).
func unpack(packed string) ([]string, error) {
	var argv []string
	for rest := []byte(packed); len(rest) > 0; {
		var next struct {
			Word string
			Rest []byte `ssh:"rest"`
		}
		if err := ssh.Unmarshal(rest, &next); err != nil {
			return nil, fmt.Errorf("read command: %w", err)
		}
		argv, rest = append(argv, next.Word), next.Rest
	}
	if len(argv) == 0 {
		return nil, errors.New("an empty command")
	}
	return argv, nil
}

var signals = map[ssh.Signal]unix.Signal{
	ssh.SIGTERM: unix.SIGTERM, ssh.SIGKILL: unix.SIGKILL, ssh.SIGINT: unix.SIGINT, ssh.SIGHUP: unix.SIGHUP, ssh.SIGUSR1: unix.SIGUSR1,
	"STOP": unix.SIGSTOP, "CONT": unix.SIGCONT,
}

func run(ch ssh.Channel, requests <-chan *ssh.Request, cmd *exec.Cmd) {
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 2 * time.Second // a grandchild that keeps the outputs must not hold the session for ever
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(ch.Stderr(), "init:", err)
		ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{127}))
		return
	}
	go func() {
		io.Copy(in, ch) // ends with the program at the latest
		in.Close()
	}()
	go func() {
		for r := range requests {
			var s struct{ Name string }
			sig, known := unix.Signal(0), false
			if r.Type == "signal" && ssh.Unmarshal(r.Payload, &s) == nil {
				sig, known = signals[ssh.Signal(s.Name)]
			}
			if known {
				known = cmd.Process.Signal(sig) == nil
			}
			r.Reply(known, nil)
		}
	}()
	cmd.Wait() // how it ended is in its state
	ws, code := cmd.ProcessState.Sys().(syscall.WaitStatus), 0
	if code = ws.ExitStatus(); ws.Signaled() {
		code = 128 + int(ws.Signal())
	}
	ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(code)}))
}

// forward leads a connection of the lab to a unix socket of the machine (OpenSSH's PROTOCOL, section 2.4).
func forward(newChannel ssh.NewChannel) {
	var to struct {
		Socket, Reserved string
		Port             uint32
	}
	if err := ssh.Unmarshal(newChannel.ExtraData(), &to); err != nil {
		newChannel.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	conn, err := net.Dial("unix", to.Socket)
	if err != nil {
		newChannel.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer conn.Close()
	ch, requests, err := newChannel.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	go ssh.DiscardRequests(requests)
	var both sync.WaitGroup
	both.Go(func() {
		io.Copy(conn, ch)
		conn.(*net.UnixConn).CloseWrite()
	})
	both.Go(func() {
		io.Copy(ch, conn)
		ch.CloseWrite()
	})
	both.Wait()
}
