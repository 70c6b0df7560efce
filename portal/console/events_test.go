package console_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"parvis/internal/bell"
)

const patience = 20 * time.Second

// listener is a page that is open.
type listener struct {
	events chan string
	cancel func()
}

// served is a place whose console is served and runs; ring is the bell of what it shows.
func served(t *testing.T) (server *httptest.Server, ring *bell.Bell) {
	ring = new(bell.Bell)
	listening := make(chan struct{}) // a ring before that is heard by nobody
	p := newPlace(t, func(p *place) {
		p.parts.Changes = append(p.parts.Changes, func() (<-chan struct{}, func()) {
			defer close(listening)
			return ring.Listen()
		})
	})
	server = httptest.NewUnstartedServer(p)
	server.Config.ReadTimeout, server.Config.WriteTimeout = time.Second, time.Second // as for pages, and less
	server.Start()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.Run(ctx) // has no error
	}()
	<-listening
	t.Cleanup(func() {
		cancel()
		<-ended
		server.Close()
	})
	return server, ring
}

func connect(t *testing.T, server *httptest.Server) (*listener, int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/evenements", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "test", Value: "mediatrice"})
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{events: make(chan string, 100), cancel: cancel}
	go func() {
		defer close(l.events)
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if line := lines.Text(); len(line) > 5 && line[:5] == "data:" {
				l.events <- line
			}
		}
	}()
	return l, resp.StatusCode
}

// hears waits for an event.
func (l *listener) hears(t *testing.T) {
	t.Helper()
	select {
	case _, ok := <-l.events:
		if !ok {
			t.Fatal("the stream has ended")
		}
	case <-time.After(patience):
		t.Fatal("no event")
	}
}

func TestAnOpenPageIsToldOfAChange(t *testing.T) {
	server, ring := served(t)
	l, status := connect(t, server)
	if status != http.StatusOK {
		t.Fatal(status)
	}
	l.hears(t) // it is connected
	ring.Ring()
	l.hears(t)
}

// The server's limits are for pages; a stream outlives them.
func TestAStreamOutlivesTheTimeThatAPageMayTake(t *testing.T) {
	server, ring := served(t)
	l, _ := connect(t, server)
	l.hears(t)
	begin := time.Now()
	for time.Since(begin) < 3*server.Config.WriteTimeout {
		ring.Ring()
		l.hears(t)
	}
}

// However much changes, a page is not asked to fetch itself more often than it can.
func TestManyChangesAreFewEvents(t *testing.T) {
	server, ring := served(t)
	l, _ := connect(t, server)
	l.hears(t)
	begin := time.Now()
	for time.Since(begin) < time.Second {
		ring.Ring()
		time.Sleep(time.Millisecond)
	}
	events := len(l.events)
	if most := int(time.Since(begin)/(200*time.Millisecond)) + 1; events > most {
		t.Errorf("%d events in %v, at most %d", events, time.Since(begin), most)
	}
	l.hears(t)
}

func TestOnePageTooManyIsRefusedAndOneThatLeavesMakesRoom(t *testing.T) {
	server, _ := served(t)
	var all []*listener
	for range 64 {
		l, status := connect(t, server)
		if status != http.StatusOK {
			t.Fatal(status)
		}
		all = append(all, l)
	}
	if _, status := connect(t, server); status != http.StatusServiceUnavailable {
		t.Fatalf("the 65th is answered %d", status)
	}
	all[0].cancel()
	for end := time.Now().Add(patience); ; {
		if _, status := connect(t, server); status == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			t.Fatal("no room")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestWhoHasNotEnteredHearsNothing(t *testing.T) {
	server, _ := served(t)
	resp, err := server.Client().Get(server.URL + "/evenements")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Error(resp.StatusCode)
	}
}
