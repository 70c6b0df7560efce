package machine

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Program is a running process that matters to a portal.
type Program struct {
	Name string // /proc/PID/comm: at most 15 bytes
	PID  int
	Args []string
	// Of a dnsmasq: which interfaces its configuration names, and which it leaves out.
	Interfaces, Except []string
	// Ours says that it is the dnsmasq of the guests' network or of the terminals'.
	Ours bool
}

// matters are the programs that share a portal's work or stand in its way.
var matters = []string{
	"dnsmasq", "NetworkManager", "firewalld", "dockerd", "systemd-resolve", "odhcpd", "radvd", "dhcpd", "kea-dhcp4", "udhcpd", "named", "unbound", "parvis",
}

// Resolved is systemd-resolved's name in /proc/PID/comm, which is cut after 15 bytes.
const Resolved = "systemd-resolve"

func (r Root) pids() ([]int, error) {
	entries, err := os.ReadDir(r.Path("/proc"))
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

func (r Root) proc(pid int, file string) string {
	b, err := r.read("/proc/" + strconv.Itoa(pid) + "/" + file)
	if err != nil {
		return "" // it has ended meanwhile, or is not ours to look at
	}
	return string(b)
}

func (r Root) programs() (ps []Program, err error) {
	pids, err := r.pids()
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		p := Program{Name: strings.TrimSpace(r.proc(pid, "comm")), PID: pid}
		if !slices.Contains(matters, p.Name) {
			continue
		}
		p.Args = strings.Split(strings.TrimRight(r.proc(pid, "cmdline"), "\x00"), "\x00")
		if p.Name == "dnsmasq" {
			r.dnsmasq(&p)
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// dnsmasq reads which interfaces a dnsmasq was told to serve, from its arguments and its files (dnsmasq(8): -i, -I, -C,
// -7).
func (r Root) dnsmasq(p *Program) {
	files, dirs := []string{}, []string{}
	line := func(key, value string) {
		switch key {
		case "interface", "i":
			p.Interfaces = append(p.Interfaces, strings.Split(value, ",")...)
		case "except-interface", "I", "no-dhcp-interface", "2":
			p.Except = append(p.Except, strings.Split(value, ",")...)
		case "conf-file", "C":
			files = append(files, value)
		case "conf-dir", "7":
			dir, _, _ := strings.Cut(value, ",") // extensions follow
			dirs = append(dirs, dir)
		}
	}
	for i := 1; i < len(p.Args); i++ {
		a := p.Args[i]
		switch {
		case strings.HasPrefix(a, "--"):
			key, value, eq := strings.Cut(a[2:], "=")
			if !eq && i+1 < len(p.Args) {
				value = p.Args[i+1]
			}
			line(key, value)
		case len(a) == 2 && a[0] == '-' && i+1 < len(p.Args):
			line(a[1:], p.Args[i+1])
		case len(a) > 2 && a[0] == '-':
			line(a[1:2], a[2:])
		}
	}
	if len(files) == 0 {
		files = []string{"/etc/dnsmasq.conf"}
	}
	p.Ours = slices.Contains(files, "/run/parvis/dnsmasq.conf") || slices.Contains(files, "/run/parvis/dnsmasq-terminals.conf")
	// files may name others; each is read once
	for n := 0; n < len(files) && n < 64; n++ {
		r.settings(files[n], line)
		for ; len(dirs) > 0; dirs = dirs[1:] {
			found, _ := filepath.Glob(r.Path(dirs[0]) + "/*")
			for _, f := range found {
				rel, _ := filepath.Rel(string(r), f)
				files = append(files, "/"+rel)
			}
		}
	}
	p.Interfaces, p.Except = set(p.Interfaces), set(p.Except)
}

func set(in []string) []string {
	slices.Sort(in)
	return slices.Compact(in)
}

// settings calls line with each "key=value" of a file; a file that is not there has none.
func (r Root) settings(path string, line func(key, value string)) {
	b, err := r.read(path)
	if err != nil {
		return
	}
	for l := range strings.Lines(string(b)) {
		l, _, _ = strings.Cut(l, "#")
		key, value, _ := strings.Cut(l, "=")
		if key = strings.TrimSpace(key); key != "" {
			line(key, strings.Trim(strings.TrimSpace(value), `"'`))
		}
	}
}

// Serves reports whether a dnsmasq, by its configuration, serves an interface.
func (p Program) Serves(iface string) bool {
	if slices.ContainsFunc(p.Except, func(pattern string) bool { return matches(pattern, iface) }) {
		return false
	}
	return len(p.Interfaces) == 0 || slices.ContainsFunc(p.Interfaces, func(pattern string) bool { return matches(pattern, iface) })
}

// matches compares with a name that may end in * (dnsmasq(8), -i).
func matches(pattern, name string) bool {
	if prefix, wild := strings.CutSuffix(pattern, "*"); wild {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

// sshConnection returns the value of SSH_CONNECTION (ssh(1)) of this process or, because sudo takes it out of the
// environment, of the nearest ancestor that has it.
func (r Root) sshConnection(pid int) string {
	for range 32 {
		if pid <= 1 {
			return ""
		}
		for _, kv := range strings.Split(r.proc(pid, "environ"), "\x00") {
			if v, ok := strings.CutPrefix(kv, "SSH_CONNECTION="); ok {
				return v
			}
		}
		parent, _ := field(r.proc(pid, "status"), "PPid:")
		pid, _ = strconv.Atoi(parent)
	}
	return ""
}

// sshInterface returns the interface that has the server's address of "client port server port".
func sshInterface(connection string, ifaces []Interface) string {
	parts := strings.Fields(connection)
	if len(parts) != 4 {
		return ""
	}
	a, err := netip.ParseAddr(parts[2])
	if err != nil {
		return ""
	}
	if a.Zone() != "" {
		return a.Zone()
	}
	a = a.Unmap()
	for _, i := range ifaces {
		if slices.ContainsFunc(i.Addresses, func(p netip.Prefix) bool { return p.Addr() == a }) {
			return i.Name
		}
	}
	return ""
}

// managed returns the interfaces that NetworkManager keeps: it writes one file per interface index.
func (r Root) managed() (names []string) {
	files, _ := filepath.Glob(r.Path("/sys/class/net/*/ifindex"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		r.settings("/run/NetworkManager/devices/"+strings.TrimSpace(string(b)), func(key, value string) {
			if key == "managed" && value == "true" {
				names = append(names, filepath.Base(filepath.Dir(f)))
			}
		})
	}
	return names
}

func (r Root) ufw() (enabled bool) {
	r.settings("/etc/ufw/ufw.conf", func(key, value string) {
		if key == "ENABLED" {
			enabled = strings.EqualFold(value, "yes")
		}
	})
	return enabled
}

// radvd returns the interfaces of a running radvd's configuration (radvd.conf(5): "interface NAME {").
func (r Root) radvd(f Facts) (ifaces []string) {
	if !f.Runs("radvd") {
		return nil
	}
	b, err := r.read("/etc/radvd.conf")
	if err != nil {
		return nil
	}
	for l := range strings.Lines(string(b)) {
		l, _, _ = strings.Cut(l, "#")
		if w := strings.Fields(strings.ReplaceAll(l, "{", " ")); len(w) == 2 && w[0] == "interface" {
			ifaces = append(ifaces, w[1])
		}
	}
	return ifaces
}
