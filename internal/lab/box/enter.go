package box

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Enter adds what lets the lab in, busybox with its names, and the modules without which no machine starts. Programs of Debian
// that the image brings under the same names stay.
func (m *Image) Enter(ctx context.Context, k *Kernel, dir string) (ssh.PublicKey, error) {
	program := filepath.Join(dir, "init")
	if err := Build(ctx, program, "parvis/internal/lab/box/init", "CGO_ENABLED=0"); err != nil {
		return nil, err
	}
	m.File("/init", program)
	m.Modules(k, "kernel/drivers/virtio", "kernel/drivers/char/virtio_console.ko")
	m.Programs("modprobe", "rmmod", "insmod")
	if err := m.busybox(ctx); err != nil {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("box: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return nil, fmt.Errorf("box: %w", err)
	}
	m.Text("/etc/lab/host.key", 0o600, string(pem.EncodeToMemory(block)))
	m.Text("/etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
	m.Text("/etc/group", 0o644, "root:x:0:\nnogroup:x:65534:\n")
	m.Text("/etc/nsswitch.conf", 0o644, "passwd: files\ngroup: files\nhosts: files dns\n")
	m.Text("/etc/hosts", 0o644, "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 box\n")
	m.Text("/etc/resolv.conf", 0o644, "")
	return ssh.NewPublicKey(public)
}

// busybox adds it under all its names that no other program has.
func (m *Image) busybox(ctx context.Context) error {
	const at = "/usr/bin/busybox"
	m.Programs("busybox")
	out, err := exec.CommandContext(ctx, at, "--list-full").Output()
	if err != nil {
		return fmt.Errorf("box: busybox: %w", err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		if _, there := m.files[inside(name)]; !there {
			m.Link("/"+name, at)
		}
	}
	return nil
}

// Build builds a program of this module, as a machine runs it: without the race detector.
func Build(ctx context.Context, file, pkg string, env ...string) error {
	return goTool(ctx, env, "build", "-tags", "nomsgpack", "-ldflags", "-s -w", "-o", file, pkg)
}

// BuildTest builds a package's tests in the same way.
func BuildTest(ctx context.Context, file, pkg string) error {
	return goTool(ctx, nil, "test", "-c", "-tags", "nomsgpack", "-ldflags", "-s -w", "-o", file, pkg)
}

func goTool(ctx context.Context, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("box: go %v: %w\n%s", args, err, out)
	}
	return nil
}

// Router adds the programs and modules of a router that Parvis runs on, with those that its tests look at it by.
func (m *Image) Router(k *Kernel) {
	for _, family := range []string{"iptables", "ip6tables"} {
		for _, backend := range []string{"", "-legacy", "-nft"} {
			m.Programs(family+backend, family+backend+"-save", family+backend+"-restore")
		}
	}
	m.Programs("ip", "bridge", "tc", "ss", "ipset", "conntrack", "dnsmasq", "udhcpc", "sysctl", "hostapd", "hostapd_cli", "wpa_supplicant", "wpa_cli", "iw")
	for _, d := range []string{"/usr/lib/x86_64-linux-gnu/xtables", "/etc/iproute2"} {
		m.Tree(d)
	}
	m.File("/usr/share/zoneinfo/Europe/Paris", "/usr/share/zoneinfo/Europe/Paris")
	m.File("/etc/protocols", "/etc/protocols")
	m.Modules(k, "kernel/net/netfilter", "kernel/net/ipv4", "kernel/net/ipv6", "kernel/net/bridge", "kernel/net/sched", "kernel/net/802",
		"kernel/net/8021q", "kernel/net/llc", "kernel/net/packet", "kernel/net/wireless", "kernel/net/mac80211", "kernel/crypto", "kernel/lib",
		"kernel/arch", "kernel/fs/ext4", "kernel/drivers/block/virtio_blk.ko", "kernel/drivers/watchdog/softdog.ko",
		"kernel/drivers/watchdog/i6300esb.ko", "kernel/drivers/input", "kernel/drivers/net/veth.ko", "kernel/drivers/net/dummy.ko", "kernel/drivers/net/ifb.ko",
		"kernel/drivers/net/tun.ko", "kernel/drivers/net/virtio_net.ko", "kernel/drivers/net/wireless/mac80211_hwsim.ko")
}
