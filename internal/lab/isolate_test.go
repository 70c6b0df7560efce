package lab_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"parvis/internal/lab"
)

const childEnv = "PARVIS_LAB_TEST_CHILD"

// TestChild is no test of its own: it is the town that the others start in a lab of its own.
func TestChild(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		return
	}
	town := raise(t, lab.Options{})
	g := join(t, town)
	fmt.Printf("up %s\n", g.Lease().Address)
	bufio.NewReader(os.Stdin).ReadString('\n') // until it is told to go, or killed
	get(t, g.Client(), "http://"+lab.ServicePublic+"/")
	fmt.Println("done")
}

// child is a lab beside this one.
type child struct {
	cmd   *exec.Cmd
	in    interface{ Write([]byte) (int, error) }
	lines *bufio.Scanner
	tmp   string
}

func startChild(t *testing.T) *child {
	t.Helper()
	lab.NeedsLab(t)
	c := &child{cmd: exec.Command("/proc/self/exe", "-test.run=^TestChild$", "-test.v")}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "PARVIS_LAB_STAGE=") {
			c.cmd.Env = append(c.cmd.Env, e)
		}
	}
	c.tmp = t.TempDir() // a lab whose outside is killed cannot remove its folders
	c.cmd.Env = append(c.cmd.Env, childEnv+"=1", "TMPDIR="+c.tmp)
	c.cmd.Stderr = os.Stderr
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill(); c.cmd.Wait() })
	c.in, c.lines = in, bufio.NewScanner(out)
	c.expect(t, "up ")
	return c
}

func (c *child) expect(t *testing.T, prefix string) {
	t.Helper()
	var said []string
	for c.lines.Scan() {
		if strings.HasPrefix(c.lines.Text(), prefix) {
			return
		}
		said = append(said, c.lines.Text())
	}
	t.Fatalf("the lab ended without %q:\n%s", prefix, strings.Join(said, "\n"))
}

// processes lists the pids of the child's process tree: outside, init, inside and the programs of its town.
func (c *child) processes(t *testing.T) []int {
	t.Helper()
	parents := map[int]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range stats {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it has just ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	tree := []int{c.cmd.Process.Pid}
	for i := 0; i < len(tree); i++ {
		for pid, parent := range parents {
			if parent == tree[i] {
				tree = append(tree, pid)
			}
		}
	}
	return tree
}

// canary puts one end of a cable into a namespace: our end goes when the kernel has removed that namespace.
func canary(t *testing.T, name, nsFile string) {
	t.Helper()
	ns, err := os.Open(nsFile)
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	attrs := nl.NewLinkAttrs()
	attrs.Name = name
	if err := nl.LinkAdd(&nl.Veth{LinkAttrs: attrs, PeerName: name + "x", PeerNamespace: nl.NsFd(ns.Fd())}); err != nil {
		t.Fatal(err)
	}
}

// Whoever of a lab's three processes is killed, nothing of it is left: no process, no namespace, no interface.
func TestKilledLabLeavesNothing(t *testing.T) {
	for i, who := range []string{"outside", "init", "inside"} {
		t.Run(who, func(t *testing.T) {
			c := startChild(t)
			tree := c.processes(t)
			if len(tree) < 6 { // the three, two dnsmasq, one udhcpc
				t.Fatalf("%d processes in the lab, expected 6 at least", len(tree))
			}
			inside := tree[2]
			root, router := fmt.Sprintf("canary%da", i), fmt.Sprintf("canary%db", i)
			canary(t, root, fmt.Sprintf("/proc/%d/ns/net", inside))
			canary(t, router, fmt.Sprintf("/proc/%d/root/run/netns/router", inside))

			if err := unix.Kill(tree[i], unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			c.cmd.Wait()
			eventually(t, "processes of the lab are left", func() bool {
				for _, pid := range tree[1:] {
					if unix.Kill(pid, 0) == nil {
						return false
					}
				}
				return true
			})
			eventually(t, "namespaces of the lab are left", func() bool {
				for _, name := range []string{root, router} {
					if _, err := net.InterfaceByName(name); err == nil {
						return false
					}
				}
				return true
			})
		})
	}
}

// A supervisor signals the process that it started and no other.
func TestSignalToOutsideReachesInside(t *testing.T) {
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			c := startChild(t)
			tree := c.processes(t)
			if err := c.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if err := c.cmd.Wait(); c.cmd.ProcessState.ExitCode() != 128+int(sig) {
				t.Errorf("the lab ended with %v, expected code %d", err, 128+int(sig))
			}
			for _, pid := range tree {
				if unix.Kill(pid, 0) == nil {
					t.Errorf("process %d is left", pid)
				}
			}
			if left, _ := filepath.Glob(c.tmp + "/parvis-lab-*"); len(left) != 0 {
				t.Errorf("the shared folder is left: %v", left)
			}
		})
	}
}

func TestTwoLabsSideBySide(t *testing.T) {
	a, b := startChild(t), startChild(t)
	for _, c := range []*child{a, b} {
		fmt.Fprintln(c.in, "go")
		c.expect(t, "done")
		if err := c.cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// eventually waits for what the kernel does in its own time.
func eventually(t *testing.T, unless string, done func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(unless)
		}
	}
}
