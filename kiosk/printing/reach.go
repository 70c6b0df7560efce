package printing

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
)

// What a printer that answers may still say.
var (
	ErrIPP    = errors.New("it does not answer as a printer does")
	ErrPaused = errors.New("it takes no jobs now") // or prints none: without paper it says that it has stopped
)

const stopped = 5 // printer-state (RFC 8011, section 5.4.11)

// Reach asks the printer at an address what it can do, as a terminal does when it starts. ErrPrinter; ErrIPP; ErrPaused; others
// are those of the way there.
func Reach(ctx context.Context, printer *url.URL) error {
	f, err := New(Options{Printer: printer})
	if err != nil {
		return err
	}
	defer f.client.CloseIdleConnections()
	m := asks(printerStatus, f.uri, newUser(), 0)
	m.operation().set("requested-attributes", words("printer-state", "printer-is-accepting-jobs")...)
	a, err := f.ask(ctx, m)
	switch {
	case errors.Is(err, errFormat) || errors.Is(err, errTooLong) || errors.Is(err, errStatus):
		return fmt.Errorf("%w: %w", ErrIPP, err)
	case err != nil:
		return plain(err)
	case a.code >= firstError:
		return fmt.Errorf("%w: status %#x", ErrIPP, a.code)
	}
	for _, g := range a.groups {
		if g.tag != tagPrinter {
			continue
		}
		if v, ok := g.get("printer-is-accepting-jobs"); ok && v.tag == tagBoolean && len(v.data) == 1 && v.data[0] == 0 {
			return ErrPaused
		}
		if v, ok := g.get("printer-state"); ok && v.tag == tagEnum && len(v.data) == 4 && binary.BigEndian.Uint32(v.data) == stopped {
			return ErrPaused
		}
	}
	return nil
}
