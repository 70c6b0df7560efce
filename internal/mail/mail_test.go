package mail_test

import (
	"context"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"strings"
	"testing"
	"time"

	ours "parvis/internal/mail"
	"parvis/internal/mail/mailtest"
)

var message = ours.Message{
	To: []string{"dsi@commune.example", "Astreinte <astreinte@commune.example>"}, Subject: "Médiathèque : la ligne est pleine",
	Body: "Bonjour,\n\nÇa a commencé à 9 h.\n.\nFin " + strings.Repeat("é", 200) + "\n", ID: "parvis-7-begin", About: "parvis-7-begin",
	Date: time.Date(2026, 11, 28, 9, 0, 0, 0, time.FixedZone("", 3600)),
}

func TestATrueServerTakesAMessageWholeAndEncrypted(t *testing.T) {
	server, taken := mailtest.Server(t, true)
	second := message
	second.ID = "parvis-7-end"
	for _, m := range []ours.Message{message, second} {
		if err := server.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := <-taken
	if got.From != "parvis@commune.example" || strings.Join(got.To, " ") != "dsi@commune.example astreinte@commune.example" {
		t.Errorf("from %s to %v", got.From, got.To)
	}
	parsed, err := mail.ReadMessage(strings.NewReader(got.Text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	if err != nil || subject != message.Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(parsed.Body))
	if err != nil || strings.ReplaceAll(string(body), "\r\n", "\n") != message.Body {
		t.Errorf("text %q, %v", body, err)
	}
	for name, want := range map[string]string{
		"Message-ID": "<parvis-7-begin@commune.example>", "In-Reply-To": "", "Auto-Submitted": "auto-generated", "Date": "Sat, 28 Nov 2026 09:00:00 +0100",
	} {
		if v := parsed.Header.Get(name); v != want {
			t.Errorf("%s: %q, expected %q", name, v, want)
		}
	}
	if answer := (<-taken).Text; !strings.Contains(answer, "In-Reply-To: <parvis-7-begin@commune.example>\r\n") {
		t.Errorf("the second is not in the first one's thread:\n%s", answer)
	}
}

func TestNothingIsSentWhenTheServerIsNotTheRightOne(t *testing.T) {
	server, taken := mailtest.Server(t, true)
	clear, takenClear := mailtest.Server(t, false)
	wrong := t.TempDir() + "/wrong"
	if err := os.WriteFile(wrong, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*ours.Server, *ours.Message)
		want   string
	}{
		"no encryption":      {func(s *ours.Server, _ *ours.Message) { *s = clear }, "STARTTLS"},
		"unknown authority":  {func(s *ours.Server, _ *ours.Message) { s.Roots = nil }, "certificate"},
		"wrong password":     {func(s *ours.Server, _ *ours.Message) { s.PasswordFile = wrong }, "log in as parvis"},
		"no receiver":        {func(_ *ours.Server, m *ours.Message) { m.To = nil }, "no receiver"},
		"a line in the name": {func(_ *ours.Server, m *ours.Message) { m.To = []string{"a@b.example\r\nBcc: c@d.example"} }, "receiver 1"},
		"a line in the id":   {func(_ *ours.Server, m *ours.Message) { m.ID = "a\r\nBcc: c@d.example" }, "id"},
		"no port":            {func(s *ours.Server, _ *ours.Message) { s.Address = "mail.example" }, "host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := server, message
			tt.change(&s, &m)
			if err := s.Send(t.Context(), m); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, expected %q", err, tt.want)
			}
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Send(ended, message); err == nil {
		t.Error("sent after the end")
	}
	select {
	case m := <-taken:
		t.Errorf("a message was taken: %+v", m)
	case m := <-takenClear:
		t.Errorf("a message was taken in clear: %+v", m)
	default:
	}
}

func TestASubjectIsOneLine(t *testing.T) {
	server, taken := mailtest.Server(t, true)
	m := message
	m.Subject = "a\r\nBcc: c@d.example"
	if err := server.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := (<-taken).Text; !strings.Contains(got, "Subject: a Bcc: c@d.example\r\n") {
		t.Errorf("%s", got)
	}
}
