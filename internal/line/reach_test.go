package line_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/line"
)

// The next machine counts as there for as long as it answers, by the kernel's own neighbour table.
func TestTheGatewayIsThereWhileItAnswers(t *testing.T) {
	lab.NeedsLab(t)
	box := operator(t)
	run(t, nil, "ip", "route", "add", "default", "via", "203.0.113.1")
	t.Cleanup(func() { run(t, nil, "ip", "route", "del", "default") })
	r := &line.Reach{Interface: "uplink", Clock: clock.NewFake()}
	talk := func() { // something that goes by the gateway makes the kernel look for it
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, _ = line.Ask(ctx, netip.MustParseAddrPort(server+":53"))
	}
	until := func(want bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); r.Gateway() != want; {
			if time.Now().After(deadline) {
				t.Fatalf("the gateway is there: %v, want %v", !want, want)
			}
			talk()
		}
	}
	until(true)
	run(t, box, "ip", "addr", "del", "203.0.113.1/24", "dev", "line") // it is on, and answers no more
	run(t, nil, "ip", "neigh", "flush", "dev", "uplink")
	until(false)
	run(t, box, "ip", "addr", "add", "203.0.113.1/24", "dev", "line")
	until(true)
	run(t, box, "ip", "link", "set", "line", "down") // its cable
	until(false)
}

func TestMuchThatComesInIsProof(t *testing.T) {
	lab.NeedsLab(t)
	operator(t)
	clk := clock.NewFake()
	r := &line.Reach{Interface: "uplink", Clock: clk}
	carried := func() bool {
		clk.Advance(time.Second)
		return r.Carried()
	}
	for range 3 {
		if carried() {
			t.Error("proof on a silent line")
		}
	}
	c, err := net.Dial("tcp4", server+":9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go io.Copy(io.Discard, c) // ends with c
	for deadline := time.Now().Add(20 * time.Second); !carried(); {
		if time.Now().After(deadline) {
			t.Fatal("a download is no proof")
		}
	}
}

// Only the page itself is proof: a box without a line leads to its own.
func TestThePageMustCome(t *testing.T) {
	status := http.StatusOK
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/box" {
			return
		}
		w.Header().Set("Location", "/box")
		w.WriteHeader(status)
	}))
	defer web.Close()
	r := &line.Reach{Interface: "lo", Probe: web.URL + "/", Clock: clock.NewFake()}
	for code, want := range map[int]bool{200: true, 204: true, 302: false, 404: false, 503: false} {
		status = code
		if err := r.Page(t.Context()); (err == nil) != want {
			t.Errorf("%d: %v", code, err)
		}
	}
	if err := (&line.Reach{Interface: "lo"}).Page(t.Context()); err != nil {
		t.Errorf("without wan.probe: %v", err)
	}
}
