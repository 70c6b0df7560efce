// Package box is a small router in a box: Debian's kernel, which has what this machine's may lack, in a virtual machine (qemu) that has
// only what an [Image] brings. Its power can be cut for real, its keys pressed, its clock wrong. docs/adr/0025-box.md.
//
// The lab enters by SSH over a virtio serial port (box/init is the other end): programs, their outputs and exit codes, and
// the machine's unix sockets, without touching its network.
package box

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"parvis/internal/lab"
)

// Options of a machine.
type Options struct {
	Kernel *Kernel
	Image  string // what Image.Write has written
	Dir    string // for its sockets; a folder of its own
	// Key is the machine's, as Image has it (Image.Enter).
	Key ssh.PublicKey

	MemoryMB int      // 0: 512
	CPUs     int      // 0: 1, as small routers have; emulated ones wait for each other at a price
	RTC      string   // "" is now; otherwise as qemu's -rtc base takes it
	Taps     []string // tap interfaces that its network cards lead to, in the order of its cards
	Devices  []string // more devices, as qemu's -device takes them
	// Incoming is a snapshot (Box.Snapshot) that the machine goes on from.
	Incoming string
	// NS is the machine of the lab whose network has the taps; nil is this process's own.
	NS *lab.NS
}

// Box is a machine that is switched on.
type Box struct {
	process *lab.Process
	monitor *monitor
	dir     string
	key     ssh.PublicKey
	ssh     *ssh.Client
}

// Accelerated reports whether machines run on the processor itself. A KVM that is there without Intel's or AMD's part of it
// (a machine that is itself one, "pvm") does not start Debian's kernel.
func Accelerated() bool {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	for _, part := range []string{"kvm_intel", "kvm_amd"} {
		if _, err := os.Stat("/sys/module/" + part); err == nil {
			return true
		}
	}
	return false
}

func (o Options) arguments() []string {
	accel := []string{"-accel", "tcg,thread=multi", "-cpu", "Westmere"} // without AVX, which is dear to emulate
	if Accelerated() {
		accel = []string{"-accel", "kvm", "-cpu", "host"}
	}
	// A kernel that is lost, or a watchdog that bites, ends the machine (panic=-1, -no-reboot).
	args := append(accel, "-M", "q35", "-m", strconv.Itoa(cmp.Or(o.MemoryMB, 512)), "-smp", strconv.Itoa(cmp.Or(o.CPUs, 1)), "-nodefaults", "-no-user-config", "-display", "none",
		"-no-reboot", "-serial", "stdio", "-kernel", o.Kernel.Image, "-initrd", o.Image,
		"-append", "console=ttyS0 quiet panic=-1 mitigations=off nopti",
		"-qmp", "unix:"+filepath.Join(o.Dir, "qmp")+",server=on,wait=off",
		"-device", "virtio-serial-pci", "-chardev", "socket,id=lab,server=on,wait=off,path="+filepath.Join(o.Dir, "lab"),
		"-device", "virtserialport,chardev=lab,name=parvis.lab",
		"-device", "vmgenid,guid=auto", // a snapshot that goes on does not repeat its random numbers
	)
	for i := range slots { // where a disk is plugged in later
		args = append(args, "-device", fmt.Sprintf("pcie-root-port,id=slot%d,slot=%d,chassis=%[1]d", i, i+1))
	}
	if o.RTC != "" {
		args = append(args, "-rtc", "base="+o.RTC)
	}
	for i, tap := range o.Taps {
		args = append(args, "-netdev", fmt.Sprintf("tap,id=net%d,ifname=%s,script=no,downscript=no", i, tap),
			"-device", fmt.Sprintf("virtio-net-pci,netdev=net%d,mac=02:77:00:00:01:%02x", i, i))
	}
	for _, d := range o.Devices {
		args = append(args, "-device", d)
	}
	if o.Incoming != "" {
		args = append(args, "-incoming", "exec:cat "+o.Incoming)
	}
	return args
}

const slots = 2

