// Package mail sends plain messages through the town's mail server (RFC 5321), always encrypted.
package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"os"
	"strings"
	"time"
)

// Server is where messages are handed in. Port 465 speaks TLS from the first byte (RFC 8314); on any other STARTTLS is required.
type Server struct {
	Address      string         `toml:"address"`       // host:port
	User         string         `toml:"user"`          // "": the server wants none
	PasswordFile string         `toml:"password-file"` // one line; with User
	From         string         `toml:"from"`          // address of the sender
	Roots        *x509.CertPool `toml:"-"`             // of the server's certificate; nil: the system's
}

// Message is one message in plain text.
type Message struct {
	To      []string
	Subject string
	Body    string
	// ID names the message for ever: one that comes twice is known by it. Letters, digits, points and hyphens; "": the server makes one.
	ID string
	// About is the ID of the message that began the thread; "" for none.
	About string
	Date  time.Time // zero: the server writes it
}

// timeout bounds a delivery when the context has no nearer end.
const timeout = time.Minute

// Check says what is wrong with a server's settings.
func (s Server) Check() error {
	if _, _, err := net.SplitHostPort(s.Address); err != nil {
		return fmt.Errorf("mail: server %q: expected host:port, as mail.example:587", s.Address)
	}
	if _, err := mail.ParseAddress(s.From); err != nil {
		return fmt.Errorf("mail: sender %q: %w", s.From, err)
	}
	return nil
}

// Send hands a message in. An error means that the server has not taken it, or that the line fell before it said so.
func (s Server) Send(ctx context.Context, m Message) (err error) {
	if err := s.Check(); err != nil {
		return err
	}
	from, err := mail.ParseAddress(s.From)
	if err != nil {
		return fmt.Errorf("mail: sender: %w", err)
	}
	to := make([]string, len(m.To))
	for i, a := range m.To {
		parsed, err := mail.ParseAddress(a)
		if err != nil {
			return fmt.Errorf("mail: receiver %d: %w", i+1, err)
		}
		to[i] = parsed.Address
	}
	if len(to) == 0 {
		return errors.New("mail: no receiver")
	}
	text, err := m.format(*from, to)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("mail: reach %s: %w", s.Address, err)
	}
	defer c.Close()
	if err := s.hand(c, from.Address, to, text); err != nil {
		return fmt.Errorf("mail: hand in at %s: %w", s.Address, err)
	}
	return nil
}

func (s Server) dial(ctx context.Context) (*smtp.Client, error) {
	host, port, _ := net.SplitHostPort(s.Address)
	secure := &tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() }) // ends whatever waits for the server
	if port == "465" {
		conn = tls.Client(conn, secure)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if port == "465" {
		return c, nil
	}
	if ok, _ := c.Extension("STARTTLS"); !ok {
		c.Close()
		return nil, errors.New("the server offers no STARTTLS, and nothing is sent in clear; use port 465 or another server")
	}
	if err := c.StartTLS(secure); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (s Server) hand(c *smtp.Client, from string, to []string, text []byte) error {
	if s.User != "" {
		password, err := os.ReadFile(s.PasswordFile)
		if err != nil {
			return fmt.Errorf("read the password: %w", err)
		}
		host, _, _ := net.SplitHostPort(s.Address)
		if err := c.Auth(smtp.PlainAuth("", s.User, strings.TrimSpace(string(password)), host)); err != nil {
			return fmt.Errorf("log in as %s: %w", s.User, err)
		}
	}
	if err := c.Mail(from); err != nil {
		return err
	}
	for _, a := range to {
		if err := c.Rcpt(a); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = c.Quit() // it has taken the message
	return nil
}

// format writes the message (RFC 5322) with its text as quoted-printable UTF-8.
func (m Message) format(from mail.Address, to []string) ([]byte, error) {
	domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	var b bytes.Buffer
	head := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	id := func(s string) (string, error) {
		if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != "" {
			return "", fmt.Errorf("mail: message's id %q: expected letters, digits, points and hyphens", s)
		}
		return "<" + s + "@" + domain + ">", nil
	}
	head("From", from.String())
	head("To", strings.Join(to, ", "))
	head("Subject", mime.QEncoding.Encode("utf-8", strings.Join(strings.Fields(m.Subject), " ")))
	if !m.Date.IsZero() {
		head("Date", m.Date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	}
	if m.ID != "" {
		v, err := id(m.ID)
		if err != nil {
			return nil, err
		}
		head("Message-ID", v)
	}
	if m.About != "" && m.About != m.ID {
		v, err := id(m.About)
		if err != nil {
			return nil, err
		}
		head("In-Reply-To", v)
		head("References", v)
	}
	head("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence answers it
	head("MIME-Version", "1.0")
	head("Content-Type", "text/plain; charset=utf-8")
	head("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.ReplaceAll(m.Body, "\n", "\r\n"))); err != nil {
		return nil, fmt.Errorf("mail: write the text: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("mail: write the text: %w", err)
	}
	return b.Bytes(), nil
}
