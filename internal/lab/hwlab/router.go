package hwlab

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/internal/lab/box"
)

//go:embed start.sh
var startScript string

// router is a machine as the router of a town: its cards lead to the town's line and guests.
type router struct {
	*lab.Town
	lab      *Lab
	parvis   *lab.Parvis
	dnsmasq  string // its configuration
	disk     string
	snapshot string // of the machine before its disk and Parvis
	more     box.Options

	box    *box.Box
	daemon *box.Program
	ended  <-chan error // how it did
	said   *log
	client *control.Client
}

// log is the start of what a program says, and its end.
type log struct {
	mu  sync.Mutex
	buf []byte
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buf) < 64<<10 {
		l.buf = append(l.buf, p...)
	}
	return len(p), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf)
}

// newRouter raises a town with Parvis installed, an empty disk, and a machine that is ready to be switched on; more says what it has beside
// its two network cards.
func (l *Lab) newRouter(ctx context.Context, site lab.Site, more box.Options) (_ *router, err error) {
	dir := filepath.Join(l.Dir, "town")
	r := &router{lab: l, more: more, disk: filepath.Join(l.Dir, "disk"), snapshot: filepath.Join(l.Dir, "snapshot")}
	if r.Town, err = lab.NewTown(dir, lab.Options{Apart: true}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.parvis, err = r.Install(l.parvis(), site); err != nil {
		return nil, err
	}
	if r.dnsmasq, err = r.parvis.Output(ctx, "dnsmasq"); err != nil {
		return nil, err
	}
	if err := r.format(ctx); err != nil {
		return nil, err
	}
	b, err := l.Start(ctx, r.options())
	if err != nil {
		return nil, err
	}
	r.box = b
	if err := r.wire(ctx); err != nil {
		return nil, err
	}
	r.box = nil
	return r, b.Snapshot(ctx, r.snapshot)
}

func (r *router) options() box.Options {
	o := r.more
	o.NS, o.Taps = r.Router, []string{lab.TapWAN, lab.TapGuests}
	return o
}

// format makes the disk anew: ext4, as it comes.
func (r *router) format(ctx context.Context) error {
	if err := errors.Join(os.RemoveAll(r.disk), os.WriteFile(r.disk, nil, 0o600), os.Truncate(r.disk, 256<<20)); err != nil {
		return fmt.Errorf("hwlab: disk: %w", err)
	}
	if out, err := exec.CommandContext(ctx, "/sbin/mkfs.ext4", "-q", r.disk).CombinedOutput(); err != nil {
		return fmt.Errorf("hwlab: mkfs.ext4: %w\n%s", err, out)
	}
	return nil
}

// confFile is where the machine has dnsmasq's configuration.
const confFile = "/run/parvis/dnsmasq.conf"

// onDemand is what would be loaded at each start, which an emulated machine takes seconds for.
var onDemand = strings.Fields(`virtio_net virtio_blk ext4 bridge dummy sch_htb sch_fq_codel nf_tables nft_compat nft_chain_nat nft_limit ip_tables ip6_tables
	ip_set_bitmap_ipmac ip_set_hash_ip ip_set_hash_net xt_set ipt_REJECT ip6t_REJECT xt_MASQUERADE xt_REDIRECT xt_connmark xt_conntrack
	xt_hl xt_limit xt_mark xt_multiport xt_tcpudp nf_conntrack_netlink`)

// wire gives the machine its interfaces, Parvis its configuration, and loads what would be loaded on demand. Nothing of it reads the
// boot id: each machine that goes on from the snapshot makes its own.
func (r *router) wire(ctx context.Context) error {
	if _, err := r.box.Output(ctx, append([]string{"modprobe", "-a"}, onDemand...)...); err != nil {
		return err
	}
	for _, args := range r.RouterCommands("eth0", "eth1") {
		if _, err := r.box.Output(ctx, args...); err != nil {
			return err
		}
	}
	for _, file := range []string{"parvis.toml", "site.key", "portal.crt", "portal.key"} {
		content, err := os.ReadFile(filepath.Join(r.parvis.ConfigDir(), file))
		if err != nil {
			return fmt.Errorf("hwlab: %w", err)
		}
		if err := r.box.Write(ctx, filepath.Join(r.parvis.ConfigDir(), file), 0o600, content); err != nil {
			return err
		}
	}
	if err := r.box.Write(ctx, confFile, 0o644, []byte(r.dnsmasq)); err != nil {
		return err
	}
	return r.box.Write(ctx, "/etc/resolv.conf", 0o644, []byte("nameserver "+r.Resolver().String()+"\n"))
}

// on gives the router its power: the machine, its disk, its programs.
func (r *router) on(ctx context.Context) error {
	if err := r.power(ctx); err != nil {
		return err
	}
	return r.start(ctx)
}

// power starts the machine with its disk.
func (r *router) power(ctx context.Context) (err error) {
	o := r.options()
	o.Incoming = r.snapshot
	if r.box, err = r.lab.Start(ctx, o); err != nil {
		return err
	}
	return r.box.Plug(ctx, 0, r.disk)
}

// start starts its programs and returns when Parvis says that it is ready.
func (r *router) start(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r.said = new(log)
	r.daemon, err = r.box.Start(box.Command{
		Args:   []string{"/etc/lab/start.sh", confFile, r.parvis.State, "--config", r.parvis.Config, "--socket", r.parvis.Socket, "serve", "--lab-clock"},
		Stdout: r.said, Stderr: r.said,
	})
	if err != nil {
		return err
	}
	b := r.box
	r.client = control.NewClientOver(r.parvis.Socket, func(context.Context) (net.Conn, error) { return b.Dial(r.parvis.Socket) })
	ended := make(chan error, 1)
	r.ended = ended
	go func() { ended <- r.daemon.Wait() }()
	for tick := time.NewTicker(200 * time.Millisecond); ; {
		st, err := r.client.Status(ctx)
		if err == nil && st.Ready {
			tick.Stop()
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("hwlab: Parvis does not start: %w\n%s\n%s", err, r.said, r.box.Console())
		case <-ctx.Done():
			return fmt.Errorf("hwlab: Parvis is not ready: %w (last: %v)\n%s\n%s", ctx.Err(), err, r.said, r.box.Console())
		case <-tick.C:
		}
	}
}

// bootID is the machine's, as it said when it started.
func (r *router) bootID() string {
	id, _, _ := strings.Cut(r.said.String(), "\n")
	return id
}

// cut takes the power away; there may be none.
func (r *router) cut() error {
	if r.box == nil {
		return nil
	}
	err := r.box.Kill()
	r.box = nil
	return err
}

func (r *router) close() error {
	err := r.cut()
	if r.Town != nil {
		err = errors.Join(err, r.Town.Close())
	}
	return err
}
