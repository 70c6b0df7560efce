package watchdog

import (
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Systemd is the service manager that is told how the daemon is (sd_notify(3)). Nil is a manager that wants no word: procd, a terminal.
type Systemd struct {
	socket string
	every  time.Duration
}

// FromEnv finds the manager by what it has put into the environment: NOTIFY_SOCKET, and WATCHDOG_USEC for the process of WATCHDOG_PID
// (sd_watchdog_enabled(3)).
func FromEnv(getenv func(string) string) *Systemd {
	s := &Systemd{socket: getenv("NOTIFY_SOCKET")}
	if !strings.HasPrefix(s.socket, "/") && !strings.HasPrefix(s.socket, "@") {
		return nil
	}
	pid := getenv("WATCHDOG_PID")
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if err == nil && usec > 0 && usec < int64(24*time.Hour/time.Microsecond) && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		s.every = time.Duration(usec) * time.Microsecond
	}
	return s
}

// Every is within what time it wants to hear that the daemon lives (WatchdogSec); 0: it does not.
func (s *Systemd) Every() time.Duration {
	if s == nil {
		return 0
	}
	return s.every
}

// Ready tells it that everything is in force.
func (s *Systemd) Ready() { s.tell("READY=1") }

// Stopping tells it that the daemon ends in order.
func (s *Systemd) Stopping() { s.tell("STOPPING=1") }

// Alive tells it that nothing hangs.
func (s *Systemd) Alive() {
	if s.Every() > 0 {
		s.tell("WATCHDOG=1")
	}
}

// tell sends one datagram. A manager that does not take it will act as if it had not come, which is its right.
func (s *Systemd) tell(what string) {
	if s == nil {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.socket, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write([]byte(what))
}
