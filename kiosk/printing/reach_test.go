package printing

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

func TestWhatAPrinterSaysOfItself(t *testing.T) {
	state := func(n byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			m := refusal(message{version: 0x0101, id: 1}, 0)
			m.groups = append(m.groups, group{tagPrinter, []attribute{
				{"printer-state", []value{{tagEnum, []byte{0, 0, 0, n}}}}, {"printer-is-accepting-jobs", []value{{tagBoolean, []byte{1}}}},
			}})
			w.Write(m.bytes())
		}
	}
	answers := func(status uint16, accepts ...byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			m := refusal(message{version: 0x0101, id: 1}, status)
			if len(accepts) > 0 {
				m.groups = append(m.groups, group{tagPrinter, []attribute{{"printer-is-accepting-jobs", []value{{tagBoolean, accepts}}}}})
			}
			w.Write(m.bytes())
		}
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    error
	}{
		{"ready", answers(0, 1), nil},
		{"does not say whether it takes jobs", answers(0), nil},
		{"takes no jobs", answers(0, 0), ErrPaused},
		{"is idle", state(3), nil},
		{"prints", state(4), nil},
		{"has no paper", state(5), ErrPaused},
		{"refuses the question", answers(notAuthorised), ErrIPP},
		{"has pages at this address", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>a copier")) }, ErrIPP},
		{"has nothing at this address", http.NotFound, ErrIPP},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(tt.handler)
			defer srv.Close()
			u, err := url.Parse(strings.Replace(srv.URL, "http://", "ipp://", 1))
			if err != nil {
				t.Fatal(err)
			}
			if err := Reach(t.Context(), u); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestAPrinterThatIsOffIsNotReached(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &url.URL{Scheme: "ipp", Host: ln.Addr().String()}
	ln.Close()
	if err := Reach(t.Context(), u); !errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "http://") {
		t.Errorf("%v", err)
	}
}
