package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// barePort is where the bare handler listens: the portal's own port, so that the same rules lead to it.
const barePort = 8080

// ServeBare answers every request with a redirection whose header and body were recorded in a file from the portal's own answer
// (see record). It is the least that net/http can do for the same bytes.
func ServeBare(file string) error {
	answer, err := readAnswer(file)
	if err != nil {
		return err
	}
	srv := http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for k, v := range answer.header {
				w.Header()[k] = v
			}
			w.WriteHeader(answer.status)
			w.Write(answer.body) // a client that has gone is no news
		}),
	}
	ln, err := net.Listen("tcp4", fmt.Sprintf(":%d", barePort))
	if err != nil {
		return fmt.Errorf("bench: bare handler: %w", err)
	}
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("bench: bare handler: %w", err)
	}
	return nil
}

// answer is an HTTP answer to be given again.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func readAnswer(file string) (a answer, err error) {
	f, err := os.Open(file)
	if err != nil {
		return a, fmt.Errorf("bench: bare handler: %w", err)
	}
	defer f.Close()
	return parseAnswer(f)
}

// parseAnswer reads an answer as it was on the wire. Date and length are left to the server that gives it again.
func parseAnswer(r io.Reader) (a answer, err error) {
	resp, err := http.ReadResponse(bufio.NewReader(r), nil)
	if err != nil {
		return a, fmt.Errorf("bench: read answer: %w", err)
	}
	defer resp.Body.Close()
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return a, fmt.Errorf("bench: read answer: %w", err)
	}
	a.status, a.header = resp.StatusCode, resp.Header
	a.header.Del("Date")
	a.header.Del("Content-Length")
	if resp.Close {
		a.header.Set("Connection", "close")
	}
	return a, nil
}
