package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Who watches over the portal must tell one that hangs from one that nobody can reach.
func TestThePortalHangsOnlyWhenItTakesAConnectionAndSaysNothing(t *testing.T) {
	var asked string
	good := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.Host + r.URL.Path }))
	defer good.Close()
	if !answers(t.Context(), good.Listener.Addr(), "wifi.lab.test") || asked != "wifi.lab.test/regles" {
		t.Errorf("one that answers hangs (%q)", asked)
	}

	cuts, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer cuts.Close()
	go func() {
		for {
			c, err := cuts.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	if !answers(t.Context(), cuts.Addr(), "x") {
		t.Error("one that closes at once, because too many ask, hangs")
	}

	hangs, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	taken := make(chan net.Conn, 1)
	go func() {
		c, err := hangs.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.ReadFull(c, make([]byte, 1)) // the question is there
		taken <- c
		cancel()
	}()
	if answers(ctx, hangs.Addr(), "x") {
		t.Error("one that takes a question and says nothing gets on")
	}
	(<-taken).Close()
	hangs.Close()
	if !answers(t.Context(), hangs.Addr(), "x") {
		t.Error("one that refuses hangs")
	}
	if !answers(t.Context(), &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8080}, "x") {
		t.Error("one whose interface is gone hangs")
	}
}
