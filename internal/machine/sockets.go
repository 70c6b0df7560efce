package machine

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Socket is a listening TCP socket or a bound UDP socket.
type Socket struct {
	Proto   string // "tcp" or "udp"
	Local   netip.AddrPort
	PID     int    // 0 when it is not ours to see
	Program string // /proc/PID/comm
}

// Covers reports whether the socket stands in the way of another on that address: the same one, or all of them.
func (s Socket) Covers(a netip.Addr) bool {
	return s.Local.Addr() == a || s.Local.Addr().IsUnspecified()
}

var errLine = errors.New("not a line of /proc/net")

// tcpListen and udpClose are the kernel's states of a listening TCP and of an unconnected UDP socket (include/net/tcp_states.h).
const (
	tcpListen = "0A"
	udpClose  = "07"
)

// sockets reads /proc/net/{tcp,tcp6,udp,udp6} and finds whose each one is. A kernel without IPv6 has no tcp6.
func (r Root) sockets() (out []Socket, err error) {
	byInode := map[string][]int{} // → indices of out
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
		b, err := r.read("/proc/net/" + name)
		if err != nil {
			if absent(err) {
				continue
			}
			return nil, err
		}
		first := true
		for line := range strings.Lines(string(b)) {
			if first { // the heading
				first = false
				continue
			}
			local, state, inode, err := parseSocket(line)
			if err != nil {
				return nil, fmt.Errorf("/proc/net/%s: %w", name, err)
			}
			proto := strings.TrimSuffix(name, "6")
			if proto == "tcp" && state != tcpListen || proto == "udp" && state != udpClose {
				continue
			}
			byInode[inode] = append(byInode[inode], len(out))
			out = append(out, Socket{Proto: proto, Local: local})
		}
	}
	return out, r.owners(out, byInode)
}

// owners fills in the process of each socket, as far as this user may see.
func (r Root) owners(out []Socket, byInode map[string][]int) error {
	pids, err := r.pids()
	if err != nil {
		return err
	}
	for _, pid := range pids {
		dir := r.Path("/proc/" + strconv.Itoa(pid) + "/fd")
		fds, err := os.ReadDir(dir)
		if err != nil {
			continue // ended meanwhile, or another user's
		}
		for _, fd := range fds {
			link, err := os.Readlink(dir + "/" + fd.Name())
			if err != nil {
				continue
			}
			inode, ok := strings.CutPrefix(link, "socket:[")
			if !ok {
				continue
			}
			for _, i := range byInode[strings.TrimSuffix(inode, "]")] {
				out[i].PID, out[i].Program = pid, strings.TrimSpace(r.proc(pid, "comm"))
			}
		}
	}
	return nil
}

// parseSocket reads one line of /proc/net/tcp and its like (proc_pid_net(5)): fields 2, 4 and 10.
func parseSocket(line string) (local netip.AddrPort, state, inode string, err error) {
	f := strings.Fields(line)
	if len(f) < 10 {
		return local, "", "", fmt.Errorf("%w: %q", errLine, line)
	}
	addr, port, ok := strings.Cut(f[1], ":")
	p, errPort := strconv.ParseUint(port, 16, 16)
	raw, errAddr := hex.DecodeString(addr)
	if !ok || errPort != nil || errAddr != nil || len(raw) != 4 && len(raw) != 16 {
		return local, "", "", fmt.Errorf("%w: %q", errLine, line)
	}
	// The kernel prints each 32-bit word of the address, which it keeps in network order, as a number of its own order.
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	a, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), f[3], f[9], nil
}
