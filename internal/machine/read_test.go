package machine_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/clock"
	"parvis/internal/machine"
)

const heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

func TestSocketsAreReadWithTheirPrograms(t *testing.T) {
	f := read(t, tree(t, map[string]string{
		// 192.168.1.1:53 listening, a connection of it, 0.0.0.0:8080 listening
		"/proc/net/tcp": heading +
			"   0: 0101A8C0:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   111        0 2001 1 0000000000000000 100 0 0 10 0\n" +
			"   1: 0101A8C0:0035 0201A8C0:C001 01 00000000:00000000 00:00000000 00000000   111        0 2009 1 0000000000000000 20 4 30 10 -1\n" +
			"   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2002 1 0000000000000000 100 0 0 10 0\n",
		// [::1]:8443, and 127.0.0.53:53 written as IPv6
		"/proc/net/tcp6": heading +
			"   0: 00000000000000000000000001000000:20FB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2003 1 0000000000000000 100 0 0 10 0\n" +
			"   1: 0000000000000000FFFF00003500007F:0035 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2004 1 0000000000000000 100 0 0 10 0\n",
		"/proc/net/udp": heading +
			"  60: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2005 2 0000000000000000 0\n",
		"/proc/71/comm": "dnsmasq\n", "/proc/71/fd/4": "→socket:[2001]", "/proc/71/fd/5": "→socket:[2005]", "/proc/71/fd/0": "→/dev/null",
		"/proc/80/comm": "nginx\n", "/proc/80/fd/7": "→socket:[2002]",
	}))
	want := []machine.Socket{
		{Proto: "tcp", Local: netip.MustParseAddrPort("192.168.1.1:53"), PID: 71, Program: "dnsmasq"},
		{Proto: "tcp", Local: netip.MustParseAddrPort("0.0.0.0:8080"), PID: 80, Program: "nginx"},
		{Proto: "tcp", Local: netip.MustParseAddrPort("[::1]:8443")},
		{Proto: "tcp", Local: netip.MustParseAddrPort("127.0.0.53:53")},
		{Proto: "udp", Local: netip.MustParseAddrPort("0.0.0.0:67"), PID: 71, Program: "dnsmasq"},
	}
	if diff := cmp.Diff(want, f.Sockets, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestTheSSHConnectionIsFoundBehindSudo(t *testing.T) {
	f := read(t, tree(t, map[string]string{
		"/proc/500/environ": "HOME=/root\x00SUDO_USER=ada\x00", "/proc/500/status": "Name:\tparvis\nPPid:\t499\n",
		"/proc/499/environ": "", "/proc/499/status": "Name:\tsudo\nPPid:\t480\n",
		"/proc/480/environ": "SHELL=/bin/sh\x00SSH_CONNECTION=192.168.1.20 51234 192.168.1.1 22\x00", "/proc/480/status": "Name:\tsh\nPPid:\t470\n",
	}))
	if f.SSH != "eth0" {
		t.Errorf("connected through %q, want eth0", f.SSH)
	}
}

func TestAtTheConsoleThereIsNoSSHConnection(t *testing.T) {
	f := read(t, tree(t, map[string]string{"/proc/500/status": "PPid:\t1\n", "/proc/1/environ": "SSH_CONNECTION=192.168.1.20 1 192.168.1.1 22\x00"}))
	if f.SSH != "" {
		t.Errorf("connected through %q", f.SSH)
	}
}

func TestADnsmasqServesWhatItsConfigurationNames(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		files map[string]string
		want  bool
		ours  bool
	}{
		"everything, told nothing":      {args: []string{"dnsmasq"}, want: true},
		"its own interface by argument": {args: []string{"dnsmasq", "--interface=virbr0"}},
		"ours by short argument":        {args: []string{"dnsmasq", "-i", "eth1"}, want: true},
		"ours by pattern":               {args: []string{"dnsmasq", "-ieth*"}, want: true},
		"left out in its file": {
			args:  []string{"dnsmasq", "-C", "/etc/my.conf"},
			files: map[string]string{"/etc/my.conf": "bind-dynamic\nexcept-interface=eth1 # the guests\n"},
		},
		"in a folder of its default file": {
			args:  []string{"dnsmasq"},
			files: map[string]string{"/etc/dnsmasq.conf": "conf-dir=/etc/dnsmasq.d,*.conf\n", "/etc/dnsmasq.d/lan.conf": "interface = eth9\n"},
		},
		"no addresses there": {args: []string{"dnsmasq", "--no-dhcp-interface", "eth1"}},
		"files in a circle":  {args: []string{"dnsmasq", "--conf-file=/a"}, files: map[string]string{"/a": "conf-file=/a\ninterface=eth1\n"}, want: true},
		"Parvis' own": {
			args:  []string{"dnsmasq", "-k", "-C", "/run/parvis/dnsmasq.conf"},
			files: map[string]string{"/run/parvis/dnsmasq.conf": "interface=eth1\n"}, want: true, ours: true,
		},
		"that of the terminals": {
			args:  []string{"dnsmasq", "-k", "-C", "/run/parvis/dnsmasq-terminals.conf"},
			files: map[string]string{"/run/parvis/dnsmasq-terminals.conf": "interface=br-postes\n"}, ours: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"/proc/71/comm": "dnsmasq\n", "/proc/71/cmdline": strings.Join(c.args, "\x00") + "\x00"}
			for p, s := range c.files {
				files[p] = s
			}
			f := read(t, tree(t, files))
			if len(f.Programs) != 1 {
				t.Fatalf("programs: %+v", f.Programs)
			}
			if p := f.Programs[0]; p.Serves("eth1") != c.want || p.Ours != c.ours {
				t.Errorf("serves eth1: %v, ours: %v (%+v)", p.Serves("eth1"), p.Ours, p)
			}
		})
	}
}

