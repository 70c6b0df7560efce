package bench

import (
	"strings"
	"testing"
)

func TestTheBareAnswerIsThePortalsLessWhatEachServerAdds(t *testing.T) {
	a, err := parseAnswer(strings.NewReader("HTTP/1.1 302 Found\r\nLocation: http://wifi.lab.test/\r\nDate: now\r\n" +
		"Cache-Control: no-store\r\nContent-Length: 3\r\nConnection: close\r\n\r\nici"))
	if err != nil {
		t.Fatal(err)
	}
	if a.status != 302 || string(a.body) != "ici" {
		t.Errorf("%d %q", a.status, a.body)
	}
	for k, want := range map[string]string{"Location": "http://wifi.lab.test/", "Cache-Control": "no-store", "Connection": "close", "Date": "", "Content-Length": ""} {
		if got := a.header.Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
}
