package alerts

import (
	"encoding/base64"
	"testing"
	"time"
)

// The example that the libraries of Standard Webhooks are tested with.
func TestTheSignatureIsThatOfTheStandard(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, expected %s", got, want)
	}
}

// Every problem has its words.
func TestEveryProblemIsSaid(t *testing.T) {
	for _, code := range Codes {
		for _, event := range []Event{Begin, More, End} {
			n := Note{Event: event, Name: "Mairie", Code: code}
			if n.Title() == "" || n.Text(time.UTC) == "" {
				t.Errorf("%s, %s", code, event)
			}
		}
	}
}
