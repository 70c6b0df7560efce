package monitor

import (
	"context"
	"mime"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mail/mailtest"
)

// A real server program takes the letters; while it is away they wait.
func TestLettersReachARealRelayOnceItIsThere(t *testing.T) {
	relay, taken := mailtest.Server(t, true)
	relay.From = "parvis@commune.example"
	away := relay
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away.Address = ln.Addr().String()
	ln.Close() // nobody is there

	d := newDesk(t)
	at := away
	d.o.Send = func(ctx context.Context, l Letter) error {
		return at.Send(ctx, Message(l, []string{"informatique@commune.example"}))
	}
	d.now.Problems = append(d.now.Problems, disk)
	d.passes(t, 3*time.Minute)
	if d.Waiting() != 1 {
		t.Fatalf("%d wait for a relay that is away", d.Waiting())
	}
	at = relay
	d.passes(t, 5*time.Minute)
	if d.Waiting() != 0 {
		t.Fatal("the relay is there, and a letter waits")
	}
	got := <-taken
	if got.From != "parvis@commune.example" || len(got.To) != 1 || got.To[0] != "informatique@commune.example" {
		t.Errorf("from %s to %v", got.From, got.To)
	}
	m, err := mail.ReadMessage(strings.NewReader(got.Text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || strings.Join(strings.Fields(subject), " ") != "Médiathèque : le disque est presque plein" {
		t.Errorf("subject %q, %v", subject, err)
	}
	if date, err := m.Header.Date(); err != nil || !date.Equal(clock.NewFake().Wall().Time.Add(2*time.Minute+15*time.Second)) {
		t.Errorf("date %v, %v", date, err)
	}
}
