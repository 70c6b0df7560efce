package control

import "parvis/internal/hublink/wire"

// Condition is how the site is at the moment, for programs: what the hub is told, /metrics shows, `parvis probe` judges and e-mails are
// written about is this one. It has numbers and words of closed vocabularies, and nothing of a person.
type Condition struct {
	wire.Now
	Suspended int  `json:"suspended"` // open sessions of which nothing passes
	Disk      Disk `json:"disk"`
	// HubSilent is seconds since the hub last answered, or since the daemon's start; nil where there is no hub.
	HubSilent *int64 `json:"hub_silent,omitempty"`
	Mails     int    `json:"mails"` // that wait to be sent
	// Hardware is how the box is.
	Hardware Hardware `json:"hardware"`
}

// Disk is where the databases are.
type Disk struct {
	Free uint64 `json:"free"` // bytes that the daemon may still write
	Size uint64 `json:"size"` // bytes
}

// Used is how full it is, 0 to 100 percent; 0 where that is not known.
func (d Disk) Used() float64 {
	if d.Size == 0 {
		return 0
	}
	return 100 * (1 - float64(d.Free)/float64(d.Size))
}
