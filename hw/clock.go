package hw

import (
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Clock is how good the kernel holds its civil time to be.
type Clock struct {
	Synchronised bool          // a time daemon keeps it
	Error        time.Duration // at most so far off, as far as the time daemon and the kernel know; it grows by 0.5 ms a second without news
	Battery      bool          // a clock of the board goes on without power and is set
}

// Clock asks the kernel (adjtimex(2): maxerror, STA_UNSYNC) and looks for a real-time clock that says a time after 2020: one whose battery
// is flat says 1970 or 2000.
func (r Root) Clock() (Clock, error) {
	var tx unix.Timex
	if _, err := unix.Adjtimex(&tx); err != nil {
		return Clock{}, fmt.Errorf("hw: read clock: adjtimex: %w", err)
	}
	c := Clock{Synchronised: tx.Status&unix.STA_UNSYNC == 0, Error: time.Duration(tx.Maxerror) * time.Microsecond}
	for _, dir := range r.list("sys/class/rtc/rtc*") {
		n, err := r.number(filepath.Join(dir, "since_epoch"))
		c.Battery = c.Battery || err == nil && n >= time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	}
	return c, nil
}
