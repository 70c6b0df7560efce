// Package machine says what the router is, and whether Parvis can run on it.
//
// Read looks, Check judges, and neither changes anything. Everything is read from files under one Root (/proc, /sys,
// /run, /etc) and, for interfaces and routes, over rtnetlink behind Network; no program is started. What is not there
// is not an error: a router without NetworkManager has no /run/NetworkManager.
package machine

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"parvis/internal/clock"
	"parvis/internal/config"
)

// Root is where the machine's files are: "/", or a recorded tree in tests.
type Root string

// Path returns where an absolute path of the machine is.
func (r Root) Path(p string) string { return filepath.Join(string(r), p) }

func (r Root) read(p string) ([]byte, error) { return os.ReadFile(r.Path(p)) }

// exists follows no link: a link of a recorded tree leads out of it.
func (r Root) exists(p string) bool {
	_, err := os.Lstat(r.Path(p))
	return err == nil
}

// Interface is one network interface.
type Interface struct {
	Name      string
	Kind      string // rtnetlink's: "bridge", "veth", "vlan", "wireguard" …; "device" is hardware
	Up        bool   // switched on
	Carrier   bool   // a cable, a radio or a port is there
	Loopback  bool
	Wireless  bool
	Master    string         // the bridge or bond that it is a port of
	Addresses []netip.Prefix // not masked
}

// Bridge reports whether the interface is a bridge.
func (i Interface) Bridge() bool { return i.Kind == "bridge" }

// Route is a route of the main table to a network; a default route's Network is 0.0.0.0/0 or ::/0.
type Route struct {
	Network   netip.Prefix
	Interface string
	Metric    int
}

// Default reports whether the route leads to everywhere.
func (r Route) Default() bool { return r.Network.Bits() == 0 }

// Network tells interfaces and routes. Kernel is the real one.
type Network interface {
	Interfaces() ([]Interface, error)
	Routes() ([]Route, error)
}

// State is the directory of the database.
type State struct {
	Path     string
	Exists   bool
	Writable bool   // by this process; its parent when it does not exist yet
	Free     uint64 // bytes for this process
}

// Facts is what Read has seen.
type Facts struct {
	Interfaces []Interface
	Routes     []Route
	SSH        string // the interface through which the operator is connected; "" at the console
	Programs   []Program
	Sockets    []Socket
	Managed    []string          // interfaces that NetworkManager keeps
	UFW        bool              // enabled
	FW4        bool              // OpenWrt's firewall
	Docker     bool              // runs, or has left its bridge
	RADaemon   []string          // interfaces on which radvd is told to announce a router
	Tools      map[string]string // program → path, of those that Parvis starts
	NetAdmin   bool              // CAP_NET_ADMIN
	Blind      bool              // whose sockets others hold is not shown to us: we are not root
	NetRaw     bool              // CAP_NET_RAW
	State      State
	Config     bool // there is a configuration
	SiteKey    SiteKey
	Cert       *Certificate // the portal's; nil when none is configured
	StaffCert  *Certificate // the console's; nil where there is no console
	Wall       clock.Wall

	SMTPPassword error // why the file of monitor.smtp-password-file cannot be used; nil: it can, or there is none
}

// Options is what Read is told.
type Options struct {
	Network Network
	Wall    clock.Wall
	PID     int            // of this process, whose ancestors know the SSH connection
	State   string         // directory of the database
	Etc     string         // directory of configuration and site key; "" is the constant Etc
	Config  *config.Config // whose certificate is read; may be nil
}

// tools are the programs that Parvis starts, and where the distributions have them.
var (
	tools = []string{
		"iptables-restore", "iptables-legacy-restore", "iptables-nft-restore",
		"ip6tables-restore", "ip6tables-legacy-restore", "ip6tables-nft-restore", "dnsmasq",
	}
	toolDirs = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
)

