package hwlab

import (
	"net/netip"

	"parvis/hw/escpos/escpostest"
	"parvis/internal/lab"
)

// printerPort is where the ticket printer is: beyond the line, which for the router is a machine like any other.
var printerPort = netip.AddrPortFrom(lab.Gateway(), 9100)

// printer listens where the configuration says, and tells each ticket.
func (d *devices) printer() (<-chan escpostest.Paper, error) {
	var err error
	if d.ln, err = d.Internet.Listen(printerPort.String()); err != nil {
		return nil, err
	}
	out := make(chan escpostest.Paper, 10)
	go func() {
		for {
			c, err := d.ln.Accept()
			if err != nil {
				return
			}
			papers, err := escpostest.Decode(c, func(byte) error {
				_, err := c.Write([]byte{escpostest.Fine})
				return err
			})
			c.Close()
			if err != nil {
				continue // the trial says that no ticket came
			}
			for _, p := range papers {
				out <- p
			}
		}
	}()
	return out, nil
}
