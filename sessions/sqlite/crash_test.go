package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/clock"
	"parvis/sessions"
	"parvis/sessions/sqlite"
)

// writerEnv makes this program write to the database that it names, for as long as it lives.
const writerEnv = "PARVIS_TEST_WRITER"

// step is the n-th change: everything in it says n.
func step(n uint64) sessions.Change {
	a, b := openRow(), endedRow()
	a.Down, b.Down = n, n
	return sessions.Change{
		Mark:   sessions.Mark{BootID: "boot-1", Seen: clock.Boot(n), Day: strconv.FormatUint(n, 10)},
		NewDay: true,
		Put:    []sessions.Row{b, a},
		Days:   []sessions.Day{{MAC: phone.MAC, Bytes: n}},
	}
}

// write makes one change after another and says each that is durable on out.
func write(path string, out io.Writer) error {
	s, err := sqlite.Open(path, key, clock.NewFake())
	if err != nil {
		return err
	}
	for n := uint64(1); ; n++ {
		if err := s.Save(context.Background(), step(n)); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, n); err != nil {
			return err
		}
	}
}

// At any moment between two system calls of a write, what is in the files opens, holds one change as a whole, and no
// earlier one than the last that was said to be durable.
func TestACopyAtAnyMomentHoldsOneWholeChange(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	path := filepath.Join(dir, "parvis.db")
	writer := exec.Command("/proc/self/exe")
	writer.Env = append(os.Environ(), writerEnv+"="+path)
	said, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	writer.Stdout, writer.Stderr = said, os.Stderr
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = writer.Process.Kill()
		_ = writer.Wait() // it was killed
	}()
	var last uint64
	for round := 0; round < 60 || last < 500; round++ { // so many changes move the log into the file several times
		if round > 2000 {
			t.Fatalf("only %d changes", last)
		}
		pause := time.NewTimer(time.Duration(rnd.IntN(20_000)) * time.Microsecond)
		<-pause.C
		signal(t, writer, unix.SIGSTOP)
		stopped(t, writer.Process.Pid)
		durable := lastSaid(t, said.Name())
		at := t.TempDir()
		for _, f := range []string{"parvis.db", "parvis.db-wal"} {
			b, err := os.ReadFile(filepath.Join(dir, f))
			if os.IsNotExist(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(at, f), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		signal(t, writer, unix.SIGCONT)
		last = max(last, whole(t, filepath.Join(at, "parvis.db"), durable))
	}
}

// whole checks a copy and returns which change it holds.
func whole(t *testing.T, path string, durable uint64) uint64 {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	got, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(got.Mark.Seen)
	if n < durable {
		t.Fatalf("change %d was durable, and the copy holds %d", durable, n)
	}
	if n == 0 {
		return 0 // before the first
	}
	if len(got.Rows) != 2 || got.Rows[0].Down != n || got.Rows[1].Down != n || len(got.Days) != 1 || got.Days[0].Bytes != n ||
		got.Mark.Day != strconv.FormatUint(n, 10) {
		t.Fatalf("half of change %d: %+v", n, got)
	}
	return n
}

func signal(t *testing.T, c *exec.Cmd, sig unix.Signal) {
	t.Helper()
	if err := c.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// stopped waits until every thread of a process stands still (proc_pid_stat(5), field 3).
func stopped(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		still := 0
		for _, f := range stats {
			b, err := os.ReadFile(f)
			if err != nil {
				break // a thread that has just ended
			}
			if _, after, ok := strings.Cut(string(b), ") "); ok && strings.HasPrefix(after, "T") {
				still++
			}
		}
		if still == len(stats) && still > 0 {
			return
		}
	}
	t.Fatal("the writer does not stop")
}

// lastSaid is the last change that the writer has called durable.
func lastSaid(t *testing.T, file string) (n uint64) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if got, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
			n = got
		}
	}
	return n
}
