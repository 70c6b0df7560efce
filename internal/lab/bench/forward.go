package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"parvis/internal/lab"
)

// roomy is a configuration in which nothing is slowed down and 10,000 have room.
var roomy = lab.Site{Capacity: 10000, Down: "10gbit", Up: "10gbit", Line: "10gbit", Idle: "0s", Duration: "12h"}

const lineRate = 10_000_000_000 // bits per second, as in roomy

// path is a way through one router: a flood that enters it, a counter where it ends, and a place for TCP at both ends.
type path struct {
	flood  *flood
	count  *counter
	device *lab.NS
	host   *lab.NS
}

func newPath(device *lab.NS, m net.HardwareAddr, ip netip.Addr, host *lab.NS) (p *path, err error) {
	b, err := frame(m, ip, 40000, shortest)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(segments(device, "eth0"), segments(host, "eth0")); err != nil {
		return nil, err
	}
	p = &path{device: device, host: host}
	if p.flood, err = newFlood(device, b); err != nil {
		return nil, err
	}
	if p.count, err = newCounter(host, "eth0"); err != nil {
		return nil, errors.Join(err, p.flood.close())
	}
	return p, nil
}

func (p *path) close() error {
	p.count.close()
	return p.flood.close()
}

func besidePath(b *lab.Beside) (*path, error) { return newPath(b.Device, b.MAC, b.Address, b.Host) }

// forward measures what one guest gets through while many are admitted, on each backend.
func (r *run) forward(ctx context.Context) error {
	return r.each(func(backend string) error { return r.forwardOn(ctx, backend) })
}

func (r *run) forwardOn(ctx context.Context, backend string) (err error) {
	plain, err := r.beside("plain", backend)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.Close()) }()
	base, err := besidePath(plain)
	if err != nil {
		return err
	}
	defer base.close()

	s, err := r.raise(ctx, backend, inMemory, roomy)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	guests, err := s.devices(ctx, 1)
	if err != nil {
		return err
	}
	if err := s.admit(ctx, guests[0], ""); err != nil {
		return err
	}
	ours, err := newPath(guests[0].NS, guests[0].MAC, guests[0].Lease().Address.Addr(), s.town.Internet)
	if err != nil {
		return err
	}
	defer ours.close()

	for i, n := range r.admitted {
		if err := s.fill(ctx, n); err != nil {
			return err
		}
		for _, dev := range []string{lab.GuestBridge, lab.WAN} {
			if err := oneClass(plain.Router, dev, lineRate); err != nil {
				return err
			}
		}
		if err := r.packets(fmt.Sprintf("shaped_pps_ratio_%d", n), backend, ours, base); err != nil {
			return err
		}
		if err := errors.Join(s.freeze(), dropRoot(plain.Router, lab.GuestBridge), dropRoot(plain.Router, lab.WAN)); err != nil {
			return err
		}
		if err := r.packets(fmt.Sprintf("forward_pps_ratio_%d", n), backend, ours, base); err != nil {
			return err
		}
		if err := r.streams(ctx, n, backend, ours, base); err != nil {
			return err
		}
		if i == len(r.admitted)-1 {
			break
		}
		if err := s.daemon.Kill(); err != nil {
			return err
		}
		if _, err := s.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// packets compares the rates of short frames through both.
func (r *run) packets(name, backend string, with, without *path) error {
	flood := func(p *path) func() (float64, error) {
		return func() (float64, error) { return p.flood.run(r.round, p.count.packets) }
	}
	if _, err := alternate(1, flood(with), flood(without)); err != nil { // warms up
		return fmt.Errorf("%s: %w", name, err)
	}
	p, err := alternate(r.scale.rounds, flood(with), flood(without))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	f := p.figure(name, "frames/s")
	f.Iptables = backend
	r.note(f)
	return nil
}