func TestNeighboursAreKnownByTheirFiles(t *testing.T) {
	f := read(t, tree(t, map[string]string{
		"/sys/class/net/eth0/ifindex": "2\n", "/sys/class/net/eth1/ifindex": "3\n", "/sys/class/net/eth1/phy80211/name": "phy0",
		"/run/NetworkManager/devices/2": "[device]\nmanaged=false\n", "/run/NetworkManager/devices/3": "[device]\nmanaged=true\nnm-owned=false\n",
		"/etc/ufw/ufw.conf": "# see ufw(8)\nENABLED=yes\nLOGLEVEL=low\n", "/sbin/fw4": "#!/usr/bin/ucode\n",
		"/proc/9/comm": "dockerd\n", "/proc/10/comm": "radvd\n", "/etc/radvd.conf": "# interface eth7 {\ninterface eth1\n{\n  AdvSendAdvert on;\n};\n",
		"/usr/sbin/iptables-restore": "→/etc/alternatives/iptables-restore", "/usr/local/sbin/dnsmasq": "x", "/usr/sbin/dnsmasq": "x",
	}))
	got := []any{f.Managed, f.UFW, f.FW4, f.Docker, f.RADaemon, f.Tools, f.Interfaces[2].Wireless}
	want := []any{
		[]string{"eth1"},
		true, true, true,
		[]string{"eth1"},
		map[string]string{"iptables-restore": "/usr/sbin/iptables-restore", "dnsmasq": "/usr/local/sbin/dnsmasq"},
		true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestANakedMachineHasNone(t *testing.T) {
	f := read(t, tree(t, nil))
	if f.UFW || f.FW4 || f.Docker || f.Config || f.SiteKey.Exists || len(f.Programs)+len(f.Sockets)+len(f.Managed)+len(f.Tools) > 0 {
		t.Errorf("%+v", f)
	}
	if !f.NetAdmin || !f.NetRaw {
		t.Error("capabilities of the tree's process are not seen")
	}
}

func TestCapabilitiesAreTheEffectiveOnes(t *testing.T) {
	for eff, want := range map[string][2]bool{"0000000000001000": {true, false}, "0000000000002000": {false, true}, "0000000000000000": {false, false}} {
		f := read(t, tree(t, map[string]string{"/proc/self/status": "CapPrm:\tffffffffffffffff\nCapEff:\t" + eff + "\n"}))
		if got := [2]bool{f.NetAdmin, f.NetRaw}; got != want {
			t.Errorf("%s: %v, want %v", eff, got, want)
		}
	}
}

func TestWhatCannotBeReadAtAllIsAnError(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"status": {"/proc/self/status": "nothing\n"},
		"tcp":    {"/proc/net/tcp": heading + "garbage\n"},
	} {
		_, err := machine.Read(tree(t, files), machine.Options{Network: fixed{}, Wall: clock.NewFake().Wall(), State: "/var/lib/parvis"})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTheStateDirectoryNeedNotExistYet(t *testing.T) {
	root := tree(t, map[string]string{"/var/lib/x": ""})
	if s := read(t, root).State; s.Exists || !s.Writable || s.Free == 0 {
		t.Errorf("%+v", s)
	}
	if err := os.Mkdir(root.Path("/var/lib/parvis"), 0o755); err != nil {
		t.Fatal(err)
	}
	if s := read(t, root).State; !s.Exists {
		t.Errorf("%+v", s)
	}
}

func TestTheSiteKeyIsReadOnlyWhenItIsASecret(t *testing.T) {
	good := strings.Repeat("0f", machine.SiteKeyLen) + "\n"
	for name, c := range map[string]struct {
		text string
		mode fs.FileMode
		want error
	}{
		"right":     {good, 0o600, nil},
		"read-only": {good, 0o400, nil},
		"open":      {good, 0o640, machine.ErrKeyOpen},
		"short":     {good[2:], 0o600, machine.ErrKeyShape},
		"no hex":    {strings.Replace(good, "0", "g", 1), 0o600, machine.ErrKeyShape},
	} {
		root := tree(t, map[string]string{machine.SiteKeyPath: c.text})
		if err := os.Chmod(root.Path(machine.SiteKeyPath), c.mode); err != nil {
			t.Fatal(err)
		}
		key, err := machine.ReadSiteKey(root.Path(machine.SiteKeyPath))
		if !errors.Is(err, c.want) || (err == nil) != (len(key) == machine.SiteKeyLen) {
			t.Errorf("%s: %d bytes, %v", name, len(key), err)
		}
		if k := read(t, root).SiteKey; !k.Exists || k.Mode != c.mode || !errors.Is(k.Err, c.want) {
			t.Errorf("%s: %+v", name, k)
		}
		if err != nil && strings.Contains(err.Error(), "0f0f") {
			t.Errorf("%s: the secret is in the error", name)
		}
	}
	if _, err := machine.ReadSiteKey(tree(t, nil).Path(machine.SiteKeyPath)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestAFreeNetworkIsOneThatNothingUses(t *testing.T) {
	f := machine.Facts{}
	if got := f.Free("eth1").String(); got != "10.77.0.1/16" {
		t.Error(got)
	}
	f.Interfaces = []machine.Interface{{Name: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("10.77.3.4/24")}}}
	if got := f.Free("eth1").String(); got != "10.78.0.1/16" {
		t.Error(got)
	}
	f.Routes = []machine.Route{{Network: netip.MustParsePrefix("10.0.0.0/8"), Interface: "tun0"}}
	if got := f.Free("eth1").String(); got != "172.20.0.1/16" {
		t.Error(got)
	}
	f.Routes = append(f.Routes, machine.Route{Network: netip.MustParsePrefix("172.16.0.0/12"), Interface: "tun0"})
	if got := f.Free("eth1").String(); got != "192.168.255.1/24" {
		t.Error(got)
	}
	f.Routes = append(f.Routes, machine.Route{Network: netip.MustParsePrefix("192.168.0.0/16"), Interface: "tun0"})
	if got := f.Free("eth1"); got.IsValid() {
		t.Error(got)
	}
}

func TestTheLineIsTheDefaultRouteThatTheKernelPrefers(t *testing.T) {
	v4, v6 := netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")
	f := machine.Facts{Routes: []machine.Route{{v6, "wg0", 1}, {v4, "wwan0", 700}, {v4, "eth0", 100}, {netip.MustParsePrefix("10.0.0.0/8"), "tun0", 0}}}
	if f.Line() != "eth0" {
		t.Error(f.Line())
	}
	slices.Reverse(f.Routes)
	if f.Line() != "eth0" {
		t.Error(f.Line())
	}
}

func TestTheConfigurationMayLiveElsewhere(t *testing.T) {
	root := tree(t, map[string]string{"/tmp/lab/parvis.toml": "", "/tmp/lab/site.key": strings.Repeat("0f", machine.SiteKeyLen)})
	f, err := machine.Read(root, machine.Options{Network: fixed{}, State: "/var/lib/parvis", Etc: "/tmp/lab"})
	if err != nil {
		t.Fatal(err)
	}
	if !f.Config || f.SiteKey.Path != "/tmp/lab/site.key" || !f.SiteKey.Exists {
		t.Errorf("%v %+v", f.Config, f.SiteKey)
	}
}
