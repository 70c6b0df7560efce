package lab

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
)

// Dial connects from the machine to a literal address: a name would be resolved on another thread, outside of it.
func (ns *NS) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	d := net.Dialer{}
	d.SetMultipathTCP(false)
	err = ns.Do(func() error {
		conn, err = d.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen makes a TCP listener of the machine; what it accepts belongs to the machine too.
func (ns *NS) Listen(address string) (ln net.Listener, err error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	err = ns.Do(func() error {
		ln, err = lc.Listen(context.Background(), "tcp", address)
		return err
	})
	return ln, err
}

// ListenPacket makes a UDP socket of the machine.
func (ns *NS) ListenPacket(address string) (pc net.PacketConn, err error) {
	err = ns.Do(func() error {
		pc, err = net.ListenPacket("udp", address)
		return err
	})
	return pc, err
}

// Output runs a short program of the machine and returns what it printed on both outputs.
func (ns *NS) Output(ctx context.Context, name string, args ...string) (string, error) {
	var out strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := ns.Run(cmd); err != nil {
		return out.String(), fmt.Errorf("lab: %s: %s: %w: %s", ns.Name, strings.Join(cmd.Args, " "), err, strings.TrimSpace(out.String()))
	}
	return out.String(), nil
}
