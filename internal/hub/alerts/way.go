package alerts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"parvis/internal/mail"
)

// Way is one way out, as `[[alert]]` of parvis-hub.toml has it. Addresses and secrets come from that file alone and never from a page.
type Way struct {
	Name     string   `toml:"name"`     // identifier, which stays: what is under way goes by it
	Kind     string   `toml:"kind"`     // mail, zammad, matrix, webhook
	Tenant   string   `toml:"tenant"`   // of the commune whose incidents go there; "": every commune's
	Problems []string `toml:"problems"` // those that go there; none: all
	URL      string   `toml:"url"`      // of the server: zammad, matrix; of the receiver: webhook. https
	Secret   string   `toml:"secret-file"`
	To       []string `toml:"to"`       // mail: the receivers
	Group    string   `toml:"group"`    // zammad: of the tickets
	Customer string   `toml:"customer"` // zammad: address of the customer of the tickets
	Room     string   `toml:"room"`     // matrix: !id:server
}

// Kinds are the kinds of ways.
var Kinds = []string{"mail", "zammad", "matrix", "webhook"}

var name = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Check says what is wrong with a way, and what to write.
func (w Way) Check() error {
	bad := func(key, want string) error { return fmt.Errorf("alerts: way %q: %s: expected %s", w.Name, key, want) }
	if !name.MatchString(w.Name) {
		return bad("name", "lower-case letters, digits and hyphens")
	}
	if !slices.Contains(Kinds, w.Kind) {
		return bad("kind", strings.Join(Kinds, ", "))
	}
	for _, p := range w.Problems {
		if !slices.Contains(Codes, p) {
			return bad("problems: "+p, strings.Join(Codes, ", "))
		}
	}
	if w.Kind == "mail" {
		if len(w.To) == 0 {
			return bad("to", "at least one address")
		}
		return nil
	}
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return bad("url", "https://host/path without a user and without a query")
	case u.Scheme != "https" && (u.Scheme != "http" || !net.ParseIP(u.Hostname()).IsLoopback()):
		return bad("url", "https")
	case w.Secret == "":
		return bad("secret-file", "the file of its token")
	case w.Kind == "zammad" && (w.Group == "" || w.Customer == ""):
		return bad("group, customer", "the group and the customer of the tickets")
	case w.Kind == "matrix" && (!strings.HasPrefix(w.Room, "!") || strings.ContainsAny(w.Room, "/?#")):
		return bad("room", "the room's identifier, as !abc:matrix.example")
	}
	return nil
}

// takes reports whether an incident goes that way.
func (w Way) takes(tenant, code string) bool {
	return (w.Tenant == "" || w.Tenant == tenant) && (len(w.Problems) == 0 || slices.Contains(w.Problems, code))
}

func (w Way) secret() (string, error) {
	b, err := os.ReadFile(w.Secret)
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	s := strings.TrimSpace(string(b))
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return "", fmt.Errorf("read the secret: %s: expected one line", w.Secret)
	}
	return s, nil
}

// sending is one message on its way.
type sending struct {
	note  Note
	now   time.Time
	zone  *time.Location
	again bool   // it may have arrived before
	ref   string // of the ticket of its incident; "": there is none
}

// sender sends along one kind of way. It returns the reference under which the other side has the incident, "" where it has none.
type sender interface {
	send(ctx context.Context, w Way, s sending) (ref string, err error)
}

// later is an answer that asks to be left alone for a while.
type later struct{ after time.Duration }

func (l later) Error() string { return fmt.Sprintf("asks to wait %s", l.after) }

// senders are all kinds.
func senders(transport http.RoundTripper, server mail.Server) map[string]sender {
	c := &client{http.Client{
		Transport: transport, Timeout: 20 * time.Second,
		// A token goes to the server that is configured and to no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	return map[string]sender{"mail": mailSender{server}, "zammad": zammad{c}, "matrix": matrix{c}, "webhook": webhook{c}}
}

type client struct{ http http.Client }

// mostAnswer is how much of an answer is read, in bytes.
const mostAnswer = 1 << 20

// errGone: the other side does not have what is spoken of any more.
var errGone = errors.New("is not there any more")

// do sends a request and returns the answer's body. Errors have neither the token nor the body of what was sent.
func (c *client) do(req *http.Request) ([]byte, error) {
	res, err := c.http.Do(req)
	if err != nil {
		var wrapped *url.Error // says the whole address, whose path may be known to few
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	switch {
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable:
		return nil, later{waitOf(res.Header, body)}
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone:
		return nil, fmt.Errorf("the server answers %d: %w", res.StatusCode, errGone)
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("the server answers %d: it refuses the token", res.StatusCode)
	case res.StatusCode/100 != 2:
		return nil, fmt.Errorf("the server answers %d", res.StatusCode)
	case err != nil:
		return nil, err
	}
	return body, nil
}

type mailSender struct{ server mail.Server }

func (m mailSender) send(ctx context.Context, w Way, s sending) (string, error) {
	n := s.note
	first := s.ref
	if first == "" {
		first = n.id(w.Name)
	}
	return first, m.server.Send(ctx, mail.Message{To: w.To, Subject: n.Title(), Body: n.Text(s.zone), ID: n.id(w.Name), About: first})
}