// Start switches a machine on and waits until the lab is let in.
func Start(ctx context.Context, o Options) (_ *Box, err error) {
	if strings.ContainsAny(o.Incoming+o.Dir, " ,;'\"$`\\&|<>()") { // qemu's own syntax, and the shell's for exec:
		return nil, fmt.Errorf("box: %q, %q: expected paths without spaces and signs", o.Incoming, o.Dir)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("box: %w", err)
	}
	for _, s := range []string{"qmp", "lab"} { // of a machine before it
		if err := os.Remove(filepath.Join(o.Dir, s)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("box: %w", err)
		}
	}
	cmd := exec.Command("qemu-system-x86_64", o.arguments()...)
	b := &Box{dir: o.Dir, key: o.Key}
	if o.NS != nil {
		b.process, err = o.NS.Spawn(cmd)
	} else {
		b.process, err = lab.Spawn(cmd)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%w\n%s", err, b.Console()), b.Kill())
		}
	}()
	if err := b.process.WaitReady(ctx, filepath.Join(o.Dir, "qmp")); err != nil {
		return nil, err
	}
	if b.monitor, err = newMonitor(ctx, filepath.Join(o.Dir, "qmp")); err != nil {
		return nil, err
	}
	return b, b.enter(ctx)
}

// enter opens the SSH connection; the machine's end comes up when its kernel and init have.
func (b *Box) enter(ctx context.Context) error {
	line, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(b.dir, "lab"))
	if err != nil {
		return fmt.Errorf("box: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { line.Close() })
	defer stop()
	go func() { // a machine that ends does not answer
		<-b.process.Done()
		line.Close()
	}()
	conn, channels, requests, err := ssh.NewClientConn(line, "box", &ssh.ClientConfig{HostKeyCallback: ssh.FixedHostKey(b.key)})
	if err != nil {
		return errors.Join(fmt.Errorf("box: the machine does not let the lab in: %w", err), ctx.Err())
	}
	b.ssh = ssh.NewClient(conn, channels, requests)
	return nil
}

// Console is the end of what the machine's kernel and init have said.
func (b *Box) Console() string { return b.process.Log() }

// Gone is closed when the machine is off.
func (b *Box) Gone() <-chan struct{} { return b.process.Done() }

// Kill cuts the machine's power: what its disks have not been given is lost.
func (b *Box) Kill() error {
	err := b.process.Kill()
	if b.monitor != nil {
		b.monitor.conn.Close()
	}
	return err
}

// Snapshot writes the state of the running machine to a file that Options.Incoming goes on from, and switches it off. Whoever
// goes on has the same cards and devices; disks are plugged in afterwards, so that nothing of one is remembered.
func (b *Box) Snapshot(ctx context.Context, file string) error {
	b.ssh.Close()
	if err := b.monitor.do(ctx, "migrate", map[string]any{"uri": "exec:cat >" + file}, nil); err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var is struct{ Status, Error string }
		if err := b.monitor.do(ctx, "query-migrate", nil, &is); err != nil {
			return fmt.Errorf("%w\n%s", err, b.Console())
		}
		switch is.Status {
		case "completed":
			return b.Kill()
		case "failed", "cancelled":
			return fmt.Errorf("box: snapshot: %s %s", is.Status, is.Error)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("box: snapshot: %w", ctx.Err())
		}
	}
}

// Plug puts a disk into a slot of the machine: file, raw, written through to this machine's disk.
func (b *Box) Plug(ctx context.Context, slot int, file string) error {
	err := b.monitor.do(ctx, "blockdev-add", map[string]any{
		"driver": "raw", "node-name": fmt.Sprintf("disk%d", slot),
		"file": map[string]any{"driver": "file", "filename": file, "cache": map[string]any{"direct": true}},
	}, nil)
	if err != nil {
		return err
	}
	return b.monitor.do(ctx, "device_add", map[string]any{
		"driver": "virtio-blk-pci", "drive": fmt.Sprintf("disk%d", slot), "bus": fmt.Sprintf("slot%d", slot), "serial": fmt.Sprintf("disk%d", slot),
	}, nil)
}

// Press presses a key of the machine's keyboard and lets it go after the time given: qemu's name of it ("f1", "power").
func (b *Box) Press(ctx context.Context, key string, held time.Duration) error {
	return b.monitor.do(ctx, "send-key", map[string]any{
		"keys":      []any{map[string]any{"type": "qcode", "data": key}},
		"hold-time": held.Milliseconds(),
	}, nil)
}
