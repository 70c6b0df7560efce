package control

import "parvis/hw"

// NotAsked is the state of a printer or a timer that nobody has asked yet, and of a printer while the place is closed.
const NotAsked = "not-asked"

// Hardware is how the box is. What a box has not is left out.
type Hardware struct {
	Board        string           `json:"board,omitempty"`
	Temperatures []hw.Temperature `json:"temperatures,omitempty"`
	Wear         []hw.Wear        `json:"wear,omitempty"`
	ClockError   *float64         `json:"clock_error,omitempty"` // seconds that the clock is off at most; nil while no time daemon keeps it
	BatteryClock bool             `json:"battery_clock"`         // the time is known right after a start
	Printer      string           `json:"printer,omitempty"`     // of tickets: a printer.State, or NotAsked; "" none is configured
	Watchdog     string           `json:"watchdog,omitempty"`    // a watchdog.State, or NotAsked; "" none is configured
	Error        string           `json:"error,omitempty"`       // of what is there and cannot be read
}

// Worn is how far the flash that is worn most is used up, in percent, at least 100 once a spare is gone; false where none says.
func (h Hardware) Worn() (percent int, known bool) {
	for _, w := range h.Wear {
		if percent = max(percent, w.Used); w.Spare {
			percent = max(percent, 100)
		}
	}
	return percent, len(h.Wear) > 0
}