// Read looks at the machine. The error says that it could not be looked at; what is merely absent is told by Check.
func Read(root Root, o Options) (Facts, error) {
	f := Facts{Wall: o.Wall, Tools: map[string]string{}, Blind: os.Geteuid() != 0}
	var err error
	if f.Interfaces, err = o.Network.Interfaces(); err != nil {
		return f, fmt.Errorf("machine: list interfaces: %w", err)
	}
	if f.Routes, err = o.Network.Routes(); err != nil {
		return f, fmt.Errorf("machine: list routes: %w", err)
	}
	if f.Programs, err = root.programs(); err != nil {
		return f, fmt.Errorf("machine: list processes: %w", err)
	}
	if f.Sockets, err = root.sockets(); err != nil {
		return f, fmt.Errorf("machine: list sockets: %w", err)
	}
	if f.NetAdmin, f.NetRaw, err = root.capabilities(); err != nil {
		return f, fmt.Errorf("machine: read capabilities: %w", err)
	}
	for i := range f.Interfaces {
		n := f.Interfaces[i].Name
		f.Interfaces[i].Wireless = root.exists("/sys/class/net/"+n+"/phy80211") || root.exists("/sys/class/net/"+n+"/wireless")
	}
	f.SSH = sshInterface(root.sshConnection(o.PID), f.Interfaces)
	f.Managed = root.managed()
	f.UFW = root.ufw()
	f.FW4 = root.exists("/sbin/fw4")
	f.Docker = f.Runs("dockerd") || f.interfaceNamed("docker0") != nil
	f.RADaemon = root.radvd(f)
	for _, t := range tools {
		for _, d := range toolDirs {
			if f.Tools[t] == "" && root.exists(d+"/"+t) {
				f.Tools[t] = d + "/" + t
			}
		}
	}
	f.State = root.state(o.State)
	etc := cmp.Or(o.Etc, Etc)
	f.Config = root.exists(filepath.Join(etc, filepath.Base(config.Path)))
	f.SiteKey = root.siteKey(filepath.Join(etc, filepath.Base(SiteKeyPath)))
	if o.Config != nil && o.Config.Portal.Certificate != "" {
		f.Cert = root.certificate(o.Config.Portal.Certificate, o.Config.Portal.Key, o.Config.Portal.Name, o.Wall)
	}
	if o.Config != nil && o.Config.Staff.Name != "" {
		f.StaffCert = root.certificate(o.Config.Staff.Certificate, o.Config.Staff.Key, o.Config.Staff.Name, o.Wall)
	}
	if o.Config != nil && o.Config.Monitor.SMTPPasswordFile != "" {
		f.SMTPPassword = root.secretFile(o.Config.Monitor.SMTPPasswordFile)
	}
	return f, nil
}

// Runs reports whether a program of that name runs.
func (f Facts) Runs(name string) bool {
	return slices.ContainsFunc(f.Programs, func(p Program) bool { return p.Name == name })
}

func (f Facts) interfaceNamed(name string) *Interface {
	for i := range f.Interfaces {
		if f.Interfaces[i].Name == name {
			return &f.Interfaces[i]
		}
	}
	return nil
}

// Radios are the interface itself, or its ports, that are radios.
func (f Facts) Radios(name string) (names []string) {
	for _, i := range f.Interfaces {
		if i.Wireless && (i.Name == name || i.Master == name) {
			names = append(names, i.Name)
		}
	}
	return names
}

// Line returns the interface of the default route that the kernel prefers; "" when there is none.
func (f Facts) Line() string {
	best := Route{Metric: -1}
	for _, r := range f.Routes {
		if r.Default() && r.Network.Addr().Is4() && (best.Metric < 0 || r.Metric < best.Metric) {
			best = r
		}
	}
	return best.Interface
}

// Overlap returns what else uses a part of a network: an interface's address or a route that does not lead to
// except. ok is false when nothing does.
func (f Facts) Overlap(n netip.Prefix, except string) (net netip.Prefix, iface string, ok bool) {
	for _, i := range f.Interfaces {
		for _, a := range i.Addresses {
			if i.Name != except && !i.Loopback && a.Masked().Overlaps(n.Masked()) {
				return a.Masked(), i.Name, true
			}
		}
	}
	for _, r := range f.Routes {
		if r.Interface != except && !r.Default() && r.Network.Overlaps(n.Masked()) {
			return r.Network, r.Interface, true
		}
	}
	return netip.Prefix{}, "", false
}

func (r Root) state(path string) State {
	s := State{Path: path}
	look := path
	if fi, err := os.Stat(r.Path(path)); err == nil {
		s.Exists = fi.IsDir()
	}
	for !r.exists(look) && look != "/" {
		look = filepath.Dir(look)
	}
	s.Writable = unix.Access(r.Path(look), unix.W_OK|unix.X_OK) == nil
	var st unix.Statfs_t
	if unix.Statfs(r.Path(look), &st) == nil {
		s.Free = st.Bavail * uint64(st.Bsize)
	}
	return s
}

// capabilities reads the effective set (capabilities(7); CAP_NET_ADMIN is bit 12, CAP_NET_RAW bit 13).
func (r Root) capabilities() (admin, raw bool, err error) {
	b, err := r.read("/proc/self/status")
	if err != nil {
		return false, false, err
	}
	eff, found := field(string(b), "CapEff:")
	if !found {
		return false, false, errors.New("no CapEff in /proc/self/status")
	}
	var set uint64
	if _, err := fmt.Sscanf(eff, "%x", &set); err != nil {
		return false, false, fmt.Errorf("CapEff %q: %w", eff, err)
	}
	return set&(1<<unix.CAP_NET_ADMIN) != 0, set&(1<<unix.CAP_NET_RAW) != 0, nil
}

// field returns what stands behind a name that begins a line.
func field(text, name string) (string, bool) {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(v), true
		}
	}
	return "", false
}

// absent reports an error that means that something is not there, which is not broken.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) }
