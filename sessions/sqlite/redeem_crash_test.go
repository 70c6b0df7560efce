package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
	"parvis/sessions/sqlite"
)

// redeemerEnv makes this program redeem tickets on the database that it names, for as long as it lives; firstEnv is its first
// device's number.
const (
	redeemerEnv = "PARVIS_TEST_REDEEMER"
	firstEnv    = "PARVIS_TEST_FIRST"
)

const (
	devicesOfATicket = 2
	clonesOfATicket  = 4 // that type its code at the same moment
	killings         = 200
	devicesOfALife   = 50_000
	killingsOfAFile  = 20 // then a new database begins, so that loading one does not take most of the time
)

var visitor = sessions.Profile{
	Name: "visitor", Label: "Visiteur", Duration: time.Hour, Runs: sessions.WhileUsed, Idle: 15 * time.Minute, Keep: 12 * time.Hour,
}

// somebody is one of many devices.
func somebody(n uint32) sessions.Device {
	b := [4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	return sessions.Device{
		MAC: mac.Addr{0x3c, 0x22, b[0], b[1], b[2], b[3]}, IPv4: netip.AddrFrom4([4]byte{10, b[1], b[2], b[3]}),
	}
}

func manager(s *sqlite.Store) (*sessions.Manager, error) {
	system, err := clock.NewSystem()
	if err != nil {
		return nil, err
	}
	m, err := sessions.New(sessions.Options{
		Clock: system, Store: s, Enforcer: sessionstest.NewEnforcer(), Profiles: []sessions.Profile{visitor},
		FirstSlot: 0x10, LastSlot: 0xffff, Key: key,
	})
	if err != nil {
		return nil, err
	}
	return m, m.Start(context.Background())
}

// redeem says on out that it is ready, and then of each use that it is durable: device, code, id of the session.
func redeem(path string, out io.Writer) error {
	s, err := sqlite.Open(path, key, clock.NewFake())
	if err != nil {
		return err
	}
	m, err := manager(s)
	if err != nil {
		return err
	}
	first, err := strconv.ParseUint(os.Getenv(firstEnv), 10, 32)
	if err != nil {
		return err
	}
	var next atomic.Uint32
	next.Store(uint32(first))
	ctx := context.Background()
	for ready := false; ; ready = true {
		_, tickets, err := m.MakeBatch(ctx, sessions.BatchRequest{Profile: visitor.Name, Count: sessions.SheetTickets, Devices: devicesOfATicket})
		if err != nil {
			return err
		}
		if !ready {
			if _, err := fmt.Fprintln(out, "ready"); err != nil {
				return err
			}
		}
		for _, t := range tickets {
			var all sync.WaitGroup
			for range clonesOfATicket {
				all.Go(func() {
					who := next.Add(1)
					s, err := m.Redeem(ctx, sessions.Redemption{Device: somebody(who), Code: t.Code})
					if err == nil {
						fmt.Fprintln(out, who, t.Code, s.ID) // one write; whoever reads it knows that this was said
					}
				})
			}
			all.Wait()
		}
	}
}

// use is what a redeemer has said before it was killed.
type use struct {
	who      uint32
	code, id string
}

// Whatever moment kill -9 comes at while many redeem at once: no ticket is used by more than its devices, and no use that
// somebody was told of is lost.
func TestKillingNeitherLosesNorDoublesAUse(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	all := 0
	for files := range killings / killingsOfAFile {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("parvis%d.db", files))
		var told []use
		for life := range killingsOfAFile {
			said := killed(t, path, life*devicesOfALife, rnd.IntN(20), time.Duration(rnd.IntN(5_000))*time.Microsecond)
			told = append(told, said...)
			judge(t, path, told)
		}
		all += len(told)
		again(t, path, told)
	}
	t.Logf("%d uses were told of in %d lives", all, killings)
}

// killed lets a redeemer live until so many uses are told of and a moment more, and returns what it said.
func killed(t *testing.T, path string, first, uses int, more time.Duration) (said []use) {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env, c.Stderr = append(os.Environ(), redeemerEnv+"="+path, fmt.Sprint(firstEnv, "=", first)), os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		var exit *exec.ExitError
		if err := c.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Errorf("the redeemer ended by itself: %v", err)
		}
	}()
	lines := bufio.NewReader(out)
	if first, err := lines.ReadString('\n'); err != nil || first != "ready\n" {
		_ = c.Process.Kill()
		t.Fatalf("the redeemer says %q, %v", first, err)
	}
	kill := func() { _ = c.Process.Kill() }
	for {
		if len(said) == uses { // it must not wait for a reader meanwhile
			time.AfterFunc(more, kill)
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			return said // what has no end was not said
		}
		var u use
		if _, err := fmt.Sscan(line, &u.who, &u.code, &u.id); err != nil {
			t.Fatalf("%q: %v", strings.TrimSpace(line), err)
		}
		said = append(said, u)
	}
}

// judge looks at what the disk holds.
func judge(t *testing.T, path string, told []use) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	got, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	uses, ticket := map[sessions.TicketKey]int{}, map[string]sessions.TicketKey{}
	for _, r := range got.Rows {
		uses[r.Ticket]++
		ticket[r.ID] = r.Ticket
	}
	made := map[sessions.TicketKey]bool{}
	for _, row := range got.Papers.Tickets {
		made[row.Key] = true
		if n := uses[row.Key] + row.Spent; n > devicesOfATicket {
			t.Fatalf("a ticket for %d devices is used %d times", devicesOfATicket, n)
		}
	}
	of := map[string]sessions.TicketKey{}
	for _, u := range told {
		k, there := ticket[u.id]
		if before, is := of[u.code]; !there || !made[k] || is && before != k {
			t.Fatalf("somebody was told that %s is used, and that is lost", u.code)
		}
		of[u.code] = k
	}
}

// again lets everybody who was told come once more: they get what they had.
func again(t *testing.T, path string, told []use) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	m, err := manager(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range told {
		if got, err := m.Redeem(t.Context(), sessions.Redemption{Device: somebody(u.who), Code: u.code}); err != nil || got.ID != u.id {
			t.Fatalf("who was told of session %s gets %q, %v", u.id, got.ID, err)
		}
	}
}
