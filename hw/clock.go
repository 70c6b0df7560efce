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
// is flat says 1970 or 2000. Below another root than / the kernel's answer is what a file adjtimex there has: its status and its maxerror.
// Battery is known with every error.
func (r Root) Clock() (c Clock, err error) {
	for _, dir := range r.list("sys/class/rtc/rtc*") {
		n, err := r.number(filepath.Join(dir, "since_epoch"))
		c.Battery = c.Battery || err == nil && n >= time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	}
	var tx unix.Timex
	if r == "/" {
		_, err = unix.Adjtimex(&tx)
	} else {
		err = r.adjtimex(&tx)
	}
	if err != nil {
		return c, fmt.Errorf("hw: read clock: adjtimex: %w", err)
	}
	c.Synchronised, c.Error = tx.Status&unix.STA_UNSYNC == 0, time.Duration(tx.Maxerror)*time.Microsecond
	return c, nil
}

func (r Root) adjtimex(tx *unix.Timex) error {
	s, err := r.text("adjtimex")
	if err == nil {
		_, err = fmt.Sscan(s, &tx.Status, &tx.Maxerror)
	}
	return err
}
